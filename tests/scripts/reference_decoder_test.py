"""The reference decoder, written from docs/format.md, agrees with the digests of golden streams."""

import glob
import os
import sys
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "scripts"))
from reference import base, planes  # noqa: E402
from reference.coder import Damaged  # noqa: E402
from reference.stream import Stream, records  # noqa: E402

FRAMES = 12   # of each stream; it decodes a few a second


class GoldenStreams(unittest.TestCase):
    def test_digests(self):
        data = os.path.join(ROOT, "common/entropy")
        start = (planes.primed(os.path.join(data, "pretrained.bin")),
                 base.primed(os.path.join(data, "base_pretrained.bin")))
        streams = sorted(glob.glob(os.path.join(ROOT, "samples/golden/*.sem")))
        self.assertGreaterEqual(len(streams), 4)
        for path in streams:
            with self.subTest(os.path.basename(path)):
                with open(path[:-4] + ".digests", encoding="ascii") as file:
                    wanted = [line.split() for line in file][:FRAMES]
                frames = iter(Stream(path, *start))
                got = [next(frames) for _ in wanted]
                self.assertEqual([[str(pts), digest] for pts, digest in got], wanted)

    def test_a_damaged_stream_is_refused(self):
        with open(os.path.join(ROOT, "samples/golden/street-low-rate.sem"), "rb") as file:
            data = bytearray(file.read())
        data[len(data) // 2] ^= 1
        with self.assertRaises(Damaged):
            list(records(bytes(data)))


if __name__ == "__main__":
    unittest.main()
