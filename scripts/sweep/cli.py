"""The command line of scripts/sweep.py."""
import argparse
import datetime
import pathlib
import sys

from . import clips, codecs, ffmpeg, ladder, marks, metrics, plots, point, process, report, runner
from . import summary, tables
from .cli_numbers import numbers
from .errors import SweepError
from .store import Store, write_known, write_whole
from .tools import ROOT, Tools

DEFAULT_CODECS = {"marks": "semcodec,svtav1,vvenc"}
ALL_CODECS = "semcodec,svtav1,aom,x265,x264,vvenc"


def say(text):
    print(f"sweep: {text}", file=sys.stderr, flush=True)


def parser():
    p = argparse.ArgumentParser(
        prog="sweep.py", description="Encodes, decodes and measures clips with semcodec and with "
        "ordinary codecs; writes CSV, JSON, curves and an HTML report. Docs: docs/evaluation.md.")
    p.add_argument("clips", nargs="+", metavar="CLIP[@WxH]", help="a video, and the size at which "
                   "it is compared (default: semcodec's coded size)")
    p.add_argument("-o", "--out", default="out/sweep", metavar="DIR",
                   help="results, streams and reports; the same folder goes on (%(default)s)")
    p.add_argument("--codecs", default=None, metavar="LIST",
                   help=f"some of {','.join(codecs.CODECS)}")
    p.add_argument("--size", metavar="WxH", help="size of the comparison for all clips")
    p.add_argument("--skip", type=int, default=0, metavar="N", help="leave out the first N frames")
    p.add_argument("--limit", type=int, default=0, metavar="N", help="at most N frames of a clip")
    p.add_argument("--quality", metavar="LIST", help="semcodec's qualities, such as 10,40,70")
    p.add_argument("--bitrate", metavar="LIST", help="semcodec's targets in kbit/s, such as 4,8")
    p.add_argument("--semcodec", action="append", metavar="OPTIONS",
                   help="points by semcodec-encode's own options; {a,b} gives one for each, such as "
                   "'--bitrate {4k,8k,16k} --profile paper'; may be repeated")
    p.add_argument("--anchor-bitrate", metavar="LIST",
                   help="the anchors' targets in kbit/s; 'none' for constant quality alone")
    p.add_argument("--encoder-options", default="", metavar="WORDS", help="more for semcodec-encode")
    p.add_argument("--decoder-options", default="", metavar="WORDS", help="more for semcodec-decode")
    p.add_argument("--ladder", choices=ladder.KINDS, default="full",
                   help="which points (%(default)s)")
    p.add_argument("--fast", action="store_true", help="the same as --ladder fast")
    p.add_argument("--max-kbps", type=float, default=64, metavar="R",
                   help="do not measure what comes out above (%(default)s)")
    p.add_argument("--metrics", default="all", metavar="LIST",
                   help="those of semcodec-eval, and vmaf (%(default)s)")
    p.add_argument("--known", default=str(ROOT / "docs/results/anchors.jsonl"), metavar="FILE",
                   help="points of other codecs that need not be measured again (%(default)s)")
    p.add_argument("--keep-known", action="store_true",
                   help="add the other codecs' points of this run to that file")
    p.add_argument("--ffmpeg", metavar="FILE", help="for the other codecs and VMAF (default: "
                   "imageio-ffmpeg's where it is installed, else the system's)")
    p.add_argument("--model", default="default", help="semcodec's model package")
    p.add_argument("--bin", default="build/bin", metavar="DIR", help="semcodec's programs")
    p.add_argument("--device", default="auto", help="for semcodec-decode and LPIPS (%(default)s)")
    p.add_argument("--jobs", type=int, default=0, metavar="N", help="points at a time; 0: one a core")
    p.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="run on a Dask cluster instead")
    p.add_argument("--no-report", action="store_true", help="no HTML report")
    p.add_argument("--player-seconds", type=float, default=8, metavar="S",
                   help="length of the videos in the report (%(default)s)")
    p.add_argument("--player-rates", default="4,8,16", metavar="LIST",
                   help="rates in kbit/s near which videos go into the report (%(default)s)")
    p.add_argument("--results", metavar="DIR", help="also write DIR/results/ (CSV, curves) and the "
                   "tables between the markers in DIR/results.md")
    return p


def choose_codecs(text, kind, tools):
    wanted = (text or DEFAULT_CODECS.get(kind, ALL_CODECS)).split(",")
    for name in wanted:
        if name not in codecs.CODECS:
            raise SweepError(f"There is no codec '{name}'; known are {', '.join(codecs.CODECS)}.")
    chosen = []
    for name in wanted:
        lack = tools.ffmpeg.lacks(name) if name in codecs.ANCHORS else None
        if lack:
            say(f"{codecs.LABELS[name]} is left out: {tools.ffmpeg.path} {lack}.")
        else:
            chosen.append(name)
    return chosen


def choose_metrics(text, tools):
    """(semcodec-eval's metrics, whether VMAF is measured)."""
    words = text.split(",")
    wanted = "vmaf" in words or "all" in words
    if wanted and not tools.ffmpeg.has_vmaf:
        say(f"VMAF is left out: {tools.ffmpeg.path} has no libvmaf ({ffmpeg.INSTALL}).")
    rest = ",".join(word for word in words if word != "vmaf")
    if not rest:
        raise SweepError("--metrics names vmaf alone; name one of semcodec-eval's with it, such as "
                         "psnr,vmaf.")
    return rest, wanted and tools.ffmpeg.has_vmaf


def points_of(codec, options, kind):
    if codec == "semcodec":
        extra = {"encoder_options": options.encoder_options.split(),
                 "decoder_options": options.decoder_options.split()}
        points = ladder.semcodec_points(kind, numbers(options.quality) if options.quality else None,
                                        numbers(options.bitrate) if options.bitrate else None,
                                        options.semcodec)
        return [{**p, **{key: words for key, words in extra.items() if words}} for p in points]
    bitrates = None
    if options.anchor_bitrate:
        bitrates = [] if options.anchor_bitrate == "none" else numbers(options.anchor_bitrate)
    return ladder.anchor_points(codec, kind, bitrates)


def tools_of(options):
    return Tools(ROOT / options.bin, options.model, options.device, options.ffmpeg)


def make_tasks(options, tools):
    kind = "fast" if options.fast else options.ladder
    tools.ffmpeg.check()
    names, with_vmaf = choose_metrics(options.metrics, tools)
    measuring = {"metrics": names, "vmaf": with_vmaf, "max_kbps": options.max_kbps}
    chosen = choose_codecs(options.codecs, kind, tools)
    described = [clips.describe(c, options.size, options.skip, options.limit)
                 for c in options.clips]
    names = [clip["name"] for clip in described]
    for name in names:
        if names.count(name) > 1:
            raise SweepError(f"Two clips are called {name}; rename one.")
    tools.program("eval")
    tasks = [point.make_task(clip, codec, params, tools, measuring)
             for clip in described for codec in chosen for params in points_of(codec, options, kind)
             if codecs.possible(codec, params, clip)]
    return described, list({task["key"]: task for task in tasks}.values())


def mark_best(results, hulls):
    """A point is among the best when it is on the envelope of a drawn metric."""
    drawn = set(metrics.drawn([r for r in results if r["status"] == "done"]))
    best = {key for by_metric in hulls.values() for name, by_codec in by_metric.items()
            if name in drawn for hull in by_codec.values() for key in hull["keys"]}
    for r in results:
        r["best"] = r["key"] in best


def header(described, results, tools):
    models = sorted({r["model"] for r in results if "model" in r})
    return {"date": datetime.date.today().isoformat(), "model": tools.model,
            "model_hash": models[0] if len(models) == 1 else models,
            "programs": tools.version,
            "ffmpeg": tools.ffmpeg.describe(dict.fromkeys(r["codec"] for r in results)),
            "clips": [{key: value for key, value in clip.items() if key != "path"}
                      for clip in described]}


def write_outputs(options, tools, described, tasks, results, store):
    out = pathlib.Path(options.out)
    hulls = summary.envelopes(results)
    mark_best(results, hulls)
    differences = summary.differences(hulls)
    compared = marks.compare(results)
    head = header(described, results, tools)
    write_whole(out / "results.csv", tables.csv_text(results))
    write_whole(out / "results.json", tables.json_text(head, results, hulls, differences,
                                                        compared))
    write_whole(out / "marks.csv", marks.csv_text(compared))
    drawing = plots.have_matplotlib()
    if drawing:
        plots.draw(results, hulls, out / "curves")
    else:
        say("no curves were drawn: matplotlib is missing; run bash scripts/setup_python.sh "
            "and this command again.")
    if options.results:
        write_results(pathlib.Path(options.results), head, results, hulls, differences,
                      compared, drawing)
    if not options.no_report:
        report.write(out / "report.html", head, described, tasks, results, hulls, differences,
                     compared, store, tools, options)


def write_results(docs, head, results, hulls, differences, compared, drawing):
    folder = docs / "results"
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "results.csv", tables.csv_text(results))
    write_whole(folder / "marks.csv", marks.csv_text(compared))
    text = (f"Measured on {head['date']}, {head['programs']}, model `{head['model']}` "
            f"({head['model_hash']}). Sizes compared: "
            + "; ".join(f"{c['name']} {c['width']}x{c['height']}, {c['frames']} frames"
                        for c in head["clips"])
            + f". Other codecs{' and VMAF' if head['ffmpeg']['vmaf'] else ''}: "
            + ffmpeg.sentence(head["ffmpeg"]) + "\n\n")
    if drawing:
        plots.draw(results, hulls, folder, dpi=80)
        text += "".join(f"![{clip}](results/{clip}.png)\n\n" for clip in hulls if hulls[clip])
    text += tables.markdown(results, differences, compared)
    page = docs / "results.md"
    old = page.read_text() if page.is_file() else "# Results\n"
    write_whole(page, tables.replace_between(old, "<!-- sweep:begin -->", "<!-- sweep:end -->",
                                             text))


def main(arguments=None):
    options = parser().parse_args(arguments)
    try:
        tools = tools_of(options)
        described, tasks = make_tasks(options, tools)
        say("with " + ffmpeg.sentence(tools.ffmpeg.describe(dict.fromkeys(
            task["codec"] for task in tasks))))
        store = Store(options.out, options.known)
        results = runner.run_all(tasks, store, options.jobs, options.scheduler, options.out)
        if options.keep_known:
            write_known(options.known, results)
        write_outputs(options, tools, described, tasks, results, store)
    except KeyboardInterrupt:
        process.stop_all()
        say("stopped; what is finished is kept, the same command goes on.")
        return 130
    except SweepError as error:
        say(str(error))
        return 1
    count = {status: sum(r["status"] == status for r in results)
             for status in ("done", "skipped", "failed")}
    say(f"{count['done']} points measured, {count['skipped']} skipped, {count['failed']} failed; "
        f"in {options.out}: results.csv, results.json, marks.csv"
        + ("" if options.no_report else ", report.html"))
    for r in results:
        if r["status"] == "failed":
            say(f"failed: {r['clip']} {r['codec']} {r['label']}: {r['reason']}")
    return 3 if count["failed"] else 0
