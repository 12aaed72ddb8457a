"""The programs that a sweep uses, and what says that they are still the same ones."""
import functools
import hashlib
import os
import pathlib

from . import metrics, process
from .clips import sha256_of
from .errors import SweepError
from .ffmpeg import Ffmpeg

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Tools:
    """Where the programs lie. Made anew on each worker from the same few words."""

    def __init__(self, bin_folder="build/bin", model="default", device="auto", ffmpeg=None):
        self.root = ROOT
        self.bin = ROOT / bin_folder
        self.model = model
        self.device = device
        self.given_ffmpeg = ffmpeg

    def settings(self):
        return {"bin_folder": str(self.bin), "model": self.model, "device": self.device,
                "ffmpeg": self.ffmpeg.path if self.given_ffmpeg else None}

    @functools.cached_property
    def ffmpeg(self):
        return Ffmpeg.find(self.given_ffmpeg)

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
        return {"metrics": metrics.REVISION, "device": self.device}

    @functools.cached_property
    def version(self):
        return process.run([self.program("encode"), "--version"]).decode().splitlines()[0]

    def identity(self, codec):
        """ffmpeg makes the reference and measures VMAF: semcodec's points depend on it too."""
        if codec == "semcodec":
            own = self.semcodec_identity
        else:
            own = {"library": self.ffmpeg.encoder_version(codec)}
        return {"ffmpeg": self.ffmpeg.version, **own, **self.eval_identity}
