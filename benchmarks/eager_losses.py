"""What training needs besides the networks of eager_models.py, as plain PyTorch: the sender's
texture network, the discriminators, the loss networks, and the geometry of motion. Names of
parameters are those of our files."""

import torch
import torch.nn.functional as F
from torch import nn

from eager_models import activate, conv, residuals


class TextureEncoder(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        c, self.levels = sizes["texture_width"], sizes["texture_levels"]
        self.add_module("in", conv(64, c, 3))
        self.down_eighth, self.eighth = conv(c, c, 3, 2), residuals(c, 2)
        self.down_sixteenth, self.sixteenth = conv(c, 2 * c, 3, 2), residuals(2 * c, 2)
        self.out = conv(2 * c, sizes["texture_channels"], 1)

    def forward(self, picture, condition):
        """Rounded; the gradient goes straight through."""
        seen = torch.cat([F.pixel_unshuffle(picture, 4), F.pixel_unshuffle(condition, 2)], 1)
        x = self.down_eighth(activate(getattr(self, "in")(seen)))
        x = self.down_sixteenth(activate(self.eighth(x)))
        x = self.out(activate(self.sixteenth(x))).float()
        mean = x.mean((2, 3), keepdim=True)
        variance = (x - mean).square().mean((2, 3), keepdim=True)
        x = torch.tanh((x - mean) * torch.rsqrt(variance + 1e-4))
        half = (self.levels - 1) / 2
        return x + (torch.round(x.detach() * half) / half - x.detach())


class PatchDiscriminator(nn.Module):
    def __init__(self, inside, base, strided=3):
        super().__init__()
        self.layers = nn.ModuleList()
        outside = base
        for i in range(strided + 1):
            self.layers.append(nn.Conv2d(inside, outside, 4, 2 if i < strided else 1, 2))
            inside, outside = outside, min(outside * 2, base * 8)
        self.layers.append(nn.Conv2d(inside, 1, 4, 1, 2))

    def forward(self, x):
        maps = []
        for layer in self.layers[:-1]:
            x = activate(layer(x))
            maps.append(x)
        return maps + [self.layers[-1](x)]


class Discriminator(nn.Module):
    def __init__(self, inside, base):
        super().__init__()
        self.scales = nn.ModuleList(PatchDiscriminator(inside, base) for _ in range(2))

    def forward(self, x):
        half = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        return [self.scales[0](x), self.scales[1](half)]


def hinge_discriminator(real, fake):
    return sum(F.relu(1 - r[-1].float()).mean() + F.relu(1 + f[-1].float()).mean()
               for r, f in zip(real, fake)) * (0.5 / len(real))


def hinge_generator(fake):
    return sum(-f[-1].float().mean() for f in fake) / len(fake)


def feature_matching(real, fake):
    terms = [F.l1_loss(a.float(), b.detach().float())
             for f, r in zip(fake, real) for a, b in zip(f[:-1], r[:-1])]
    return sum(terms) / len(terms)


class Fire(nn.Module):
    def __init__(self, inside, narrow, outside):
        super().__init__()
        self.squeeze = nn.Conv2d(inside, narrow, 1)
        self.expand1x1 = nn.Conv2d(narrow, outside, 1)
        self.expand3x3 = nn.Conv2d(narrow, outside, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return F.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], 1))


class Lpips(nn.Module):
    """With SqueezeNet 1.1; the files hold torchvision's and the metric's own names."""

    FIRES = {3: (64, 16, 64), 4: (128, 16, 64), 6: (128, 32, 128), 7: (256, 32, 128),
             9: (256, 48, 192), 10: (384, 48, 192), 11: (384, 64, 256), 12: (512, 64, 256)}
    POOLED, TAPPED = (3, 6, 9), (4, 7, 9, 10, 11, 12)

    def __init__(self, backbone, heads):
        super().__init__()
        self.add_module("0", nn.Conv2d(3, 64, 3, 2))
        for index, sizes in self.FIRES.items():
            self.add_module(str(index), Fire(*sizes))
        self.load_state_dict(backbone)
        self.heads = [heads[f"lin{i}.model.1.weight"] for i in range(7)]
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1))

    def taps(self, x):
        x = F.relu(getattr(self, "0")(((x * 2 - 1) - self.shift) / self.scale))
        taps = [x]
        for index in self.FIRES:
            if index in self.POOLED:
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
            x = getattr(self, str(index))(x)
            if index in self.TAPPED:
                taps.append(x)
        return taps

    def forward(self, a, b):
        def unit(x):
            return x / (x.square().sum(1, keepdim=True).add(1e-20).sqrt() + 1e-10)
        total = 0
        for head, x, y in zip(self.heads, self.taps(a), self.taps(b)):
            total = total + ((unit(x) - unit(y)).square() * head).sum(1).mean((1, 2))
        return total.mean()


class Vgg(nn.Module):
    """Features of one of the VGG19 shapes of models/vgg."""

    def __init__(self, kind, state, weights):
        super().__init__()
        self.kind, self.weights, self.convs = kind, weights, nn.ModuleDict()
        for name in sorted({key.rsplit(".", 1)[0] for key in state}):
            outside, inside, size = state[name + ".weight"].shape[:3]
            padding = 1 if kind == "vgg19" else 0
            self.convs[name] = nn.Conv2d(inside, outside, size, padding=padding)
        self.load_state_dict({"convs." + key: tensor for key, tensor in state.items()})
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def mirrored(self, name, x):
        return F.relu(self.convs[name](F.pad(x, (1, 1, 1, 1), mode="reflect")))

    def taps(self, x):
        if self.kind == "vgg19-distilled":
            x = self.convs["conv0"](x)
            taps = []
            for stage, count in enumerate((2, 2, 4, 4, 1), 1):
                x = F.max_pool2d(x, 2, 2) if stage > 1 else x
                for i in range(1, count + 1):
                    x = self.mirrored(f"conv{stage}{i}", x)
                    if i == 1:
                        taps.append(self.convs[f"conv{stage}1_aux"](x))
            return taps
        if self.kind == "vgg19-normalised":
            first = self.mirrored("2", self.convs["0"](x))
            second = self.mirrored("9", F.max_pool2d(self.mirrored("5", first), 2, 2))
            return [first, second,
                    self.mirrored("16", F.max_pool2d(self.mirrored("12", second), 2, 2))]
        if self.kind != "vgg19":
            raise SystemExit(f"eager_training: {self.kind} is not known here; fetch "
                             "vgg19-distilled or set generator.weight_vgg to 0")
        x, index, taps = (x - self.mean) / self.std, 0, []
        for stage, count in enumerate((2, 2, 4, 4, 1)):
            x = F.max_pool2d(x, 2, 2) if stage else x
            for i in range(count):
                x = F.relu(self.convs[str(index)](x))
                if i == 0:
                    taps.append(x)
                index += 2
            index += 1
        return taps

    def forward(self, a, b):
        of_a = self.taps(a)
        with torch.no_grad():
            of_b = self.taps(b.detach())
        return sum(w * (x - y).abs().mean().float() for w, x, y in zip(self.weights, of_a, of_b))


def spectral(a, b, window=32):
    """Distance of local spectra without phases (training/generator/spectral_loss.h)."""
    hann = torch.hann_window(window)
    weight = hann[:, None] * hann
    weight = weight / weight.square().mean().sqrt()

    def log_amplitudes(x):
        luma = x[:, 0] * 0.299 + x[:, 1] * 0.587 + x[:, 2] * 0.114
        windows = luma.unfold(1, window, window // 2).unfold(2, window, window // 2)
        even = windows - windows.mean((-2, -1), keepdim=True)
        spectrum = torch.fft.rfft2(even * weight, norm="ortho")
        return 0.5 * torch.log(spectrum.real.square() + spectrum.imag.square() + (2 / 255) ** 2)
    return (log_amplitudes(a) - log_amplitudes(b)).abs().mean()


# Motion: flows at 1/4 of the size, in pixels of the size (models/generator/flow_geometry.h).

grids = {}


def resample(image, flow):
    """Looks every pixel up where the flow, in the image's own pixels, points."""
    h, w = image.shape[2:]
    if (h, w) not in grids:
        ys, xs = torch.meshgrid(torch.arange(h).float(), torch.arange(w).float(), indexing="ij")
        grids[h, w] = (torch.stack([xs * 2 / (w - 1) - 1, ys * 2 / (h - 1) - 1], -1)[None],
                       torch.tensor([2 / (w - 1), 2 / (h - 1)]))
    grid, scale = grids[h, w]
    return F.grid_sample(image, grid + flow.permute(0, 2, 3, 1) * scale, mode="bilinear",
                         padding_mode="border", align_corners=True)


def warp(image, flow):
    factor = image.shape[3] / (flow.shape[3] * 4)
    if flow.shape[3] != image.shape[3]:
        flow = F.interpolate(flow, image.shape[2:], mode="bilinear", align_corners=False)
    return resample(image, flow * factor)


def compose(flow_ij, flow_jk):
    return flow_ij + resample(flow_jk, flow_ij / 4)


def splat(values, shift, importance):
    n, c, h, w = values.shape
    xs = torch.arange(w).view(1, 1, w) + shift[:, 0]
    ys = torch.arange(h).view(1, h, 1) + shift[:, 1]
    x0, y0 = xs.floor(), ys.floor()
    payload = torch.cat([values * importance, importance], 1).reshape(n, c + 1, h * w)
    sums = torch.zeros(n, c + 1, h * w)
    for dy in (0, 1):
        for dx in (0, 1):
            x, y = x0 + dx, y0 + dy
            weight = (1 - (xs - x).abs()) * (1 - (ys - y).abs())
            weight = weight * ((x >= 0) & (x < w) & (y >= 0) & (y < h))
            index = (y.clamp(0, h - 1) * w + x.clamp(0, w - 1)).long().reshape(n, 1, h * w)
            sums.scatter_add_(2, index.expand(n, c + 1, h * w),
                              payload * weight.reshape(n, 1, h * w))
    return sums.reshape(n, c + 1, h, w)


def consistency(flow, back):
    return 1 / (1 + 0.25 * compose(flow, back).square().sum(1, keepdim=True)).square() + 1e-3


def between(flow_10, flow_01, tau):
    t = tau.view(-1, 1, 1, 1)
    sums = (splat(-flow_10, flow_10 * ((1 - t) / 4), consistency(flow_10, flow_01)) +
            splat(flow_01, flow_01 * (t / 4), consistency(flow_01, flow_10)))
    weight = sums[:, 2:]
    velocity = torch.where(weight > 0.02, sums[:, :2] / weight.clamp_min(1e-6),
                           0.5 * (flow_01 - flow_10))
    return -velocity * t, velocity * (1 - t)
