"""scripts/sweep.py: Bjontegaard differences, a small sweep of the rendered clip, resuming, a failed
point, the report in headless Chromium, a side-by-side picture, and the same numbers from a local Dask
cluster.

Usage: sweep_test.py BIN_FOLDER
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.path.insert(0, str(ROOT / "tests" / "scripts"))
import browser  # noqa: E402
from sweep import cli, clips, codecs, curves, ladder, metrics, packages, tables  # noqa: E402

packages.activate("plots", "dask")
BIN = str(ROOT / "build/bin")
QUICK = ["--limit", "8", "--metrics", "psnr,ssim,motion,vmaf", "--anchor-bitrate", "none"]


def sweep(out, *more):
    """Runs the command as a user does, who gives a relative folder; returns exit code, stderr,
    results."""
    out = pathlib.Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(ROOT / "scripts/sweep.py"),
               f"{ROOT / 'samples/street.mp4'}@128x64", "-o", out.name, "--bin", BIN,
               "--ladder", "fast", *QUICK, *more]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=out.parent)
    file = out / "results.json"
    return ran.returncode, ran.stderr, json.loads(file.read_text()) if file.is_file() else None


def same_figures(points):
    """What must not depend on where a point ran: all but the times."""
    return [{k: v for k, v in p.items() if not k.endswith("_seconds")} for p in points]


@unittest.skipIf(curves.bd is None, "bjontegaard is missing; run bash scripts/setup_python.sh")
class Curves(unittest.TestCase):
    # Four points of two encoders, and what the PyPI package bjontegaard 1.3.0 (method pchip) says.
    ANCHOR = [(1358.24, 34.851), (2486.44, 36.845), (4593.60, 38.615), (9487.76, 40.037)]
    TEST = [(1356.24, 34.987), (2451.52, 36.970), (4469.00, 38.651), (9787.80, 40.121)]

    def test_reference_values(self):
        found = curves.bjontegaard(self.ANCHOR, self.TEST)
        self.assertAlmostEqual(found["rate"], -4.417485350589045, places=4)
        self.assertAlmostEqual(found["quality"], 0.11969278542479489, places=6)
        self.assertEqual(found["rate_note"], "")

    def test_half_the_rate_and_one_decibel(self):
        half = [(rate / 2, quality) for rate, quality in self.ANCHOR]
        self.assertAlmostEqual(curves.bjontegaard(self.ANCHOR, half)["rate"], -50)
        better = [(rate, quality + 1) for rate, quality in self.ANCHOR]
        self.assertAlmostEqual(curves.bjontegaard(self.ANCHOR, better)["quality"], 1)

    def test_nothing_is_extrapolated(self):
        far = [(rate * 100, quality + 50) for rate, quality in self.ANCHOR]
        found = curves.bjontegaard(self.ANCHOR, far)
        self.assertIsNone(found["rate"])
        self.assertIsNone(found["quality"])
        self.assertIn("by both", found["rate_note"])
        self.assertIn("fewer than two", curves.bjontegaard(self.ANCHOR, far[:1])["rate_note"])
        self.assertIn("rests on", curves.bjontegaard(self.ANCHOR, self.TEST[:3])["rate_note"])

    def test_envelope(self):
        points = [(4, 1.0), (1, 0.0), (2, 0.9), (3, 0.85), (8, 0.5), (2, 0.2)]
        self.assertEqual(curves.envelope(points), [1, 2, 0])

    def test_curve_does_not_overshoot(self):
        curve = [quality for _, quality in curves.sampled([(1, 0), (10, 1e-9), (100, 1), (1000, 1 + 1e-9)])]
        self.assertEqual(len(curve), 37)
        self.assertGreaterEqual(min(curve), 0)
        self.assertLessEqual(max(curve), 1 + 1e-9)
        self.assertEqual(curve, sorted(curve))


class Parts(unittest.TestCase):
    def test_sizes(self):
        self.assertEqual(clips.default_size(1280, 720), (512, 288))
        self.assertEqual(clips.default_size(256, 144), (256, 144))

    def test_ladder_covers_sizes_and_rates(self):
        points = ladder.anchor_points("x265")
        self.assertEqual({(p["scale"], p["step"]) for p in points},
                         {(s, t) for s in (1, 2, 4) for t in (1, 2)})
        self.assertIn(51, [p["value"] for p in points if p["mode"] == "crf"])
        clip = {"width": 128, "height": 64, "rate": "25"}
        self.assertFalse(codecs.possible("svtav1", {"scale": 4}, clip))

    def test_markers(self):
        text = "before\n<!-- b -->\nold\n<!-- e -->\nafter\n"
        self.assertEqual(tables.replace_between(text, "<!-- b -->", "<!-- e -->", "new\n"),
                         "before\n<!-- b -->\nnew\n<!-- e -->\nafter\n")

    def test_distances_are_judged_and_their_spread_is_not(self):
        result = {"metrics": {"fid": 1.0, "kid": 0.1, "kid_std": 0.1, "fd_squeezenet": 2.0,
                              "kid_subset_size": 50, "psnr": 30.0}}
        self.assertEqual(metrics.drawn([result]), ["psnr", "fid", "kid", "fd_squeezenet"])


class Sweep(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.out = pathlib.Path(cls.folder.name) / "sweep"
        cls.docs = pathlib.Path(cls.folder.name) / "docs"
        cls.docs.mkdir()
        (cls.docs / "results.md").write_text("# Results\n\nA reading.\n")
        cls.args = ["--codecs", "semcodec,svtav1,x264", "--quality", "10,90", "--max-kbps", "500",
                    "--player-rates", "1,500"]
        cls.code, cls.err, cls.first = sweep(cls.out, *cls.args, "--results", str(cls.docs))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_1_sweep(self):
        self.assertEqual(self.code, 0, self.err)
        points = self.first["points"]
        self.assertEqual({p["status"] for p in points} - {"skipped"}, {"done"})
        for p in points:
            if p["status"] == "done":
                self.assertAlmostEqual(p["kbps"], p["bytes"] * 8 / 0.32 / 1000)
                self.assertEqual(p["frames"]["compared"], 8)
                self.assertGreater(p["metrics"]["psnr"], 5)
        held = [p for p in points if p["params"].get("step") == 2 and p["status"] == "done"]
        self.assertTrue(held and all(p["frames"]["held"] == 4 for p in held))
        rows = (self.out / "results.csv").read_text().splitlines()
        self.assertEqual(len(rows), len(points) + 1)
        self.assertTrue(self.first["ffmpeg"]["version"])
        self.assertEqual(set(self.first["ffmpeg"]["libraries"]), {"svtav1", "x264"})
        with_vmaf = self.first["ffmpeg"]["vmaf"]
        self.assertEqual({"vmaf" in p["metrics"] for p in points if p["status"] == "done"},
                         {with_vmaf})
        self.assertEqual({m["family"] for m in self.first["marks"]}, {"quality"})
        self.assertEqual(len((self.out / "marks.csv").read_text().splitlines()),
                         len(self.first["marks"]) + 1)
        page = (self.docs / "results.md").read_text()
        self.assertIn("A reading.", page)
        self.assertIn("BD-rate", page)
        self.assertIn("marks are met", page)
        self.assertIn(self.first["ffmpeg"]["version"], page)
        self.assertIn(self.first["model_hash"], page)

    def test_2_resume(self):
        files = {f: f.stat().st_mtime_ns for f in (self.out / "points").iterdir()}
        victim = sorted(files)[0]
        victim.unlink()
        code, err, again = sweep(self.out, *self.args, "--no-report")
        self.assertEqual(code, 0, err)
        self.assertIn("sweep: 1/1 ", err)
        kept = {f: f.stat().st_mtime_ns for f in files if f != victim}
        self.assertEqual(kept, {f: t for f, t in files.items() if f != victim})
        self.assertEqual(same_figures(again["points"]), same_figures(self.first["points"]))

    def test_3_failed_point(self):
        code, err, results = sweep(self.out, "--codecs", "semcodec,x264", "--quality", "10",
                                   "--max-kbps", "500", "--decoder-options=--no-such-option")
        self.assertEqual(code, 3)
        failed = [p for p in results["points"] if p["status"] == "failed"]
        self.assertEqual([p["codec"] for p in failed], ["semcodec"])
        self.assertIn("no-such-option", failed[0]["reason"])
        self.assertTrue(any(p["status"] == "done" for p in results["points"]))
        self.assertIn("failed: street semcodec", err)
        self.assertIn(",failed,", (self.out / "results.csv").read_text())
        self.assertIn("no-such-option", (self.out / "report.html").read_text())

    def test_4_refusals(self):
        self.assertEqual(cli.main(["nothing.mp4"]), 1)
        self.assertEqual(cli.main([str(ROOT / "samples/street.mp4"), "--codecs", "vp8"]), 1)

    def report(self):
        code, err, _ = sweep(self.out, *self.args)
        self.assertEqual(code, 0, err)
        return self.out / "report.html"

    def test_5_report(self):
        page = self.report().read_text()
        # The source, two of semcodec, and the one of AV1, which is nearest to both.
        self.assertEqual(page.count('type="text/plain" data-video='), 4)
        self.assertNotIn("<!--DATA-->", page)
        for outside in ("http://", "https://"):  # but for the name of SVG's namespace
            self.assertEqual(page.replace("http://www.w3.org/2000/svg", "").count(outside), 0)

    def test_6_report_in_chromium(self):
        if not browser.find():
            self.skipTest("Chromium is not installed (apt-get install chromium)")
        page = self.report()
        with browser.Browser() as b:
            self.assertRegex(b.self_test(page), "^selftest passed")
            self.assertEqual(b.run("document.querySelectorAll('#charts svg').length"),
                             4 if self.first["ffmpeg"]["vmaf"] else 3)
            self.assertEqual(b.run("document.querySelectorAll('#marks tbody tr').length"), 4)
            self.assertGreater(b.run("document.querySelectorAll('#points tbody tr').length"), 4)
            for width in (390, 1280):
                b.size(width, 844, phone=width < 600)
                self.assertLessEqual(b.run("document.documentElement.scrollWidth"), width)

    def test_7_rows_of_options(self):
        code, err, results = sweep(self.out, "--codecs", "semcodec,x264", "--max-kbps", "500",
                                   "--semcodec", "--quality {10,90} --keyint 0",
                                   "--semcodec=--quality=90", "--no-report")
        self.assertEqual(code, 0, err)
        own = [p for p in results["points"] if p["codec"] == "semcodec"]
        self.assertEqual([p["label"] for p in own], ["--quality 10 --keyint 0",
                                                     "--quality 90 --keyint 0", "--quality=90"])
        self.assertEqual({p["status"] for p in own}, {"done"})
        self.assertEqual({m["family"] for m in results["marks"]},
                         {"--quality {10,90} --keyint 0", "--quality=90"})

    def side_by_side(self, out, *more):
        return subprocess.run(
            [sys.executable, str(ROOT / "scripts/side_by_side.py"),
             f"{ROOT / 'samples/street.mp4'}@128x64", "--rate", "500k", "-o", str(out),
             "--sweep", str(self.out), "--codecs", "x264", *more, "--", "--bin", BIN, "--limit", "8",
             "--quality", "10", "--ladder", "fast", "--metrics", "psnr,lpips"],
            capture_output=True, text=True, timeout=300)

    def test_8_side_by_side(self):
        out = pathlib.Path(self.folder.name) / "picture.png"
        ran = self.side_by_side(out, "--time", "0.2", "--crop", "32,16,64,32")
        try:
            from PIL import Image
            import matplotlib  # noqa: F401
        except ImportError:
            self.assertEqual(ran.returncode, 1)
            self.assertIn("run bash scripts/setup_python.sh", ran.stderr)
            self.skipTest("Pillow is not installed (bash scripts/setup_python.sh)")
        if "LPIPS was not measured" in ran.stderr:
            self.skipTest("LPIPS's weights are not here (bash scripts/fetch.sh weights)")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        with Image.open(out) as picture:
            self.assertGreater(picture.width, 3 * 128)
            self.assertLess(picture.width, 4 * 128)
            self.assertGreater(picture.height, 64 + 64)
        for wrong, said in ((("--time", "9"), "no frame at 9 s"),
                            (("--time", "0", "--crop", "100,0,64,32"), "inside 128x64")):
            ran = self.side_by_side(out, *wrong)
            self.assertEqual(ran.returncode, 1)
            self.assertIn(said, ran.stderr)

    def test_9_dask(self):
        try:
            import distributed
        except ImportError:
            self.skipTest("Dask is not installed (bash scripts/setup_python.sh --dask)")
        os.environ["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if "python-" in p)
        with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=True,
                                      dashboard_address=None, host="127.0.0.1") as cluster:
            code, err, there = sweep(pathlib.Path(self.folder.name) / "dask", *self.args,
                                     "--no-report", "--scheduler", cluster.scheduler_address)
        self.assertEqual(code, 0, err)
        self.assertEqual(same_figures(there["points"]), same_figures(self.first["points"]))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        BIN = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main(verbosity=2)
