"""scripts/channel.py: the links it makes are those that were asked for."""
import importlib.util
import pathlib
import random
import subprocess
import sys
import tempfile
import types
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "channel.py"
spec = importlib.util.spec_from_file_location("channel", SCRIPT)
channel = importlib.util.module_from_spec(spec)
spec.loader.exec_module(channel)


def link(**options):
    defaults = dict(seed=1, loss=0.0, burst=None, bit_errors=0.0, reorder=0.0, delay=4, duplicate=0.0)
    return types.SimpleNamespace(**{**defaults, **options})


PACKETS = [i.to_bytes(4, "big") * 25 for i in range(20000)]


class Channel(unittest.TestCase):
    def test_a_good_link_changes_nothing(self):
        out, report = channel.transmit(PACKETS, link())
        self.assertEqual(out, PACKETS)
        self.assertEqual(report["lost"], 0)

    def test_independent_losses(self):
        for loss in (0.01, 0.1, 0.2):
            out, report = channel.transmit(PACKETS, link(loss=loss))
            self.assertAlmostEqual(report["lost"] / len(PACKETS), loss, delta=0.01)
            self.assertEqual(len(out) + report["lost"], len(PACKETS))
            self.assertEqual(out, sorted(out))
        self.assertEqual(channel.transmit(PACKETS, link(loss=1.0))[0], [])

    def test_bursts_have_the_length_and_share_asked_for(self):
        for loss, burst in ((0.1, 5), (0.2, 10), (0.05, 3)):
            rng = random.Random(3)
            losses = channel.Losses(rng, loss, burst)
            lost = [losses.lost() for _ in range(300000)]
            runs = sum(1 for a, b in zip([False] + lost, lost) if b and not a)
            self.assertAlmostEqual(sum(lost) / len(lost), loss, delta=0.1 * loss)
            self.assertAlmostEqual(sum(lost) / runs, burst, delta=0.1 * burst)

    def test_bit_errors(self):
        for rate in (1e-4, 1e-3, 1e-2):
            out, _ = channel.transmit(PACKETS, link(bit_errors=rate))
            flips = sum(bin(int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).count("1")
                        for a, b in zip(out, PACKETS))
            self.assertAlmostEqual(flips / (800 * len(PACKETS)), rate, delta=0.05 * rate)

    def test_order_and_repeats(self):
        out, report = channel.transmit(PACKETS, link(reorder=0.1, delay=3, duplicate=0.05))
        self.assertEqual(len(out), len(PACKETS) + report["duplicated"])
        self.assertGreater(report["late"], 1000)
        self.assertNotEqual(out, sorted(out))
        for index, packet in enumerate(out[:len(PACKETS) // 2]):
            self.assertLess(abs(int.from_bytes(packet[:4], "big") - index), 1500)

    def test_the_same_seed_is_the_same_link(self):
        bad = dict(loss=0.2, burst=4, bit_errors=1e-3, reorder=0.1, duplicate=0.1)
        self.assertEqual(channel.transmit(PACKETS, link(**bad))[0], channel.transmit(PACKETS, link(**bad))[0])
        self.assertNotEqual(channel.transmit(PACKETS, link(**bad))[0],
                            channel.transmit(PACKETS, link(**bad, seed=2))[0])

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "in.pkt"
            path.write_bytes(b"".join(len(p).to_bytes(2, "big") + p for p in PACKETS[:100]))
            run = subprocess.run([sys.executable, SCRIPT, path, "-", "--loss", "10%", "--json"],
                                 capture_output=True, check=True)
            self.assertIn(b'"packets": 100', run.stderr)
            self.assertLess(len(run.stdout), path.stat().st_size)
            path.write_bytes(path.read_bytes()[:-1])
            run = subprocess.run([sys.executable, SCRIPT, path, "-"], capture_output=True)
            self.assertNotEqual(run.returncode, 0)
            self.assertIn(b"inside a packet", run.stderr)


if __name__ == "__main__":
    unittest.main()
