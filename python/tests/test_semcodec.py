"""The installed wheel: planes, encoding, decoding, statistics, errors. Streams are from samples/."""

import io
import os
import sys
import threading
import unittest

import numpy as np
import semcodec

SAMPLES = os.environ["SEMCODEC_SAMPLES"]


def golden(name):
    return os.path.join(SAMPLES, "golden", name + ".sem")


def moving_square(count, height=64, width=96):
    """A square that moves over a gradient."""
    background = np.empty((height, width, 3), np.uint8)
    background[..., 0] = np.linspace(0, 255, width)
    background[..., 1] = np.linspace(0, 255, height)[:, None]
    background[..., 2] = 60
    frames = []
    for i in range(count):
        frame = background.copy()
        frame[20:44, 5 + 2 * i:29 + 2 * i] = (230, 40, 40)
        frames.append(frame)
    return frames


class Planes(unittest.TestCase):
    def digests(self, name):
        with open(golden(name)[:-4] + ".digests", encoding="ascii") as file:
            return [line.split()[1] for line in file]

    def test_digests_of_golden_streams(self):
        for name in ("street-hybrid", "street-low-rate", "street-paper"):
            self.assertEqual([f.digest for f in semcodec.Reader(golden(name))], self.digests(name))

    def test_planes_are_arrays(self):
        reader = semcodec.Reader(golden("street-low-rate"))
        first = next(reader)
        self.assertTrue(first.entry_point)
        self.assertIsNone(first.motion)
        self.assertEqual(first.labels.dtype, np.uint8)
        self.assertLess(first.labels.max(), len(first.palette))
        self.assertLess(first.edges.max(), first.edge_levels)
        moved = [frame.motion for frame in reader if frame.motion is not None]
        self.assertTrue(moved)
        self.assertEqual(moved[0].shape[2], 2)
        self.assertEqual(moved[0].dtype, np.int16)

    def test_base_pictures(self):
        picture = next(semcodec.Reader(golden("street-hybrid"))).base_picture
        self.assertGreater(len(picture["data"]), 0)
        self.assertEqual(picture["width"] % 2, 0)

    def test_bytes_and_files_read_the_same(self):
        with open(golden("street-low-rate"), "rb") as file:
            data = file.read()
        by_path = [f.digest for f in semcodec.Reader(golden("street-low-rate"))]
        self.assertEqual([f.digest for f in semcodec.Reader(data)], by_path)
        self.assertEqual([f.digest for f in semcodec.Reader(io.BytesIO(data))], by_path)

    def test_statistics_add_up(self):
        path = golden("street-low-rate")
        stats = semcodec.statistics(path)
        self.assertEqual(stats["bytes"], os.path.getsize(path))
        self.assertEqual(stats["status"], "complete")
        self.assertEqual(len(stats["coded"]), stats["coded_frames"])
        self.assertAlmostEqual(sum(stats["bits"].values()), 8 * stats["bytes"], delta=1)
        self.assertEqual(stats["frames"],
                         sum(1 + frame["interpolated"] for frame in stats["coded"]))

    def test_truncated_stream(self):
        with open(golden("street-low-rate"), "rb") as file:
            data = file.read()
        reader = semcodec.Reader(data[:len(data) // 2])
        whole = [f.digest for f in semcodec.Reader(data)]
        part = [f.digest for f in reader]
        self.assertEqual(part, whole[:len(part)])
        self.assertLess(len(part), len(whole))
        self.assertEqual(reader.status, "truncated")


class Codec(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.frames = moving_square(12)
        cls.stream = semcodec.encode(cls.frames, fps=25, profile="hybrid", quality=100, effort=9)

    def test_frames_come_back(self):
        pictures = semcodec.decode(self.stream)
        self.assertEqual(len(pictures), len(self.frames))
        for picture, frame in zip(pictures, self.frames):
            self.assertEqual(picture.dtype, np.uint8)
            self.assertEqual(picture.shape, (64, 96, 3))
            error = np.abs(picture.astype(float) - frame).mean()
            self.assertLess(error, 40)
        # The square is where it was: red in its middle.
        middle = pictures[-1][32, 5 + 22 + 12]
        self.assertGreater(int(middle[0]), int(middle[1]) + 60)

    def test_times_and_kinds(self):
        frames = list(semcodec.Decoder(self.stream))
        self.assertEqual([f.pts for f in frames], list(range(12)))
        self.assertAlmostEqual(frames[5].seconds, 5 / 25)
        self.assertTrue(frames[0].coded)

    def test_part_of_a_stream(self):
        self.assertEqual([f.pts for f in semcodec.Decoder(self.stream, skip=3, limit=4)],
                         [3, 4, 5, 6])

    def test_from_an_object_with_read(self):
        self.assertEqual(len(list(semcodec.Decoder(io.BytesIO(self.stream)))), 12)

    def test_encoder_streams_as_it_goes(self):
        encoder = semcodec.Encoder(96, 64, time_base=(1, 25), frame_rate=(25, 1), low_delay=True,
                                   profile="hybrid", effort=9)
        parts = [encoder.take()]
        self.assertGreater(len(parts[0]), 0)  # the header
        for pts, frame in enumerate(self.frames):
            encoder.push(frame, pts)
            parts.append(encoder.take())
        self.assertTrue(any(parts[1:]))
        parts.append(encoder.finish())
        data = b"".join(parts)
        self.assertEqual(encoder.stats["bytes"], len(data))
        self.assertEqual(encoder.stats["frames"], 12)
        self.assertEqual(semcodec.statistics(data)["frames"], 12)

    def test_pictures_are_scaled_to_the_coded_size(self):
        stream = semcodec.encode(self.frames[:3], fps=25, coded_width=64, coded_height=64,
                                 profile="hybrid", effort=9)
        self.assertEqual(semcodec.Reader(stream).info.coded_width, 64)
        self.assertEqual(semcodec.decode(stream)[0].shape, (64, 64, 3))

    def test_cancel_ends_a_decoder(self):
        decoder = semcodec.Decoder(self.stream)
        next(decoder)
        decoder.cancel()
        self.assertEqual(list(decoder), [])

    def test_a_decoder_may_be_dropped_half_way(self):
        decoder = semcodec.Decoder(io.BytesIO(self.stream))
        next(decoder)
        del decoder
        self.assertEqual(threading.active_count(), 1)

    def test_encode_file(self):
        result = semcodec.encode_file(os.path.join(SAMPLES, "street.mp4"), "street.sem", limit=8,
                                      effort=9, coded_width=128, coded_height=64)
        self.assertEqual(result["frames"], 8)
        self.assertEqual(result["bytes"], os.path.getsize("street.sem"))

    def test_torch_is_not_imported(self):
        self.assertNotIn("torch", sys.modules)


class Errors(unittest.TestCase):
    def test_missing_file(self):
        with self.assertRaises(semcodec.Error) as caught:
            semcodec.Reader("missing.sem")
        self.assertEqual(caught.exception.kind, "input")
        self.assertIn("missing.sem", str(caught.exception))

    def test_no_stream(self):
        with self.assertRaises(semcodec.Error):
            semcodec.Reader(b"not a stream at all")

    def test_unknown_option(self):
        with self.assertRaisesRegex(TypeError, "colour"):
            semcodec.Decoder(golden("street-hybrid"), colour=1)

    def test_wrong_picture(self):
        encoder = semcodec.Encoder(96, 64, profile="hybrid")
        for wrong in (np.zeros((64, 96), np.uint8), np.zeros((64, 96, 3), np.float32)):
            with self.assertRaises(ValueError):
                encoder.push(wrong, 0)

    def test_no_pictures(self):
        with self.assertRaises(semcodec.Error):
            semcodec.Encoder(96, 64, profile="hybrid").finish()

    def test_unknown_model(self):
        with self.assertRaises(semcodec.Error) as caught:
            semcodec.open_model("nobody")
        self.assertIn("nobody", str(caught.exception))

    def test_failing_source(self):
        class Broken:
            def read(self, size):
                raise OSError("the cable is cut")

        with self.assertRaisesRegex(semcodec.Error, "the cable is cut"):
            semcodec.Reader(Broken())


if __name__ == "__main__":
    unittest.main()
