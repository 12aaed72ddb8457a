"""Parts of scripts/sweep.py that need none of semcodec's programs: which ffmpeg is used and what it
lacks, ladders, rows of options, VMAF where libvmaf is, and the side-by-side picture.

Usage: sweep_parts_test.py
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from sweep import cli, clips, codecs, ffmpeg, ladder, packages, side_by_side, tables  # noqa: E402
from sweep import process, store, vmaf  # noqa: E402
from sweep.errors import SweepError  # noqa: E402

packages.activate("plots")

# An ffmpeg with x264 and VVenC's encoder and no more: no libvmaf, and no decoder for VVC.
FAKE = """#!/bin/sh
case "$*" in
  *-version*) echo "ffmpeg version 4.2-fake Copyright" ;;
  *-encoders*) echo " V..... libx264   x"; echo " V....D libvvenc   x" ;;
  *-decoders*) echo " VFS..D h264   x" ;;
  *-filters*) echo " TS psnr   VV->V   x" ;;
  *) echo "x264 - core 999 r1" ; exit 1 ;;
esac
"""


def program(folder, name, text=FAKE):
    path = pathlib.Path(folder) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


class WhichFfmpeg(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def asked(self, deps, given):
        """What a fresh process finds (path, origin, version)."""
        script = ("import sys; sys.path.insert(0, sys.argv[1]); from sweep import ffmpeg; "
                  "f = ffmpeg.Ffmpeg.find(sys.argv[2] or None); print(f.path, f.origin, sep='|')")
        ran = subprocess.run([sys.executable, "-I", "-c", script, str(ROOT / "scripts"), given],
                             capture_output=True, text=True, check=True,
                             env={**os.environ, "SEMCODEC_DEPS": str(deps)})
        return ran.stdout.strip().split("|")

    def test_given_then_packaged_then_the_systems(self):
        deps = pathlib.Path(self.folder.name) / "deps"
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        home = deps / f"python-{version}-ffmpeg"
        given = program(self.folder.name, "own-ffmpeg")
        self.assertEqual(self.asked(deps, str(given)), [str(given), "given by --ffmpeg"])
        if not ffmpeg.importlib.util.find_spec("imageio_ffmpeg"):
            self.assertEqual(self.asked(deps, "")[1], "the system's")
        packaged = program(home / "imageio_ffmpeg" / "binaries", "ffmpeg-fake-v1")
        (home / "imageio_ffmpeg" / "__init__.py").write_text("")
        info = home / "imageio_ffmpeg-1.2.3.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: imageio-ffmpeg\n"
                                       "Version: 1.2.3\n")
        self.assertEqual(self.asked(deps, ""), [str(packaged), "imageio-ffmpeg 1.2.3"])
        self.assertEqual(self.asked(deps, str(given))[0], str(given))

    def test_what_is_no_ffmpeg_is_refused(self):
        with self.assertRaisesRegex(SweepError, "There is no program /no/ffmpeg"):
            ffmpeg.Ffmpeg.find("/no/ffmpeg")
        other = program(self.folder.name, "other", "#!/bin/sh\necho hello\n")
        with self.assertRaisesRegex(SweepError, "is no ffmpeg"):
            ffmpeg.Ffmpeg.find(str(other)).version

    def test_what_it_lacks_is_said_and_left_out(self):
        found = ffmpeg.Ffmpeg.find(str(program(self.folder.name, "ffmpeg")))
        self.assertEqual(found.version, "4.2-fake")
        found.check()
        self.assertRegex(found.lacks("svtav1"), "^has no libsvtav1 ")
        self.assertRegex(found.lacks("vvenc"), "^has no decoder for libvvenc's streams ")
        self.assertRegex(found.lacks("x264"), "^has a libx264 that does not encode ")
        self.assertFalse(found.has_vmaf)
        tools = argparse.Namespace(ffmpeg=found)
        said = []
        original, cli.say = cli.say, said.append
        self.addCleanup(setattr, cli, "say", original)
        self.assertEqual(cli.choose_codecs("semcodec,vvenc,x264", "full", tools), ["semcodec"])
        self.assertEqual(cli.choose_metrics("all", tools), ("all", False))
        self.assertEqual(cli.choose_metrics("psnr,vmaf", tools), ("psnr", False))
        self.assertEqual(cli.choose_metrics("psnr", tools), ("psnr", False))
        self.assertEqual(len(said), 4)  # the last asked for no VMAF
        self.assertRegex(said[0], "^VVenC is left out: .* has no decoder")
        self.assertRegex(said[2], "^VMAF is left out: .* has no libvmaf .*setup_python.sh --ffmpeg")

    def test_codecs_of_the_one_in_use(self):
        found = ffmpeg.Ffmpeg.find()
        self.assertIsNone(found.lacks("x264"))
        self.assertRegex(found.encoder_version("x264"), r"^\d+")
        self.assertIn(found.version, ffmpeg.sentence(found.describe(["semcodec", "x264"])))

    def test_setup_script_knows_the_option(self):
        pinned = (ROOT / "scripts/requirements-ffmpeg.txt").read_text()
        self.assertRegex(pinned, r"(?m)^imageio-ffmpeg==\d+\.\d+\.\d+$")
        script = ["bash", str(ROOT / "scripts/setup_python.sh")]
        shown = subprocess.run([*script, "--help"], capture_output=True, text=True, check=True)
        self.assertIn("--ffmpeg", shown.stdout)
        refused = subprocess.run([*script, "--no-such"], capture_output=True, text=True)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("unknown option --no-such", refused.stderr)


class Ladders(unittest.TestCase):
    def test_marks_ladder(self):
        for codec in ("svtav1", "vvenc"):
            points = ladder.anchor_points(codec, "marks")
            self.assertEqual({(p["scale"], p["step"]) for p in points},
                             {(s, t) for s in (1, 2, 4) for t in (1, 2, 4)})
            self.assertEqual(max(p["value"] for p in points), 63)
            self.assertEqual({p["preset"] for p in points},
                             {{"svtav1": "3", "vvenc": "medium"}[codec]})
            self.assertEqual({p["mode"] for p in points}, {"crf"})

    def test_other_ladders_keep_their_presets(self):
        self.assertEqual({p["preset"] for p in ladder.anchor_points("svtav1", "full")}, {"4"})

    def test_rows_of_options(self):
        self.assertEqual(ladder.option_rows("--profile auto --bitrate {4k,8k}"),
                         [["--profile", "auto", "--bitrate", "4k"],
                          ["--profile", "auto", "--bitrate", "8k"]])
        self.assertEqual(len(ladder.option_rows("--a {1,2} --b={3,4,5}")), 6)
        self.assertEqual(ladder.option_rows(""), [[]])
        self.assertEqual(ladder.option_rows("--point colour=16x12,edges=8x4"),
                         [["--point", "colour=16x12,edges=8x4"]])
        for wrong in ("--bitrate {4k,8k", "--bitrate 4k}", "--model 'x"):
            with self.assertRaises(SweepError, msg=wrong):
                ladder.option_rows(wrong)

    def test_named_points_take_the_place_of_the_ladders_own(self):
        points = ladder.semcodec_points("marks", templates=["--bitrate {4k,8k}", "--quality 50"])
        self.assertEqual([p["words"] for p in points],
                         [["--bitrate", "4k"], ["--bitrate", "8k"], ["--quality", "50"]])
        self.assertEqual([p["family"] for p in points],
                         ["--bitrate {4k,8k}"] * 2 + ["--quality 50"])
        self.assertEqual({p["mode"] for p in ladder.semcodec_points("marks")}, {"bitrate"})
        self.assertEqual(codecs.label("semcodec", points[0], {}), "--bitrate 4k")

    def test_vvenc_gets_ten_bits_and_key_frames_in_seconds(self):
        words = codecs.encoder_arguments("vvenc", {"mode": "crf", "value": 63}, 25,
                                         pathlib.Path("w"))
        self.assertEqual(words[words.index("-pix_fmt") + 1], "yuv420p10le")
        self.assertEqual(words[words.index("-period") + 1], str(codecs.KEY_SECONDS))
        self.assertEqual(words[words.index("-qp") + 1], "63")


class Measured(unittest.TestCase):
    """With the ffmpeg in use, where it has what is needed."""

    def setUp(self):
        self.ffmpeg = ffmpeg.Ffmpeg.find()
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.work = pathlib.Path(self.folder.name)
        self.clip = clips.describe(f"{ROOT / 'samples/street.mp4'}@256x128", limit=8)
        self.source = clips.reference(self.clip, self.work / "references", self.ffmpeg)

    def round_trip(self, codec, **params):
        lack = self.ffmpeg.lacks(codec)
        if lack:
            self.skipTest(f"{self.ffmpeg.path} {lack}")
        params = {"mode": "crf", "scale": 1, "step": 1, **params}
        stream = codecs.encode_anchor(codec, params, self.clip, self.source, self.work, self.ffmpeg)
        output = self.work / f"{codec}.mp4"
        codecs.decode_anchor(codec, params, self.clip, self.source, stream, output, self.ffmpeg)
        return stream, output

    def test_vvenc(self):
        stream, output = self.round_trip("vvenc", scale=2, step=4, value=50)
        found = clips.probe(output)
        self.assertEqual((found["width"], found["height"], found["nb_read_packets"]),
                         (256, 128, "2"))
        kinds = [data[1] >> 3 for data in stream.read_bytes().split(b"\0\0\1")[1:]]
        self.assertNotIn(20, kinds)  # access unit delimiters

    def test_vmaf_falls_with_quality_and_holds_frames(self):
        if not self.ffmpeg.has_vmaf:
            self.skipTest(f"{self.ffmpeg.path} has no libvmaf ({ffmpeg.INSTALL})")
        values = [vmaf.measure(self.source, self.source, self.clip, self.work, self.ffmpeg)]
        for params in ({"value": 35}, {"value": 51}):
            values.append(vmaf.measure(self.source, self.round_trip("x264", **params)[1], self.clip,
                                       self.work, self.ffmpeg))
        self.assertGreater(values[0], 90)
        self.assertEqual(values, sorted(values, reverse=True))
        held = self.round_trip("x264", step=4, value=20)[1]
        self.assertEqual(clips.probe(held)["nb_read_packets"], "2")
        self.assertLess(vmaf.measure(self.source, held, self.clip, self.work, self.ffmpeg),
                        values[0])
        self.assertEqual(len(json.loads((self.work / "vmaf.json").read_text())["frames"]), 8)

    def test_frame_of_a_video_that_holds_frames(self):
        output = self.round_trip("x264", step=4, value=20)[1]
        md5 = [process.run([*self.ffmpeg.command(), "-i", side_by_side.frame(
            output, self.clip, number, self.work / f"{number}.png", self.ffmpeg),
            "-f", "md5", "-"]) for number in (0, 3, 4, 7)]
        self.assertEqual(md5[0], md5[1])
        self.assertEqual(md5[2], md5[3])
        self.assertNotEqual(md5[1], md5[2])


class SideBySide(unittest.TestCase):
    def test_arguments(self):
        self.assertEqual([side_by_side.rate_of(t) for t in ("8k", "8000", "0.5M")], [8, 8, 500])
        self.assertEqual(side_by_side.crop_of("1,2,3,4", 10, 10), (1, 2, 3, 4))
        self.assertIsNone(side_by_side.crop_of(None, 10, 10))
        for wrong in ("0", "x", "-8k"):
            with self.assertRaises(SweepError):
                side_by_side.rate_of(wrong)
        for wrong in ("1,2,3", "8,0,3,3", "0,0,0,3"):
            with self.assertRaises(SweepError):
                side_by_side.crop_of(wrong, 10, 10)

    def test_best_lpips_not_above_the_rate(self):
        def result(kbps, lpips, **more):
            return {"codec": "vvenc", "status": "done", "kbps": kbps,
                    "metrics": {"lpips_squeeze": lpips}, **more}
        results = [result(4, .5), result(8.3, .3), result(7, .4), result(9, .1),
                   result(8, .2, codec="x264"), result(8, .2, status="skipped")]
        self.assertEqual(side_by_side.choose(results, "vvenc", 8)["kbps"], 8.3)  # met to 5 %
        self.assertIsNone(side_by_side.choose(results, "vvenc", 3))
        with self.assertRaisesRegex(SweepError, "fetch.sh weights"):
            side_by_side.choose([result(4, None)], "vvenc", 8)

    def test_a_finer_quantiser_brings_the_rate_near(self):
        asked = []

        def run(params):
            asked.append(params["value"])
            kbps = 4 * 2 ** ((50 - params["value"]) / 6)  # 8 kbit/s at 44
            return {"status": "done", "kbps": kbps, "params": params}
        best = {"params": {"mode": "crf", "scale": 2, "value": 50}}
        found = side_by_side.approach(best, 8, run)
        self.assertEqual(found[-1]["params"], {"mode": "crf", "scale": 2, "value": 44})
        self.assertTrue(all(r["kbps"] <= 8.4 for r in found))
        self.assertEqual(len(asked), 4)  # 42 is above the rate, 46, 44 and 43
        self.assertEqual(side_by_side.approach(best, 40, run)[-1]["params"]["value"], 30)
        self.assertEqual(side_by_side.approach(
            best, 8, lambda params: {"status": "skipped", "kbps": 99}), [])

    def test_titles(self):
        self.assertEqual(side_by_side.titles({"codec": "vvenc", "kbps": 7.96, "label": "QP 50"}),
                         ["VVC (VVenC), 8.0 kbit/s", "QP 50"])

    def test_sheet(self):
        try:
            from PIL import Image
            import matplotlib  # noqa: F401
        except ImportError:
            self.skipTest("Pillow is not installed (bash scripts/setup_python.sh)")
        columns = [(Image.new("RGB", (160, 96), colour), [name, "a detail"])
                   for name, colour in (("source", "red"), ("semcodec", "green"), ("VVC", "blue"))]
        plain = side_by_side.compose(columns)
        with_part = side_by_side.compose(columns, (10, 20, 80, 40), 2)
        self.assertEqual(plain.width, with_part.width)  # the part is enlarged to the same width
        self.assertEqual(with_part.height - plain.height, 80 + side_by_side.GAP)
        margin, step = side_by_side.MARGIN, 160 + side_by_side.GAP
        found = [plain.getpixel((margin + i * step + 80, margin + 40)) for i in range(3)]
        self.assertEqual(found, [(255, 0, 0), (0, 128, 0), (0, 0, 255)])
        self.assertEqual(side_by_side.compose(columns, across=2).width, 2 * margin + step + 160)


class Known(unittest.TestCase):
    """Points of other codecs that come with the project."""

    TASK = {"key": "k1", "codec": "vvenc", "clip": {"name": "new name"}, "label": "L",
            "family": "vvenc", "max_kbps": 64}
    POINT = {"key": "k1", "codec": "vvenc", "clip": "old name", "label": "L", "params": {},
             "status": "done", "kbps": 8.0, "metrics": {"psnr": 30.0}, "frames": {}}

    def test_kept_and_found_without_a_stream(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "known.jsonl"
            other = {**self.POINT, "key": "k2", "codec": "semcodec"}
            store.write_known(path, [self.POINT, other, {**self.POINT, "key": "k3",
                                                         "status": "failed"}])
            self.assertEqual(list(store.read_known(path)), ["k1"])  # anchors that went well
            store.write_known(path, [{**self.POINT, "key": "k0"}])
            self.assertEqual(sorted(store.read_known(path)), ["k0", "k1"])
            found = store.Store(folder, path).find(self.TASK)
            self.assertEqual((found["clip"], found["metrics"]["psnr"]), ("new name", 30.0))
            lower = store.Store(folder, path).find({**self.TASK, "max_kbps": 4})
            self.assertEqual(lower["status"], "skipped")
            self.assertIsNone(store.Store(folder, path).find({**self.TASK, "key": "k9"}))
            self.assertIsNone(store.Store(folder).find(self.TASK))

    def test_a_damaged_file_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "known.jsonl"
            for text in ("{", "[1]\n", '{"status": "done"}\n'):
                path.write_text(text)
                with self.assertRaisesRegex(SweepError, "known.jsonl holds something else"):
                    store.read_known(path)


class Tables(unittest.TestCase):
    def test_vmaf_stands_beside_the_other_figures(self):
        point = {"clip": "c", "codec": "x264", "label": "l", "status": "done", "kbps": 1.0,
                 "bytes": 1, "best": True, "key": "k",
                 "metrics": {"vmaf": 50.0, "psnr": 20.0, "ssim": 0.5, "gmsd": 0.1,
                             "lpips_squeeze": 0.3, "motion_error": 0.9}}
        self.assertIn("psnr,ssim,vmaf,lpips_squeeze,gmsd,motion_error", tables.csv_text([point]))
        self.assertIn("| PSNR | SSIM | VMAF | LPIPS (squeeze) | GMSD | Motion error |",
                      tables.markdown([point], []))


if __name__ == "__main__":
    unittest.main(verbosity=2)
