#!/usr/bin/env python3
"""scripts/paper.py in its tiny form, as a user runs it: all tables and figures of two short clips, a
failed row, going on, and the page in headless Chromium.

Usage: paper_test.py BIN_FOLDER
"""
import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.path.insert(0, str(ROOT / "tests" / "scripts"))
import browser  # noqa: E402
from paper import rows  # noqa: E402
from sweep import packages, plots  # noqa: E402

packages.activate("plots")
BIN = str(ROOT / "build/bin")


def run(clips, out, *more):
    command = [sys.executable, str(ROOT / "scripts/paper.py"), str(clips), "-o", str(out), "--bin",
               BIN, "--budget", "tiny", "--device", "cpu", *more]
    start = time.monotonic()
    ran = subprocess.run(command, capture_output=True, text=True, timeout=900)
    return ran.returncode, ran.stderr, time.monotonic() - start


class Paper(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.holder.name)
        cls.clips = cls.folder / "clips"
        pictures = cls.clips / "leftImg8bit_sequence" / "val" / "ulm"
        marks = cls.clips / "gtFine" / "val" / "ulm"
        pictures.mkdir(parents=True)
        marks.mkdir(parents=True)
        for number, first in enumerate((0, 20, 40)):
            select = f"select=between(n\\,{first}\\,{first + 13}),setpts=N/25/TB"
            name = f"ulm_{number:06d}_%06d"
            for filters, path in (
                    ("scale=192:-2", pictures / f"{name}_leftImg8bit.png"),
                    # Bright is sky, 23 among labelIds; the rest is road, 7.
                    ("scale=192:-2,format=gray,lut='if(gt(val,128),23,7)'",
                     marks / f"{name}_gtFine_labelIds.png")):
                subprocess.run(["ffmpeg", "-v", "error", "-y", "-i",
                                str(ROOT / "samples/street.mp4"), "-vf", f"{select},{filters}",
                                "-fps_mode", "passthrough", str(path)], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def results(self, out):
        return json.loads((out / "results.json").read_text())

    def test_all_tables_and_figures(self):
        out = self.folder / "out"
        # A row that cannot be trained: its folder is a file.
        status, said, _ = run(self.clips, out, "--only", "table1")
        self.assertEqual(status, 0, said)
        work = out / "work" / self.results(out)["run"]
        (work / "rows" / "pix2pixHD").write_text("in the way")
        status, said, first = run(self.clips, out)
        self.assertEqual(status, 3, said)
        self.assertIn("failed: pix2pixHD", said)
        found = {r["id"]: r for r in self.results(out)["rows"].values()}
        self.assertEqual(found["pix2pixHD"]["status"], "failed")
        for row_id, result in found.items():
            if row_id != "pix2pixHD":
                self.assertEqual(result["status"], "done", result)

        (work / "rows" / "pix2pixHD").unlink()
        status, said, again = run(self.clips, out)
        self.assertEqual(status, 0, said)
        self.assertLess(again, 0.6 * first, "what was finished was made again")
        head = self.results(out)
        self.check_numbers(head)
        self.check_files(out, head)

    def check_numbers(self, head):
        clips = {part: {c["sha256"] for c in head["clips"][part]} for part in ("train", "test")}
        self.assertFalse(clips["train"] & clips["test"])
        done = {r["id"]: r["figures"] for r in head["rows"].values() if r["status"] == "done"}
        self.assertLessEqual(set(rows.METHODS), set(done))
        for figures in done.values():
            self.assertGreater(figures["psnr"], 3)
            self.assertGreater(figures["kbps"], 0)
            self.assertGreater(figures["gmac"], 0)
        # Edges alone are a smaller file than edges and colours, and the student is the cheaper one.
        self.assertLess(done["ours-without-colour"]["kbps"], done["ours"]["kbps"])
        self.assertLess(done["fast-vid2vid"]["gmac"], done["vid2vid"]["gmac"])
        self.assertLess(done["k2"]["kbps"], done["ours"]["kbps"])
        self.assertLess(done["ours"]["kbps"], done["k64"]["kbps"])
        self.assertEqual(head["labels"], "label images of gtFine, 11 classes")
        self.assertLess(done["without-transformer-blocks"]["million_parameters"],
                        done["ours"]["million_parameters"])

    def check_files(self, out, head):
        with open(out / "results.csv", newline="") as file:
            lines = list(csv.DictReader(file))
        self.assertEqual(len(lines), len(head["rows"]))
        text = (out / "paper.md").read_text()
        self.assertIn("| ours |", text)
        drawn = plots.have_matplotlib()
        for name in ("fig2.png", "fig3.png"):
            self.assertEqual((out / name).is_file(), drawn, name)
        if not browser.find():
            self.skipTest("there is no Chromium")
        moved = self.folder / "alone.html"  # self-contained: nothing beside it
        shutil.copy(out / "paper.html", moved)
        with browser.Browser() as tab:
            tab.open(moved.as_uri())
            self.assertEqual(tab.run("document.querySelectorAll('table').length"), 4)
            self.assertEqual(tab.run("document.querySelectorAll('tr.ours').length"), 2)
            self.assertEqual(tab.run("[...document.images].filter(i => i.naturalWidth > 100).length"),
                             2 if drawn else 0)
            self.assertEqual(tab.run("performance.getEntriesByType('resource')"
                                     ".filter(e => e.name.startsWith('http')).length"), 0)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        BIN = os.path.abspath(sys.argv.pop(1))
    unittest.main()
