#!/usr/bin/env python3
"""Measures what key pictures gain on training clips, and fits the encoder's model of it.

    scripts/marginal_gain.py CLIP... [--bin build/bin] [--data .cache/marginal_gain] [--jobs 1]
                             [--print]

Every clip gives cuts of about 9 s, at 12.5 frames a second and 512 pixels on the long side. Each is
coded at several qualities without a key picture and with some of several sizes, decoded, and
compared with its source in windows after the start: what a key picture gains fades. The
generated frames are kept in DATA, by model, so a run that was stopped goes on where it was, and after
a training only generation and comparing are done again. From the measurements follow the constants of
encoder/rate/intra_gain_table.h, which is rewritten (docs/rate-control.md tells what they mean); build
afterwards. After a change of the encoder give an empty folder as --data.

Needs ffmpeg, the programs, and LPIPS (bash scripts/fetch.sh weights). Never give it clips that
results are told of.
"""
import argparse
import concurrent.futures
import csv
import json
import math
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "encoder" / "rate" / "intra_gain_table.h"
BY_PSNR = 0.4          # of what an intra picture gains; the rest is judged by LPIPS
SECONDS = 9.2          # of a cut, where the clip has so much left
RATE = 12.5            # frames a second at most
LONG_SIDE = 512
EVERY = 4.5            # seconds from one cut to the next, at least
MOST_CUTS = 2          # of one clip
LEAST = 5.5            # seconds left of a clip that still make a cut
QUALITIES = (80, 45)
KEYS = ((8, 26), (14, 40))
WINDOWS = ((0.0, 0.4), (1.2, 1.6), (2.6, 3.0), (5.0, 5.4), (8.8, 9.2))  # seconds
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
            if start + LEAST > duration:
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
        run([programs / "semcodec-encode", cut, stream, "-y", "-q", "--profile",
             "semantic", "--audio", "none", "--threads", "1", "--quality", quality, "--point", f"key={key}", "--stats", part])
        part.rename(stats)
    return stream, json.loads(stats.read_text())


def model_of(programs, cut):
    """Hash of the model package as it is now."""
    with tempfile.TemporaryDirectory() as scratch:
        stream = pathlib.Path(scratch) / "one.sem"
        run([programs / "semcodec-encode", cut, stream, "-q", "--profile", "semantic",
             "--limit", 1, "--threads", 1])
        return json.loads(run([programs / "semcodec-info", stream, "--json"]))["model"]["hash"]


def generate(programs, cut, quality, key, data, folder):
    """Leaves the generated frames in the windows, unless they are there."""
    out = folder / f"{cut.stem}-q{quality}-k{key}.frames"
    if out.exists():
        return
    stream, _ = encode(programs, cut, quality, key, data / "streams")
    with tempfile.TemporaryDirectory(dir=data) as scratch:
        whole = pathlib.Path(scratch) / "out.y4m"
        run([programs / "semcodec-decode", stream, whole, "-q", "--any-model", "--threads", "1"])
        generated = Y4m(whole)
        part = out.with_suffix(".part")
        part.write_bytes(b"".join(generated.frames(n for n, _ in generated.shown())))
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
                generated = (folder / f"{cut.stem}-q{quality}-k{key}.frames").read_bytes()
                if len(generated) != len(frames):
                    sys.exit(f"marginal_gain: {cut.stem} was generated in another size or number of "
                             "frames than its source has.")
                a.write(frames)
                b.write(generated)
        figures = json.loads(run([programs / "semcodec-eval", scratch / "a.y4m", scratch / "b.y4m",
                                  "--metrics", "psnr,lpips", "--per-frame", "--threads", "1",
                                  "--json", "-"]))["per_frame"]
    if None in figures["lpips_squeeze"]:
        sys.exit("marginal_gain: LPIPS lacks its weights; run bash scripts/fetch.sh weights.")
    for number, (quality, key) in enumerate(wishes):
        _, stats = encode(programs, cut, quality, key, data / "streams")
        for window, (begin, end) in enumerate(WINDOWS):
            inside = [number * len(windows) + i for i, w in enumerate(windows) if w == window]
            if not inside:
                continue  # the cut is shorter
            mean = {name: sum(figures[name][i] for i in inside) / len(inside)
                    for name in ("lpips_squeeze", "psnr")}
            rows.append({"cut": cut.stem, "seconds": stats["seconds"], "quality": quality,
                         "key": key, "bytes": stats["bytes"],
                         "key_bytes": sum(a["bits_key"] for a in stats["coded_frames"]) / 8,
                         "from": begin, "to": end, "lpips": mean["lpips_squeeze"],
                         "psnr": mean["psnr"]})
    return rows


def wishes_of(cuts):
    """What to measure of each cut: qualities of the ladder and of key pictures. Cuts share out the
    key pictures' qualities; a model in what they show of the detail needs no more."""
    wishes = {}
    for number, cut in enumerate(cuts):
        wishes[cut] = [(q, k) for q in QUALITIES for k in (-1, *KEYS[number % len(KEYS)])]
    return wishes


def read_rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def measure(programs, cuts, data, jobs):
    """Generates and compares what is missing; returns all rows of the present model."""
    model = model_of(programs, cuts[0])
    folder = data / f"generated-{model}"
    folder.mkdir(exist_ok=True)
    wishes = wishes_of(cuts)
    order = [(cut, *pair) for turn in range(max(map(len, wishes.values())))
             for cut in cuts for pair in wishes[cut][turn:turn + 1]]
    with concurrent.futures.ThreadPoolExecutor(max(1, jobs)) as pool:
        waiting = [pool.submit(generate, programs, *wish, data, folder) for wish in order]
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
    """Rows of all cuts, from what is generated; kept in tables beside the frames."""
    rows = []
    for cut, pairs in wishes.items():
        table = folder / f"{cut.stem}.csv"
        known = read_rows(table) if table.exists() else []
        done = {(int(row["quality"]), int(row["key"])) for row in known}
        missing = [pair for pair in pairs if pair not in done]
        if missing:
            known += compare(programs, cut, missing, data, folder)
            with table.open("w", newline="") as file:
                writer = csv.DictWriter(file, FIELDS)
                writer.writeheader()
                writer.writerows(known)
        rows += [row for row in known if (int(row["quality"]), int(row["key"])) in pairs]
    return rows


def scene_of(programs, cut, quality, folder):
    """What the encoder knows of the cut's first picture: its choice, as --stats tells it."""
    folder.mkdir(exist_ok=True)
    stats = folder / f"{cut.stem}-q{quality}.json"
    if not stats.exists():
        run([programs / "semcodec-encode", cut, stats.with_suffix(".sem"), "-y", "-q",
             "--profile", "semantic", "--audio", "none", "--threads", "1", "--quality", quality, "--limit", 32, "--stats", stats])
    return json.loads(stats.read_text())["coded_frames"][0]["key"]


def solve(matrix, right):
    """Gauss's elimination with pivots."""
    rows = [[*line, value] for line, value in zip(matrix, right)]
    for i in range(len(rows)):
        pivot = max(range(i, len(rows)), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(len(rows)):
            if r != i:
                factor = rows[r][i] / rows[i][i]
                rows[r] = [x - factor * y for x, y in zip(rows[r], rows[i])]
    return [line[-1] / line[i] for i, line in enumerate(rows)]


def least_squares(inputs, outputs, weights):
    size = len(inputs[0])
    matrix = [[sum(w * x[i] * x[j] for x, w in zip(inputs, weights)) + (1e-4 if i == j else 0)
               for j in range(size)] for i in range(size)]
    return solve(matrix, [sum(w * x[i] * y for x, y, w in zip(inputs, outputs, weights))
                          for i in range(size)])


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def middle(values):
    values = sorted(values)
    return mean(values[(len(values) - 1) // 2:len(values) // 2 + 1])


def mean_left(rate, begin, end):
    """Mean of e^(-rate t) from begin to end."""
    gone = rate * (end - begin)
    return math.exp(-rate * begin) * ((1 - math.exp(-gone)) / gone if gone > 1e-6 else 1)


class Measured:
    """The rows by stream, and what a bit is worth."""

    def __init__(self, rows):
        self.streams = {}
        for row in rows:
            stream = (row["cut"], int(row["quality"]), int(row["key"]))
            time = (float(row["from"]), float(row["to"]))
            self.streams.setdefault(stream, {})[time] = (
                math.log(float(row["lpips"])), float(row["psnr"]), 8 * float(row["bytes"]))
        low, high = min(QUALITIES), max(QUALITIES)
        slopes = []
        for cut in {cut for cut, _, _ in self.streams}:
            a, b = self.streams.get((cut, low, -1)), self.streams.get((cut, high, -1))
            if a and b:
                octaves = math.log2(next(iter(b.values()))[2] / next(iter(a.values()))[2])
                slopes.append([(mean(v[i] for v in b.values()) - mean(v[i] for v in a.values())) /
                               octaves for i in (0, 1)])
        self.lpips = -middle(s[0] for s in slopes)  # ln LPIPS an octave
        self.psnr = middle(s[1] for s in slopes)    # dB an octave

    def gains(self):
        """(cut, quality, key, window, octaves) of every window with an intra picture."""
        for (cut, quality, key), windows in self.streams.items():
            without = self.streams.get((cut, quality, -1))
            if key < 0 or not without:
                continue
            for time, (lpips, psnr, _) in windows.items():
                by_lpips = (without[time][0] - lpips) / self.lpips
                by_psnr = (psnr - without[time][1]) / self.psnr
                yield cut, quality, key, time, (1 - BY_PSNR) * by_lpips + BY_PSNR * by_psnr


def fit_gain(points, scenes):
    """The gain's constants, and a sentence on how well they fit."""
    clip = lambda cut: cut.rsplit("-", 1)[0]
    cuts = {point[0] for point in points}
    usual = {cut: 0.5 + mean(abs(p[4]) for p in points if p[0] == cut) for cut in cuts}
    weights = [usual[p[0]] ** -2 for p in points]
    outputs = [p[4] for p in points]
    whole = sum(w * y * y for w, y in zip(weights, outputs))

    def inputs(point, forget, share):
        cut, quality, key, time, _ = point
        scene = scenes[cut, quality]
        f = next(o["fidelity"] for o in scene["options"] if o["quality"] == key)
        soon = f * f * mean_left(forget, *time)
        late = f * mean_left(share * scene["fade"], *time)
        return [soon, soon * min(scene["detail"], 30) / 10, late, late * (quality - 60) / 100]

    def left(constants, lines, chosen):
        return sum(weights[i] * (outputs[i] - dot(lines[i], constants)) ** 2 for i in chosen)

    def unseen(lines):
        """What is left where each clip is told by the others."""
        error = 0
        for name in {clip(cut) for cut in cuts}:
            others = [i for i, p in enumerate(points) if clip(p[0]) != name]
            own = [i for i, p in enumerate(points) if clip(p[0]) == name]
            error += left(least_squares(*([x[i] for i in others]
                                          for x in (lines, outputs, weights))), lines, own)
        return error

    best = None
    for forget in (1, 1.5, 2, 3, 4):
        for share in (0.05, 0.1, 0.17, 0.25, 0.35, 0.5, 0.75, 1):
            lines = [inputs(p, forget, share) for p in points]
            error = unseen(lines)
            if best is None or error < best[0]:
                best = (error, forget, share, lines)
    error, forget, share, lines = best
    constants = least_squares(lines, outputs, weights)
    seen = left(constants, lines, range(len(points)))
    words = (f"{len(points)} windows of {len(cuts)} cuts; {100 * (1 - seen / whole):.0f} % of the "
             f"gain explained, {100 * (1 - error / whole):.0f} % on clips left out of the fit")
    return forget, share, constants, words


def fit_planes(programs, cuts, scenes, data):
    """ln of a later coded frame's planes over the entry point's, from 1 and ln fade."""
    inputs, outputs = [], []
    for cut in cuts:
        for quality in QUALITIES:
            scene = scenes[cut.stem, quality]
            coded_frames = encode(programs, cut, quality, -1, data / "streams")[1]["coded_frames"]
            later = sum(8 * a["bytes"] for a in coded_frames[1:])
            share = later / scene["plane_bits"] * scene["interval"] / coded_frames[-1]["seconds"]
            inputs.append((1, math.log(max(scene["fade"], 0.05))))
            outputs.append(math.log(share))
    return least_squares(inputs, outputs, [1] * len(inputs))


def fit(programs, cuts, rows, data, command):
    """The text of the table."""
    measured = Measured(rows)
    scenes = {(cut.stem, q): scene_of(programs, cut, q, data / "scenes")
              for cut in cuts for q in QUALITIES}
    forget, share, constants, words = fit_gain(list(measured.gains()), scenes)
    planes = fit_planes(programs, cuts, scenes, data)
    usual = middle(scene["fade"] for scene in scenes.values())
    numbers = lambda values: ", ".join(f"{value:.4g}" for value in values)
    return f"""#pragma once
// Written by scripts/marginal_gain.py; not by hand:
//   {command}
// {words}.
// An octave of the ladder's rate gives {measured.lpips:.3f} of ln LPIPS or {measured.psnr:.2f} dB.

#include "encoder/rate/intra_gain.h"

namespace semcodec {{

// clang-format off
inline constexpr IntraGainTable kIntraGain{{
    .usual_decay = {usual:.4g},
    .forget = {forget:g},
    .decay_share = {share:g},
    .soon = {{{numbers(constants[:2])}}},
    .late = {{{numbers(constants[2:])}}},
    .planes = {{{numbers(planes)}}},
}};
// clang-format on

}}  // namespace semcodec
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", nargs="+", type=pathlib.Path)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT / ".cache" / "marginal_gain")
    parser.add_argument("--jobs", type=int, default=1, help="streams at a time, a thread each")
    parser.add_argument("--print", action="store_true", help="do not write the table")
    arguments = parser.parse_args()
    arguments.data.mkdir(parents=True, exist_ok=True)
    cuts = make_cuts(sorted(arguments.clips), arguments.data / "cuts")
    rows = measure(arguments.bin, cuts, arguments.data, arguments.jobs)
    text = fit(arguments.bin, cuts, rows, arguments.data, "scripts/marginal_gain.py CLIPS...")
    print(text)
    if not arguments.print:
        TABLE.write_text(text)


if __name__ == "__main__":
    main()
