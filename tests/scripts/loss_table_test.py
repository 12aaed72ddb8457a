#!/usr/bin/env python3
"""The parts of scripts/loss_table.py: what goes onto the link, comes off it, and is seen."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import loss_table  # noqa: E402


def video(path, *sources):
    """Seconds of moving (m) or standing (s) pictures, one after the other, losslessly."""
    inputs, chain = [], ""
    for index, (kind, seconds) in enumerate(sources):
        source = "testsrc2" if kind == "m" else "color=c=orange"
        inputs += ["-f", "lavfi", "-i", f"{source}{'=' if kind == 'm' else ':'}size=64x64:rate=25:duration={seconds}"]
        chain += f"[{index}]"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-nostdin", *inputs, "-filter_complex",
                    f"{chain}concat=n={len(sources)}", "-c:v", "ffv1", path], check=True)


class LossTable(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.place = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def test_packets_come_apart_and_together(self):
        data = bytes(range(256)) * 3
        (self.place / "a.pkt").write_bytes(loss_table.as_packets(data))
        self.assertEqual((self.place / "a.pkt").stat().st_size, len(data) + 2 * 5)
        loss_table.unpack(self.place / "a.pkt", self.place / "a", b"head")
        self.assertEqual((self.place / "a").read_bytes(), b"head" + data)

    def test_a_header_ends_at_the_first_cluster(self):
        cluster = b"\x1f\x43\xb6\x75"
        self.assertEqual(loss_table.cut_header(b"abc" + cluster + b"d" + cluster), (b"abc", cluster + b"d" + cluster))
        self.assertRaises(SystemExit, loss_table.cut_header, b"abc")

    def test_a_picture_that_stands_is_a_freeze(self):
        video(self.place / "moves.mkv", ("m", 1))
        self.assertEqual(loss_table.still_times(self.place / "moves.mkv"), [])
        video(self.place / "stands.mkv", ("m", 0.4), ("s", 0.8), ("m", 0.4), ("s", 1.2))
        times = loss_table.still_times(self.place / "stands.mkv")
        self.assertEqual(len(times), 2)
        self.assertAlmostEqual(times[0], 0.8, delta=0.09)
        self.assertAlmostEqual(times[1], 1.2, delta=0.09)


if __name__ == "__main__":
    unittest.main()
