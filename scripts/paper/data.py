"""Clips, and which of them train and which test. None does both: clips are parted by content, so
that a copy under another name goes with its original."""
import hashlib
import pathlib
import re

from sweep import clips as sweep_clips
from sweep import process
from sweep.errors import SweepError

VIDEOS = {".mp4", ".mkv", ".mov", ".avi", ".webm", ".y4m", ".m4v"}
PICTURES = {".png", ".jpg", ".jpeg"}
LAYOUTS = ("auto", "videos", "sequence", "cityscapes", "apolloscape")
CITYSCAPES = re.compile(r"^(.+_\d+)_(\d+)_leftImg8bit$")
CITYSCAPES_RATE = 17


def videos_in(folder):
    return sorted(p for p in pathlib.Path(folder).rglob("*") if p.suffix.lower() in VIDEOS)


def guess_layout(folder):
    """By the names of the pictures."""
    if videos_in(folder):
        return "videos"
    pictures = [p for p in pathlib.Path(folder).rglob("*") if p.suffix.lower() in PICTURES]
    if not pictures:
        raise SweepError(f"There is no video and no picture in {folder}.")
    if any(p.stem.endswith("_leftImg8bit") for p in pictures):
        return "cityscapes"
    return "apolloscape" if any("Record" in str(p) for p in pictures) else "sequence"


def sequences(folder, layout):
    """{name: pictures in the order of time} of a folder of pictures."""
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.suffix.lower() not in PICTURES:
            continue
        if layout == "cityscapes":
            match = CITYSCAPES.match(path.stem)
            if not match:
                continue
            key, number = match[1], int(match[2])
            parts = found.setdefault(key, [[]])
            if parts[-1] and number != parts[-1][-1][0] + 1:  # some cities number through
                parts.append([])
            parts[-1].append((number, path))
        else:
            key = "_".join(path.parent.relative_to(folder).parts) or pathlib.Path(folder).name
            found.setdefault(key, [[]])[-1].append((0, path))
    return {f"{key}-{i}" if len(parts) > 1 else key: [path for _, path in part]
            for key, parts in found.items() for i, part in enumerate(parts) if len(part) > 2}


def as_video(name, pictures, folder, ffmpeg, rate):
    """The pictures as one lossless video; kept for the next run."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.mkv"
    if target.is_file():
        return target
    listing, part = target.with_suffix(".txt"), target.with_name(f".{target.name}")
    listing.write_text("".join(
        f"file '{str(p.resolve()).replace(chr(39), chr(39) + chr(92) + chr(39) + chr(39))}'\n"
        f"duration {1 / rate}\n" for p in pictures))
    process.run([*ffmpeg.command(), "-f", "concat", "-safe", "0", "-i", listing, "-r", rate,
                 *sweep_clips.LOSSLESS, "-f", "matroska", part])
    part.rename(target)
    listing.unlink()
    return target


def clips_of(folder, layout, out, ffmpeg):
    """[(video, pictures it was made of or None)]"""
    layout = guess_layout(folder) if layout == "auto" else layout
    if layout == "videos":
        return [(path, None) for path in videos_in(folder)]
    rate = CITYSCAPES_RATE if layout == "cityscapes" else 10
    return [(as_video(name, pictures, out / "clips", ffmpeg, rate), pictures)
            for name, pictures in sequences(folder, layout).items()]


def described(found):
    """One entry for each content: path, name, sha256, pictures."""
    entries = {}
    for path, pictures in found:
        digest = sweep_clips.sha256_of(path)
        entries.setdefault(digest, {
            "name": path.stem, "path": str(path.resolve()), "sha256": digest,
            "pictures": [str(p.resolve()) for p in pictures] if pictures else None})
    return list(entries.values())


def split(entries, seed, test_share=0.2, test_count=0):
    """(training, test), drawn by seed and content alone: more clips later move none."""
    if len(entries) < 2:
        raise SweepError("At least two different clips are needed, one to train on and one to test "
                         "on; give --test DIR, or more clips.")
    ordered = sorted(entries, key=lambda e: hashlib.sha256(
        f"{seed} {e['sha256']}".encode()).hexdigest())
    count = test_count or max(1, round(test_share * len(ordered)))
    count = min(count, len(ordered) - 1)
    return ordered[count:], ordered[:count]


def choose(options, budget, out, ffmpeg):
    """{"train": [...], "test": [...], "dropped": [...]}: what the run is made with."""
    entries = described(clips_of(pathlib.Path(options.data), options.layout, out, ffmpeg))
    dropped = []
    if options.test:
        test = described(clips_of(pathlib.Path(options.test), options.layout, out, ffmpeg))
        held = {e["sha256"] for e in test}
        train = [e for e in entries if e["sha256"] not in held]
        dropped = [e["name"] for e in entries if e["sha256"] in held]
        if not train or not test:
            raise SweepError("Nothing is left to train on, or there is nothing to test on.")
        train, test = (sorted(part, key=lambda e: e["sha256"]) for part in (train, test))
    else:
        train, test = split(entries, options.seed, test_count=budget["test_clips"])
    train = train[:budget["train_clips"] or None]
    test = test[:budget["test_clips"] or None]
    return {"train": train, "test": test, "dropped": dropped}
