"""What all rows share: the frame store, the test video, and the streams of it."""
import os
import pathlib

from sweep import clips, process
from sweep.store import write_whole

from . import rows

POINT = "colour={cell}x{colours},edges=2x4,texture=0,key=-1,motion=16,smooth=0"
CELL = 4      # pixels of a cell of the colour map


def once(path, make):
    """Makes a file or folder under its final name when it is complete."""
    path = pathlib.Path(path)
    if not path.exists():
        part = path.with_name(f".{os.getpid()}-{path.name}")
        make(part)
        part.rename(path)
    return path


def store(chosen, budget, out, tools):
    """Frames and edge maps of the training clips."""
    width, height = budget["size"]

    def make(part):
        process.run([tools.program("train"), "prepare", *(e["path"] for e in chosen["train"]),
                     "--output", part, "--size", f"{width}x{height}", "--limit",
                     budget["train_frames"], "--edges", tools.model_folder() / "edges.safetensors",
                     "--device", tools.device, "-q"])
    return once(out / "store", make)


def test_video(chosen, budget, out, tools):
    """All test clips one after the other, lossless, and its description. One video, so that FID and
    KID see all frames; the encoder finds the cuts between the clips."""
    width, height = budget["size"]
    parts = []
    for entry in chosen["test"]:
        clip = clips.describe(entry["path"], f"{width}x{height}", 0, budget["test_frames"])
        parts.append(clips.reference(clip, out / "references", tools.ffmpeg))

    def make(part):
        listing = out / "test.txt"
        write_whole(listing, "".join(f"file '{p}'\n" for p in parts))
        process.run([*tools.ffmpeg.command(), "-f", "concat", "-safe", "0", "-i", listing,
                     "-vf", "setpts=N/25/TB", "-r", "25", *clips.LOSSLESS, "-f", "mp4", part])
    video = once(out / "test.mp4", make)
    return video, {**clips.describe(str(video), f"{width}x{height}"), "path": str(video)}


def encode(video, clip, target, tools, colours=rows.COLOURS, more=()):
    def make(part):
        process.run([tools.program("encode"), video, part, "-q", "--profile", "paper", "--size",
                     f"{clip['width']}x{clip['height']}", "--model", tools.model_folder(),
                     "--audio", "none", "--point", POINT.format(cell=CELL, colours=colours),
                     "--device", tools.device, *more])
    return once(target, make)


def strip(stream, planes, video, tools, more=()):
    return once(stream.with_name(stream.name.replace("planes", planes)),
                lambda part: process.run([tools.program("baseline"), "strip", stream, part,
                                          "--planes", planes, "--video", video, "-q", *more]))


def streams(video, clip, budget, out, tools, only, labels):
    """The files that the rows are sent, and the maps in pictures."""
    folder = out / "streams"
    folder.mkdir(exist_ok=True)
    whole = encode(video, clip, folder / "planes.sem", tools,
                   more=("--maps", out / "maps" / "sheet"))
    # Every frame an entry point: what is generated from pictures alone.
    images = encode(video, clip, folder / "planes-images.sem", tools,
                    more=("--keyint", 0.5 / 25))
    for stream in (whole, images):
        for planes in ("edges", "colour", "sketch"):
            strip(stream, planes, video, tools)
        if "classes" in labels:
            strip(stream, "labels", video, tools,
                  ("--labels", labels["file"], "--classes", labels["classes"]))
    if "fig3" in only:
        for colours in budget["colours"]:
            if colours == rows.COLOURS:
                continue  # the whole stream
            encode(video, clip, folder / f"colours-{colours}.sem", tools, colours,
                   ("--maps", out / "maps" / str(colours)))
    return folder
