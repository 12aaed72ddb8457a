"""One moment of a clip: the source, and what each codec shows then at nearly the same rate."""
import argparse
import os
import pathlib
import re
import sys
import tempfile

from . import cli, clips, codecs, point, process, runner
from .errors import SweepError
from .store import Store

DECIDING = "lpips_squeeze"
OVER = 1.05   # a rate that is met to 5 % counts as met
SPACING = 8   # quantisers between points of a ladder, about
STANDARD = {"svtav1": "AV1", "aom": "AV1", "x265": "HEVC", "x264": "H.264", "vvenc": "VVC"}
GAP, MARGIN, FONT_SIZE = 8, 10, 17


def parser():
    p = argparse.ArgumentParser(
        prog="side_by_side.py", usage="%(prog)s CLIP[@WxH] --rate R --time T -o OUT.png [OPTIONS] "
        "[-- OPTIONS OF sweep.py]",
        description="Writes a picture: source, semcodec and other codecs at one moment and nearly "
        "one rate. Each codec shows the point of its ladder that has the best LPIPS without going "
        "above the rate, at a quantiser that comes near the rate. Options behind -- go to "
        "scripts/sweep.py, and points that it left in the folder of --sweep are used.")
    p.add_argument("clip", metavar="CLIP[@WxH]", help="a video, and the size to compare at")
    p.add_argument("--rate", required=True, metavar="R", help="in bit/s, such as 8k")
    p.add_argument("--time", required=True, type=float, metavar="T", help="the moment, in seconds")
    p.add_argument("-o", "--out", required=True, metavar="OUT.png", help="the picture")
    p.add_argument("--crop", metavar="X,Y,W,H", help="a second row shows this part, enlarged")
    p.add_argument("--zoom", type=int, default=2, metavar="N", help="by this factor (%(default)s)")
    p.add_argument("--columns", type=int, default=4, metavar="N",
                   help="pictures a row (%(default)s)")
    p.add_argument("--codecs", default="vvenc,svtav1", metavar="LIST",
                   help="beside semcodec (%(default)s)")
    p.add_argument("--sweep", default="out/sweep", metavar="DIR",
                   help="the sweep's folder (%(default)s)")
    return p


def rate_of(text):
    """kbit/s from bit/s as semcodec-encode writes them."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kM]?)", text)
    rate = float(match.group(1)) * {"": 0.001, "k": 1, "M": 1000}[match.group(2)] if match else 0
    if rate <= 0:
        raise SweepError(f"The rate '{text}' should be in bit/s, such as 8k.")
    return rate


def crop_of(text, width, height):
    """(x, y, w, h) inside the picture, or None."""
    if not text:
        return None
    match = re.fullmatch(r"(\d+),(\d+),(\d+),(\d+)", text)
    x, y, w, h = map(int, match.groups()) if match else (0, 0, 0, 0)
    if not w or not h or x + w > width or y + h > height:
        raise SweepError(f"The part '{text}' should be X,Y,W,H inside {width}x{height}.")
    return x, y, w, h


def choose(results, codec, rate):
    """The finished point with the best LPIPS that is not above the rate, or None."""
    able = [r for r in results if r["codec"] == codec and r["status"] == "done"
            and r["kbps"] <= rate * OVER]
    measured = [r for r in able if isinstance(r["metrics"].get(DECIDING), (int, float))]
    if able and not measured:
        raise SweepError("LPIPS was not measured; run bash scripts/fetch.sh weights squeezenet1_1 "
                         "lpips-squeeze.")
    return min(measured, key=lambda r: r["metrics"][DECIDING], default=None)


def sweep_options(options, rate):
    """The sweep's options for this clip's ladders."""
    words = [options.clip, "-o", options.sweep, "--ladder", "marks", "--no-report",
             "--codecs", f"semcodec,{options.codecs}", "--max-kbps", str(rate * OVER),
             *options.more]
    if not {"--semcodec", "--bitrate", "--quality"}.intersection(
            word.split("=")[0] for word in options.more):
        words += ["--bitrate", f"{rate:g}"]
    return cli.parser().parse_args(words)


def approach(best, rate, run):
    """The finished points of the same size and frame rate whose quantisers, down from the best
    point's, bring the rate as near as it gets from below.

    run: gives the result for parameters.
    """
    found = []

    def fits(value):
        result = run({**best["params"], "value": value})
        if result["status"] == "done" and result["kbps"] <= rate * OVER:
            found.append(result)
            return True
        return False

    high = best["params"]["value"]
    low = max(high - SPACING, 0)
    while low > 0 and fits(low):
        high, low = low, max(low - SPACING, 0)
    while high - low > 1:
        middle = (high + low) // 2
        high, low = (middle, low) if fits(middle) else (high, middle)
    return found


def frame(video, clip, number, target, ffmpeg):
    """The picture shown at the time of a reference's frame, as PNG."""
    filters = (f"fps=fps={clip['rate']}:round=near:start_time=0,tpad=stop_mode=clone:"
               f"stop={clip['frames']},select=eq(n\\,{number})")
    process.run([*ffmpeg.command(), "-i", video, "-vf", filters, "-frames:v", "1", "-update", "1",
                 target])
    return target


def titles(result):
    """Two lines below a picture."""
    name = "semcodec"
    if result["codec"] != "semcodec":
        name = f"{STANDARD[result['codec']]} ({codecs.LABELS[result['codec']]})"
    return [f"{name}, {result['kbps']:.1f} kbit/s", result["label"]]


def load_font(size):
    import matplotlib
    from PIL import ImageFont
    return ImageFont.truetype(os.path.join(matplotlib.get_data_path(), "fonts", "ttf",
                                           "DejaVuSans.ttf"), size)


def fitting(font_size, text, width):
    """The largest font up to font_size at which a line is no wider than its column."""
    font = load_font(font_size)
    while font_size > 8 and font.getlength(text) > width:
        font_size -= 1
        font = load_font(font_size)
    return font


def compose(columns, crop=None, zoom=2, across=4):
    """columns: [(picture, [lines])]. Each shows its picture, the part enlarged, and its lines."""
    from PIL import Image, ImageDraw
    width, height = columns[0][0].size
    part = (crop[2] * zoom, crop[3] * zoom) if crop else (0, 0)
    cell_width = max(width, part[0])
    text_height = (FONT_SIZE + 6) * max(len(lines) for _, lines in columns)
    cell_height = height + (part[1] + GAP if crop else 0) + text_height + GAP
    across = max(1, min(across, len(columns)))
    rows = -(-len(columns) // across)
    sheet = Image.new("RGB", (2 * MARGIN + across * cell_width + (across - 1) * GAP,
                              2 * MARGIN + rows * cell_height + (rows - 1) * GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (picture, lines) in enumerate(columns):
        left = MARGIN + (i % across) * (cell_width + GAP)
        y = MARGIN + (i // across) * (cell_height + GAP)
        sheet.paste(picture, (left + (cell_width - width) // 2, y))
        y += height + GAP
        if crop:
            x0, y0, w, h = crop
            enlarged = picture.crop((x0, y0, x0 + w, y0 + h)).resize(part, Image.Resampling.BICUBIC)
            sheet.paste(enlarged, (left + (cell_width - part[0]) // 2, y))
            y += part[1] + GAP
        for number, line in enumerate(lines):
            font = fitting(FONT_SIZE if number == 0 else FONT_SIZE - 3, line, cell_width)
            draw.text((left + cell_width / 2, y), line, fill="#111" if number == 0 else "#555",
                      font=font, anchor="ma")
            y += FONT_SIZE + 6
    return sheet


def make(options):
    try:
        from PIL import Image
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise SweepError("Pillow and matplotlib are missing; run bash scripts/setup_python.sh.") \
            from error
    rate = rate_of(options.rate)
    chosen = sweep_options(options, rate)
    tools = cli.tools_of(chosen)
    described, tasks = cli.make_tasks(chosen, tools)
    clip = described[0]
    number = int(options.time * clip["frames"] / clip["seconds"] + 1e-6)
    if not 0 <= number < clip["frames"]:
        raise SweepError(f"{options.clip} has no frame at {options.time:g} s; it lasts "
                         f"{clip['seconds']:.2f} s.")
    crop = crop_of(options.crop, clip["width"], clip["height"])
    store = Store(chosen.out, chosen.known)
    by_key = {task["key"]: task for task in tasks}

    def run(more):
        return runner.run_all(more, store, chosen.jobs, chosen.scheduler, chosen.out)

    results = run(tasks)
    reference = clips.reference(clip, pathlib.Path(chosen.out) / "references", tools.ffmpeg)
    with tempfile.TemporaryDirectory(prefix="semcodec-side-by-side-") as folder:
        work = pathlib.Path(folder)

        def read(video, name):
            with Image.open(frame(video, clip, number, work / f"{name}.png", tools.ffmpeg)) as file:
                return file.convert("RGB")

        columns = [(read(reference, "source"), ["source", f"{clip['width']}x{clip['height']}"])]
        for codec in dict.fromkeys(task["codec"] for task in tasks):
            best = choose(results, codec, rate)
            if not best:
                cli.say(f"{codecs.LABELS[codec]} is left out: none of its points is at or below "
                        f"{rate:g} kbit/s.")
                continue
            if best["params"]["mode"] == "crf":
                def run_one(params, like=by_key[best["key"]]):
                    task = point.like(like, params, tools)
                    by_key[task["key"]] = task
                    return run([task])[0]
                best = choose([best, *approach(best, rate, run_one)], codec, rate)
            decoded = work / f"{codec}.mp4"
            codecs.decode(codec, best["params"], clip, reference,
                          point.stream_of(by_key[best["key"]], store, reference, work), decoded,
                          tools)
            columns.append((read(decoded, codec), titles(best)))
        part = work / "out.png"
        compose(columns, crop, options.zoom, options.columns).save(part, optimize=True)
        out = pathlib.Path(options.out)
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            beside = out.with_name(f".{out.name}.{os.getpid()}")
            beside.write_bytes(part.read_bytes())
            os.replace(beside, out)
        except OSError as error:
            raise SweepError(f"{out} cannot be written: {error.strerror}.") from error
    cli.say(f"wrote {out}.")


def main(arguments=None):
    words = sys.argv[1:] if arguments is None else list(arguments)
    # By hand: argparse gives what stands behind -- to the positional arguments.
    end = words.index("--") if "--" in words else len(words)
    options = parser().parse_args(words[:end])
    options.more = words[end + 1:]
    try:
        make(options)
    except KeyboardInterrupt:
        process.stop_all()
        cli.say("stopped; points that are finished are kept, the same command goes on.")
        return 130
    except SweepError as error:
        cli.say(str(error))
        return 1
    return 0
