"""scripts/import_weights.py: both formats of torch.save, wrong files and hostile ones.

Runs with the Python library alone: files are built here, from stand-ins with torch's names. Where
torch is installed too, files of torch.save itself are read and compared.
"""
import collections
import io
import json
import os
import pathlib
import pickle
import struct
import subprocess
import sys
import tempfile
import types
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import import_weights  # noqa: E402
import torch_file  # noqa: E402


def numbers(count):
    return struct.pack(f"<{count}f", *[i * 0.25 - 3 for i in range(count)])


class Fake:
    """Modules with torch's names while pickles are written, so that they hold those names."""

    def __enter__(self):
        self.saved = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
        torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
        torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})

        def rebuild(*_):
            raise AssertionError("only its name is used")

        rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
        rebuild.__name__ = "_rebuild_tensor_v2"
        utils._rebuild_tensor_v2 = rebuild
        torch._utils = utils
        sys.modules["torch"], sys.modules["torch._utils"] = torch, utils
        self.torch = torch
        return self

    def __exit__(self, *_):
        for name, module in self.saved.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


class FakeTensor:
    def __init__(self, fake, key, shape, count=None, strides=None, offset=0):
        self.fake, self.key, self.shape, self.offset = fake, key, tuple(shape), offset
        total = 1
        for n in shape:
            total *= n
        self.count = total if count is None else count
        if strides is None:
            strides, step = [], 1
            for n in reversed(shape):
                strides.insert(0, step)
                step *= n
        self.strides = tuple(strides)

    def __reduce__(self):
        storage = FakeStorage(self.fake, self.key, self.count)
        return (self.fake.torch._utils._rebuild_tensor_v2,
                (storage, self.offset, self.shape, self.strides, False,
                 collections.OrderedDict()))


class FakeStorage:
    def __init__(self, fake, key, count):
        self.pid = ("storage", fake.torch.FloatStorage, key, "cpu", count)


class Pickler(pickle.Pickler):
    legacy = False

    def persistent_id(self, value):
        if isinstance(value, FakeStorage):
            return value.pid + ((None,) if self.legacy else ())
        return None


def dump(value, legacy=False):
    stream = io.BytesIO()
    pickler = Pickler(stream, protocol=2)
    pickler.legacy = legacy
    pickler.dump(value)
    return stream.getvalue()


def write_zip(path, data_pkl, storages):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", data_pkl)
        archive.writestr("archive/byteorder", b"little")
        for key, data in storages.items():
            archive.writestr(f"archive/data/{key}", data)


def write_legacy(path, value, storages):
    with open(path, "wb") as stream:
        pickle.dump(torch_file.LEGACY_MAGIC, stream, protocol=2)
        pickle.dump(1001, stream, protocol=2)
        pickle.dump({"little_endian": True, "protocol_version": 1001}, stream, protocol=2)
        stream.write(dump(value, legacy=True))
        pickle.dump(list(storages), stream, protocol=2)
        for data in storages.values():
            stream.write(struct.pack("<q", len(data) // 4) + data)


def read_safetensors(path):
    data = pathlib.Path(path).read_bytes()
    size, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    return {name: (entry["dtype"], entry["shape"],
                   data[8 + size + entry["data_offsets"][0]:8 + size + entry["data_offsets"][1]])
            for name, entry in header.items()}


class ImportWeights(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.source = os.path.join(self.folder.name, "in.pth")
        self.target = os.path.join(self.folder.name, "out.safetensors")

    def tearDown(self):
        self.folder.cleanup()

    def run_script(self, kind):
        return subprocess.run([sys.executable, str(ROOT / "scripts/import_weights.py"),
                               self.source, self.target, "--as", kind],
                              capture_output=True, text=True, check=False)

    def heads(self, fake, prefix="", shapes=None):
        """The LPIPS heads, the smallest of the networks, and their bytes."""
        table = shapes or import_weights.lpips_squeeze()
        value, storages = collections.OrderedDict(), {}
        for i, (name, shape) in enumerate(table.items()):
            value[prefix + name] = FakeTensor(fake, str(i), shape)
            storages[str(i)] = numbers(value[prefix + name].count)
        return value, storages

    def expect_heads(self):
        tensors = read_safetensors(self.target)
        self.assertEqual({n: tuple(t[1]) for n, t in tensors.items()},
                         import_weights.lpips_squeeze())
        for dtype, shape, data in tensors.values():
            self.assertEqual(dtype, "F32")
            self.assertEqual(data, numbers(shape[1]))

    def expect_refused(self, kind, *words):
        done = self.run_script(kind)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertEqual(os.listdir(self.folder.name), ["in.pth"])

    def test_zip_with_prefix_and_state_dict(self):
        with Fake() as fake:
            value, storages = self.heads(fake, "module.")
            write_zip(self.source, dump({"epoch": 3, "state_dict": value}), storages)
        done = self.run_script("lpips-squeeze")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.expect_heads()

    def test_legacy(self):
        with Fake() as fake:
            value, storages = self.heads(fake)
            write_legacy(self.source, value, storages)
        done = self.run_script("lpips-squeeze")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.expect_heads()

    def test_strides_and_offsets(self):
        with Fake() as fake:
            turned = FakeTensor(fake, "0", (2, 3), count=7, strides=(1, 2), offset=1)
            write_zip(self.source, dump({"w": turned}), {"0": numbers(7)})
        tensor = torch_file.load(self.source)["w"]
        values = struct.unpack("<7f", numbers(7))
        self.assertEqual(struct.unpack("<6f", tensor.tobytes()),
                         tuple(values[1 + row + 2 * column] for row in range(2)
                               for column in range(3)))

    def test_names_and_shapes_are_checked(self):
        with Fake() as fake:
            value, storages = self.heads(fake)
            write_zip(self.source, dump(value), storages)
            self.expect_refused("pidinet-tiny", "init_block.weight is missing", "more")
            shapes = import_weights.lpips_squeeze()
            shapes["lin2.model.1.weight"] = (1, 255, 1, 1)
            value, storages = self.heads(fake, shapes=shapes)
            write_zip(self.source, dump(value), storages)
            self.expect_refused("lpips-squeeze", "1x255x1x1, not 1x256x1x1")
            shapes = {**import_weights.lpips_squeeze(), "stranger": (2,)}
            value, storages = self.heads(fake, shapes=shapes)
            write_zip(self.source, dump(value), storages)
            self.expect_refused("lpips-squeeze", "stranger does not belong")

    def test_inception_of_other_classes_is_refused(self):
        shaped = collections.namedtuple("shaped", "shape dtype")
        tensors = {n: shaped(s, "F32") for n, s in import_weights.inception().items()}
        tensors["Mixed_5b.branch1x1.bn.num_batches_tracked"] = shaped((), "I64")
        tensors["fc.weight"] = shaped((1008, 2048), "F32")
        tensors["fc.bias"] = shaped((1008,), "F32")
        kept = import_weights.select(tensors, import_weights.inception(), "inception")
        self.assertEqual(kept.keys(), import_weights.inception().keys())
        tensors["fc.weight"] = shaped((1000, 2048), "F32")
        with self.assertRaisesRegex(torch_file.BadFile, "1000x2048, not 1008x2048"):
            import_weights.select(tensors, import_weights.inception(), "inception")
        tensors["fc.weight"] = shaped((1008, 2048), "F32")
        tensors["AuxLogits.fc.bias"] = shaped((1000,), "F32")
        with self.assertRaisesRegex(torch_file.BadFile, "AuxLogits"):
            import_weights.select(tensors, import_weights.inception(), "inception")

    def test_code_in_a_pickle_never_runs(self):
        trace = os.path.join(self.folder.name, "trace")

        class Hostile:
            def __reduce__(self):
                return os.mkdir, (trace,)

        write_zip(self.source, dump({"w": Hostile()}), {})
        self.expect_refused("lpips-squeeze", "more than tensors", "mkdir")
        write_legacy(self.source, {"w": Hostile()}, {})
        self.expect_refused("lpips-squeeze", "more than tensors", "mkdir")

    def test_damage_is_told(self):
        with Fake() as fake:
            value, storages = self.heads(fake)
            storages["3"] = storages["3"][:-4]
            write_zip(self.source, dump(value), storages)
            self.expect_refused("lpips-squeeze", "another size")
            reaching = FakeTensor(fake, "0", (4,), count=3)
            write_zip(self.source, dump({"w": reaching}), {"0": numbers(3)})
            self.expect_refused("lpips-squeeze", "beyond its storage")
            value, storages = self.heads(fake)
            write_legacy(self.source, value, storages)
        whole = pathlib.Path(self.source).read_bytes()
        for keep in range(0, len(whole), 997):
            pathlib.Path(self.source).write_bytes(whole[:keep])
            with self.assertRaises(torch_file.BadFile):
                torch_file.load(self.source)
        pathlib.Path(self.source).write_bytes(b"not a checkpoint at all")
        self.expect_refused("vgg19")

    def test_counts_of_the_published_networks(self):
        def total(kind):
            count = 0
            for shape in import_weights.KINDS[kind]().values():
                size = 1
                for n in shape:
                    size *= n
                count += size
            return count

        self.assertEqual(total("pidinet"), 710149)
        self.assertEqual(total("pidinet-small"), 183763)
        self.assertEqual(total("pidinet-tiny"), 84477)
        self.assertEqual(total("flownet2"), 162518834)
        self.assertEqual(total("alexnet"), 2469696)
        self.assertEqual(total("vgg16"), 14714688)
        # torchvision's 23,834,568 less the classifier's 2,049,000 without the auxiliary head,
        # and the two statistics of each batch norm, which are no parameters.
        self.assertEqual(total("inception"), 21785568 + 2 * 17216)

    def test_files_of_torch_itself(self):
        try:
            import torch
        except ImportError:
            self.skipTest("torch's Python side is not installed (pip install torch)")
        tensors = {"a": torch.randn(3, 4), "b": torch.randn(4, 3).t(), "c": torch.arange(5),
                   "d": torch.randn(6).half(), "e": torch.randn(2, 2).bfloat16(),
                   "f": torch.nn.Parameter(torch.randn(2))}
        for zipped in (True, False):
            torch.save(collections.OrderedDict(tensors), self.source,
                       _use_new_zipfile_serialization=zipped)
            for name, tensor in torch_file.load(self.source).items():
                expected = tensors[name].detach().contiguous()
                self.assertEqual(tensor.shape, tuple(expected.shape))
                self.assertEqual(tensor.tobytes(),
                                 bytes(expected.view(torch.uint8).flatten().tolist()))


if __name__ == "__main__":
    unittest.main()
