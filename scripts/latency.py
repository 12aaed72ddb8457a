#!/usr/bin/env python3
"""Glass-to-glass latency through both programs: a clock in the picture, read where pictures come out.

    latency.py [--modes low-delay,default] [--seconds 20] [--fps 25] [--size 128x96] [--fec 0%] [--bin build/bin]

A camera that is rendered here draws a clock (bright and dark fields) into each picture and keeps when it did. The
pictures go through a pipe to semcodec-encode, by UDP on this machine to semcodec-decode, and come out of a
pipe. A picture that the encoder is not ready for is dropped, as a camera does. What is read from the first
--settle seconds, in which networks are loaded, does not count. Interpolated pictures in which the clock is a
blend of two cannot be read; they are counted. Prints a line a mode.
"""
import argparse
import fcntl
import pathlib
import socket
import statistics
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
COLUMNS, ROWS = 4, 4  # fields of the clock: 12 bits of a Gray code, 4 of parity
BITS = 12
F_SETPIPE_SZ = 1031


def fields_of(number):
    gray = (number ^ number >> 1) & ((1 << BITS) - 1)
    bits = [gray >> i & 1 for i in range(BITS)]
    return bits + [1 ^ (bits[i] ^ bits[i + 4] ^ bits[i + 8]) for i in range(4)]


def number_of(fields):
    """Nothing where the parity does not fit."""
    gray = sum(bit << i for i, bit in enumerate(fields[:BITS]))
    number = gray
    for shift in (1, 2, 4, 8):
        number ^= number >> shift
    return number if fields_of(number) == fields else None


def draw(number, width, height):
    """A y4m frame."""
    fields, rows = fields_of(number), []
    for y in range(ROWS):
        row = b"".join(bytes([200 if fields[y * COLUMNS + x] else 50]) * (width // COLUMNS) for x in range(COLUMNS))
        rows.append(row * (height // ROWS))
    return b"FRAME\n" + b"".join(rows) + bytes([128]) * (width * height // 2)


def read(frame, width, height):
    fields = []
    for y in range(ROWS):
        for x in range(COLUMNS):
            total = count = 0
            for row in range(height // ROWS * y + height // ROWS // 4, height // ROWS * (y + 1) - height // ROWS // 4):
                left = row * width + width // COLUMNS * x + width // COLUMNS // 4
                part = frame[left:left + width // COLUMNS // 2]
                total += sum(part)
                count += len(part)
            mean = total / count
            if 100 < mean < 150:
                return None
            fields.append(int(mean >= 125))
    return number_of(fields)


class Camera:
    def __init__(self, args, pipe):
        self.args, self.pipe = args, pipe
        self.taken, self.dropped = {}, 0
        self.latest, self.ended = None, False
        self.ready = threading.Condition()
        self.width, self.height = map(int, args.size.split("x"))
        fcntl.fcntl(pipe, F_SETPIPE_SZ, 4096)  # no store of old pictures
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.shoot, self.write)]
        self.begin = time.monotonic()
        for thread in self.threads:
            thread.start()

    def shoot(self):
        for n in range(round(self.args.seconds * self.args.fps)):
            time.sleep(max(0.0, self.begin + n / self.args.fps - time.monotonic()))
            picture = draw(n, self.width, self.height)
            with self.ready:
                self.dropped += self.latest is not None
                self.latest = (n, picture)
                self.taken[n] = time.monotonic()
                self.ready.notify()
        with self.ready:
            self.ended = True
            self.ready.notify()

    def write(self):
        try:
            self.pipe.write(f"YUV4MPEG2 W{self.width} H{self.height} F{self.args.fps}:1 Ip A1:1 C420mpeg2\n".encode())
            while True:
                with self.ready:
                    self.ready.wait_for(lambda: self.latest or self.ended)
                    if self.latest is None:
                        break
                    picture, self.latest = self.latest[1], None
                self.pipe.write(picture)
                self.pipe.flush()
            self.pipe.close()
        except OSError:
            pass  # the encoder went; its exit code says why


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def measure(args, mode):
    options = ["--low-delay"] if mode == "low-delay" else []
    port = free_port()
    decoder = subprocess.Popen([args.bin / "semcodec-decode", f"udp://:{port}", "-", "-q", *options], stdout=subprocess.PIPE)
    time.sleep(1)
    encoder = subprocess.Popen([args.bin / "semcodec-encode", "-", f"udp://127.0.0.1:{port}", "-q", "--passes", "1", "--fec",
                                args.fec, "--keyint", "2s", *options], stdin=subprocess.PIPE)
    camera = Camera(args, encoder.stdin)
    width, height = camera.width, camera.height
    decoder.stdout.readline()
    delays, unreadable, shown = [], 0, 0
    size = len(b"FRAME\n") + width * height * 3 // 2
    while len(frame := decoder.stdout.read(size)) == size:
        now = time.monotonic()
        shown += 1
        number = read(frame[6:6 + width * height], width, height)
        # A blend may look like another number; one from the future or from long ago is none.
        if number is None or number not in camera.taken or now - camera.taken[number] > args.seconds:
            unreadable += 1
        elif camera.taken[number] - camera.begin >= args.settle:
            delays.append(now - camera.taken[number])
    codes = [encoder.wait(60), decoder.wait(60)]
    if codes != [0, 0]:
        sys.exit(f"latency.py: {mode}: exit codes {codes[0]} and {codes[1]}")
    if not delays:
        sys.exit(f"latency.py: {mode}: no clock could be read in {shown} pictures; try more --seconds")
    delays.sort()
    print(f"{mode}: median {1000 * statistics.median(delays):.0f} ms, 95 % within {1000 * delays[int(0.95 * len(delays))]:.0f} ms, "
          f"longest {1000 * delays[-1]:.0f} ms, by {len(delays)} clocks of {shown} pictures; {unreadable} unreadable, "
          f"{camera.dropped} dropped by the camera", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modes", default="low-delay,default")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--settle", type=float, default=5)
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--size", default="128x96", help="multiples of 16")
    parser.add_argument("--fec", default="0%")
    parser.add_argument("--bin", type=pathlib.Path, default=HERE.parent / "build" / "bin")
    args = parser.parse_args()
    if args.seconds * args.fps >= 1 << BITS:
        parser.error(f"the clock counts {1 << BITS} pictures; lower --seconds or --fps")
    for mode in args.modes.split(","):
        measure(args, mode)


if __name__ == "__main__":
    main()
