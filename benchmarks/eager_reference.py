"""Our networks against the same graphs in PyTorch eager, in one run.

    bash scripts/reference_tools.sh run benchmarks/eager_reference.py [--threads N] [--rounds N]

Starts build/bin/network_bench --serve, gives both sides the same inputs and weights, compares the
outputs, and then times the two in turn, round by round, so that whatever else the machine does falls
on both. Eager runs at its best setting: channels_last, inference_mode, and the faster of weights in
bf16 and autocast. Printed are the least and the median time of each side, wall and CPU (all threads
together), and eager's least over ours. CPU time is what counts on a machine that does other things
too.

With --dtype usual our side runs as the programs do where nothing is asked for, which is single
precision and engines on a CPU without bfloat16, and eager in fp32. A CPU with more can stand for one
without: SEMCODEC_CPU=avx2 limits our kernels, ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 limit
torch on both sides.

With --device cuda both run on the GPU: eager at the fastest of weights in fp16, weights in bf16 and
autocast to fp16, with cudnn.benchmark, and in a second column that setting replayed as a CUDA graph.
Wall times count then: each is from the call until the device is done and a result lies on it
(`between` of ours gives bytes on the CPU, so eager's bytes are fetched as well). BENCH may be several
words, such as a wrapper that sets paths."""

import argparse
import io
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402

from eager_models import Generator, Interpolator, PiDiNet, load_part, load_safetensors  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Ours:
    """network_bench, which runs a part each time it is asked."""

    def __init__(self, folder, arguments):
        environment = dict(os.environ, OMP_NUM_THREADS=str(arguments.threads))
        if arguments.dtype == "usual":
            environment.pop("SEMCODEC_DTYPE", None)
        elif arguments.device == "cpu" or arguments.dtype == "fp32":
            environment["SEMCODEC_DTYPE"] = arguments.dtype  # else fp16, its usual choice on CUDA
        self.process = subprocess.Popen(
            shlex.split(arguments.bench) +
            ["--serve", folder, "--size", arguments.size, "--model", arguments.model, "--device",
             arguments.device, "--threads", str(arguments.threads), "-q"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit("eager_reference: network_bench did not start")

    def time(self, name):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return tuple(float(word) for word in self.process.stdout.readline().split())


class Onnx:
    """The same network in ONNX Runtime on the CPU, in float32 (its CPU kernels have no bf16)."""

    def __init__(self, network, inputs, threads):
        import onnxruntime

        names = [f"in{i}" for i in range(len(inputs))]
        file = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(network.eval(), tuple(inputs), file, input_names=names,
                              opset_version=18, dynamo=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(file.getvalue(), options,
                                                    providers=["CPUExecutionProvider"])
        kept = {i.name for i in self.session.get_inputs()}
        self.feed = {n: t.contiguous().numpy() for n, t in zip(names, inputs) if n in kept}

    def run(self):
        return torch.from_numpy(self.session.run(None, self.feed)[0])

    def time(self):
        wall, cpu = time.perf_counter(), time.process_time()
        self.run()
        return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3


class Eager:
    """A network of eager_models.py in one setting."""

    KINDS = {"bf16 weights": torch.bfloat16, "fp16 weights": torch.float16}

    def __init__(self, network, inputs, fp32_inputs, setting, device="cpu", finish=None):
        self.setting, self.device = setting, torch.device(device)
        self.finish = finish or (lambda output: output)
        kind = self.KINDS.get(setting, torch.float32)
        self.network = network.eval().to(self.device, memory_format=torch.channels_last).to(kind)
        self.inputs = [t.to(self.device) if fp32_inputs else t.to(self.device, kind) for t in inputs]
        self.inputs = [t.contiguous(memory_format=torch.channels_last) if t.dim() == 4 else t
                       for t in self.inputs]
        self.half = torch.bfloat16 if self.device.type == "cpu" else torch.float16

    def run(self):
        with torch.inference_mode(), torch.autocast(self.device.type, self.half,
                                                    enabled=self.setting == "autocast"):
            return self.network(*self.inputs)

    def wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def time(self):
        self.wait()
        wall, cpu = time.perf_counter(), time.process_time()
        self.finish(self.run())
        self.wait()
        return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3


class Graphed:
    """An Eager network on CUDA as one CUDA graph, which leaves the host next to nothing to do."""

    def __init__(self, eager):
        self.eager = eager
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                eager.run()
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.output = eager.run()

    def time(self):
        torch.cuda.synchronize()
        wall, cpu = time.perf_counter(), time.process_time()
        self.graph.replay()
        self.eager.finish(self.output)
        torch.cuda.synchronize()
        return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3


def fetched_bytes(output):
    """A picture as the decoder hands it on: bytes in the host's memory, as the part `between` gives."""
    return (output[0].permute(1, 2, 0) * 255 + 0.5).clamp(0, 255).to(torch.uint8).cpu()


def make_network(part, folder, package):
    """The eager module of a part, the names of its inputs, whether they stay float32."""
    if part.startswith("pidinet"):
        return PiDiNet(load_safetensors(f"{folder}/{part}.weights.safetensors")), ["rgb"], False
    if part == "edges":
        return PiDiNet(load_safetensors(f"{package}/edges.safetensors")), ["rgb"], False
    with open(f"{package}/model.json") as file:
        sizes = json.load(file)["generator"]
    state = load_safetensors(f"{package}/generator.safetensors")
    if part == "between":
        names = ["picture_a", "picture_b", "small_a", "small_b", "flow_a", "flow_b", "tau", "interval"]
        return load_part(Interpolator(sizes), state, "interpolator."), names, True
    names = ["condition", "condition_a", "condition_b", "reference_a", "reference_b", "texture",
             "scalars"]
    return load_part(Generator(sizes), state), names, True


def as_ours(part, output):
    """What the part of network_bench gives: the interpolator's is bytes, as the decoder writes."""
    if part != "between":
        return output.float()
    return (output.float()[0].permute(1, 2, 0) * 255 + 0.5).clamp(0, 255).floor()


def compare(part, ours, eager, exact):
    """Whether ours is as near to eager's float32 as eager itself is. Weights by a formula make some
    networks so steep that two sound bf16 runs differ much, so one of them is no measure."""
    scale = 255 if part == "between" else 1
    own = (ours - exact).abs().mean().item() / scale
    theirs = (as_ours(part, eager) - exact).abs().mean().item() / scale
    floor = 0.002 if part == "between" else 1e-4  # a byte is rounded
    return own <= 1.5 * theirs + floor, f"{own:.1e} and {theirs:.1e}"


def measure(part, folder, ours, arguments):
    saved = load_safetensors(f"{folder}/{part}.io.safetensors")
    package = os.path.join(ROOT, "models/zoo", arguments.model)
    on_gpu = arguments.device != "cpu"
    settings = ["bf16 weights", "autocast"] if arguments.dtype == "bf16" else ["fp32"]
    if on_gpu and arguments.dtype == "bf16":
        settings = ["fp16 weights"] + settings
    counts = 0 if on_gpu else 1  # wall or CPU
    finish = fetched_bytes if on_gpu and part == "between" else None
    network, names, _ = make_network(part, folder, package)
    exact = as_ours(part, Eager(network, [saved["in." + name] for name in names], True, "fp32").run())
    candidates, verdict = [], None
    if arguments.dtype == "usual":
        # Our engines keep features in bf16, so eager in bf16 is the measure of their distance.
        network, names, fp32 = make_network(part, folder, package)
        eager = Eager(network, [saved["in." + name] for name in names], fp32, "bf16 weights")
        verdict = compare(part, saved["out"], eager.run(), exact)
    for setting in settings:
        network, names, fp32 = make_network(part, folder, package)
        eager = Eager(network, [saved["in." + name] for name in names], fp32, setting,
                      arguments.device, finish)
        good, text = compare(part, saved["out"], eager.run().cpu(), exact)
        verdict = verdict or (good, text)
        warm_ups = 8 if on_gpu else 1  # cudnn.benchmark tries its ways
        times = [eager.time()[counts] for _ in range(warm_ups + (7 if on_gpu else 3))]
        candidates.append((times[warm_ups:], eager))
    eager = min(candidates, key=lambda pair: min(pair[0]))[1]
    onnx, distance = None, None
    if arguments.onnx:
        network, names, _ = make_network(part, folder, package)
        onnx = Onnx(network, [saved["in." + name] for name in names], arguments.threads)
        distance = (as_ours(part, onnx.run()) - exact).abs().mean().item()
    graph = Graphed(eager) if on_gpu else None
    mine, theirs, others, graphs = [], [], [], []
    for _ in range(8 if on_gpu else 0):
        ours.time(part)
    for _ in range(arguments.rounds):
        mine.append(ours.time(part))
        theirs.append(eager.time())
        if graph:
            graphs.append(graph.time())
        if onnx:
            others.append(onnx.time())
    row = {"part": part, "setting": eager.setting, "agrees": verdict[0], "difference": verdict[1]}
    for side, times in (("ours", mine), ("eager", theirs), ("graph", graphs)):
        if not times:
            continue
        for which, name in ((0, "wall"), (1, "cpu")):
            values = sorted(t[which] for t in times)
            row[f"{side}_{name}"] = {"least": values[0], "median": values[len(values) // 2]}
    row["ratio_wall"] = row["eager_wall"]["least"] / row["ours_wall"]["least"]
    row["ratio_cpu"] = row["eager_cpu"]["least"] / row["ours_cpu"]["least"]
    row["ratio_median"] = row["eager_cpu"]["median"] / row["ours_cpu"]["median"]
    if graphs:
        for name in ("least", "median"):
            row[f"ratio_eager_{name}"] = row["eager_wall"][name] / row["ours_wall"][name]
            row[f"ratio_graph_{name}"] = row["graph_wall"][name] / row["ours_wall"][name]
    if onnx:
        row["onnx"] = {"wall": min(t[0] for t in others), "cpu": min(t[1] for t in others),
                       "distance": distance}
    return row


def print_header(arguments):
    print(f"{arguments.size}, {arguments.dtype}, {arguments.threads} thread(s), torch "
          f"{torch.__version__}, {arguments.rounds} rounds; least milliseconds")
    print(f"{'part':14s} {'ours CPU':>9s} {'eager CPU':>9s} {'ratio':>6s} {'of medians':>10s} "
          f"{'ours wall':>9s} {'eager wall':>10s} {'ratio':>6s}  eager's setting; mean distance of ours and eager from eager in fp32")


def print_rows_of_gpu(arguments, rows):
    """A generator's worth of lines: the header at once, each row when it is there."""
    print(f"{arguments.size}, {torch.cuda.get_device_name()}, torch {torch.__version__}, "
          f"{arguments.rounds} rounds; wall milliseconds, median (least)")
    print(f"{'part':14s} {'ours':>16s} {'eager':>16s} {'ratio':>6s} {'eager, graph':>16s} "
          f"{'ratio':>6s}  eager's setting; mean distance of ours and eager from eager in fp32")
    for row in rows:
        def shown(side):
            return f"{row[side]['median']:.3f} ({row[side]['least']:.3f})"
        print(f"{row['part']:14s} {shown('ours_wall'):>16s} {shown('eager_wall'):>16s} "
              f"{row['ratio_eager_median']:6.2f} {shown('graph_wall'):>16s} "
              f"{row['ratio_graph_median']:6.2f}  {row['setting']}; {row['difference']}"
              f"{'' if row['agrees'] else '  TOO FAR'}", flush=True)
        yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bench", default=shlex.quote(os.path.join(ROOT, "build/bin/network_bench")),
                        help="command that starts network_bench; may be several words")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for both sides on the GPU")
    parser.add_argument("--model", default="default")
    parser.add_argument("--size", default="512x256")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--dtype", choices=["bf16", "fp32", "usual"], default="bf16")
    parser.add_argument("--json", help="also write the figures to this file")
    parser.add_argument("--onnx", metavar="FOLDER", help="also time ONNX Runtime; the folder is "
                        "where pip install --target put onnxruntime, onnx and what they need")
    parser.add_argument("parts", nargs="*", help="default: all")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.device != "cpu":
        if arguments.onnx:
            parser.error("--onnx is for the CPU")
        if not torch.cuda.is_available():
            parser.error("torch finds no CUDA device here; leave --device out")
        torch.backends.cudnn.benchmark = True
    if arguments.onnx:
        sys.path.append(arguments.onnx)
    parts = arguments.parts or ["pidinet-full", "pidinet-small", "pidinet-tiny", "edges", "image",
                                "coded_frame", "between"]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(folder, arguments)
        if arguments.device != "cpu":
            made = (measure(part, folder, ours, arguments) for part in parts)
            rows.extend(print_rows_of_gpu(arguments, made))
            parts = []
        else:
            print_header(arguments)
        for part in parts:
            row = measure(part, folder, ours, arguments)
            rows.append(row)
            print(f"{part:14s} {row['ours_cpu']['least']:9.2f} {row['eager_cpu']['least']:9.2f} "
                  f"{row['ratio_cpu']:6.2f} {row['ratio_median']:10.2f} "
                  f"{row['ours_wall']['least']:9.2f} {row['eager_wall']['least']:10.2f} "
                  f"{row['ratio_wall']:6.2f}  {row['setting']}; {row['difference']}"
                  f"{'' if row['agrees'] else '  TOO FAR'}", flush=True)
            if "onnx" in row:
                print(f"{'':14s} ONNX Runtime, fp32: CPU {row['onnx']['cpu']:.2f}, wall "
                      f"{row['onnx']['wall']:.2f}; {row['onnx']['cpu'] / row['ours_cpu']['least']:.2f} "
                      f"times ours; distance {row['onnx']['distance']:.1e}", flush=True)
        ours.process.stdin.close()
        ours.process.wait()
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(rows, file, indent=1)
    return 0 if all(row["agrees"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
