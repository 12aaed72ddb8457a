"""scripts/sweep/marks.py: envelopes and marks against values worked out by hand.

Usage: marks_test.py
"""
import csv
import io
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from sweep import marks  # noqa: E402


def point(codec, kbps, family=None, status="done", clip="clip", **figures):
    return {"clip": clip, "codec": codec, "family": family or codec, "status": status, "kbps": kbps,
            "key": f"{codec}{kbps}", "metrics": figures}


class Values(unittest.TestCase):
    def test_interpolation_is_linear_in_the_logarithm_of_the_rate(self):
        self.assertAlmostEqual(marks.value_at([(4, 20.0), (16, 24.0)], 8), 22.0)
        self.assertAlmostEqual(marks.value_at([(4, 20.0), (16, 24.0)], 4), 20.0)
        self.assertIsNone(marks.value_at([(4, 20.0), (16, 24.0)], 3.9))
        self.assertIsNone(marks.value_at([], 8))

    def test_envelope_joins_codecs_and_drops_what_is_beaten(self):
        points = [(4, 20.0), (16, 24.0), (8, 21.9), (8, 19.0)]  # the chord of 4 and 16 is at 22
        self.assertAlmostEqual(marks.envelope_at(points, 8, True), 22.0)
        self.assertAlmostEqual(marks.envelope_at([*points, (8, 23.0)], 8, True), 23.0)

    def test_another_point_never_lowers_the_envelope(self):
        points = [(4, 20.0), (16, 24.0)]
        for quality in range(180, 250, 3):
            more = [*points, (9, quality / 10)]
            for rate in (4, 5, 8, 9, 12, 16, 20):
                self.assertGreaterEqual(marks.envelope_at(more, rate, True) + 1e-9,
                                        marks.envelope_at(points, rate, True))

    def test_envelope_of_a_metric_that_falls(self):
        self.assertAlmostEqual(marks.envelope_at([(4, 0.4), (16, 0.2), (5, 0.5)], 8, False), 0.3)

    def test_ends_of_the_envelope(self):
        points = [(4, 20.0), (16, 24.0), (20, 23.0)]
        self.assertIsNone(marks.envelope_at(points, 3.9, True))
        self.assertAlmostEqual(marks.envelope_at(points, 32, True), 24.0)

    def test_own_points_are_not_an_envelope(self):
        self.assertEqual(marks.own_at([(9, 21.0), (4, 20.0), (8, 17.0)], 8), (8, 17.0))

    def test_a_missed_target_is_compared_at_its_own_rate(self):
        points = [(4.2, 20.0), (31.0, 30.0)]
        self.assertEqual(marks.own_at(points, 4), (4.2, 20.0))
        self.assertEqual(marks.own_at(points, 32), (31.0, 30.0))
        self.assertEqual(marks.own_at(points, 2), (2, None))
        self.assertEqual(marks.own_at(points, 40), (40, None))


class Marks(unittest.TestCase):
    OTHERS = [point("vvenc", 4, psnr=20.0, lpips_squeeze=0.4, motion_error=1.0, gmsd=0.2, ssim=0.5,
                    vmaf=20.0),
              point("svtav1", 16, psnr=24.0, lpips_squeeze=0.2, motion_error=0.5, gmsd=0.1,
                    ssim=0.7, vmaf=40.0)]

    def rows(self, *own):
        return {(r["family"], r["rate"], r["metric"]): r
                for r in marks.compare([*self.OTHERS, *own])}

    def test_ratios_and_differences(self):
        rows = self.rows(point("semcodec", 8, psnr=21.9, lpips_squeeze=0.15, motion_error=0.7,
                               gmsd=0.15, ssim=0.58, vmaf=31.0))
        got = {metric: (row["figure"], row["passed"])
               for (_, rate, metric), row in rows.items() if rate == 8}
        expected = {"lpips_squeeze": (0.5, True), "gmsd": (1.0, True), "psnr": (-0.1, True),
                    "ssim": (-0.02, False), "vmaf": (1.0, False),
                    "motion_error": (0.7 / 0.75, False)}
        self.assertEqual(set(got), set(expected))
        for metric, (figure, passed) in expected.items():
            self.assertAlmostEqual(got[metric][0], figure, msg=metric)
            self.assertEqual(got[metric][1], passed, metric)

    def test_the_limits_themselves_pass(self):
        for mark in marks.MARKS:
            others = 0.5
            own = others * mark.limit if mark.kind == "ratio" else others + mark.limit
            for step, passed in ((0.01, marks.at_least(mark)), (-0.01, not marks.at_least(mark))):
                self.assertEqual(marks.assess(mark, own + step, others)["passed"], passed, mark)
        self.assertTrue(marks.assess(marks.Mark("gmsd", "ratio", 1.0), 0.3, 0.3)["passed"])

    def test_each_set_of_options_has_rows_of_its_own(self):
        rows = self.rows(point("semcodec", 8, family="a", psnr=30.0),
                         point("semcodec", 8, family="b", psnr=10.0))
        self.assertTrue(rows["a", 8, "psnr"]["passed"])
        self.assertFalse(rows["b", 8, "psnr"]["passed"])

    def test_what_cannot_be_compared_says_why(self):
        rows = self.rows(point("semcodec", 8, psnr=30.0), point("semcodec", 2, psnr=20.0))
        self.assertIsNone(rows["semcodec", 32, "psnr"]["passed"])
        self.assertIn("semcodec was not measured", rows["semcodec", 32, "psnr"]["note"])
        only_dear = marks.compare([point("vvenc", 16, psnr=20.0), point("semcodec", 8, psnr=20.0)])
        self.assertIn("no other codec goes so low",
                      [r["note"] for r in only_dear if r["rate"] == 8][0])

    def test_without_vmaf_its_column_is_left_out(self):
        rows = marks.compare([point("vvenc", 8, psnr=20.0), point("semcodec", 8, psnr=20.0)])
        self.assertEqual({r["metric"] for r in rows}, {"psnr"})
        heads, lines = marks.table(rows)
        self.assertEqual(heads, ["clip", "semcodec", "kbit/s", "PSNR difference (≥ -0.2)"])
        self.assertEqual(lines[1], ["clip", "semcodec", "8", "+0.00 pass"])

    def test_points_that_were_not_measured_do_not_count(self):
        rows = marks.compare([point("vvenc", 8, psnr=20.0), point("vvenc", 8, status="skipped"),
                              point("semcodec", 8, psnr=20.0),
                              point("semcodec", 9, status="failed")])
        self.assertEqual(len(rows), len(marks.RATES))
        self.assertEqual(marks.compare([point("semcodec", 8, psnr=20.0)]), [])

    def test_tables(self):
        rows = list(self.rows(point("semcodec", 8, psnr=21.0, lpips_squeeze=0.1)).values())
        text = marks.markdown(rows)
        self.assertIn("| clip | semcodec | 8 | 0.33 pass |", text)
        self.assertIn("-1.00 fail", text)
        self.assertIn("1 of 2 marks are met", text)
        parsed = list(csv.DictReader(io.StringIO(marks.csv_text(rows))))
        self.assertEqual(len(parsed), len(rows))
        self.assertEqual({r["passed"] for r in parsed}, {"pass", "fail", ""})
        self.assertEqual(marks.markdown([]), "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
