"""The programs that a sweep uses, and what says that they are still the same ones."""
import functools
import hashlib
import os
import pathlib
import re
import shutil

from . import process
from .clips import sha256_of
from .codecs import ANCHORS
from .errors import SweepError

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Tools:
    """Where the programs lie. Made anew on each worker from the same few words."""

    def __init__(self, bin_folder="build/bin", model="default", device="auto"):
        self.root = ROOT
        self.bin = ROOT / bin_folder
        self.model = model
        self.device = device

    def settings(self):
        return {"bin_folder": str(self.bin), "model": self.model, "device": self.device}

    def program(self, name):
        path = self.bin / f"semcodec-{name}"
        if not os.access(path, os.X_OK):
            raise SweepError(f"{path} is not there; run bash scripts/build.sh.")
        return path

    def model_folder(self):
        for folder in (pathlib.Path(self.model), ROOT / "models" / "zoo" / self.model):
            if (folder / "model.json").is_file():
                return folder.resolve()
        raise SweepError(f"There is no model '{self.model}': neither a folder with model.json nor "
                         "a name in models/zoo.")

    @functools.cached_property
    def semcodec_identity(self):
        """Programs and model by content: a rebuilt program or new weights give new points."""
        digest = hashlib.sha256()
        for path in sorted(self.model_folder().iterdir()):
            if path.suffix in (".safetensors", ".json"):
                digest.update(f"{path.name} {sha256_of(path)}\n".encode())
        return {"encode": sha256_of(self.program("encode"))[:16],
                "decode": sha256_of(self.program("decode"))[:16],
                "model": digest.hexdigest()[:16], "device": self.device}

    @functools.cached_property
    def eval_identity(self):
        return {"eval": sha256_of(self.program("eval"))[:16], "device": self.device}

    @functools.cached_property
    def version(self):
        return process.run([self.program("encode"), "--version"]).decode().splitlines()[0]

    def identity(self, codec):
        if codec == "semcodec":
            return {**self.semcodec_identity, **self.eval_identity}
        return {"ffmpeg": ffmpeg_version(), "library": library(codec), **self.eval_identity}


@functools.cache
def ffmpeg_version():
    text = process.run(["ffmpeg", "-version"]).decode()
    return " ".join(text.splitlines()[0].split()[:3])


@functools.cache
def ffmpeg_encoders():
    text = process.run(["ffmpeg", "-hide_banner", "-encoders"]).decode()
    return set(re.findall(r"^ V\S* (\S+)", text, re.MULTILINE))


@functools.cache
def library(codec):
    """The encoder library's file name with its version, where ffmpeg links it as a file."""
    stem = {"x264": "libx264", "x265": "libx265", "svtav1": "libSvtAv1Enc", "aom": "libaom",
            "vvenc": "libvvenc"}[codec]
    try:
        text = process.run(["ldd", os.path.realpath(shutil.which("ffmpeg"))]).decode()
    except SweepError:
        return "unknown"  # a static ffmpeg: its own version has to do
    match = re.search(rf"{stem}\S* => (\S+)", text)
    return os.path.basename(os.path.realpath(match.group(1))) if match else "unknown"


def available(codec):
    return codec == "semcodec" or ANCHORS[codec]["encoder"] in ffmpeg_encoders()
