"""The ffmpeg for the other codecs and VMAF. What it can do is asked of it, never assumed."""
import functools
import importlib.metadata
import importlib.util
import os
import pathlib
import re
import shutil
import tempfile

from . import codecs, packages, process
from .errors import SweepError

INSTALL = "bash scripts/setup_python.sh --ffmpeg installs one that has it"
GREY = ["-f", "lavfi", "-i", "color=gray:size=64x64:rate=10:duration=0.2"]
# How each library names itself and its version, in messages or in its stream.
VERSIONS = {"svtav1": r"SVT-AV1 Encoder Lib v?(\S+)", "aom": r"\[libaom-av1 @ \S+\] v?(\d\S*)",
            "x265": r"HEVC encoder version (\S+)", "x264": r"x264 - core (\d+(?: r\d+)?)",
            "vvenc": r"libvvenc version: (\S+)"}
DECODERS = {"svtav1": ("libdav1d", "libaom-av1", "av1"), "aom": ("libdav1d", "libaom-av1", "av1"),
            "x265": ("hevc",), "x264": ("h264",), "vvenc": ("vvc",)}


def packaged():
    """(path, package and version) of imageio-ffmpeg's program; None where it is not installed."""
    packages.activate("ffmpeg")
    spec = importlib.util.find_spec("imageio_ffmpeg")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(pathlib.Path(folder, "binaries").glob("ffmpeg-*")):
            if os.access(file, os.X_OK):
                return str(file), f"imageio-ffmpeg {importlib.metadata.version('imageio-ffmpeg')}"
    return None


class Ffmpeg:
    """path: the program's path; origin: where it comes from, for the results' metadata."""

    def __init__(self, path, origin):
        self.path, self.origin = path, origin

    @classmethod
    def find(cls, given=None):
        """The one given, else imageio-ffmpeg's where it is installed, else the system's."""
        if given:
            path = shutil.which(os.path.expanduser(given))
            if not path:
                raise SweepError(f"There is no program {given}; name an ffmpeg with --ffmpeg, or "
                                 "leave the option out.")
            return cls(os.path.abspath(path), "given by --ffmpeg")
        found = packaged()
        if found:
            return cls(*found)
        if not shutil.which("ffmpeg"):
            raise SweepError("ffmpeg is missing; run bash scripts/setup.sh.")
        return cls("ffmpeg", "the system's")

    def command(self):
        return [self.path, "-v", "error", "-nostdin", "-y"]

    def ask(self, *words):
        return process.run([self.path, "-hide_banner", *words]).decode("utf-8", "replace")

    @functools.cached_property
    def version(self):
        words = self.ask("-version").split()
        if words[:2] != ["ffmpeg", "version"]:
            raise SweepError(f"{self.path} is no ffmpeg; name another with --ffmpeg.")
        return words[2]

    def check(self):
        """What every sweep needs of it."""
        if "libx264" not in self.encoders:
            raise SweepError(f"{self.path} {self.version} has no libx264, which keeps references "
                             "lossless; name another with --ffmpeg.")

    @functools.cached_property
    def encoders(self):
        return set(re.findall(r"^ V\S* (\S+)", self.ask("-encoders"), re.MULTILINE))

    @functools.cached_property
    def decoders(self):
        return set(re.findall(r"^ V\S* (\S+)", self.ask("-decoders"), re.MULTILINE))

    @functools.cached_property
    def filters(self):
        return set(re.findall(r"^ \S+ (\S+) +\S*->\S*", self.ask("-filters"), re.MULTILINE))

    def lacks(self, codec):
        """Why a codec has to be left out, as part of a sentence; None when it works."""
        encoder = codecs.ANCHORS[codec]["encoder"]
        if encoder not in self.encoders:
            return f"has no {encoder} ({INSTALL})"
        if not self.decoders.intersection(DECODERS[codec]):
            return f"has no decoder for {encoder}'s streams ({INSTALL})"
        if self.encoder_version(codec) is None:
            return f"has a {encoder} that does not encode ({INSTALL})"
        return None

    @functools.cached_property
    def _libraries(self):
        return {}

    def encoder_version(self, codec):
        """The encoder library's version as it says while it encodes two grey frames; "unknown" when
        it does not say, None when it does not encode."""
        if codec not in self._libraries:
            self._libraries[codec] = self._trial(codec)
        return self._libraries[codec]

    def _trial(self, codec):
        params = {"mode": "crf", "value": 40}
        with tempfile.TemporaryDirectory(prefix="semcodec-sweep-") as folder:
            work = pathlib.Path(folder)
            stream = work / f"trial.{codecs.ANCHORS[codec]['ending']}"
            arguments = codecs.encoder_arguments(codec, params, 10, work)
            if codec == "x264":  # its version stands only in the message that is taken out
                arguments = arguments[:arguments.index("-bsf:v")]
            # x265 names itself in a message that the sweep's own arguments silence.
            arguments = [word.replace("log-level=error", "log-level=info") for word in arguments]
            try:
                said = process.run([self.path, "-hide_banner", "-v", "verbose", "-nostdin", "-y",
                                    *GREY, *arguments, "-f", codecs.ANCHORS[codec]["ending"],
                                    stream], cwd=work, messages=True)
                said += stream.read_bytes()
            except (SweepError, OSError) as error:
                if isinstance(error, process.Interrupted):
                    raise
                return None
        match = re.search(VERSIONS[codec].encode(), said)
        return match.group(1).decode("ascii", "replace") if match else "unknown"

    @functools.cached_property
    def has_vmaf(self):
        return "libvmaf" in self.filters

    def describe(self, chosen):
        """For the results: which ffmpeg, its version, and those of these codecs' libraries."""
        return {"origin": self.origin, "version": self.version, "vmaf": self.has_vmaf,
                "libraries": {codec: self.encoder_version(codec) for codec in chosen
                              if codec in codecs.ANCHORS}}


def sentence(described):
    """describe()'s figures as one sentence for reports."""
    libraries = ", ".join(f"{codecs.LABELS[codec]} {version}"
                          for codec, version in described["libraries"].items())
    vmaf = "with libvmaf" if described["vmaf"] else "without libvmaf"
    return (f"ffmpeg {described['version']} ({described['origin']}), {vmaf}"
            + (f"; encoders: {libraries}" if libraries else "") + ".")
