#!/usr/bin/env python3
"""semcodec-eval against the tools that others measure with, on the same pictures.

    python3 tests/scripts/metrics_parity_test.py SEMCODEC_EVAL

PSNR and SSIM: scikit-image. MS-SSIM: pytorch-msssim. GMSD, DISTS: piq. LPIPS: lpips. FID and its features:
pytorch-fid, and FID once more by torch-fidelity. KID: torch-fidelity. Weights are random and seeded
(parity needs the same numbers on both sides, not trained ones), saved by torch.save and converted by
scripts/import_weights.py, so that the way of published files is tried too; only LPIPS' heads are
the published ones, which the lpips package carries.

The tools are installed by scripts/reference_tools.sh; without them the test is skipped (status 77).
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "scripts" / "reference_tools.sh"
TOLERANCE = 1e-4  # relative; both sides compute in float32


def main():
    if os.environ.get("SEMCODEC_REFERENCE_TOOLS") != "inside":
        if subprocess.run(["bash", TOOLS, "--check"], stderr=subprocess.DEVNULL).returncode:
            # The words are those of GoogleTest, from which scripts/test.sh collects reasons.
            print("metrics_parity_test.py: Skipped\nthe reference tools are not installed; run "
                  "`bash scripts/reference_tools.sh`\n[  SKIPPED ] metrics_parity (0 ms)")
            return 77
        return subprocess.run(["bash", TOOLS, "run", __file__, *sys.argv[1:]],
                              env={**os.environ, "SEMCODEC_REFERENCE_TOOLS": "inside"}).returncode
    warnings = None if sys.warnoptions else "ignore"  # the tools' own, about their libraries
    test = unittest.main(argv=sys.argv[:1], exit=False, warnings=warnings)
    return 0 if test.result.wasSuccessful() else 1


class Clip:
    """Pictures of a reference and of a degraded copy, frames x height x width x 3."""

    def __init__(self, frames, width, height, seed):
        random = np.random.RandomState(seed)
        y, x = np.mgrid[:height, :width]
        pictures = []
        for i in range(frames):
            corners = random.randint(0, 256, (height // 24 + 2, width // 24 + 2, 3))
            blocks = corners.repeat(24, 0).repeat(24, 1)[:height, :width]
            waves = (x * (3 + i) + y * (5 - i) + (x * y) // 97) % 64
            pictures.append((blocks * 3 + waves[..., None] * 4) // 4 % 256)
        self.a = np.array(pictures, np.uint8)
        noise = random.randint(-25, 26, self.a.shape)
        coarse = (self.a // 16) * 16 + 5
        self.b = np.clip(coarse * 7 // 8 + 12 + noise, 0, 255).astype(np.uint8)

    def write(self, folder):
        paths = []
        for name, frames in (("reference", self.a), ("distorted", self.b)):
            paths.append(os.path.join(folder, f"{name}.mkv"))
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24",
                            "-s", f"{frames.shape[2]}x{frames.shape[1]}", "-r", "25", "-i", "-",
                            "-c:v", "png", "-pix_fmt", "rgb24", paths[-1]],
                           input=frames.tobytes(), check=True)
        return paths

    def tensors(self, side):
        return torch.from_numpy(side).permute(0, 3, 1, 2).float() / 255


def convert(state, kind, name, folder):
    source = os.path.join(folder, name + ".pth")
    torch.save(state, source)
    subprocess.run([sys.executable, ROOT / "scripts" / "import_weights.py", source,
                    os.path.join(folder, name + ".safetensors"), "--as", kind], check=True,
                   stdout=subprocess.DEVNULL)
    os.remove(source)


def random_lpips(net, folder):
    """lpips' own metric on a random backbone, which is saved for semcodec too."""
    torch.manual_seed(7)
    metric = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    backbone = {name.split(".", 1)[1]: value for name, value in metric.net.state_dict().items()}
    weights, kind = {"squeeze": ("squeezenet1_1", "squeezenet"), "alex": ("alexnet",) * 2,
                     "vgg": ("vgg16",) * 2}[net]
    convert(backbone, kind, weights, folder)
    heads = pathlib.Path(lpips.__file__).parent / "weights" / "v0.1" / f"{net}.pth"
    convert(torch.load(heads, map_location="cpu"), f"lpips-{net}", f"lpips-{net}", folder)
    return metric


def random_dists(folder):
    """piq's DISTS on a random VGG16 with random weights of its channels."""
    torch.manual_seed(13)
    shares = {name: torch.rand(1, 1475, 1, 1) for name in ("alpha", "beta")}
    total = sum(share.sum() for share in shares.values())
    shares = {name: share / total for name, share in shares.items()}  # piq takes them as they are
    network = torchvision.models.vgg16(weights=None)
    convert(network.state_dict(), "vgg16", "vgg16", folder)
    convert(shares, "dists", "dists", folder)
    with unittest.mock.patch("torch.hub.load_state_dict_from_url", lambda *_, **__: shares), \
            unittest.mock.patch("piq.perceptual.vgg16", lambda *_, **__: network):
        return piq.DISTS(reduction="none").eval()


def random_inception(folder):
    """pytorch-fid's network with random weights whose activations neither grow nor fade."""
    states = []

    def make(*_, **__):
        torch.manual_seed(11)
        state = {}
        for name, value in template.items():
            if name.endswith("conv.weight"):
                value = torch.randn_like(value) * (2 / value[0].numel()) ** 0.5
            elif name.endswith(("bn.weight", "running_var")):
                value = torch.rand_like(value) * 0.6 + 0.7
            elif value.is_floating_point():
                value = torch.randn_like(value) * 0.1
            state[name] = value
        states.append(state)
        return state

    plain = pytorch_fid.inception._inception_v3(num_classes=1008, aux_logits=False, weights=None)
    template = plain.state_dict()  # names and shapes, the same in both variants
    pytorch_fid.inception.load_state_dict_from_url = make  # the published file is not needed
    net = pytorch_fid.inception.InceptionV3().eval()
    convert(states[0], "inception", "inception", folder)
    return net


def patches(frames):
    """The FID/256 protocol by its words: whole patches from (0, 0) and again from (128, 128)."""
    found = []
    for frame in frames:
        for start in (0, 128):
            part = frame[start:, start:]
            rows, columns = part.shape[0] // 256, part.shape[1] // 256
            found += [part[256 * i:256 * i + 256, 256 * j:256 * j + 256]
                      for i in range(rows) for j in range(columns)]
    return torch.from_numpy(np.array(found)).permute(0, 3, 1, 2).float() / 255


def in_their_span(a, b):
    """Features in coordinates of the space that they span. Rotations change no Frechet distance, and
    the tools take roots of 2048 x 2048 matrices of rank 11 for a minute."""
    basis = np.linalg.qr(np.concatenate([a, b]).T)[0]
    return a @ basis, b @ basis


def frechet(a, b):
    return pytorch_fid.fid_score.calculate_frechet_distance(
        a.mean(0), np.cov(a, rowvar=False), b.mean(0), np.cov(b, rowvar=False))


class Parity(unittest.TestCase):
    def near(self, ours, theirs, tolerance=TOLERANCE):
        self.assertLess(abs(ours - theirs), tolerance * abs(theirs), f"{ours} is not {theirs}")

    def evaluate(self, clip, *options):
        # The stand-ins of CUDA's libraries are for the tools alone.
        libraries = [path for path in os.environ.get("LD_LIBRARY_PATH", "").split(":")
                     if path and not path.endswith("/stubs")]
        done = subprocess.run([sys.argv[1], *clip.write(self.folder), "--json", "-", "-q",
                               "--device", "cpu", *options], stdout=subprocess.PIPE,
                              env={**os.environ, "SEMCODEC_WEIGHTS": self.folder,
                                   "LD_LIBRARY_PATH": ":".join(libraries)})
        self.assertEqual(done.returncode, 0)
        report = json.loads(done.stdout)
        self.assertEqual(report["frames"]["compared"], len(clip.a))
        return report

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = holder.name

    def test_pictures(self):
        for width, height in ((208, 192), (181, 179)):
            clip = Clip(3, width, height, seed=width)
            report = self.evaluate(clip, "--metrics", "psnr,ssim,ms-ssim,gmsd")
            pairs = list(zip(clip.a, clip.b))

            def mean(function):
                return np.mean([function(a, b) for a, b in pairs])

            self.near(report["mse"], mean(skimage.metrics.mean_squared_error))
            self.near(report["psnr"], mean(skimage.metrics.peak_signal_noise_ratio))
            self.near(report["ssim"], mean(lambda a, b: skimage.metrics.structural_similarity(
                a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
                channel_axis=2, data_range=255)))
            a, b = clip.tensors(clip.a).double(), clip.tensors(clip.b).double()
            self.near(report["ms_ssim"], pytorch_msssim.ms_ssim(a, b, data_range=1).item())
            self.near(report["gmsd"], piq.gmsd(a, b, data_range=1).item())

    def test_lpips(self):
        clip = Clip(2, 131, 97, seed=3)
        metrics = {net: random_lpips(net, self.folder) for net in ("squeeze", "alex", "vgg")}
        report = self.evaluate(clip, "--metrics", "lpips,lpips-alex,lpips-vgg")
        for net, metric in metrics.items():
            with torch.no_grad():
                theirs = metric(clip.tensors(clip.a), clip.tensors(clip.b), normalize=True).mean()
            self.near(report[f"lpips_{net}"], theirs.item())

    def test_dists(self):
        for width, height in ((131, 97), (300, 280)):  # the second one is reduced first
            clip = Clip(2, width, height, seed=9)
            metric = random_dists(self.folder)
            report = self.evaluate(clip, "--metrics", "dists", "-y")
            with torch.no_grad():
                theirs = metric(clip.tensors(clip.a), clip.tensors(clip.b)).mean()
            self.near(report["dists"], theirs.item())

    def test_distances_of_sets(self):
        clip = Clip(6, 401, 391, seed=5)
        net = random_inception(self.folder)
        squeezenet = random_lpips("squeeze", self.folder).net
        report = self.evaluate(clip, "--metrics", "fid,kid,fd-squeezenet", "--kid-subsets", "9",
                               "--kid-subset-size", "5", "--features", self.folder)
        self.assertEqual(report["patches"], 12)
        theirs = []
        for side, name in ((clip.a, "reference"), (clip.b, "distorted")):
            with torch.no_grad():
                theirs.append(torch.cat([net(x)[0] for x in patches(side).split(4)])[..., 0, 0])
            ours = np.load(os.path.join(self.folder, f"inception_{name}.npy"))
            worst = np.abs(ours - theirs[-1].numpy()).max() / np.abs(theirs[-1].numpy()).max()
            self.assertLess(worst, TOLERANCE)
        a, b = (features.double() for features in theirs)
        small = in_their_span(a.numpy(), b.numpy())
        self.near(report["fid"], frechet(*small))
        statistics = [torch_fidelity.metric_fid.fid_features_to_statistics(torch.from_numpy(f))
                      for f in small]
        self.near(report["fid"], torch_fidelity.metric_fid.fid_statistics_to_metric(
            *statistics, verbose=False)["frechet_inception_distance"])
        kid = torch_fidelity.metric_kid.kid_features_to_metric(
            a, b, kid_subsets=9, kid_subset_size=5, rng_seed=2020, verbose=False)
        self.near(report["kid"], kid["kernel_inception_distance_mean"])
        self.near(report["kid_std"], kid["kernel_inception_distance_std"])
        # The stand-in has no tool of its own; its features are those of torchvision's network.
        normalise = torchvision.transforms.Normalize((.485, .456, .406), (.229, .224, .225))
        with torch.no_grad():
            pooled = [squeezenet(normalise(patches(side)))[-1].mean((2, 3)).double().numpy()
                      for side in (clip.a, clip.b)]
        self.near(report["fd_squeezenet"], frechet(*in_their_span(*pooled)))


if __name__ == "__main__":
    if os.environ.get("SEMCODEC_REFERENCE_TOOLS") == "inside":
        import lpips
        import numpy as np
        import piq
        import pytorch_fid.fid_score
        import pytorch_fid.inception
        import pytorch_msssim
        import skimage.metrics
        import torch
        import torch_fidelity.metric_fid
        import torch_fidelity.metric_kid
        import torchvision
    sys.exit(main())
