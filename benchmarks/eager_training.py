"""A step of the generator's training against the same step in PyTorch eager, in one run.

    bash scripts/reference_tools.sh run benchmarks/eager_training.py [--threads N] [--rounds N]
        [--config training/recipes/driving-lite.toml] [--set KEY=VALUE]

Starts build/bin/training_bench --serve, which gives both sides the same weights and two batches (one
with a frame between two coded_frames, one with three coded_frames). First both make the same steps and their
losses are compared; then the two are timed in turn, so that whatever else the machine does falls on
both. Eager runs as a reader would write it well: autocast in bf16, channels_last, one cache of
converted weights for all of a step's frames, fused Adam, foreach for the average.

All of the objective takes part except the first term of eq. (5), FlowNet2's, which is off on both
sides. Batches lie in memory on both sides: making samples is not part of a step. Printed are the
least and the median time of a step of each side, and eager's over ours; CPU time (all threads
together) is what counts on a machine that does other things too."""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

from eager_losses import (Discriminator, Lpips, TextureEncoder, Vgg, between, compose,  # noqa: E402
                          feature_matching, hinge_discriminator, hinge_generator, spectral, warp)
from eager_models import Generator, Interpolator, load_part, load_safetensors  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MASK = (1 << 64) - 1


class Random:
    """SplitMix64, as encoder/analysis/random.h has it."""

    def __init__(self, seed):
        self.state = seed & MASK

    def below(self, bound):
        mask = (1 << (bound - 1).bit_length()) - 1
        while True:
            self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
            z = self.state
            z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
            if ((z ^ (z >> 31)) & mask) < bound:
                return (z ^ (z >> 31)) & mask


def draw_patch(width, height, side, seed, step, seed_offset):
    side = min(side or min(width, height), width, height)
    random = Random(seed * 7919 + seed_offset * 104729 + step)
    x, y = random.below(width - side + 1), random.below(height - side + 1)
    return lambda pictures: pictures[:, :, y:y + side, x:x + side]


class Eager:
    """Networks, optimisers and one step, in plain PyTorch."""

    def __init__(self, folder):
        with open(folder + "/settings.json") as file:
            self.s = json.load(file)
        sizes = self.s["network"]
        state = load_safetensors(folder + "/checkpoint.safetensors")

        def part(prefix):
            return {n[len(prefix):]: t for n, t in state.items() if n.startswith(prefix)}
        whole = part("generator.")
        self.generator = load_part(Generator(sizes), whole)
        self.interpolator = load_part(Interpolator(sizes), whole, "interpolator.")
        self.texture = load_part(TextureEncoder(sizes), part("texture."))
        base = self.s["discriminator_channels"]
        self.image_discriminator = load_part(Discriminator(7, base), part("image_discriminator."))
        self.video_discriminator = load_part(Discriminator(13, base), part("video_discriminator."))
        self.lpips = self.vgg = None
        if self.s["weight_lpips"] > 0:
            self.lpips = Lpips(load_safetensors(folder + "/squeezenet1_1.safetensors"),
                               load_safetensors(folder + "/lpips-squeeze.safetensors"))
        if self.s["weight_vgg"] > 0:
            self.vgg = Vgg(self.s["features"],
                           load_safetensors(f"{folder}/{self.s['features']}.safetensors"),
                           self.s["feature_weights"])
        for network in (self.generator, self.interpolator, self.texture, self.image_discriminator,
                        self.video_discriminator, self.lpips, self.vgg):
            if network is not None:
                network.to(memory_format=torch.channels_last)
        for network in (self.lpips, self.vgg):
            if network is not None:
                network.requires_grad_(False).eval()
        self.trained = [p for net in (self.generator, self.interpolator, self.texture)
                        for p in net.parameters()]
        self.average = [p.detach().clone() for p in self.trained]
        betas = (self.s["beta1"], self.s["beta2"])
        self.adam = torch.optim.Adam(self.trained, betas=betas, fused=True)
        self.discriminator_adam = torch.optim.Adam([*self.image_discriminator.parameters(),
                                            *self.video_discriminator.parameters()], betas=betas, fused=True)
        self.steps = 0

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.s["bf16"])

    def generate(self, b, seed):
        channels = self.s["network"]["texture_channels"]
        textures = []

        def coded_frame(i, reference_a, condition_a, reference_b, condition_b, told):
            condition = b[f"condition{i}"]
            values = self.texture(b[f"picture{i}"], condition)
            textures.append(values)
            sent = (b["planes"][:, 3:] * channels).round()
            heard = values * (torch.arange(channels)[None] < sent).float()[:, :, None, None]
            return self.generator.generate(condition, condition_a, condition_b, reference_a,
                                        reference_b, heard, torch.cat([told, b["planes"]], 1), seed)

        def told(valid_a, valid_b, distance_a, distance_b, key):
            return torch.stack([valid_a, valid_b, distance_a.clamp(0, 1), distance_b.clamp(0, 1),
                                key], 1)
        n = b["planes"].shape[0]
        zero, one = torch.zeros(n), torch.ones(n)
        nothing, no_condition = torch.zeros_like(b["picture0"]), torch.zeros_like(b["condition0"])
        key = b["has_key"]
        mask = key.view(-1, 1, 1, 1)
        y0, raw0 = coded_frame(0, b["key"] * mask, b["condition0"] * mask, nothing, no_condition,
                          told(key, zero, zero, zero, key))
        seen0 = y0.detach().clamp(0, 1)
        y1, raw1 = coded_frame(1, warp(seen0, b["flow_10"]), warp(b["condition0"], b["flow_10"]), nothing,
                          no_condition, told(one, zero, b["interval"], zero, zero))
        seen1 = y1.detach().clamp(0, 1)
        out = {}
        raws, sources = [raw0, raw1], [b["picture0"], b["picture1"]]
        if "flow_01" in b:
            flow_a, flow_b = between(b["flow_10"], b["flow_01"], b["third"])
            small = [F.pixel_unshuffle(F.avg_pool2d(x, 2), 2) for x in (seen0, seen1)]
            y2, warped_a, warped_b, mended = self.interpolator.generate(
                seen0, seen1, *small, flow_a, flow_b, b["third"], b["interval"])
            out["warped"] = warped_a, warped_b
            flow_a, flow_b = mended.detach()[:, :2], mended.detach()[:, 2:]
            t = b["third"].view(-1, 1, 1, 1)
            condition2 = (warp(b["condition0"], flow_a) * (1 - t) +
                          warp(b["condition1"], flow_b) * t)
        else:
            flow_a = b["flow_21"]
            flow_b = compose(flow_a, b["flow_10"])
            y2, raw2 = coded_frame(2, warp(seen1, flow_a), warp(b["condition1"], flow_a),
                              warp(seen0, flow_b), warp(b["condition0"], flow_b),
                              told(one, one, b["third"], b["third"] + b["interval"], zero))
            condition2 = b["condition2"]
            raws.append(raw2)
            sources.append(b["picture2"])
        pictures = [b[f"picture{i}"] for i in range(3)]
        out["frame"], out["source"] = torch.cat([y0, y1, y2]), torch.cat(pictures)
        out["condition"] = torch.cat([b["condition0"], b["condition1"], condition2])
        out["raw"], out["raw_source"] = torch.cat(raws), torch.cat(sources)
        out["texture"] = torch.cat(textures)
        flows = F.interpolate(torch.cat([flow_a, flow_b], 1), y0.shape[2:], mode="bilinear",
                              align_corners=False) / 20
        order = (0, 2, 1) if "flow_01" in b else (0, 1, 2)
        out["video_real"] = torch.cat([*(pictures[i] for i in order), flows], 1)
        out["video_fake"] = torch.cat([*((y0, y1, y2)[i] for i in order), flows], 1)
        return out

    def objective(self, p, b, losses):
        s = self.s
        l1 = losses["l1"] = F.l1_loss(p["frame"], p["source"])
        loss = s["weight_l1"] * l1 + s["weight_raw"] * F.l1_loss(p["raw"], p["raw_source"])
        if "warped" in p:
            miss_a, miss_b = ((w - b["picture2"]).abs().mean(1) for w in p["warped"])
            losses["warp"] = torch.minimum(miss_a, miss_b).mean() + 0.2 * (miss_a + miss_b).mean()
            loss = loss + s["weight_warp"] * losses["warp"]
        t = p["texture"]
        losses["rate"] = t.abs().mean() + 0.5 * ((t[:, :, 1:] - t[:, :, :-1]).abs().mean() +
                                                 (t[..., 1:] - t[..., :-1]).abs().mean())
        share = min(1, self.steps / (0.25 * s["steps"]))
        loss = loss + s["weight_texture_rate"] * share * losses["rate"]
        height, width = p["frame"].shape[2:]
        place = Random(s["seed"] * 7919 + 2 * 104729 + self.steps)
        x, y = place.below(16), place.below(16)

        def shift(pictures):
            return pictures[:, :, y:pictures.shape[2] - 15 + y, x:pictures.shape[3] - 15 + x]
        if s["weight_spectrum"] > 0:
            losses["spectrum"] = spectral(shift(p["frame"]), shift(p["source"]))
            loss = loss + s["weight_spectrum"] * losses["spectrum"]
        if self.lpips is not None:
            losses["lpips"] = self.lpips(shift(p["frame"]), shift(p["source"]))
            loss = loss + s["weight_lpips"] * losses["lpips"]
        if self.vgg is not None:
            patch = draw_patch(width, height, s["vgg_patch"], s["seed"], self.steps, 1)
            losses["vgg"] = self.vgg(shift(patch(p["frame"])), shift(patch(p["source"])))
            loss = loss + s["weight_vgg"] * losses["vgg"]
        return loss

    def step(self, b):
        s, losses = self.s, {}
        warm_up = min(1, (self.steps + 1) / 100)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1, self.steps / s["steps"])))
        rate = s["learning_rate"] * warm_up * (s["final_rate"] + (1 - s["final_rate"]) * cosine)
        self.adam.param_groups[0]["lr"] = rate
        share = s["discriminator_learning_rate"] / s["learning_rate"]
        self.discriminator_adam.param_groups[0]["lr"] = rate * share
        height, width = b["picture0"].shape[2:]
        patch = draw_patch(width, height, s["gan_patch"], s["seed"], self.steps, 0)
        with self.autocast():
            p = self.generate(b, self.steps + 1)
            wide = F.interpolate(p["condition"], scale_factor=2, mode="nearest")
            real = patch(torch.cat([wide, p["source"]], 1))
            fake = patch(torch.cat([wide, p["frame"]], 1))
            losses["d_image"] = hinge_discriminator(self.image_discriminator(real),
                                                    self.image_discriminator(fake.detach()))
            losses["d_video"] = hinge_discriminator(
                self.video_discriminator(patch(p["video_real"])),
                self.video_discriminator(patch(p["video_fake"]).detach()))
            d_loss = losses["d_image"] + losses["d_video"]
        self.discriminator_adam.zero_grad()
        d_loss.backward()
        self.discriminator_adam.step()
        with self.autocast():
            loss = self.objective(p, b, losses)
            with torch.no_grad():
                real_maps = self.image_discriminator(real)
            fake_maps = self.image_discriminator(fake)
            losses["g_image"] = hinge_generator(fake_maps)
            losses["g_video"] = hinge_generator(self.video_discriminator(patch(p["video_fake"])))
            loss = (loss + s["weight_gan_image"] * losses["g_image"] +
                    s["weight_matching"] * feature_matching(real_maps, fake_maps) +
                    s["weight_gan_video"] * losses["g_video"])
        self.adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, s["clip_gradient"])
        self.adam.step()
        with torch.no_grad():
            decay = min(s["ema"], (1 + self.steps) / (10 + self.steps))
            torch._foreach_lerp_(self.average, self.trained, 1 - decay)
        self.steps += 1
        losses["loss"] = loss
        return {name: value.item() for name, value in losses.items()}


class Ours:
    """training_bench, which makes a step each time it is asked."""

    def __init__(self, folder, arguments):
        words = [arguments.bench, arguments.config, "--serve", folder, "--threads",
                 str(arguments.threads), "-q"]
        for setting in ["device=cpu", *arguments.set]:
            words += ["--set", setting]
        environment = dict(os.environ, OMP_NUM_THREADS=str(arguments.threads))
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment)
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit("eager_training: training_bench did not start")

    def step(self, name):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def compare(ours, eager, batches, steps):
    """The greatest difference of each loss, as a share of it. After some steps the two have gone
    different ways by rounding, so few are compared."""
    worst = {}
    for step in range(steps):
        name = "between" if step % 2 == 0 else "chain"
        mine, theirs = ours.step(name)["losses"], eager.step(batches[name])
        if set(mine) != set(theirs):
            raise SystemExit(f"eager_training: the losses differ: {sorted(mine)}, {sorted(theirs)}")
        for loss, value in theirs.items():
            difference = abs(mine[loss] - value) / max(abs(value), 0.01)
            worst[loss] = max(worst.get(loss, 0), difference)
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bench", default=os.path.join(ROOT, "build/bin/training_bench"))
    parser.add_argument("--config", default=os.path.join(ROOT, "training/recipes/driving-lite.toml"))
    parser.add_argument("--set", action="append", default=[], help="key=value, over the file's")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=8, help="timed steps of each batch")
    parser.add_argument("--tolerance", type=float, default=0.03,
                        help="of the losses in the first steps, as a share (bf16)")
    parser.add_argument("--json", help="also write the figures to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(folder, arguments)
        eager = Eager(folder)
        batches = {}
        for name in ("between", "chain"):
            batches[name] = {key: t.contiguous(memory_format=torch.channels_last)
                             if t.dim() == 4 else t
                             for key, t in load_safetensors(f"{folder}/{name}.safetensors").items()}
        worst = compare(ours, eager, batches, 6)
        times = {name: ([], []) for name in batches}
        for _ in range(arguments.rounds):
            for name, (mine, theirs) in times.items():
                answer = ours.step(name)
                mine.append((answer["wall"], answer["cpu"]))
                wall, cpu = time.perf_counter(), time.process_time()
                eager.step(batches[name])
                theirs.append(((time.perf_counter() - wall) * 1e3,
                               (time.process_time() - cpu) * 1e3))
        ours.process.stdin.close()
        ours.process.wait()
    print(f"{os.path.basename(arguments.config)}, {arguments.threads} thread(s), torch "
          f"{torch.__version__}, {arguments.rounds} rounds; milliseconds a step")
    print("greatest difference of the losses in 6 steps: " +
          ", ".join(f"{name} {value:.1%}" for name, value in sorted(worst.items())))
    print(f"{'batch':8s} {'':4s} {'ours least':>10s} {'median':>8s} {'eager least':>11s} "
          f"{'median':>8s} {'ratio':>6s} {'of medians':>10s}")
    rows = []
    for name, (mine, theirs) in times.items():
        for which, clock in ((1, "CPU"), (0, "wall")):
            a, b = sorted(t[which] for t in mine), sorted(t[which] for t in theirs)
            middle = len(a) // 2
            print(f"{name:8s} {clock:4s} {a[0]:10.0f} {a[middle]:8.0f} {b[0]:11.0f} "
                  f"{b[middle]:8.0f} {b[0] / a[0]:6.2f} {b[middle] / a[middle]:10.2f}")
            rows.append({"batch": name, "clock": clock, "ours": a, "eager": b})
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"differences": worst, "times": rows}, file, indent=1)
    bad = [name for name, value in worst.items() if value > arguments.tolerance]
    if bad:
        print("TOO FAR: " + ", ".join(bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
