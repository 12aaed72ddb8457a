"""scripts/import_weights.py: both formats of torch.save, wrong files and hostile ones.

Needs torch's Python side: runs itself by scripts/reference_tools.sh, or says why not and is skipped.
"""
import collections
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import import_weights  # noqa: E402


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

    def save(self, value, zipped=True):
        torch.save(value, self.source, _use_new_zipfile_serialization=zipped)

    def heads(self, prefix="", shapes=None):
        """The LPIPS heads, the smallest of the networks."""
        table = shapes or import_weights.lpips_squeeze()
        return collections.OrderedDict(
            (prefix + name, torch.arange(float(torch.Size(shape).numel())).reshape(shape) / 4 - 3)
            for name, shape in table.items())

    def expect_heads(self):
        expected = self.heads()
        tensors = read_safetensors(self.target)
        self.assertEqual({n: tuple(t[1]) for n, t in tensors.items()},
                         import_weights.lpips_squeeze())
        for name, (dtype, shape, data) in tensors.items():
            self.assertEqual(dtype, "F32")
            self.assertEqual(struct.unpack(f"<{shape[1]}f", data),
                             tuple(expected[name].flatten().tolist()))

    def expect_refused(self, kind, *words):
        done = self.run_script(kind)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertEqual(os.listdir(self.folder.name), ["in.pth"])

    def test_zip_with_prefix_and_state_dict(self):
        self.save({"epoch": 3, "state_dict": self.heads("module.")})
        done = self.run_script("lpips-squeeze")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.expect_heads()

    def test_the_older_format(self):
        self.save(self.heads(), zipped=False)
        done = self.run_script("lpips-squeeze")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.expect_heads()

    def test_types_strides_and_parameters(self):
        tensors = {"a": torch.randn(3, 4), "b": torch.randn(4, 3).t()[:, 1:], "c": torch.tensor(2),
                   "d": torch.randn(6).half(), "e": torch.randn(2, 2).bfloat16(),
                   "f": torch.nn.Parameter(torch.randn(2))}
        import_weights.write_safetensors(self.target, tensors, {})
        written = read_safetensors(self.target)
        self.assertEqual([written[name][0] for name in "abcdef"],
                         ["F32", "F32", "I64", "F16", "BF16", "F32"])
        for name, tensor in tensors.items():
            expected = tensor.detach().contiguous().flatten().view(torch.uint8).tolist()
            self.assertEqual(list(written[name][2]), expected, name)
            self.assertEqual(written[name][1], list(tensor.shape))

    def test_names_and_shapes_are_checked(self):
        self.save(self.heads())
        self.expect_refused("pidinet-tiny", "init_block.weight is missing", "more")
        shapes = import_weights.lpips_squeeze()
        shapes["lin2.model.1.weight"] = (1, 255, 1, 1)
        self.save(self.heads(shapes=shapes))
        self.expect_refused("lpips-squeeze", "1x255x1x1, not 1x256x1x1")
        self.save(self.heads(shapes={**import_weights.lpips_squeeze(), "stranger": (2,)}))
        self.expect_refused("lpips-squeeze", "stranger does not belong")

    def test_inception_of_other_classes_is_refused(self):
        tensors = {n: torch.empty(s) for n, s in import_weights.inception().items()}
        tensors["Mixed_5b.branch1x1.bn.num_batches_tracked"] = torch.tensor(0)
        tensors["fc.weight"] = torch.empty(1008, 2048)
        tensors["fc.bias"] = torch.empty(1008)
        kept = import_weights.select(tensors, import_weights.inception(), "inception")
        self.assertEqual(kept.keys(), import_weights.inception().keys())
        tensors["fc.weight"] = torch.empty(1000, 2048)
        with self.assertRaisesRegex(import_weights.BadFile, "1000x2048, not 1008x2048"):
            import_weights.select(tensors, import_weights.inception(), "inception")
        tensors["fc.weight"] = torch.empty(1008, 2048)
        tensors["AuxLogits.fc.bias"] = torch.empty(1000)
        with self.assertRaisesRegex(import_weights.BadFile, "AuxLogits"):
            import_weights.select(tensors, import_weights.inception(), "inception")

    def test_code_in_a_pickle_never_runs(self):
        trace = os.path.join(self.folder.name, "trace")

        class Hostile:
            def __reduce__(self):
                return os.mkdir, (trace,)

        for zipped in (True, False):
            self.save({"w": Hostile()}, zipped)
            self.expect_refused("lpips-squeeze", "weights_only")

    def test_damage_is_told(self):
        for zipped in (True, False):
            self.save(self.heads(), zipped)
            whole = pathlib.Path(self.source).read_bytes()
            for keep in range(0, len(whole), 997):
                pathlib.Path(self.source).write_bytes(whole[:keep])
                with self.assertRaises(import_weights.BadFile):
                    import_weights.load(self.source)
        pathlib.Path(self.source).write_bytes(b"not a checkpoint at all")
        self.expect_refused("vgg19")

    def test_counts_of_the_published_networks(self):
        def total(kind):
            return sum(torch.Size(shape).numel() for shape in import_weights.KINDS[kind]().values())

        self.assertEqual(total("pidinet"), 710149)
        self.assertEqual(total("pidinet-small"), 183763)
        self.assertEqual(total("pidinet-tiny"), 84477)
        self.assertEqual(total("flownet2"), 162518834)
        self.assertEqual(total("alexnet"), 2469696)
        self.assertEqual(total("vgg16"), 14714688)
        # torchvision's 23,834,568 less the classifier's 2,049,000 without the auxiliary head,
        # and the two statistics of each batch norm, which are no parameters.
        self.assertEqual(total("inception"), 21785568 + 2 * 17216)


if __name__ == "__main__":
    try:
        import torch
    except ImportError:
        tools = str(ROOT / "scripts/reference_tools.sh")
        if subprocess.run(["bash", tools, "--check"]).returncode != 0:
            print("import_weights_test.py: Skipped\ntorch's Python side is not installed; run `bash "
                  "scripts/reference_tools.sh`\n[  SKIPPED ] import_weights (0 ms)")
            sys.exit(77)
        sys.exit(subprocess.run(["bash", tools, "run", os.path.abspath(__file__)]).returncode)
    unittest.main()
