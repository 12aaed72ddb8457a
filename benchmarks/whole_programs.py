#!/usr/bin/env python3
"""Speed, latency, memory and quality of whole programs, against the project's marks.

    python3 benchmarks/whole_programs.py [VIDEO] [--size 512x256] [--runs 3] [--long MINUTES]
                                         [--bin build/bin] [--json FILE]

Without VIDEO: solidWhiteRight.mp4, to which the marks refer (scripts/fetch.sh knows where it is).
Frames a second are those of the whole program, from start to exit: reading, decoding and scaling the
source, every network, entropy coding and writing; for SVT-AV1 the same through ffmpeg. Programs take
turns, and the fastest of the runs counts. Memory is the peak resident set. --long also codes the
video repeated to so many minutes. Exit code 1 when a mark is missed.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(command, reader=None):
    """Runs it; returns seconds, peak MB, and (with a reader) seconds until reader saw a frame."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE if reader else subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    first = None
    if reader:
        first = reader(process.stdout) - begin
        while process.stdout.read(1 << 20):
            pass
    message = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"whole_programs.py: {command[0]} failed: {message.decode(errors='replace').strip()}")
    return time.monotonic() - begin, usage.ru_maxrss / 1000, first


def first_y4m_frame(stream):
    """The moment at which the first whole frame of a y4m stream is there."""
    header = stream.readline().split()
    width = int(next(t for t in header if t.startswith(b"W"))[1:])
    height = int(next(t for t in header if t.startswith(b"H"))[1:])
    stream.readline()
    left = width * height  # the luma is enough: the rest follows at once
    while left > 0:
        left -= len(stream.read(min(left, 1 << 16))) or left
    return time.monotonic()


def evaluate(args, video, output, stream, size, folder):
    report = folder / "quality.json"
    run([f"{args.bin}/semcodec-eval", video, output, "--bits", stream, "--size", size, "--metrics",
         "psnr,ssim,lpips,gmsd,motion", "--json", str(report), "-y"])
    return json.loads(report.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__, add_help=True,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", nargs="?")
    parser.add_argument("--size", default="512x256")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--long", type=float, default=0, metavar="MINUTES")
    parser.add_argument("--bin", default=str(ROOT / "build/bin"))
    parser.add_argument("--json")
    args = parser.parse_args()
    video = args.video
    if not video:
        found = subprocess.run(["bash", str(ROOT / "scripts/fetch.sh"), "clips", "solidWhiteRight",
                                "--path"], capture_output=True, text=True)
        if found.returncode != 0:
            sys.exit("whole_programs.py: solidWhiteRight.mp4 could not be had; name a video.")
        video = found.stdout.strip()
    missed, report = [], {}

    def row(name, value, text, mark="", met=True):
        report[name] = value
        verdict = f"  (mark: {mark}{'' if met else '; MISSED'})" if mark else ""
        print(f"  {name:<28}{text}{verdict}", flush=True)
        if not met:
            missed.append(name)

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        stream, output, av1 = str(folder / "a.sem"), str(folder / "a.mp4"), str(folder / "a.ivf")
        encode = [f"{args.bin}/semcodec-encode", "-y", "-q", video, stream, "--size", args.size,
                  "--audio", "none"]
        decode = [f"{args.bin}/semcodec-decode", "-y", "-q", stream, output]
        peer = ["ffmpeg", "-v", "error", "-y", "-i", video, "-an", "-vf",
                "scale=" + args.size.replace("x", ":"), "-c:v", "libsvtav1", "-preset", "4", "-crf",
                "63", av1]
        peers = subprocess.run(["ffmpeg", "-v", "quiet", "-encoders"], capture_output=True, text=True)
        has_peer = "libsvtav1" in peers.stdout
        times = {"encode": [], "decode": [], "peer": []}
        peak = {"encode": 0, "decode": 0}
        for _ in range(args.runs):
            for what, command in (("encode", encode), ("decode", decode), ("peer", peer)):
                if what == "peer" and not has_peer:
                    continue
                seconds, megabytes, _ = run(command)
                times[what].append(seconds)
                if what in peak:
                    peak[what] = max(peak[what], megabytes)
        quality = evaluate(args, video, output, stream, args.size, folder)
        frames = quality["frames"]["reference"]
        print(f"{pathlib.Path(video).name} at {args.size}, {frames} frames, "
              f"{os.cpu_count()} cores, fastest of {args.runs}:")
        fps = {what: frames / min(seconds) for what, seconds in times.items() if seconds}
        row("encode", fps["encode"], f"{fps['encode']:.1f} frames/s", "60", fps["encode"] >= 60)
        row("decode", fps["decode"], f"{fps['decode']:.1f} frames/s", "30", fps["decode"] >= 30)
        if has_peer:
            row("encode / SVT-AV1 preset 4", fps["encode"] / fps["peer"],
                f"{fps['encode'] / fps['peer']:.2f} ({fps['peer']:.1f} frames/s)")
        else:
            print("  SVT-AV1: this ffmpeg has none, no ratio")
        _, _, first = run([f"{args.bin}/semcodec-decode", "-q", stream, "-", "--format", "y4m"],
                          first_y4m_frame)
        row("first frame out", first, f"{first:.2f} s after the start", "2 s", first <= 2)
        worst = max(peak.values())
        row("memory", worst, f"encode {peak['encode']:.0f} MB, decode {peak['decode']:.0f} MB",
            "1500 MB", worst < 1500)

        marks = pathlib.Path(video).stem == "solidWhiteRight" and args.size == "512x256"

        def judged(label, key, form, mark, met):
            value = quality[key]
            if value is None:
                print(f"  {label:<28}not measured: {'; '.join(quality['notes'])}")
            else:
                row(label, value, form.format(value), mark if marks else "",
                    met(value) or not marks)

        judged("rate", "kbps", "{:.2f} kbit/s", "14", lambda v: v <= 14)
        judged("LPIPS", "lpips_squeeze", "{:.3f}", "0.15", lambda v: v <= 0.15)
        judged("PSNR", "psnr", "{:.2f} dB", "25", lambda v: v >= 25)
        judged("motion error", "motion_error", "{:.2f}", "0.9", lambda v: v < 0.9)
        run(encode + ["--profile", "paper", "--quality", "100"])
        run(decode)
        quality = evaluate(args, video, output, stream, args.size, folder)
        judged("paper profile: rate", "kbps", "{:.0f} kbit/s", "", lambda v: True)
        judged("paper profile: PSNR", "psnr", "{:.2f} dB", "28", lambda v: v >= 28)
        judged("paper profile: SSIM", "ssim", "{:.3f}", "0.82", lambda v: v >= 0.82)

        if args.long > 0:
            long_video = str(folder / "long.mp4")
            run(["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", video, "-an", "-t",
                 str(args.long * 60), "-c:v", "libx264", "-preset", "ultrafast", "-crf", "18",
                 long_video])
            encode[3] = long_video
            for what, command in (("encode", encode), ("decode", decode)):
                seconds, megabytes, _ = run(command)
                row(f"{args.long:g} minutes: {what}", megabytes,
                    f"{megabytes:.0f} MB, {seconds:.0f} s", f"1.25 x {peak[what]:.0f} MB",
                    megabytes < 1.25 * peak[what])
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(report, indent=1) + "\n")
    if missed:
        sys.exit("whole_programs.py: missed: " + ", ".join(missed))


if __name__ == "__main__":
    main()
