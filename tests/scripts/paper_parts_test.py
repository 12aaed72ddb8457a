#!/usr/bin/env python3
"""What scripts/paper.py does without programs: clips and their split, rows, tables, the page."""
import argparse
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from paper import budgets, cli, data, page, published, rows, tables  # noqa: E402
from sweep.errors import SweepError  # noqa: E402


def entries(count):
    return [{"name": f"clip{i}", "path": f"/clip{i}", "sha256": f"{i:064d}"} for i in range(count)]


class Split(unittest.TestCase):
    def test_no_clip_is_in_both(self):
        for seed in range(5):
            train, test = data.split(entries(10), seed)
            self.assertEqual(len(test), 2)
            self.assertFalse({e["sha256"] for e in train} & {e["sha256"] for e in test})
            self.assertEqual(len(train) + len(test), 10)

    def test_one_clip_cannot_be_parted(self):
        with self.assertRaises(SweepError):
            data.split(entries(1), 1)

    def test_a_copy_goes_with_its_original(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, content in (("a.mp4", b"one"), ("copy of a.mp4", b"one"), ("b.mp4", b"two")):
                (pathlib.Path(folder) / name).write_bytes(content)
            self.assertEqual([e["name"] for e in data.described(data.videos_in(folder))],
                             ["a", "b"])

    def test_given_test_clips_leave_the_training(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "test").mkdir()
            for name, content in (("a.mp4", b"one"), ("b.mp4", b"two"), ("test/c.mp4", b"two")):
                (folder / name).write_bytes(content)
            options = argparse.Namespace(data=folder, test=folder / "test", layout="videos", seed=1)
            chosen = data.choose(options, budgets.BUDGETS["tiny"], folder, None)
            self.assertEqual([e["name"] for e in chosen["train"]], ["a"])
            self.assertEqual(chosen["dropped"], ["b"])


class Layouts(unittest.TestCase):
    def test_pictures_become_clips(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            city = folder / "leftImg8bit_sequence" / "train" / "ulm"
            city.mkdir(parents=True)
            for number in (3, 4, 5, 9, 10, 11, 20):
                (city / f"ulm_000001_{number:06d}_leftImg8bit.png").touch()
            self.assertEqual(data.guess_layout(folder), "cityscapes")
            found = data.sequences(folder, "cityscapes")
            self.assertEqual({k: len(v) for k, v in found.items()},
                             {"ulm_000001-0": 3, "ulm_000001-1": 3})
            camera = folder / "apollo" / "Record001" / "Camera 5"
            camera.mkdir(parents=True)
            for number in range(3):
                (camera / f"{number}.jpg").touch()
            self.assertEqual(data.guess_layout(folder / "apollo"), "apolloscape")
            self.assertEqual([len(v) for v in data.sequences(folder / "apollo",
                                                             "apolloscape").values()], [3])


class Rows(unittest.TestCase):
    def test_all_share_one_budget(self):
        found = [r for r in rows.all_rows(budgets.BUDGETS["20m"], rows.TABLES) if "settings" in r]
        for key in ("steps", "batch", "crop", "seed", "learning_rate", "gan_start"):
            self.assertEqual(len({r["settings"].get(key) for r in found}), 1, key)
        self.assertEqual([r["id"] for r in found if "table2" in r["tables"]],
                         list(rows.METHODS))
        self.assertEqual(len({r["id"] for r in found}), len(found))

    def test_a_teacher_comes_with_its_student(self):
        table2 = rows.all_rows(budgets.BUDGETS["tiny"], ["table2"])
        ids = [r["id"] for r in table2]
        self.assertLess(ids.index("vid2vid"), ids.index("fast-vid2vid"))

    def test_sizes_fit_all_networks(self):
        for name in budgets.BUDGETS:
            options = cli.parser().parse_args(["x", "--budget", name])
            self.assertTrue(cli.budget_of(options))
        with self.assertRaises(SweepError):
            cli.budget_of(cli.parser().parse_args(["x", "--set", "steps"]))
        changed = cli.budget_of(cli.parser().parse_args(["x", "--set", "steps=7"]))
        self.assertEqual(changed["generator"]["steps"], 7)


class Output(unittest.TestCase):
    HEAD = {"date": "2026-01-02", "programs": "semcodec 1", "budget": "tiny", "about": "small",
            "settings": budgets.BUDGETS["tiny"], "seed": 1, "baseline_input": "edges", "run": "ab",
            "clips": {"train": [{"name": "a<b", "sha256": "1"}],
                      "test": [{"name": "c", "sha256": "2"}]},
            "dropped": [], "test_frames": 6, "size": (96, 64), "flow": False, "command": "paper"}

    def setUp(self):
        self.rows = rows.all_rows(budgets.BUDGETS["tiny"], rows.TABLES)
        self.results = {}
        for i, row in enumerate(self.rows):
            done = "lacks" not in row and row["id"] != "pix2pixHD"
            self.results[row["id"]] = {
                "id": row["id"], "label": row["label"], "status": "done" if done else "failed",
                "figures": {"psnr": 20.0 + i, "kbps": 7.25, "ssim": 0.5} if done else {},
                "reason": row.get("lacks", "the disk is full.")}
        self.results["ours"]["colours"] = [{"colours": 8, "psnr": 21.0, "kbps": 5.0}]

    def test_the_papers_figures_stand_beside_ours(self):
        text = tables.markdown(self.HEAD, rows.TABLES, self.rows, self.results, {})
        for kind, own in published.TABLE2.items():
            line = next(x for x in text.split("\n") if x.startswith(f"| {kind} |"))
            self.assertIn(f"| {own['psnr']} |", line)
        self.assertIn("| edge map |", text)
        self.assertIn("117.7 / 0.68 / 537", text)
        self.assertIn("pix2pixHD failed: the disk is full.", text)
        self.assertIn("| 8 | 21.00 | 5.0 |", text)

    def test_csv_has_a_line_for_each_row(self):
        lines = tables.csv_text(self.rows, self.results).strip().split("\n")
        self.assertEqual(len(lines), 1 + len(self.rows) + 1)
        self.assertEqual(len({line.count(",") for line in lines
                              if '"' not in line}), 1)

    def test_the_page_holds_everything_and_escapes(self):
        with tempfile.TemporaryDirectory() as folder:
            picture = pathlib.Path(folder) / "fig2.png"
            picture.write_bytes(b"\x89PNG")
            html = page.html(self.HEAD, rows.TABLES, self.rows, self.results, {"fig2": picture},
                             pathlib.Path(folder))
        self.assertIn("a&lt;b", html)
        self.assertNotIn("a<b", html)
        self.assertIn("data:image/png;base64,iVBORw==", html)
        self.assertNotIn("http", html.replace("https://", "").lower().split("<body>")[0])


if __name__ == "__main__":
    unittest.main()
