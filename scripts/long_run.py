#!/usr/bin/env python3
"""A long video through both ends at constant memory.

    long_run.py [--minutes 60] [--size 64x64] [--fps 25] [--bin build/bin] [--packets] [--limit 16]

Renders pictures into semcodec-encode, pipes its stream into semcodec-decode and counts the pictures that come
out. Resident memory of both is read (from /proc) at a third of the video and near its end; more than --limit
MiB of growth, a missing picture or an exit code other than 0 fails. Prints one line a reading.
"""
import argparse
import pathlib
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent


def pictures(width, height, fps, count):
    """y4m bytes: bars that pass over a ramp and change their speed, with a cut every 20 seconds."""
    yield f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420mpeg2\n".encode()
    chroma = [bytes([level]) * (width * height // 2) for level in (100, 120, 140)]
    for n in range(count):
        scene = n // (20 * fps)
        row = bytearray(40 + (x * (120 + 20 * (scene % 3))) // width for x in range(width))
        at = n * (1 + scene % 4) % width
        row[at:at + 8] = bytes([225]) * len(row[at:at + 8])
        plain = bytes(row[::-1])
        yield b"FRAME\n" + b"".join(bytes(row) if (y + n) // 8 % 2 else plain for y in range(height)) + chroma[scene % 3]


def resident(process):
    """MiB."""
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--size", default="64x64", help="multiples of 16")
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--limit", type=float, default=16, help="MiB that memory may grow")
    parser.add_argument("--packets", action="store_true", help="packets with error correction between the two")
    parser.add_argument("--bin", type=pathlib.Path, default=HERE.parent / "build" / "bin")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    count = round(args.minutes * 60 * args.fps)
    link = ["--packets"] if args.packets else []
    encoder = subprocess.Popen([args.bin / "semcodec-encode", "-", "-", "-q", "--size", args.size, "--keyint", "5s",
                                *link, *(["--fec", "20%"] if link else [])],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    decoder = subprocess.Popen([args.bin / "semcodec-decode", "-", "-", "-q", *link], stdin=encoder.stdout,
                               stdout=subprocess.PIPE)
    encoder.stdout.close()
    readings = {}

    def feed():
        try:
            for picture in pictures(width, height, args.fps, count):
                encoder.stdin.write(picture)
            encoder.stdin.close()
        except OSError:
            pass  # it went; its exit code says why

    feeding = threading.Thread(target=feed, daemon=True)
    begin = time.monotonic()
    feeding.start()
    decoder.stdout.readline()
    size, shown = len(b"FRAME\n") + width * height * 3 // 2, 0
    while len(picture := decoder.stdout.read(size)) == size:
        if not picture.startswith(b"FRAME\n"):
            raise SystemExit("long_run.py: what came out is no y4m")
        shown += 1
        for name, at in (("a third", count // 3), ("the end", count - 6 * args.fps)):
            if shown == at:
                readings[name] = [resident(encoder), resident(decoder)]
                print(f"{name}: {shown} pictures shown, encoder {readings[name][0]:.1f} MiB, decoder "
                      f"{readings[name][1]:.1f} MiB, {time.monotonic() - begin:.0f} s", flush=True)
    feeding.join()
    codes = [encoder.wait(60), decoder.wait(60)]
    print(f"{shown} of {count} pictures, exit codes {codes[0]} and {codes[1]}, {time.monotonic() - begin:.0f} s")
    if codes != [0, 0] or shown != count:
        sys.exit("long_run.py: not all of it came through")
    for index, name in enumerate(("encoder", "decoder")):
        grown = readings["the end"][index] - readings["a third"][index]
        if grown > args.limit:
            sys.exit(f"long_run.py: the {name}'s memory grew by {grown:.1f} MiB, more than {args.limit:g}")


if __name__ == "__main__":
    main()
