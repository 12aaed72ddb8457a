#!/usr/bin/env python3
"""Measures how well rate control meets its targets and writes the table of docs/rate-control.md.

    scripts/rate_table.py [CLIP...] [--bin build/bin] [--jobs 2] [--print]

Every clip of at least 8 s is encoded for 2, 4, 8, 16 and 32 kbit/s, in two passes and in one, plus
at quality 0 and 100 for the ends of the scale. Without CLIP the clips that scripts/fetch.sh knows
are taken where they lie. Rates are file sizes over the video's length, without audio. Each encoder
runs on one thread, --jobs of them at a time. Exit code 1 when a mark is missed.
"""
import argparse
import concurrent.futures
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "rate-control.md"
BEGIN, END = "<!-- rate-table:begin -->", "<!-- rate-table:end -->"
TARGETS = (2, 4, 8, 16, 32)  # kbit/s
MARKS = {2: 0.05, 1: 0.10}   # by passes
LONG_ENOUGH = 8              # seconds


def duration(path):
    answer = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of",
                             "csv=p=0", str(path)], capture_output=True, text=True)
    try:
        return float(answer.stdout)
    except ValueError:
        return 0.0


def known_clips():
    named = os.environ.get("SEMCODEC_CLIPS")
    folders = [pathlib.Path(named)] if named else []
    folders += [ROOT.parent / "shared" / "data" / "dev", ROOT / ".cache" / "clips"]
    found = {}
    for folder in folders:
        for path in sorted(folder.glob("*.mp4")) if folder.is_dir() else []:
            found.setdefault(path.name, path)
    return list(found.values())


def encode(encoder, clip, options, folder, name):
    """Runs the encoder; returns kbit/s from the file's size, and its statistics."""
    out, stats = folder / f"{name}.sem", folder / f"{name}.json"
    command = [str(encoder), str(clip), str(out), "-y", "-q", "--audio", "none", "--threads", "1",
               "--stats", str(stats), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"rate_table: {' '.join(command)}: {done.stderr.strip()}")
    figures = json.loads(stats.read_text())
    return out.stat().st_size * 8 / figures["seconds"] / 1000, figures


def cell(target, measured, passes, ends):
    """One cell of the table, and whether its mark is met (None where the clip forbids it)."""
    rate, figures = measured
    error = rate / target - 1
    count = len(figures["passes"])
    text = f"{rate:.2f} ({100 * error:+.1f} %"
    text += f", {count} passes)" if passes == 2 else ")"
    if target < ends[0] or target > ends[1]:
        return text + (" floor" if target < ends[0] else " ceiling"), None
    met = abs(error) <= MARKS[passes]
    return text if met else f"**{text}**", met


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", nargs="*", type=pathlib.Path)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--print", action="store_true", help="do not write the page")
    arguments = parser.parse_args()
    clips = [c for c in arguments.clips or known_clips() if duration(c) >= LONG_ENOUGH]
    if not clips:
        sys.exit(f"rate_table: no clip of at least {LONG_ENOUGH} s; name some, or fetch them with "
                 "scripts/fetch.sh clips.")
    encoder = arguments.bin / "semcodec-encode"

    with tempfile.TemporaryDirectory() as scratch, \
            concurrent.futures.ThreadPoolExecutor(max(1, arguments.jobs)) as pool:
        runs = {}
        for clip in clips:
            wishes = {("quality", q): ["--quality", str(q)] for q in (0, 100)}
            wishes |= {(passes, t): ["--bitrate", f"{t}k", "--passes", str(passes)]
                       for t in TARGETS for passes in (2, 1)}
            for key, options in wishes.items():
                name = f"{clip.stem}-{key[0]}-{key[1]}"
                runs[clip, key] = pool.submit(encode, encoder, clip, options,
                                              pathlib.Path(scratch), name)
        runs = {key: job.result() for key, job in runs.items()}

    lines, missed = [], 0
    for clip in clips:
        ends = [runs[clip, ("quality", q)][0] for q in (0, 100)]
        lines += [f"{clip.stem}, {duration(clip):.2f} s: quality 0 takes {ends[0]:.2f} kbit/s, "
                  f"quality 100 {ends[1]:.1f}.", "",
                  "| target, kbit/s | `--passes 2` | `--passes 1` |", "|---|---|---|"]
        for target in TARGETS:
            cells = [cell(target, runs[clip, (passes, target)], passes, ends)
                     for passes in (2, 1)]
            missed += sum(met is False for _, met in cells)
            lines.append(f"| {target} | {cells[0][0]} | {cells[1][0]} |")
        lines.append("")
    version = subprocess.run([str(encoder), "--version"], capture_output=True, text=True)
    head = (f"Measured on {datetime.date.today()} with {version.stdout.splitlines()[0]}: reached "
            "rate, and its distance from the target; bold where the mark is missed.\n\n")
    table = head + "\n".join(lines)
    print(table)
    if not arguments.print:
        page = PAGE.read_text()
        before, rest = page.split(BEGIN)
        PAGE.write_text(before + BEGIN + "\n" + table + rest[rest.index(END):])
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
