"""The networks of semcodec as plain PyTorch modules, written from the papers and the headers of
models/: what a reader would write in Python, with nothing of our own under it. The parameters have
the names of our safetensors files."""

import json
import math
import struct

import torch
import torch.nn.functional as F
from torch import nn


def load_safetensors(path):
    """Tensors by name, as float32."""
    types = {"F16": torch.float16, "F32": torch.float32, "BF16": torch.bfloat16,
             "F64": torch.float64, "I64": torch.int64, "U8": torch.uint8}
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(data, dtype=types[entry["dtype"]], offset=begin,
                                count=math.prod(entry["shape"]))
        assert end - begin == flat.numel() * flat.element_size(), name
        tensor = flat.reshape(entry["shape"])
        tensors[name] = tensor.float() if tensor.is_floating_point() else tensor
    return tensors


# PiDiNet, with the pixel differences folded into ordinary kernels as its authors' convert_pidinet()
# does for inference.

def fold(weight, kind):
    if kind == 3:
        return weight
    flat = weight.flatten(2)
    if kind == 0:
        folded = flat.clone()
        folded[:, :, 4] -= flat.sum(2)
        return folded.view_as(weight)
    if kind == 1:
        return (flat - flat[:, :, [3, 0, 1, 6, 4, 2, 7, 8, 5]]).view_as(weight)
    wide = torch.zeros(*flat.shape[:2], 25)
    wide[:, :, [0, 2, 4, 10, 14, 20, 22, 24]] = flat[:, :, 1:]
    wide[:, :, [6, 7, 8, 11, 13, 16, 17, 18]] = -flat[:, :, 1:]
    return wide.view(*flat.shape[:2], 5, 5)


class PiDiBlock(nn.Module):
    def __init__(self, inside, outside, pools, kind):
        super().__init__()
        size = 5 if kind == 2 else 3
        self.pools = pools
        self.conv1 = nn.Conv2d(inside, inside, size, padding=size // 2, groups=inside, bias=False)
        self.conv2 = nn.Conv2d(inside, outside, 1, bias=False)
        if pools:
            self.shortcut = nn.Conv2d(inside, outside, 1)

    def forward(self, x):
        if self.pools:
            x = F.max_pool2d(x, 2, 2)
        y = self.conv2(F.relu(self.conv1(x)))
        return y + (self.shortcut(x) if self.pools else x)


class PiDiHead(nn.Module):
    def __init__(self, channels, width, attention):
        super().__init__()
        self.narrow = nn.Conv2d(channels, width, 1) if width else None
        if width:
            self.dilated = nn.ModuleList(
                nn.Conv2d(width, width, 3, padding=d, dilation=d, bias=False) for d in (5, 7, 9, 11))
        channels = width or channels
        self.attend1 = nn.Conv2d(channels, 4, 1) if attention else None
        self.attend2 = nn.Conv2d(4, 1, 3, padding=1, bias=False) if attention else None
        self.reduce = nn.Conv2d(channels, 1, 1)

    def forward(self, x):
        if self.narrow is not None:
            y = self.narrow(F.relu(x))
            x = sum(conv(y) for conv in self.dilated)
        if self.attend1 is not None:
            x = x * torch.sigmoid(self.attend2(self.attend1(F.relu(x))))
        return self.reduce(x)


class PiDiNet(nn.Module):
    """RGB in 0..1 to edge probability."""

    def __init__(self, state):
        super().__init__()
        width = state["init_block.weight"].shape[0]
        cdcm = state["dilations.0.conv1.weight"].shape[0] if "dilations.0.conv1.weight" in state else 0
        attention = "attentions.0.conv1.weight" in state
        self.init = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.stages, self.heads = nn.ModuleList(), nn.ModuleList()
        renamed, index, inside = {"init.weight": fold(state["init_block.weight"], 0)}, 1, width
        for stage, (count, factor) in enumerate(zip((3, 4, 4, 4), (1, 2, 4, 4))):
            blocks = nn.ModuleList()
            for i in range(count):
                old, new = f"block{stage + 1}_{i + 1}", f"stages.{stage}.{i}"
                kind = index % 4
                blocks.append(PiDiBlock(inside, width * factor, stage > 0 and i == 0, kind))
                renamed[f"{new}.conv1.weight"] = fold(state[f"{old}.conv1.weight"], kind)
                renamed[f"{new}.conv2.weight"] = state[f"{old}.conv2.weight"]
                for part in ("weight", "bias"):
                    if f"{old}.shortcut.{part}" in state:
                        renamed[f"{new}.shortcut.{part}"] = state[f"{old}.shortcut.{part}"]
                index, inside = index + 1, width * factor
            self.stages.append(nn.Sequential(*blocks))
            self.heads.append(PiDiHead(inside, cdcm, attention))
            names = {"narrow": f"dilations.{stage}.conv1", "attend1": f"attentions.{stage}.conv1",
                     "attend2": f"attentions.{stage}.conv2", "reduce": f"conv_reduces.{stage}.conv"}
            names |= {f"dilated.{i}": f"dilations.{stage}.conv2_{i + 1}" for i in range(4)}
            for new, old in names.items():
                for part in ("weight", "bias"):
                    if f"{old}.{part}" in state:
                        renamed[f"heads.{stage}.{new}.{part}"] = state[f"{old}.{part}"]
        self.classifier = nn.Conv2d(4, 1, 1)
        renamed |= {f"classifier.{p}": state[f"classifier.{p}"] for p in ("weight", "bias")}
        self.load_state_dict(renamed)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), False)
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1), False)

    def forward(self, rgb):
        x = self.init((rgb - self.mean) / self.std)
        maps = []
        for stage, head in zip(self.stages, self.heads):
            x = stage(x)
            maps.append(F.interpolate(head(x), rgb.shape[2:], mode="bilinear", align_corners=False))
        return torch.sigmoid(self.classifier(torch.cat(maps, 1)))


# The generator and the interpolator (models/generator).

def activate(x):
    return F.leaky_relu(x, 0.2)


def conv(inside, outside, size, stride=1):
    return nn.Conv2d(inside, outside, size, stride, size // 2)


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = conv(channels, channels, 3), conv(channels, channels, 3)

    def forward(self, x):
        return x + self.conv2(activate(self.conv1(activate(x))))


def residuals(channels, count):
    return nn.Sequential(*(Residual(channels) for _ in range(count)))


# A field of noise as models/generator/noise.h has it, so that both sides hear the same.

def signed(value):
    """A number of 64 bits as torch's int64 holds it."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def mixed(x):
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ ((x >> shift) & ((1 << 64 - shift) - 1))) * signed(factor)
    return x ^ ((x >> 31) & ((1 << 33) - 1))


places = {}


def noise_field(height, width, level, seed):
    if (height, width) not in places:
        ys, xs = torch.arange(height).view(-1, 1), torch.arange(width).view(1, -1)
        places[height, width] = mixed((ys << 32 | xs) + 1)
    key = mixed(torch.tensor([signed(seed * 8 + level + 0x9E3779B97F4A7C15)]))
    bits = (mixed(key ^ places[height, width]) >> 40) & 0xFFFFFF
    return ((bits.float() / (1 << 23) - 1) * math.sqrt(3))[None, None]


class Transformer(nn.Module):
    def __init__(self, channels, heads, ratio):
        super().__init__()
        self.heads = heads
        self.position = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.qkv, self.proj = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.expand = nn.Linear(channels, ratio * channels)
        self.shrink = nn.Linear(ratio * channels, channels)

    def forward(self, x):
        x = x + self.position(x)
        n, c, h, w = x.shape
        t = x.flatten(2).transpose(1, 2)
        q, k, v = self.qkv(self.norm1(t)).reshape(n, h * w, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, h * w, c)
        t = t + self.proj(attended)
        t = t + self.shrink(F.gelu(self.expand(self.norm2(t)), approximate="tanh"))
        return t.transpose(1, 2).reshape(n, c, h, w)


class Generator(nn.Module):
    """The coded frame path; the image path is the same with references that are zero."""

    def __init__(self, sizes):
        super().__init__()
        c2, c4 = sizes["channels_half"], sizes["channels_quarter"]
        c8, c16 = sizes["channels_eighth"], sizes["channels_bottleneck"]
        self.condition_in, self.condition_down = conv(48, c4, 3), conv(c4, c8, 3, 2)
        self.image_in, self.image_down = conv(96, c4, 1), conv(c4, c8, 3, 2)
        self.scalars_quarter, self.scalars_bottleneck = nn.Linear(9, c4), nn.Linear(9, c16)
        self.to_bottleneck = conv(c8, c16, 3, 2)
        self.transformer = nn.ModuleList(
            Transformer(c16, sizes["heads"], sizes["mlp_ratio"])
            for _ in range(sizes["transformer_blocks"]))
        self.texture_in = conv(sizes["texture_channels"], c16, 3)
        self.from_bottleneck = conv(c16, 4 * c8, 1)
        self.eighth = residuals(c8, sizes["blocks_eighth"])
        self.to_quarter = conv(c8, 4 * c4, 1)
        self.quarter = residuals(c4, sizes["blocks_quarter"])
        self.to_half = conv(c4, 4 * c2, 1)
        self.skip_half = conv(28, c2, 1)
        self.at_half = residuals(c2, sizes["blocks_half"])  # "half" is a method of Module
        self.noise = bool(sizes.get("noise", 0))
        if self.noise:
            for name, channels in (("eighth", c8), ("quarter", c4), ("half", c2)):
                self.register_parameter(f"noise_{name}",
                                        nn.Parameter(torch.zeros(1, channels, 1, 1)))
        self.fields = {}
        self.to_full, self.head = conv(c2, 32, 3), conv(8, 6, 3)

    def with_noise(self, x, level, seed):
        if not self.noise:
            return x
        noise_strength = (self.noise_eighth, self.noise_quarter, self.noise_half)[level]
        key = *x.shape[2:], level, x.dtype, x.device
        field = self.fields.get(key) if seed == 0 else None
        if field is None:
            field = noise_field(*x.shape[2:], level, seed).to(x.device, x.dtype)
            if seed == 0:
                self.fields[key] = field
        return torch.addcmul(x, field, noise_strength.to(x.dtype))

    def forward(self, *inputs):
        return self.generate(*inputs)[0].clamp(0, 1)

    def generate(self, condition, condition_a, condition_b, reference_a, reference_b, texture,
              scalars, seed=0):
        """The frame, and what is generated without references."""
        kind = self.head.weight.dtype
        c = condition.to(kind)
        conditions = torch.cat([c, condition_a.to(kind), condition_b.to(kind)], 1)
        references = torch.cat([reference_a.to(kind), reference_b.to(kind)], 1)
        s = scalars.to(kind)
        quarter = self.condition_in(F.pixel_unshuffle(conditions, 2))
        quarter = quarter + self.scalars_quarter(s)[:, :, None, None]
        seen = self.image_in(F.pixel_unshuffle(references, 4))
        eighth = self.condition_down(activate(quarter)) + self.image_down(activate(seen))
        quarter = quarter + seen
        x = self.to_bottleneck(activate(eighth)) + self.scalars_bottleneck(s)[:, :, None, None]
        x = x + self.texture_in(texture.to(kind))
        for block in self.transformer:
            x = block(x)
        x = eighth + F.pixel_shuffle(self.from_bottleneck(activate(x)), 2)
        x = self.eighth(self.with_noise(x, 0, seed))
        x = quarter + F.pixel_shuffle(self.to_quarter(activate(x)), 2)
        x = self.quarter(self.with_noise(x, 1, seed))
        skip = self.skip_half(torch.cat([c, F.pixel_unshuffle(references, 2)], 1))
        x = skip + F.pixel_shuffle(self.to_half(activate(x)), 2)
        x = self.at_half(self.with_noise(x, 2, seed))
        heads = self.head(activate(F.pixel_shuffle(self.to_full(activate(x)), 2))).float()
        base = F.interpolate(condition[:, :3].float(), scale_factor=2, mode="bilinear")
        raw = base + heads[:, :3]
        valid = scalars[:, :2].float()[:, :, None, None]
        logits = torch.cat([heads[:, 3:4], heads[:, 4:].masked_fill(valid < 0.5, -1e4)], 1)
        weights = torch.softmax(logits, 1)
        frame = weights[:, :1] * raw + weights[:, 1:2] * reference_a + weights[:, 2:] * reference_b
        return frame, raw


class Interpolator(nn.Module):
    """Frames between two coded frames, warped by grid_sample."""

    def __init__(self, sizes):
        super().__init__()
        m, c2, c4 = sizes["interpolator_motion"], sizes["interpolator_half"], sizes["interpolator_quarter"]
        self.motion_in, self.motion_down = conv(30, m, 3), conv(m, m + m // 3, 3, 2)
        self.motion_eighth = residuals(m + m // 3, 2)
        self.motion_up, self.motion_out = conv(m + m // 3, 4 * m, 1), conv(m, 4, 3)
        self.hint = conv(m, 32, 1)
        self.blend_in, self.blend_down = conv(32, c2, 3), conv(c2, c4, 3, 2)
        self.blend_quarter = residuals(c4, 1)
        self.blend_up, self.blend_half = conv(c4, 4 * c2, 1), conv(c2, c2, 3)
        self.head = conv(c2, 24, 3)
        self.grids = {}

    def warp(self, image, flow):
        """Flow at 1/4 of the full size, in its pixels; image at any scale of it."""
        h, w = image.shape[2:]
        factor = w / (flow.shape[3] * 4)
        if flow.shape[3] != w:
            flow = F.interpolate(flow, (h, w), mode="bilinear", align_corners=False)
        if (h, w, image.device) not in self.grids:
            ys, xs = torch.meshgrid(torch.arange(h).float(), torch.arange(w).float(), indexing="ij")
            scale = torch.tensor([2 * factor / (w - 1), 2 * factor / (h - 1)])
            grid = torch.stack([xs * 2 / (w - 1) - 1, ys * 2 / (h - 1) - 1], -1)[None]
            self.grids[h, w, image.device] = grid.to(image.device), scale.to(image.device)
        grid, scale = self.grids[h, w, image.device]
        return F.grid_sample(image, grid + flow.permute(0, 2, 3, 1) * scale, mode="bilinear",
                             padding_mode="border", align_corners=True)

    def forward(self, *inputs):
        return self.generate(*inputs)[0].clamp(0, 1)

    def generate(self, picture_a, picture_b, small_a, small_b, flow_a, flow_b, tau, interval):
        """The frame, both pictures moved by the mended motion, and that motion."""
        kind = self.head.weight.dtype
        flows = torch.cat([flow_a, flow_b], 1)
        times = torch.stack([tau, interval.clamp(0, 1)], 1)[:, :, None, None]
        seen = torch.cat([self.warp(small_a, flow_a), self.warp(small_b, flow_b), flows / 16,
                          times.expand(-1, -1, *flows.shape[2:])], 1).to(kind)
        near = self.motion_in(seen.contiguous(memory_format=torch.channels_last))
        far = self.motion_eighth(self.motion_down(activate(near)))
        motion = activate(near + F.pixel_shuffle(self.motion_up(activate(far)), 2))
        mended = flows + self.motion_out(motion).float() * 16
        a, b = self.warp(picture_a, mended[:, :2]), self.warp(picture_b, mended[:, 2:])
        folded = torch.cat([F.pixel_unshuffle(a.to(kind), 2), F.pixel_unshuffle(b.to(kind), 2),
                            F.pixel_shuffle(self.hint(motion), 2)], 1)
        fine = self.blend_in(folded.contiguous(memory_format=torch.channels_last))
        coarse = self.blend_quarter(self.blend_down(activate(fine)))
        both = fine + F.pixel_shuffle(self.blend_up(activate(coarse)), 2)
        maps = F.pixel_shuffle(self.head(activate(both + self.blend_half(activate(both)))), 2).float()
        t = tau.view(-1, 1, 1, 1)
        wa = torch.exp(maps[:, 4:5].clamp(-8, 8)) * (1 - t)
        wb = torch.exp(maps[:, 5:6].clamp(-8, 8)) * t
        wr = torch.exp(maps[:, 3:4].clamp(-8, 8)) * 0.25
        raw = a * (1 - t) + b * t + maps[:, :3]
        return (a * wa + b * wb + raw * wr) / (wa + wb + wr), a, b, mended


def load_part(model, state, prefix=""):
    """Gives the model the tensors whose names begin with the prefix."""
    own = {}
    for name, tensor in state.items():
        if name.startswith(prefix) and (prefix or not name.startswith("interpolator.")):
            name = name[len(prefix):]
            own["at_" + name if name.startswith("half.") else name] = tensor
    model.load_state_dict(own)
    return model
