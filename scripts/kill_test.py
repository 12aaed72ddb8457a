#!/usr/bin/env python3
"""Interrupts encoder and decoder at random moments and looks at what they leave.

    kill_test.py [--bin build/bin] [--count 200] [--seed 1] [--size 64x64] [--frames 250]

Each trial starts one of the programs on a small rendered clip, into a file (sometimes one that exists
already) or a pipe, and sends it SIGINT, SIGTERM or SIGKILL. Then:
  - what lies under the final name, if anything, is whole: a stream with its end record, of which all frames
    decode, or a video that an independent decoder reads without a complaint; or what was there before;
  - what was written beside it (*.part*, which only SIGKILL may leave) or through the pipe decodes as far as
    it goes, or says in a sentence that it is too short;
  - the program went within --patience seconds, with the exit code that says so.
Prints a table of outcomes; the exit code is 1 if any trial failed.
"""
import argparse
import collections
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]
PRECIOUS = b"what was here before\n"
LONGEST = 600  # seconds that looking at what was left may take, on a machine that does other things too


def render(path, width, height, frames):
    """A y4m clip of bars that move over a ramp, 25 frames a second."""
    ramp = bytes(40 + (x * 160) // width for x in range(width))
    chroma = bytes([110]) * (((width + 1) // 2) * ((height + 1) // 2)) * 2
    with open(path, "wb") as out:
        out.write(f"YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C420mpeg2\n".encode())
        for n in range(frames):
            at = n * 2 % width
            row = bytearray(ramp)
            row[at:at + 8] = bytes([220]) * len(row[at:at + 8])
            blank = bytearray(ramp)
            rows = [bytes(row) if (y + n) // 8 % 2 else bytes(blank) for y in range(height)]
            out.write(b"FRAME\n" + b"".join(rows) + chroma)


def run(command, **options):
    return subprocess.run([str(c) for c in command], capture_output=True, timeout=LONGEST, **options)


class Case:
    """One way to start a program; OUT in the command is a file with this suffix, none: a pipe."""

    def __init__(self, name, command, suffix, packets=False):
        self.name, self.command, self.suffix, self.packets = name, command, suffix, packets


class Trials:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.clip, self.stream = folder / "clip.y4m", folder / "clip.sem"
        width, height = map(int, args.size.split("x"))
        # The networks' work is not what is tested: the coded size is small too.
        self.coded = f"{(width + 15) // 16 * 16}x{(height + 15) // 16 * 16}"
        render(self.clip, width, height, args.frames)
        self.encoder = [args.bin / "semcodec-encode", self.clip]
        self.settings = ["-q", "--size", self.coded, "--keyint", "1s", "--passes", "1", "--threads", "1"]
        self.decoder = [args.bin / "semcodec-decode", self.stream]
        begin = time.monotonic()
        self.must([*self.encoder, self.stream, *self.settings])
        encoding = time.monotonic() - begin
        begin = time.monotonic()
        self.must([*self.decoder, folder / "clip.mkv", "-q", "--threads", "1"])
        self.seconds = {"semcodec-encode": encoding, "semcodec-decode": time.monotonic() - begin}
        self.cases = [
            Case("encode to a file", [*self.encoder, "OUT", *self.settings, "-y"], ".sem"),
            Case("encode to a pipe", [*self.encoder, "-", *self.settings], None),
            Case("encode to packets", [*self.encoder, "OUT", *self.settings, "-y", "--packets", "--fec", "20%"], ".pkt",
                 packets=True),
            Case("decode to mp4", [*self.decoder, "OUT", "-q", "-y", "--threads", "1"], ".mp4"),
            Case("decode to mkv", [*self.decoder, "OUT", "-q", "-y", "--threads", "1"], ".mkv"),
            Case("decode to a pipe", [*self.decoder, "-", "-q", "--threads", "1"], None),
        ]

    def must(self, command):
        got = run(command)
        if got.returncode != 0:
            raise SystemExit(f"kill_test.py: {pathlib.Path(command[0]).name} does not run: {got.stderr.decode()[-300:]}")

    def one(self, number, rng):
        """Returns the case, the signal, when it came, and what went wrong (empty: nothing)."""
        case = self.cases[number % len(self.cases)]
        sig = SIGNALS[number // len(self.cases) % len(SIGNALS)]
        place = self.folder / f"trial{number}"
        place.mkdir()
        output = place / f"out{case.suffix}" if case.suffix else None
        existed = output is not None and rng.random() < 0.5
        if existed:
            output.write_bytes(PRECIOUS)
        piped = place / "piped"
        delay = rng.uniform(0, 1.1 * self.seconds[pathlib.Path(case.command[0]).name])
        command = [str(output if part == "OUT" else part) for part in case.command]
        with open(piped, "wb") as sink, open(place / "said", "wb") as said:
            process = subprocess.Popen(command, stdout=sink, stderr=said)
            time.sleep(delay)
            process.send_signal(sig)
            try:
                status = process.wait(self.args.patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                return case, sig, delay, f"still there {self.args.patience} s after the signal"
        try:
            wrong = self.judge(case, sig, status, place, output, existed, piped)
        except subprocess.TimeoutExpired as late:
            wrong = f"{pathlib.Path(late.cmd[0]).name} did not get through what was left within {LONGEST} s"
        if not wrong:
            for path in place.iterdir():
                path.unlink()
            place.rmdir()
        return case, sig, delay, wrong

    def judge(self, case, sig, status, place, output, existed, piped):
        # Before the handlers are in place a signal ends a process by itself.
        if status not in {0, 130, -sig}:
            return f"exit code {status}: {(place / 'said').read_text()[-300:]}"
        parts = list(place.glob("*.part*"))
        if parts and status != -sig:
            return f"left {parts[0].name} behind"
        if output is not None:
            if not output.exists():
                if status == 0 or existed:
                    return "there is nothing under the final name"
            elif existed and output.read_bytes() == PRECIOUS:
                if status == 0:
                    return "the output was not replaced"
            else:
                wrong = self.whole(case, output)
                if wrong:
                    return f"what lies under the final name is not whole: {wrong}"
        for path in [*parts, *([piped] if output is None else [])]:
            wrong = self.prefix(case, path, place)
            if wrong:
                return f"{path.name}, of {path.stat().st_size} bytes: {wrong}"
        return ""

    def whole(self, case, path):
        if path.suffix in {".mp4", ".mkv"}:
            got = run(["ffmpeg", "-v", "error", "-nostdin", "-i", path, "-f", "null", "-"])
            return got.stderr.decode()[-300:] if got.returncode or got.stderr else ""
        if not case.packets:
            got = run([self.args.bin / "semcodec-info", path, "--json"])
            status = json.loads(got.stdout).get("status") if got.returncode == 0 else got.stderr.decode()
            if status != "complete":
                return f"semcodec-info says {status}"
        return self.decodes(path, case.packets)

    def decodes(self, path, packets):
        got = run([self.args.bin / "semcodec-decode", path, path.with_name("again"), "--format", "null", "-y",
                   "--threads", "1", "--progress", "none", *(["--packets"] if packets else [])])
        path.with_name("again").unlink(missing_ok=True)
        said = got.stderr.decode()
        if got.returncode == 0 and " damaged" not in said:
            return ""
        return f"exit code {got.returncode}: {said[-300:]}"

    def prefix(self, case, path, place):
        """What was written before the end came."""
        size = path.stat().st_size
        if "semcodec-decode" in str(case.command[0]):
            if case.suffix is None:  # y4m: read by anyone as far as it goes
                got = run(["ffmpeg", "-v", "quiet", "-nostdin", "-f", "yuv4mpegpipe", "-i", path, "-f", "null", "-"])
                few = size < 2 * 6144 * (int(self.args.size.split("x")[0]) // 16) ** 2
                return "" if got.returncode == 0 or few else "ffmpeg does not read it"
            return ""  # an mp4 without its index is nobody's
        wrong = self.decodes(path, case.packets)
        # Of less than a header and a picture nothing can be shown; that has to be said.
        short = any(code in wrong for code in ("exit code 3:", "exit code 4:"))
        return "" if short and size < 16384 else wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=HERE.parent / "build" / "bin")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", default="64x64")
    parser.add_argument("--frames", type=int, default=250)
    parser.add_argument("--patience", type=float, default=20)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    outcomes, failures = collections.Counter(), []
    with tempfile.TemporaryDirectory() as name:
        trials = Trials(args, pathlib.Path(name))
        for number in range(args.count):
            case, sig, delay, wrong = trials.one(number, rng)
            outcomes[(case.name, sig.name, "FAILED" if wrong else "survived")] += 1
            if wrong:
                failures.append(f"trial {number}, {case.name}, {sig.name} after {delay:.2f} s: {wrong}")
                print("kill_test: " + failures[-1], file=sys.stderr)
    print("| program | signal | outcome | trials |\n|---|---|---|---|")
    for (case, sig, outcome), count in sorted(outcomes.items()):
        print(f"| {case} | {sig} | {outcome} | {count} |")
    print(f"{args.count - len(failures)} of {args.count} survived.")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
