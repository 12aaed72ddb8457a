"""Clips: what they are, and the lossless reference that every codec gets as its input.

The reference is the clip's part asked for, scaled once to the size of the comparison, with frame
n at n / rate seconds. Codecs and metrics all start from it, so nobody gains by another scaler.
"""
import fractions
import hashlib
import json
import os
import pathlib
import re
import shutil

from . import process
from .errors import SweepError

PREPARATION = 2  # raise it when references come out differently
LONG_SIDE = 512
STRIDE = 16      # semcodec's coded sizes are multiples of it
# Lossless whatever the frames hold, quick, with exact times.
LOSSLESS = ["-c:v", "libx264", "-qp", "0", "-preset", "ultrafast", "-bf", "0"]


def probe(path):
    """The first video stream as ffprobe describes it."""
    if not shutil.which("ffprobe"):
        raise SweepError("ffprobe is missing; run bash scripts/setup.sh.")
    out = process.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-count_packets",
                       "-show_streams", "-of", "json", path])
    streams = json.loads(out).get("streams") or []
    if not streams:
        raise SweepError(f"{path} has no video.")
    return streams[0]


def default_size(width, height):
    """semcodec-encode's own choice: 512 on the long side, multiples of 16, at least 64."""
    long_side = max(width, height)
    target = min(LONG_SIDE, -(-long_side // STRIDE) * STRIDE)
    rounded = [max(64, int(side * target / long_side / STRIDE + 0.5) * STRIDE)
               for side in (width, height)]
    return rounded[0], rounded[1]


def parse_size(text):
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    size = tuple(int(side) for side in match.groups()) if match else (0, 0)
    if min(size) < 64 or any(side % STRIDE for side in size):
        raise SweepError(f"The size '{text}' should be WxH with multiples of 16 from 64, "
                         "such as 512x288.")
    return size


def describe(argument, size=None, skip=0, limit=0):
    """A clip (a dict that travels to workers) from PATH or PATH@WxH."""
    path, at, own = argument.rpartition("@")
    if at and re.fullmatch(r"\d+x\d+", own):
        size = own
    else:
        path = argument
    file = pathlib.Path(path).resolve()
    if not file.is_file():
        raise SweepError(f"The clip {path} cannot be read.")
    stream = probe(file)
    rate = fractions.Fraction(stream["avg_frame_rate"] if stream["avg_frame_rate"] != "0/0"
                              else stream["r_frame_rate"])
    if rate <= 0:
        raise SweepError(f"{path} does not say its frame rate.")
    total = int(stream["nb_read_packets"])
    frames = max(0, total - skip)
    if limit:
        frames = min(frames, limit)
    if frames < 2:
        raise SweepError(f"{path} has {total} frames; too few are left of them.")
    width, height = parse_size(size) if size else default_size(stream["width"], stream["height"])
    return {"name": file.stem, "path": str(file), "sha256": sha256_of(file), "skip": skip,
            "frames": frames, "width": width, "height": height, "rate": str(rate),
            "seconds": float(frames / rate), "preparation": PREPARATION}


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def identity(clip):
    """What the reference depends on; not where the file lies or what it is called."""
    return {key: clip[key] for key in
            ("sha256", "skip", "frames", "width", "height", "rate", "preparation")}


def reference(clip, folder, ffmpeg):
    """The path of the clip's reference in folder; made by this ffmpeg when it is not there."""
    text = json.dumps({**identity(clip), "ffmpeg": ffmpeg.version}, sort_keys=True)
    # Absolute, since some encoders run in a folder of their own.
    target = pathlib.Path(folder).resolve() / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.mp4"
    if target.is_file():
        return target
    if not os.path.isfile(clip["path"]):
        raise SweepError(f"The clip {clip['path']} cannot be read on this machine.")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{os.getpid()}-{os.urandom(4).hex()}.mp4")
    first, last = clip["skip"], clip["skip"] + clip["frames"] - 1
    filters = (f"select=between(n\\,{first}\\,{last}),setpts=N/({clip['rate']})/TB,"
               f"scale={clip['width']}:{clip['height']}:flags=lanczos:out_range=tv,setsar=1,"
               "format=yuv420p")
    try:
        process.run([*ffmpeg.command(), "-i", clip["path"], "-map", "0:v:0", "-vf", filters,
                     "-fps_mode", "passthrough", "-frames:v", clip["frames"], *LOSSLESS, part])
        got = int(probe(part)["nb_read_packets"])
        if got != clip["frames"]:
            raise SweepError(f"{clip['path']} gave {got} frames, not {clip['frames']}.")
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target
