#!/usr/bin/env python3
"""Measures what key pictures gain on training clips, and fits the encoder's model of it.

    scripts/marginal_gain.py CLIP... [--bin build/bin] [--data .cache/marginal_gain] [--jobs 1]
                             [--only-measure | --only-fit] [--print]

Every clip gives cuts of 6 s, at 12.5 frames a second and 512 pixels on the long side. Each is coded
at several qualities without a key picture and with some of several sizes, decoded, and compared
with its source in windows after the start: what a key picture gains fades as the picture moves
away from it. The measurements are kept in DATA/measured.csv, a line a window, so a run that was
stopped goes on where it was, and only what the model package changes is measured anew: the streams
stay. From them follow the constants of encoder/core/key_gain_table.h, which is rewritten.

Needs ffmpeg, the programs, and LPIPS (bash scripts/fetch.sh weights). Never give it clips that
results are told of.
"""
import argparse
import concurrent.futures
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECONDS = 3.0          # of a cut
RATE = 12.5            # frames a second at most
LONG_SIDE = 512
EVERY = 4.5            # seconds from one cut to the next, at least
MOST_CUTS = 3          # of one clip
QUALITIES = (80, 45)
KEYS = ((8, 26), (14, 40))
LADDER = (62,)         # more qualities without key pictures, for what a bit is worth
WINDOWS = ((0.0, 0.4), (1.2, 1.6), (2.6, 3.0))  # seconds
FIELDS = ("cut", "seconds", "quality", "key", "bytes", "key_bytes", "from", "to", "lpips",
          "psnr")


def run(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"marginal_gain: {' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def probe(clip):
    text = run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
                "stream=width,height,r_frame_rate:format=duration", "-of", "json", clip])
    figures = json.loads(text)
    stream = figures["streams"][0]
    over, under = map(int, stream["r_frame_rate"].split("/"))
    return stream["width"], stream["height"], over / under, float(figures["format"]["duration"])


def make_cuts(clips, folder):
    """Cuts of the clips as files, made once; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    cuts = []
    for clip in clips:
        width, height, rate, duration = probe(clip)
        scale = LONG_SIDE / max(width, height)
        size = [round(side * scale / 16) * 16 for side in (width, height)]
        start = 0.0
        for _ in range(MOST_CUTS):
            if start + max(s for _, s in WINDOWS) > duration:
                break
            out = folder / f"{clip.stem}-{start:g}.mp4"
            if not out.exists():
                part = out.with_suffix(".part.mp4")
                run(["ffmpeg", "-v", "error", "-y", "-ss", f"{start}", "-t", f"{SECONDS}", "-i",
                     clip, "-an", "-vf", f"fps={min(RATE, rate)},scale={size[0]}:{size[1]}:"
                     "flags=area", "-c:v", "libx264", "-preset", "veryfast", "-crf", "8",
                     "-threads", "1", part])
                part.rename(out)
            cuts.append(out)
            start += max(EVERY, duration / MOST_CUTS)
    return cuts


class Y4m:
    """The frames of a .y4m file, to copy some of them."""

    def __init__(self, path):
        self.data = pathlib.Path(path).read_bytes()
        self.head = self.data[:self.data.index(b"\n") + 1]
        tags = {tag[:1]: tag[1:] for tag in self.head.decode().split()[1:]}
        width, height = int(tags["W"]), int(tags["H"])
        over, under = map(int, tags["F"].split(":"))
        self.size = (width, height)
        self.rate = over / under
        self.frame = len(b"FRAME\n") + width * height * 3 // 2  # 4:2:0
        self.count = (len(self.data) - len(self.head)) // self.frame

    def shown(self):
        """Numbers of the frames in the windows, and which window each is in."""
        return [(n, w) for w, (begin, end) in enumerate(WINDOWS)
                for n in range(round(begin * self.rate), min(self.count, round(end * self.rate)))]

    def frames(self, numbers):
        for n in numbers:
            begin = len(self.head) + n * self.frame
            yield self.data[begin:begin + self.frame]


def encode(programs, cut, quality, key, folder):
    """The stream and its statistics, made unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    stream = folder / f"{cut.stem}-q{quality}-k{key}.sem"
    stats = stream.with_suffix(".json")
    if not stats.exists():
        part = stream.with_suffix(".part")
        run([programs / "semcodec-encode", cut, stream, "-y", "-q", "--audio", "none", "--threads",
             "1", "--quality", quality, "--point", f"key={key}", "--stats", part])
        part.rename(stats)
    return stream, json.loads(stats.read_text())


def model_of(programs, cut):
    """Hash of the model package as it is now."""
    with tempfile.TemporaryDirectory() as scratch:
        stream = pathlib.Path(scratch) / "one.sem"
        run([programs / "semcodec-encode", cut, stream, "-q", "--limit", 1, "--threads", 1])
        return json.loads(run([programs / "semcodec-info", stream, "--json"]))["model"]["hash"]


def paint(programs, cut, quality, key, data, folder):
    """Leaves the painted frames in the windows, unless they are there."""
    out = folder / f"{cut.stem}-q{quality}-k{key}.frames"
    if out.exists():
        return
    stream, _ = encode(programs, cut, quality, key, data / "streams")
    with tempfile.TemporaryDirectory(dir=data) as scratch:
        whole = pathlib.Path(scratch) / "out.y4m"
        run([programs / "semcodec-decode", stream, whole, "-q", "--any-model", "--threads", "1"])
        painted = Y4m(whole)
        part = out.with_suffix(".part")
        part.write_bytes(b"".join(painted.frames(n for n, _ in painted.shown())))
        part.rename(out)


def source_frames(cut):
    """The source's frames in the windows, with the window of each, and the header of a .y4m."""
    with tempfile.TemporaryDirectory() as scratch:
        whole = pathlib.Path(scratch) / "in.y4m"
        run(["ffmpeg", "-v", "error", "-i", cut, "-pix_fmt", "yuv420p", "-threads", "1", whole])
        source = Y4m(whole)
        shown = source.shown()
        return (b"".join(source.frames(n for n, _ in shown)), [w for _, w in shown],
                "YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C420mpeg2\n" % source.size)


def compare(programs, cut, wishes, data, folder):
    """Rows of all streams of a cut, from one run of semcodec-eval."""
    frames, windows, head = source_frames(cut)
    rows = []
    with tempfile.TemporaryDirectory(dir=data) as scratch:
        scratch = pathlib.Path(scratch)
        with (scratch / "a.y4m").open("wb") as a, (scratch / "b.y4m").open("wb") as b:
            a.write(head.encode())
            b.write(head.encode())
            for quality, key in wishes:
                painted = (folder / f"{cut.stem}-q{quality}-k{key}.frames").read_bytes()
                if len(painted) != len(frames):
                    sys.exit(f"marginal_gain: {cut.stem} was painted in another size or number of "
                             "frames than its source has.")
                a.write(frames)
                b.write(painted)
        figures = json.loads(run([programs / "semcodec-eval", scratch / "a.y4m", scratch / "b.y4m",
                                  "--metrics", "psnr,lpips", "--per-frame", "--threads", "1",
                                  "--json", "-"]))["per_frame"]
    if None in figures["lpips_squeeze"]:
        sys.exit("marginal_gain: LPIPS lacks its weights; run bash scripts/fetch.sh weights.")
    for number, (quality, key) in enumerate(wishes):
        _, stats = encode(programs, cut, quality, key, data / "streams")
        for window, (begin, end) in enumerate(WINDOWS):
            inside = [number * len(windows) + i for i, w in enumerate(windows) if w == window]
            mean = {name: sum(figures[name][i] for i in inside) / len(inside)
                    for name in ("lpips_squeeze", "psnr")}
            rows.append({"cut": cut.stem, "seconds": stats["seconds"], "quality": quality,
                         "key": key, "bytes": stats["bytes"],
                         "key_bytes": sum(a["bits_key"] for a in stats["anchors"]) / 8,
                         "from": begin, "to": end, "lpips": mean["lpips_squeeze"],
                         "psnr": mean["psnr"]})
    return rows


def wishes_of(cuts):
    """What to measure of each cut: qualities of the ladder and of key pictures. Cuts share out the
    key pictures' qualities; a model in what they show of the detail needs no more."""
    wishes = {}
    for number, cut in enumerate(cuts):
        pairs = [(q, k) for q in QUALITIES for k in (-1, *KEYS[number % len(KEYS)])]
        wishes[cut] = pairs + [(q, -1) for q in LADDER]
    return wishes


def read_rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def measure(programs, cuts, data, jobs):
    """Paints and compares what is missing; returns all rows of the present model."""
    model = model_of(programs, cuts[0])
    folder = data / f"painted-{model}"
    folder.mkdir(exist_ok=True)
    wishes = wishes_of(cuts)
    order = [(cut, *pair) for turn in range(max(map(len, wishes.values())))
             for cut in cuts for pair in wishes[cut][turn:turn + 1]]
    with concurrent.futures.ThreadPoolExecutor(max(1, jobs)) as pool:
        waiting = [pool.submit(paint, programs, *wish, data, folder) for wish in order]
        try:
            for number, job in enumerate(concurrent.futures.as_completed(waiting), 1):
                job.result()
                print(f"\rpainted {number}/{len(order)}", end="", file=sys.stderr, flush=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    print(file=sys.stderr)
    return evaluate(programs, wishes, data, folder)


def evaluate(programs, wishes, data, folder):
    """Rows of all cuts, from what is painted; kept in a table beside the frames."""
    rows = []
    for cut, pairs in wishes.items():
        there = [(q, k) for q, k in pairs
                 if (folder / f"{cut.stem}-q{q}-k{k}.frames").exists()]
        table = folder / f"{cut.stem}-{len(there)}.csv"
        if there and not table.exists():
            lines = compare(programs, cut, there, data, folder)
            with table.open("w", newline="") as file:
                writer = csv.DictWriter(file, FIELDS)
                writer.writeheader()
                writer.writerows(lines)
        if there:
            rows += read_rows(table)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", nargs="+", type=pathlib.Path)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT / ".cache" / "marginal_gain")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only-measure", action="store_true")
    arguments = parser.parse_args()
    arguments.data.mkdir(parents=True, exist_ok=True)
    cuts = make_cuts(arguments.clips, arguments.data / "cuts")
    measure(arguments.bin, cuts, arguments.data, arguments.jobs)


if __name__ == "__main__":
    main()
