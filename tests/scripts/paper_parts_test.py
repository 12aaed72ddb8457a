#!/usr/bin/env python3
"""What scripts/paper.py does without programs: clips and their split, rows, tables, the page."""
import argparse
import os
import pathlib
import struct
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from paper import budgets, cli, data, labels, page, published, row, rows, scheduler, tables  # noqa: E402
from sweep import packages  # noqa: E402
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
            found = data.described([(p, None) for p in data.videos_in(folder)])
            self.assertEqual([e["name"] for e in found], ["a", "b"])

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


class Labels(unittest.TestCase):
    def test_ids_become_train_ids(self):
        self.assertEqual(labels.FROM_LABEL_IDS[7], 0)    # road
        self.assertEqual(labels.FROM_LABEL_IDS[33], 18)  # bicycle
        self.assertEqual(labels.FROM_LABEL_IDS[4], 19)   # static: no class of the training
        self.assertEqual(labels.FROM_TRAIN_IDS[255], 19)
        self.assertEqual(sorted(set(labels.FROM_LABEL_IDS)), list(range(20)))

    def test_images_count_where_every_frame_has_one(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            city = folder / "leftImg8bit_sequence" / "val" / "ulm"
            marks = folder / "gtFine" / "val" / "ulm"
            city.mkdir(parents=True)
            marks.mkdir(parents=True)
            pictures = []
            for number in range(3):
                pictures.append(str(city / f"ulm_000001_{number:06d}_leftImg8bit.png"))
                (marks / f"ulm_000001_{number:06d}_gtFine_labelIds.png").touch()
            entry = {"pictures": pictures}
            found = labels.label_images(entry, 0)
            self.assertEqual([f.name for f, _ in found],
                             [f"ulm_000001_{n:06d}_gtFine_labelIds.png" for n in range(3)])
            (marks / "ulm_000001_000002_gtFine_labelIds.png").unlink()
            self.assertIsNone(labels.label_images(entry, 0))
            self.assertEqual(len(labels.label_images(entry, 2)), 2)
            self.assertIsNone(labels.label_images({"pictures": None}, 0))

    def test_labels_of_a_store(self):
        with tempfile.TemporaryDirectory() as folder:
            frames = pathlib.Path(folder) / "a.frames"
            header = b"SEMFRAME" + struct.pack("<IIIIQII", 1, 4, 2, 3, 2, 25, 1)
            frames.write_bytes(header.ljust(64, b"\0") + bytes(4 * 2 * 3 * 2))
            labels.class_store(frames, bytes(range(16)))
            written = frames.with_suffix(".classes").read_bytes()
            self.assertEqual(struct.unpack_from("<IIIIQ", written, 8), (1, 4, 2, 1, 2))
            self.assertEqual(written[64:], bytes(range(16)))
            with self.assertRaises(SweepError):
                labels.class_store(frames, bytes(15))

    def test_a_row_without_labels_says_what_it_lacks(self):
        one = next(r for r in rows.all_rows(budgets.BUDGETS["tiny"], ["table1"])
                   if r["input"] == "labels")
        result = row.run(one, {"labels": {"reason": labels.LACKS}})
        self.assertEqual((result["status"], result["reason"]), ("lacking", labels.LACKS))


class Rows(unittest.TestCase):
    def test_all_share_one_budget(self):
        found = rows.all_rows(budgets.BUDGETS["20m"], rows.TABLES)
        for key in ("steps", "batch", "crop", "seed", "learning_rate", "gan_start"):
            self.assertEqual(len({r["settings"].get(key) for r in found}), 1, key)
        self.assertEqual([r["id"] for r in found if "table2" in r["tables"]],
                         list(rows.METHODS))
        self.assertEqual(len({r["id"] for r in found}), len(found))
        drawn = sorted((r["colours"], r["stream"]) for r in found if "fig3" in r["tables"])
        self.assertEqual(drawn, [(k, "planes" if k == 16 else f"colours-{k}")
                                 for k in (2, 4, 8, 16, 32, 64)])

    def test_every_budget_has_the_colours_of_all_rows(self):
        for budget in budgets.BUDGETS.values():
            self.assertIn(rows.COLOURS, budget["colours"])

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


class Cluster(unittest.TestCase):
    def test_rows_run_on_dask(self):
        packages.activate("dask")
        try:
            import distributed
        except ImportError:
            self.skipTest("Dask is not installed (bash scripts/setup_python.sh --dask)")
        os.environ["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if "python-" in p)
        wanted = [r for r in rows.all_rows(budgets.BUDGETS["tiny"], ["table1"])
                  if r["input"] == "labels"]
        with tempfile.TemporaryDirectory() as folder, distributed.LocalCluster(
                n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None,
                host="127.0.0.1") as cluster:
            setup = {"rows": folder, "labels": {"reason": "lacks a network."}}
            results = scheduler.run_all(wanted, setup, cluster.scheduler_address, lambda _: None)
        self.assertEqual(results["image-labels"]["status"], "lacking")
        self.assertEqual(results["image-labels"]["reason"], "lacks a network.")


class Output(unittest.TestCase):
    HEAD = {"date": "2026-01-02", "programs": "semcodec 1", "budget": "tiny", "about": "small",
            "settings": budgets.BUDGETS["tiny"], "seed": 1, "baseline_input": "edges", "run": "ab",
            "clips": {"train": [{"name": "a<b", "sha256": "1"}],
                      "test": [{"name": "c", "sha256": "2"}]},
            "labels": "ESPNet, 20 classes", "dropped": [], "test_frames": 6, "size": (96, 64), "flow": False, "command": "paper"}

    def setUp(self):
        self.rows = rows.all_rows(budgets.BUDGETS["tiny"], rows.TABLES)
        self.results = {}
        for i, row in enumerate(self.rows):
            done = row["id"] != "pix2pixHD"
            self.results[row["id"]] = {
                "id": row["id"], "label": row["label"], "status": "done" if done else "failed",
                "figures": {"psnr": 20.0 + i, "kbps": 7.25, "ssim": 0.5} if done else {},
                "reason": "the disk is full."}
        self.results["k2"]["figures"] = {"psnr": 21.0, "kbps": 5.0}

    def test_the_papers_figures_stand_beside_ours(self):
        text = tables.markdown(self.HEAD, rows.TABLES, self.rows, self.results, {})
        for kind, own in published.TABLE2.items():
            line = next(x for x in text.split("\n") if x.startswith(f"| {kind} |"))
            self.assertIn(f"| {own['psnr']} |", line)
        self.assertIn("| edge map |", text)
        self.assertIn("117.7 / 0.68 / 537", text)
        self.assertIn("pix2pixHD failed: the disk is full.", text)
        self.assertIn("| 2 | 21.00 | – | 5.0 |", text)

    def test_csv_has_a_line_for_each_row(self):
        lines = tables.csv_text(self.rows, self.results).strip().split("\n")
        self.assertEqual(len(lines), 1 + len(self.rows))
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
