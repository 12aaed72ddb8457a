"""Semantic labels for Table I: by a segmentation network, or from label images on disk."""
import hashlib
import os
import pathlib
import struct

from sweep import clips as sweep_clips
from sweep import process
from sweep.errors import SweepError
from sweep.store import write_whole

HEADER = 64  # bytes of a frame store's header (training/frame_store.h)
CITYSCAPES_CLASSES = 20  # the train ids, and one for everything else
# labelIds of Cityscapes -> train ids
TRAIN_IDS = {7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11,
             25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18}
FROM_LABEL_IDS = bytes(TRAIN_IDS.get(i, CITYSCAPES_CLASSES - 1) for i in range(256))
FROM_TRAIN_IDS = bytes(min(i, CITYSCAPES_CLASSES - 1) for i in range(256))
LACKS = ("lacks a segmentation network and label images: give --segmenter FILE, run bash "
         "scripts/fetch.sh weights espnet, or put Cityscapes' gtFine folder beside leftImg8bit")


def label_image(picture):
    """(file, table to train ids) of a Cityscapes picture x_leftImg8bit.png, or None."""
    path = pathlib.Path(picture)
    if not path.stem.endswith("_leftImg8bit"):
        return None
    parts = ["gtFine" if part.startswith("leftImg8bit") else part for part in path.parent.parts]
    stem = path.stem[:-len("_leftImg8bit")]
    for kind, table in (("labelTrainIds", FROM_TRAIN_IDS), ("labelIds", FROM_LABEL_IDS)):
        for folder in (pathlib.Path(*parts), path.parent):
            file = folder / f"{stem}_gtFine_{kind}.png"
            if file.is_file():
                return file, table
    return None


def label_images(entry, limit):
    """The label images of a clip's frames, None where one of them has none."""
    pictures = entry.get("pictures") or []
    pictures = pictures[:limit or None]
    found = [label_image(p) for p in pictures]
    return found if found and all(found) else None


def espnet_weights():
    """ESPNet's weights where scripts/fetch.sh puts them, or None."""
    own = os.environ.get("SEMCODEC_WEIGHTS")
    folders = [pathlib.Path(own)] if own else []
    folders.append(pathlib.Path(__file__).resolve().parents[2] / ".cache" / "weights")
    return next((f / "espnet.safetensors" for f in folders
                 if (f / "espnet.safetensors").is_file()), None)


def source(options, budget, chosen):
    """Where the labels come from: {"kind": "network" | "images" | "none", "name", "file", ...}."""
    file = options.segmenter
    if file == "espnet":
        file = espnet_weights()
        if file is None:
            raise SweepError("ESPNet's weights are missing; run bash scripts/fetch.sh weights espnet.")
    if file:
        if not pathlib.Path(file).is_file():
            raise SweepError(f"--segmenter {file} is no file.")
        return network(file)
    limits = {"train": budget["train_frames"], "test": budget["test_frames"]}
    if all(label_images(e, limits[part]) for part in limits for e in chosen[part]):
        return {"kind": "images", "name": "label images of gtFine"}
    file = espnet_weights()
    return network(file) if file else {"kind": "none", "reason": LACKS}


def network(file):
    file = pathlib.Path(file).resolve()
    own = file.suffix == ".safetensors"
    return {"kind": "network", "name": "ESPNet" if own else file.name, "file": str(file),
            "sha256": sweep_clips.sha256_of(file)}


def ids_of(images, size, ffmpeg):
    """One byte a pixel of all images, in train ids."""
    out = bytearray()
    for file, table in images:
        raw = process.run([*ffmpeg.command(), "-i", file, "-vf",
                           f"format=gray,scale={size[0]}:{size[1]}:flags=neighbor", "-f", "rawvideo",
                           "-pix_fmt", "gray", "-"])
        if len(raw) != size[0] * size[1]:
            raise SweepError(f"{file} is no label image that can be read.")
        out += raw.translate(table)
    return bytes(out)


def class_store(frames, content):
    """Writes NAME.classes beside NAME.frames."""
    with frames.open("rb") as stream:
        header = bytearray(stream.read(HEADER))
    width, height = struct.unpack_from("<II", header, 12)
    count, = struct.unpack_from("<Q", header, 24)
    if len(content) != width * height * count:
        raise SweepError(f"{frames.name} has {count} frames, but there are "
                         f"{len(content) // (width * height)} label images.")
    struct.pack_into("<I", header, 20, 1)  # channels
    write_whole(frames.with_suffix(".classes"), bytes(header) + content)


def of_store(entries, store, limit, labels, budget, tools):
    """Labels of the frames in a store, as files beside it."""
    if labels["kind"] == "network":
        process.run([tools.program("train"), "prepare", *(e["path"] for e in entries), "--output",
                     store, "--size", f"{budget['size'][0]}x{budget['size'][1]}", "--limit", limit,
                     "--segmenter", labels["file"], "--segmenter-side", budget["segmenter_side"],
                     "--device", tools.device, "-q"], cwd=tools.root)
        return
    for entry in entries:
        frames = store / f"{entry['name']}.frames"
        if not frames.with_suffix(".classes").is_file():
            class_store(frames, ids_of(label_images(entry, limit), budget["size"], tools.ffmpeg))


def prepare(labels, chosen, budget, store, out, tools):
    """{"classes": N, "file": labels of the test video, "name": ...}, or {"reason": ...}."""
    if labels["kind"] == "none":
        return {"reason": labels["reason"]}
    of_store(chosen["train"], store, budget["train_frames"], labels, budget, tools)
    joined = bytearray()
    for entry in chosen["test"]:  # one by one: in the order of the test video
        folder = out / "test-labels" / entry["sha256"][:12]
        frames = folder / f"{entry['name']}.frames"
        if not frames.is_file():
            process.run([tools.program("train"), "prepare", entry["path"], "--output", folder,
                         "--size", f"{budget['size'][0]}x{budget['size'][1]}", "--limit",
                         budget["test_frames"], "-q"])
        of_store([entry], folder, budget["test_frames"], labels, budget, tools)
        joined += frames.with_suffix(".classes").read_bytes()[HEADER:]
    most = max(joined)
    for path in sorted(store.glob("*.classes")):
        most = max(most, max(path.read_bytes()[HEADER:]))
    file = out / "test.labels"
    write_whole(file, bytes(joined))
    return {"classes": max(2, most + 1), "file": str(file), "name": labels["name"],
            "sha256": hashlib.sha256(joined).hexdigest()}
