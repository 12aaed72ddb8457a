#!/usr/bin/env python3
"""A bad link for files of packets: drops, flips bits, reorders, repeats and delays them.

    channel.py IN.pkt OUT.pkt --loss 10%                       one in ten, independently
    channel.py IN.pkt OUT.pkt --loss 20% --burst 5             in runs of 5 on average (Gilbert-Elliott)
    channel.py IN.pkt OUT.pkt --bit-errors 1e-4                each bit with this probability
    channel.py IN.pkt OUT.pkt --reorder 10% --duplicate 2%     a tenth comes up to --delay packets late

IN and OUT are files as semcodec-encode --packets writes them (docs/packets.md), - is stdin or stdout. The
same --seed gives the same link. What was done is said on stderr, with --json as JSON.
"""
import argparse
import json
import random
import sys


def share(text):
    """'10%' or '0.1' as 0.1."""
    value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no share from 0 to 100 %")
    return value


def read_packets(stream):
    while len(head := stream.read(2)) == 2:
        size = head[0] << 8 | head[1]
        packet = stream.read(size)
        if len(packet) < size:
            raise SystemExit("channel.py: the input ends inside a packet; is it a file of packets?")
        yield packet


class Losses:
    """Gilbert-Elliott: in the bad state everything is lost, in the good one nothing. With a mean burst
    of 1 / (1 - loss) packets, losses are independent."""

    def __init__(self, rng, loss, burst):
        self.rng, self.loss, self.bad = rng, loss, False
        if burst is None:
            self.leave = 1 - loss
        else:
            self.leave = 1 / max(burst, 1)
        # Such that the share of the bad state is `loss`.
        self.enter = 1.0 if loss >= 1 else min(1.0, self.leave * loss / (1 - loss))

    def lost(self):
        if self.loss <= 0:
            return False
        if self.loss >= 1:
            return True
        self.bad = self.rng.random() >= self.leave if self.bad else self.rng.random() < self.enter
        return self.bad


def flip_bits(rng, packet, rate):
    """Each bit flips with probability `rate`; returns the packet and how many did."""
    data, flips = bytearray(packet), 0
    at = -1
    while True:
        # Geometric steps from one flipped bit to the next.
        at += 1 + int(rng.expovariate(rate)) if rate < 1 else 1
        if at >= 8 * len(data):
            return bytes(data), flips
        data[at // 8] ^= 1 << at % 8
        flips += 1


def transmit(packets, args):
    rng = random.Random(args.seed)
    losses = Losses(rng, args.loss, args.burst)
    out, report = [], {"packets": 0, "lost": 0, "damaged": 0, "duplicated": 0, "late": 0}
    longest = run = 0
    for index, packet in enumerate(packets):
        report["packets"] += 1
        if losses.lost():
            report["lost"] += 1
            run += 1
            longest = max(longest, run)
            continue
        run = 0
        if args.bit_errors > 0:
            packet, flips = flip_bits(rng, packet, args.bit_errors)
            report["damaged"] += flips > 0
        for copy in range(2 if rng.random() < args.duplicate else 1):
            late = rng.randint(1, args.delay) if rng.random() < args.reorder else 0
            out.append((index + late + 0.5 * (late > 0), len(out), packet))
            report["duplicated"] += copy
            report["late"] += late > 0
    report["longest_burst"] = longest
    out.sort()
    return [packet for _, _, packet in out], report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--loss", type=share, default=0.0, help="share of packets that are lost")
    parser.add_argument("--burst", type=float, help="mean length of a run of losses (default: independent)")
    parser.add_argument("--bit-errors", type=float, default=0.0, help="probability of a flipped bit")
    parser.add_argument("--reorder", type=share, default=0.0, help="share of packets that come late")
    parser.add_argument("--delay", type=int, default=4, help="packets by which these are late at most")
    parser.add_argument("--duplicate", type=share, default=0.0, help="share of packets that come twice")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="what was done as JSON on stderr")
    args = parser.parse_args()
    if not 0 <= args.bit_errors < 1:
        parser.error("--bit-errors is a probability from 0 to 1")
    if args.delay < 1:
        parser.error("--delay is at least 1")
    source = sys.stdin.buffer if args.input == "-" else open(args.input, "rb")
    packets, report = transmit(read_packets(source), args)
    sink = sys.stdout.buffer if args.output == "-" else open(args.output, "wb")
    for packet in packets:
        sink.write(len(packet).to_bytes(2, "big") + packet)
    sink.flush()
    if args.json:
        print(json.dumps(report), file=sys.stderr)
    else:
        print("channel: " + ", ".join(f"{key} {value}" for key, value in report.items()), file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"channel.py: {error.strerror}: {error.filename}")
