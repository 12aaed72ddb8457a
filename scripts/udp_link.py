#!/usr/bin/env python3
"""A bad link for datagrams: what comes in at one port goes out to another, late, out of order, or not at all.

    udp_link.py 5004 HOST:5005 [--delay 0.1] [--jitter 0.03] [--loss 10%] [--burst 5] [--duplicate 1%] [--seconds 60]

Losses are those of scripts/channel.py (Gilbert-Elliott with --burst). Each datagram waits --delay seconds, give
or take --jitter, so that some overtake others. Ends after --seconds, or at Ctrl-C, and says what it did.
"""
import argparse
import heapq
import random
import select
import socket
import sys
import time

from channel import Losses, share


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("to", help="HOST:PORT")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds")
    parser.add_argument("--jitter", type=float, default=0.0, help="seconds, either way")
    parser.add_argument("--loss", type=share, default=0.0)
    parser.add_argument("--burst", type=float, help="mean length of a run of losses (default: independent)")
    parser.add_argument("--duplicate", type=share, default=0.0)
    parser.add_argument("--seconds", type=float, help="end after so many")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    host, _, port = args.to.rpartition(":")
    target = (host.strip("[]") or "127.0.0.1", int(port))
    rng = random.Random(args.seed)
    losses = Losses(rng, args.loss, args.burst)
    source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    source.bind(("", args.port))
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    waiting, counts = [], {"datagrams": 0, "lost": 0, "duplicated": 0}
    end = time.monotonic() + args.seconds if args.seconds else float("inf")
    try:
        while (now := time.monotonic()) < end:
            while waiting and waiting[0][0] <= now:
                try:
                    sink.sendto(heapq.heappop(waiting)[2], target)
                except OSError:
                    pass  # nobody listens yet: lost like any other
            until = min(waiting[0][0] if waiting else now + 0.5, end)
            if not select.select([source], [], [], max(0.0, until - now))[0]:
                continue
            datagram = source.recv(65536)
            counts["datagrams"] += 1
            if losses.lost():
                counts["lost"] += 1
                continue
            copies = 2 if rng.random() < args.duplicate else 1
            counts["duplicated"] += copies - 1
            for _ in range(copies):
                late = max(0.0, args.delay + rng.uniform(-args.jitter, args.jitter))
                heapq.heappush(waiting, (time.monotonic() + late, rng.random(), datagram))
    except KeyboardInterrupt:
        pass
    print("udp_link: " + ", ".join(f"{name} {count}" for name, count in counts.items()), file=sys.stderr)


if __name__ == "__main__":
    main()
