"""The codecs: how each encodes a reference and how its stream is decoded again.

Streams are raw (.h264, .hevc, .vvc, .obu): no container adds bytes. What the decoder does not need
(x264's and x265's information message, VVenC's access unit delimiters) is left out, since at 2
kbit/s it would be a quarter of the file. Encoders run on one thread, so that a stream does not
depend on the machine's cores.
"""
import fractions

from . import process
from .clips import LOSSLESS, probe

KEY_SECONDS = 20  # semcodec's own default
REVISION = 2      # raise it when the commands below change what comes out

# What ffmpeg calls it, the raw format, the highest usable CRF, whether it can do two passes here, and
# the smallest side that it takes.
ANCHORS = {
    "svtav1": {"label": "SVT-AV1", "encoder": "libsvtav1", "ending": "obu", "worst": 63,
               "preset": "4", "two_pass": False, "smallest": 64},
    "aom": {"label": "libaom AV1", "encoder": "libaom-av1", "ending": "obu", "worst": 63,
            "preset": "4", "two_pass": True},
    "x265": {"label": "x265", "encoder": "libx265", "ending": "hevc", "worst": 51,
             "preset": "slow", "two_pass": True},
    "x264": {"label": "x264", "encoder": "libx264", "ending": "h264", "worst": 51,
             "preset": "veryslow", "two_pass": True},
    "vvenc": {"label": "VVenC", "encoder": "libvvenc", "ending": "vvc", "worst": 63,
              "preset": "medium", "two_pass": False, "pixels": "yuv420p10le"},
}
LABELS = {"semcodec": "semcodec", **{name: a["label"] for name, a in ANCHORS.items()}}
CODECS = list(LABELS)
AV1 = ("svtav1", "aom")


def encoder_arguments(codec, params, rate, work, two_pass_number=0):
    """ffmpeg's options for one pass of an anchor."""
    anchor = ANCHORS[codec]
    keyint = max(1, round(KEY_SECONDS * float(rate)))
    preset = params.get("preset", anchor["preset"])
    bitrate = ["-b:v", str(int(params["value"] * 1000))]
    constant = params["mode"] == "crf"
    value = str(params["value"])
    arguments = ["-c:v", anchor["encoder"], "-g", str(keyint),
                 "-pix_fmt", anchor.get("pixels", "yuv420p")]
    if codec == "x264":
        arguments += ["-preset", preset, "-threads", "1"]
        arguments += ["-crf", value] if constant else bitrate
        arguments += ["-bsf:v", "filter_units=remove_types=6"]  # SEI
    elif codec == "x265":
        inner = f"log-level=error:info=0:pools=none:frame-threads=1:keyint={keyint}"
        if two_pass_number:
            inner += f":pass={two_pass_number}:stats={work.name}-x265.log"
        arguments += ["-preset", preset, "-x265-params", inner]
        arguments += ["-crf", value] if constant else bitrate
    elif codec == "svtav1":
        arguments += ["-preset", preset]
        arguments += ["-crf", value] if constant else bitrate
        arguments += ["-svtav1-params", "lp=1" if constant else "lp=1:rc=1"]
    elif codec == "aom":
        arguments += ["-cpu-used", preset, "-threads", "1", "-lag-in-frames", "35"]
        arguments += ["-crf", value, "-b:v", "0"] if constant else bitrate
    else:
        # Key frames come every -period seconds (default: one second). ffmpeg asks for a delimiter
        # of 6 bytes before each frame, which no decoder needs.
        arguments += ["-preset", preset, "-threads", "1", "-period", str(KEY_SECONDS),
                      "-vvenc-params", "AccessUnitDelimiter=0"]
        arguments += ["-qp", value] if constant else bitrate
    if two_pass_number and codec != "x265":
        arguments += ["-pass", str(two_pass_number), "-passlogfile", f"{work.name}-pass"]
    return arguments


def scaled_size(clip, scale):
    """The size sent, even on both sides as 4:2:0 asks."""
    return tuple(max(16, round(clip[side] / scale / 2) * 2) for side in ("width", "height"))


def possible(codec, params, clip):
    """Whether the encoder takes pictures of the size that this point sends."""
    return codec == "semcodec" or \
        min(scaled_size(clip, params["scale"])) >= ANCHORS[codec].get("smallest", 16)


def sent_rate(clip, params):
    return fractions.Fraction(clip["rate"]) / params["step"]


def encode_anchor(codec, params, clip, source, work, ffmpeg):
    """Encodes source at the point's size and rate; returns the stream's path in work."""
    anchor = ANCHORS[codec]
    width, height = scaled_size(clip, params["scale"])
    filters = []
    if params["step"] > 1:
        filters.append(f"framestep={params['step']}")
    if params["scale"] > 1:
        filters.append(f"scale={width}:{height}:flags=lanczos")
    stream = work / f"stream.{anchor['ending']}"
    two = params["mode"] == "bitrate" and anchor["two_pass"]
    for number in (1, 2) if two else (0,):
        process.run([*ffmpeg.command(), "-i", source, "-an", "-vf", ",".join(filters) or "null",
                     "-fps_mode", "passthrough",
                     *encoder_arguments(codec, params, sent_rate(clip, params), work, number),
                     "-f", anchor["ending"], stream], cwd=work)
    return stream


def decode_anchor(codec, params, clip, source, stream, target, ffmpeg):
    """Decodes to target (lossless mp4 at the comparison's size and the rate that was sent).

    Raw streams carry no times, and need not carry colour tags: both are set as in the reference,
    so that the metrics turn both into RGB alike.
    """
    info = probe(source)
    tags = [f"{ours}={info[theirs]}" for ours, theirs in
            (("range", "color_range"), ("colorspace", "color_space"),
             ("color_primaries", "color_primaries"), ("color_trc", "color_transfer"))
            if info.get(theirs, "unknown") not in ("unknown", "reserved")]
    rate = sent_rate(clip, params)
    filters = [f"setpts=N/({rate})/TB",
               f"scale={clip['width']}:{clip['height']}:flags=bicubic", "setsar=1"]
    if tags:
        filters.append("setparams=" + ":".join(tags))
    process.run([*ffmpeg.command(), "-threads", "1", "-f", ANCHORS[codec]["ending"],
                 "-framerate", rate, "-i", stream, "-vf", ",".join(filters),
                 "-fps_mode", "passthrough", "-pix_fmt", "yuv420p", *LOSSLESS, target])


def encode_semcodec(params, clip, source, work, tools):
    stream = work / "stream.sem"
    command = [tools.program("encode"), source, stream, "-y", "-q", "--threads", "1",
               "--audio", "none", "--size", f"{clip['width']}x{clip['height']}",
               "--device", tools.device, "--model", tools.model]
    if params["mode"] == "options":
        command += params["words"]
    elif params["mode"] == "quality":
        command += ["--quality", params["value"]]
    else:
        command += ["--bitrate", int(params["value"] * 1000)]
    process.run([*command, *params.get("encoder_options", [])], cwd=tools.root)
    return stream


def decode_semcodec(params, stream, target, tools):
    # CRF 0 is lossless.
    process.run([tools.program("decode"), stream, target, "-y", "-q", "--threads", "1",
                 "--size", "work", "--format", "mp4", "--crf", "0", "--preset", "ultrafast",
                 "--no-audio", "--device", tools.device, "--model", tools.model,
                 *params.get("decoder_options", [])], cwd=tools.root)


def encode(codec, params, clip, source, work, tools):
    if codec == "semcodec":
        return encode_semcodec(params, clip, source, work, tools)
    return encode_anchor(codec, params, clip, source, work, tools.ffmpeg)


def decode(codec, params, clip, source, stream, target, tools):
    if codec == "semcodec":
        decode_semcodec(params, stream, target, tools)
    else:
        decode_anchor(codec, params, clip, source, stream, target, tools.ffmpeg)


def label(codec, params, clip):
    """How a point is called in tables: what was sent."""
    if params["mode"] == "options":
        return " ".join(params["words"]) or "default"
    value = params["value"]
    if codec == "semcodec":
        if params["mode"] == "quality":
            return f"quality {value:g}"
        return f"target {value:g} kbit/s"
    width, height = scaled_size(clip, params["scale"])
    rate = float(sent_rate(clip, params))
    if params["mode"] == "crf":
        setting = f"{'QP' if codec == 'vvenc' else 'CRF'} {value:g}"
    else:
        passes = "two passes" if ANCHORS[codec]["two_pass"] else "one pass"
        setting = f"{value:g} kbit/s in {passes}"
    return f"{width}x{height}, {rate:.4g} fps, {setting}"


def family(codec, params):
    """What points have in common that differ by their rate alone, in one word or two."""
    return params["mode"] if codec == "semcodec" else codec
