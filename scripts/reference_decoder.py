#!/usr/bin/env python3
"""Decodes the planes of .sem streams by docs/format.md alone, slowly; prints "pts digest" lines.

    python3 scripts/reference_decoder.py STREAM.sem

Written from the description: that it agrees with the C++ decoder on the golden streams shows that the
description is enough. Its parts, in scripts/reference: the arithmetic coder (coder.py), the planes
(planes.py), the headers of base pictures (base.py), records and digests (stream.py). Needs nothing but Python's own library.
"""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from reference import base, planes  # noqa: E402
from reference.stream import Stream  # noqa: E402


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    data = HERE / "../common/entropy"
    start = planes.primed(data / "pretrained.bin"), base.primed(data / "base_pretrained.bin")
    for time, text in Stream(sys.argv[1], *start):
        print(time, text, flush=True)


if __name__ == "__main__":
    main()
