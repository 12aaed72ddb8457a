#!/usr/bin/env python3
"""Converts third-party weights (.pth of torch.save) to safetensors for semcodec.

    python3 scripts/import_weights.py SRC.pth DST.safetensors --as KIND

KIND: pidinet, pidinet-small, pidinet-tiny, squeezenet, alexnet, vgg16, lpips-squeeze, lpips-alex,
lpips-vgg, dists, espnet, inception (the one of FID, as pytorch-fid and torch-fidelity publish it), vgg19,
vgg19-normalised, vgg19-distilled, flownet2 and its parts flownet2-c, -s, -sd, -cs, -css. Names and
shapes are checked against the network, so that a wrong file is noticed here. Files are read by
torch.load(weights_only=True), which runs no code in them. Where this Python has no torch, the one of
scripts/reference_tools.sh is used, and installed if need be.

Exit status: 0 converted, 2 wrong usage, 3 the source is not what --as says, 5 torch cannot be had, 6
cannot write.
"""
import argparse
import json
import os
import struct
import subprocess
import sys

# safetensors' names of torch's types.
DTYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "float64": "F64", "int64": "I64",
          "int32": "I32", "uint8": "U8"}


class BadFile(Exception):
    """The file is not what it should be; the text is a sentence for people."""

# --------------------------------------------------------------------------------------------
# What each network consists of: {name: shape}.


def conv(table, name, out, into, size, bias=True):
    table[name + ".weight"] = (out, into, size, size)
    if bias:
        table[name + ".bias"] = (out,)


def pidinet(width, narrow):
    table = {}
    conv(table, "init_block", width, 3, 3, bias=False)
    into = width
    for stage, blocks in enumerate((3, 4, 4, 4)):
        out = width * (1, 2, 4, 4)[stage]
        for block in range(blocks):
            name = f"block{stage + 1}_{block + 1}"
            if stage > 0 and block == 0:
                conv(table, name + ".shortcut", out, into, 1)
            conv(table, name + ".conv1", into, 1, 3, bias=False)
            conv(table, name + ".conv2", out, into, 1, bias=False)
            into = out
        conv(table, f"dilations.{stage}.conv1", narrow, out, 1)
        for i in range(1, 5):
            conv(table, f"dilations.{stage}.conv2_{i}", narrow, narrow, 3, bias=False)
        conv(table, f"attentions.{stage}.conv1", 4, narrow, 1)
        conv(table, f"attentions.{stage}.conv2", 1, 4, 3, bias=False)
        conv(table, f"conv_reduces.{stage}.conv", 1, narrow, 1)
    conv(table, "classifier", 1, 4, 1)
    return table


def squeezenet():
    table = {}
    conv(table, "0", 64, 3, 3)
    into = 64
    for index, narrow, out in ((3, 16, 64), (4, 16, 64), (6, 32, 128), (7, 32, 128),
                               (9, 48, 192), (10, 48, 192), (11, 64, 256), (12, 64, 256)):
        conv(table, f"{index}.squeeze", narrow, into, 1)
        conv(table, f"{index}.expand1x1", out, narrow, 1)
        conv(table, f"{index}.expand3x3", out, narrow, 3)
        into = 2 * out
    return table


def lpips_heads(*taps):
    table = {}
    for index, channels in enumerate(taps):
        conv(table, f"lin{index}.model.1", 1, channels, 1, bias=False)
    return table


def lpips_squeeze():
    return lpips_heads(64, 128, 256, 384, 384, 512, 512)


def dists():
    """Weights of the 3 channels of a picture and of VGG16's five taps."""
    channels = 3 + 64 + 128 + 256 + 512 + 512
    return {name: (1, channels, 1, 1) for name in ("alpha", "beta")}


def alexnet():
    """torchvision's `features`."""
    table = {}
    for index, out, into, size in ((0, 64, 3, 11), (3, 192, 64, 5), (6, 384, 192, 3),
                                   (8, 256, 384, 3), (10, 256, 256, 3)):
        conv(table, str(index), out, into, size)
    return table


def vgg(*stages):
    """torchvision's `features` of stages (width, number of convolutions)."""
    table = {}
    index, into = 0, 3
    for width, count in stages:
        for _ in range(count):
            conv(table, str(index), width, into, 3)
            index, into = index + 2, width
        index += 1  # the pool
    return table


def vgg16():
    return vgg((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


def vgg19():
    """Up to the convolution in front of relu5_1."""
    return vgg((64, 2), (128, 2), (256, 4), (512, 4), (512, 1))


def inception():
    """Inception-v3 up to the last pool: each convolution without bias, then a batch norm."""
    table = {}

    def unit(name, out, into, high, wide):
        table[name + ".conv.weight"] = (out, into, high, wide)
        for field in ("weight", "bias", "running_mean", "running_var"):
            table[f"{name}.bn.{field}"] = (out,)

    def branch(name, into, *layers):
        for suffix, out, high, wide in layers:
            unit(name + suffix, out, into, high, wide)
            into = out

    for name, out, into, size in (("1a_3x3", 32, 3, 3), ("2a_3x3", 32, 32, 3),
                                  ("2b_3x3", 64, 32, 3), ("3b_1x1", 80, 64, 1),
                                  ("4a_3x3", 192, 80, 3)):
        unit("Conv2d_" + name, out, into, size, size)
    for block, into, pooled in (("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)):
        name = f"Mixed_{block}.branch"
        branch(name, into, ("1x1", 64, 1, 1))
        branch(name, into, ("5x5_1", 48, 1, 1), ("5x5_2", 64, 5, 5))
        branch(name, into, ("3x3dbl_1", 64, 1, 1), ("3x3dbl_2", 96, 3, 3), ("3x3dbl_3", 96, 3, 3))
        branch(name, into, ("_pool", pooled, 1, 1))
    branch("Mixed_6a.branch", 288, ("3x3", 384, 3, 3))
    branch("Mixed_6a.branch", 288, ("3x3dbl_1", 64, 1, 1), ("3x3dbl_2", 96, 3, 3),
           ("3x3dbl_3", 96, 3, 3))
    for block, width in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        name = f"Mixed_{block}.branch"
        branch(name, 768, ("1x1", 192, 1, 1))
        branch(name, 768, ("7x7_1", width, 1, 1), ("7x7_2", width, 1, 7), ("7x7_3", 192, 7, 1))
        branch(name, 768, ("7x7dbl_1", width, 1, 1), ("7x7dbl_2", width, 7, 1),
               ("7x7dbl_3", width, 1, 7), ("7x7dbl_4", width, 7, 1), ("7x7dbl_5", 192, 1, 7))
        branch(name, 768, ("_pool", 192, 1, 1))
    branch("Mixed_7a.branch", 768, ("3x3_1", 192, 1, 1), ("3x3_2", 320, 3, 3))
    branch("Mixed_7a.branch", 768, ("7x7x3_1", 192, 1, 1), ("7x7x3_2", 192, 1, 7),
           ("7x7x3_3", 192, 7, 1), ("7x7x3_4", 192, 3, 3))
    for block, into in (("7b", 1280), ("7c", 2048)):
        name = f"Mixed_{block}.branch"
        branch(name, into, ("1x1", 320, 1, 1))
        branch(name, into, ("3x3_1", 384, 1, 1), ("3x3_2a", 384, 1, 3))
        branch(name, 384, ("3x3_2b", 384, 3, 1))
        branch(name, into, ("3x3dbl_1", 448, 1, 1), ("3x3dbl_2", 384, 3, 3),
               ("3x3dbl_3a", 384, 1, 3))
        branch(name, 384, ("3x3dbl_3b", 384, 3, 1))
        branch(name, into, ("_pool", 192, 1, 1))
    return table


def vgg19_normalised():
    table = {}
    conv(table, "0", 3, 3, 1)
    for index, out, into in ((2, 64, 3), (5, 64, 64), (9, 128, 64), (12, 128, 128),
                             (16, 256, 128)):
        conv(table, str(index), out, into, 3)
    return table


def vgg19_distilled():
    table = {}
    conv(table, "conv0", 3, 3, 1)
    into = 3
    for stage, (width, count) in enumerate(((16, 2), (32, 2), (64, 4), (128, 4), (128, 1)), 1):
        for i in range(1, count + 1):
            conv(table, f"conv{stage}{i}", width, into, 3)
            into = width
        conv(table, f"conv{stage}1_aux", min(512, 64 << (stage - 1)), width, 1)
    return table


def espnet(classes=20):
    """ESPNet, p = 2, q = 8, without the counters of its batch norms."""
    table = {}

    def norm(name, channels):
        for field in ("weight", "bias", "running_mean", "running_var"):
            table[f"{name}.{field}"] = (channels,)

    def rectified(name, channels):
        norm(name + ".bn", channels)
        table[name + ".act.weight"] = (channels,)

    def pyramid(name, into, out, halves=False):
        part = out // 5
        conv(table, name + ".c1.conv", part, into, 3 if halves else 1, bias=False)
        for dilation in (1, 2, 4, 8, 16):
            conv(table, f"{name}.d{dilation}.conv", out - 4 * part if dilation == 1 else part, part,
                 3, bias=False)
        if halves:
            norm(name + ".bn", out)
            table[name + ".act.weight"] = (out,)
        else:
            rectified(name + ".bn", out)

    for name, into, out in (("encoder.level1", 3, 16), ("conv", 16 + classes, classes)):
        conv(table, name + ".conv", out, into, 3, bias=False)
        rectified(name, out)
    for name, channels in (("b1", 19), ("b2", 131), ("b3", 256)):
        rectified("encoder." + name, channels)
    for level, into, out, blocks in (("level2", 19, 64, 2), ("level3", 131, 128, 8)):
        pyramid(f"encoder.{level}_0", into, out, halves=True)
        for i in range(blocks):
            pyramid(f"encoder.{level}.{i}", out, out)
    conv(table, "encoder.classifier.conv", classes, 256, 1, bias=False)
    conv(table, "level3_C.conv", classes, 131, 1, bias=False)
    norm("br", classes)
    for name in ("up_l3.0", "up_l2.0", "classifier"):
        table[name + ".weight"] = (classes, classes, 2, 2)
    rectified("combine_l2_l3.0", 2 * classes)
    pyramid("combine_l2_l3.1", 2 * classes, classes)
    rectified("up_l2.1", classes)
    return table


def flow_decoder(table, prefix, inner, skips, upsample_bias, inter=None):
    """Flow heads from level 6 to 2; `skips` are the encoder channels joined at levels 5..2."""
    deconvs = (512, 256, 128, 64)
    into = inner
    conv(table, prefix + "predict_flow6", 2, inner, 3)
    for i, level in enumerate((5, 4, 3, 2)):
        table[f"{prefix}deconv{level}.0.weight"] = (into, deconvs[i], 4, 4)
        table[f"{prefix}deconv{level}.0.bias"] = (deconvs[i],)
        up = f"{prefix}upsampled_flow{level + 1}_to_{level}"
        table[up + ".weight"] = (2, 2, 4, 4)
        if upsample_bias:
            table[up + ".bias"] = (2,)
        into = skips[i] + deconvs[i] + 2
        if inter:
            conv(table, f"{prefix}inter_conv{level}.0", inter[i], into, 3)
        conv(table, f"{prefix}predict_flow{level}", 2, inter[i] if inter else into, 3)
    return table


def flow_encoder(table, prefix, layers):
    for name, out, into, size in layers:
        conv(table, prefix + name + ".0", out, into, size)


UPPER = (("conv4", 512, 256, 3), ("conv4_1", 512, 512, 3), ("conv5", 512, 512, 3),
         ("conv5_1", 512, 512, 3), ("conv6", 1024, 512, 3), ("conv6_1", 1024, 1024, 3))


def flownet_c(prefix=""):
    table = {}
    flow_encoder(table, prefix, (("conv1", 64, 3, 7), ("conv2", 128, 64, 5),
                                 ("conv3", 256, 128, 5), ("conv_redir", 32, 256, 1),
                                 ("conv3_1", 256, 473, 3)) + UPPER)
    return flow_decoder(table, prefix, 1024, (512, 512, 256, 128), True)


def flownet_s(prefix="", channels=12):
    table = {}
    flow_encoder(table, prefix, (("conv1", 64, channels, 7), ("conv2", 128, 64, 5),
                                 ("conv3", 256, 128, 5), ("conv3_1", 256, 256, 3)) + UPPER)
    return flow_decoder(table, prefix, 1024, (512, 512, 256, 128), False)


def flownet_sd(prefix=""):
    table = {}
    flow_encoder(table, prefix, (("conv0", 64, 6, 3), ("conv1", 64, 64, 3),
                                 ("conv1_1", 128, 64, 3), ("conv2", 128, 128, 3),
                                 ("conv2_1", 128, 128, 3), ("conv3", 256, 128, 3),
                                 ("conv3_1", 256, 256, 3)) + UPPER)
    return flow_decoder(table, prefix, 1024, (512, 512, 256, 128), True, (512, 256, 128, 64))


def flownet_fusion(prefix):
    table = {}
    flow_encoder(table, prefix, (("conv0", 64, 11, 3), ("conv1", 64, 64, 3),
                                 ("conv1_1", 128, 64, 3), ("conv2", 128, 128, 3),
                                 ("conv2_1", 128, 128, 3), ("inter_conv1", 32, 162, 3),
                                 ("inter_conv0", 16, 82, 3)))
    for name, into, out in (("deconv1.0", 128, 32), ("deconv0.0", 162, 16),
                            ("upsampled_flow2_to_1", 2, 2), ("upsampled_flow1_to_0", 2, 2)):
        table[f"{prefix}{name}.weight"] = (into, out, 4, 4)
        table[f"{prefix}{name}.bias"] = (out,)
    for level, into in ((2, 128), (1, 32), (0, 16)):
        conv(table, f"{prefix}predict_flow{level}", 2, into, 3)
    return table


def flownet2():
    return {**flownet_c("flownetc."), **flownet_s("flownets_1."), **flownet_s("flownets_2."),
            **flownet_sd("flownets_d."), **flownet_fusion("flownetfusion.")}


KINDS = {
    "pidinet": lambda: pidinet(60, 24),
    "pidinet-small": lambda: pidinet(30, 12),
    "pidinet-tiny": lambda: pidinet(20, 8),
    "squeezenet": squeezenet,
    "alexnet": alexnet,
    "vgg16": vgg16,
    "lpips-squeeze": lpips_squeeze,
    "lpips-alex": lambda: lpips_heads(64, 192, 384, 256, 256),
    "lpips-vgg": lambda: lpips_heads(64, 128, 256, 512, 512),
    "dists": dists,
    "inception": inception,
    "vgg19": vgg19,
    "vgg19-normalised": vgg19_normalised,
    "vgg19-distilled": vgg19_distilled,
    "espnet": espnet,
    "flownet2": flownet2,
    "flownet2-c": flownet_c,
    "flownet2-s": lambda: flownet_s(channels=6),
    "flownet2-sd": flownet_sd,
    "flownet2-cs": lambda: {**flownet_c("flownetc."), **flownet_s("flownets_1.")},
    "flownet2-css": lambda: {**flownet_c("flownetc."), **flownet_s("flownets_1."),
                             **flownet_s("flownets_2.")},
}
# Prefixes that files carry in front of the names, and what they hold besides the network.
PREFIXES = ("module.", "features.", "net.", "encoder.")
IGNORED = {"squeezenet": ("classifier.",),
           "alexnet": ("classifier.",),
           "vgg16": ("classifier.",),
           "vgg19": ("classifier.", "30.", "32.", "34."),  # behind relu5_1
           "inception": ("fc.",)}
COUNTERS = ".num_batches_tracked"  # of batch norms, for training only
# Ignored, but telling: torchvision's Inception-v3 fits name by name and has other numbers.
TELLING = {"inception": {"fc.weight": (1008, 2048)}}

# --------------------------------------------------------------------------------------------


def load(path):
    """What torch.save stored, tensors and containers alone. Raises BadFile."""
    import torch
    with open(path, "rb"):
        pass  # one that cannot be read is another fault than one that holds nonsense
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise whatever their bytes lead to
        first = str(error).strip().split("\n")[0]
        raise BadFile(f"torch.load(weights_only=True) refuses it ({type(error).__name__}: {first})") \
            from error


def dtype_of(tensor):
    return DTYPES.get(str(tensor.dtype).removeprefix("torch."), str(tensor.dtype))


def find_tensors(content):
    """The {name: tensor} of a file, looked for below the usual keys of checkpoints."""
    import torch
    for key in ("state_dict", "model", "model_state_dict", "params"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict):
        raise BadFile(f"it holds a {type(content).__name__}, not named tensors")
    tensors = {str(name): value for name, value in content.items()
               if isinstance(value, torch.Tensor)}
    if not tensors:
        raise BadFile("it holds no tensors")
    return tensors


def select(tensors, table, kind):
    """The tensors that `table` asks for, under its names. Raises BadFile saying what differs."""
    for prefix in PREFIXES:
        # A prefix goes when it is what keeps names from matching, never when they match already.
        stripped = {n[len(prefix):] if n.startswith(prefix) else n: t for n, t in tensors.items()}
        if len(stripped) == len(tensors) and len(table.keys() & stripped.keys()) > \
                len(table.keys() & tensors.keys()):
            tensors = stripped
    faults = []
    for name, shape in table.items():
        if name not in tensors:
            faults.append(f"{name} is missing")
        elif tuple(tensors[name].shape) != shape:
            faults.append(f"{name} is {'x'.join(map(str, tensors[name].shape))}, not "
                          f"{'x'.join(map(str, shape))}")
        elif dtype_of(tensors[name]) not in ("F32", "F16", "BF16"):
            faults.append(f"{name} is {dtype_of(tensors[name])}, not a float of at most 32 bits")
    for name, shape in TELLING.get(kind, {}).items():
        if name in tensors and tuple(tensors[name].shape) != shape:
            faults.append(f"{name} is {'x'.join(map(str, tensors[name].shape))}, not "
                          f"{'x'.join(map(str, shape))}: it is a network of other classes")
    allowed = IGNORED.get(kind, ())
    faults += [f"{name} does not belong to it" for name in tensors
               if name not in table and not (allowed and name.startswith(allowed))
               and not name.endswith(COUNTERS)]
    if faults:
        more = f" and {len(faults) - 4} more" if len(faults) > 4 else ""
        raise BadFile(f"it is no {kind}: {', '.join(faults[:4])}{more}")
    return {name: tensors[name] for name in table}


def write_safetensors(path, tensors, metadata):
    """The file appears under its name only when it is complete."""
    import torch
    header, data, at = {"__metadata__": metadata}, [], 0
    for name in sorted(tensors):
        plain = tensors[name].detach().contiguous().flatten()
        chunk = plain.view(torch.uint8).numpy().tobytes()
        header[name] = {"dtype": dtype_of(tensors[name]), "shape": list(tensors[name].shape),
                        "data_offsets": [at, at + len(chunk)]}
        data.append(chunk)
        at += len(chunk)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    temporary = f"{path}.part{os.getpid()}"
    try:
        with open(temporary, "wb") as stream:
            stream.write(struct.pack("<Q", len(text)) + text)
            stream.writelines(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def has_torch():
    try:
        import torch  # noqa: F401
    except ImportError:
        return False
    return True


def run_with_torch():
    """The same command by the Python that has torch; its exit status."""
    tools = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference_tools.sh")
    if "SEMCODEC_IMPORT" in os.environ or subprocess.run(["bash", tools]).returncode != 0:
        print("import_weights: reading files of torch.save needs PyTorch's Python side; run bash "
              "scripts/reference_tools.sh, which says what is missing.", file=sys.stderr)
        return 5
    return subprocess.run(["bash", tools, "run", os.path.abspath(__file__), *sys.argv[1:]],
                          env={**os.environ, "SEMCODEC_IMPORT": "1"}).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     epilog="See the head of this file for the exit statuses.")
    parser.add_argument("source", help="the .pth file")
    parser.add_argument("target", help="the .safetensors file to write")
    parser.add_argument("--as", dest="kind", required=True, choices=sorted(KINDS),
                        help="which network the file is for")
    options = parser.parse_args()
    if not has_torch():
        return run_with_torch()
    try:
        tensors = select(find_tensors(load(options.source)), KINDS[options.kind](),
                         options.kind)
    except (BadFile, OSError) as error:
        print(f"import_weights: {options.source} was not imported: {error}.", file=sys.stderr)
        return 3
    try:
        write_safetensors(options.target, tensors, {
            "kind": options.kind, "source": os.path.basename(options.source)})
    except BadFile as error:
        print(f"import_weights: {options.source} was not imported: {error}.", file=sys.stderr)
        return 3
    except OSError as error:
        print(f"import_weights: cannot write {options.target}: {error}.", file=sys.stderr)
        return 6
    count = sum(t.numel() for t in tensors.values())
    print(f"{options.target}: {len(tensors)} tensors, {count:,} numbers, {options.kind}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
