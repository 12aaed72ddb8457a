"""The command line of scripts/paper.py."""
import argparse
import datetime
import hashlib
import json
import os
import pathlib
import sys

from sweep import process
from sweep.errors import SweepError
from sweep.store import write_whole
from sweep.tools import ROOT, Tools

from . import budgets, data, figures, labels, page, prepare, rows, scheduler, tables


def say(text):
    print(f"paper: {text}", file=sys.stderr, flush=True)


def parser():
    p = argparse.ArgumentParser(
        prog="paper.py", description="Trains and measures what the seed paper compares, and writes "
        "its tables and figures as CSV, Markdown, PNG and one HTML page. The same command goes on "
        "with a run that was stopped. Docs: docs/evaluation.md.")
    p.add_argument("data", metavar="DATA", help="a folder of clips, of Cityscapes or of ApolloScape")
    p.add_argument("-o", "--out", default="out/paper", metavar="DIR", help="(%(default)s)")
    p.add_argument("--budget", choices=budgets.BUDGETS, default="20m",
                   help="; ".join(f"{k}: {b['about']}" for k, b in budgets.BUDGETS.items()))
    p.add_argument("--only", default=",".join(rows.TABLES), metavar="LIST",
                   help="some of %(default)s")
    p.add_argument("--test", metavar="DIR", help="clips to test on (default: a fifth of DATA); what "
                   "DATA has of them is not trained on")
    p.add_argument("--layout", choices=data.LAYOUTS, default="auto", help="of DATA (%(default)s)")
    p.add_argument("--baseline-input", choices=("edges", "labels", "planes"),
                   default="edges", help="what the other methods see: edges alone or one-hot labels, "
                   "as in their papers, or edges and colours, as ours (%(default)s)")
    p.add_argument("--segmenter", default="", metavar="FILE", help="network for semantic labels: "
                   "TorchScript, or espnet (default: gtFine's images where all frames have one, "
                   "else espnet where its weights are)")
    p.add_argument("--flow", default="", metavar="FILE", help="FlowNet2's weights for the flow "
                   "loss; without them the samples' own motion stands in, and ours has no flow loss")
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE",
                   help="over the budget's settings of [generator]; may be repeated")
    p.add_argument("--seed", type=int, default=1, help="of split, weights and samples (%(default)s)")
    p.add_argument("--model", default="default", help="whose edge network is used (%(default)s)")
    p.add_argument("--bin", default="build/bin", metavar="DIR", help="semcodec's programs")
    p.add_argument("--device", default="auto", help="(%(default)s)")
    p.add_argument("--ffmpeg", metavar="FILE", help="as in sweep.py")
    p.add_argument("--jobs", type=int, default=0, metavar="N", help="rows at a time; 0: one a core")
    p.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="run on a Dask cluster instead")
    return p


def budget_of(options):
    budget = json.loads(json.dumps(budgets.BUDGETS[options.budget]))
    for word in options.set:
        key, equals, value = word.partition("=")
        if not equals:
            raise SweepError(f"--set {word} should be KEY=VALUE.")
        try:
            budget["generator"][key] = json.loads(value)
        except ValueError:
            budget["generator"][key] = value
    multiple = max(16, budgets.crop_multiple(budget) // 2)
    if any(side % multiple for side in budget["size"]):
        raise SweepError(f"The sides of {budget['size']} should be multiples of {multiple}.")
    return budget


def setup_of(options, budget, only, tools):
    """What every row needs to know, as a dict for JSON; its hash tells runs apart."""
    out = pathlib.Path(options.out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    chosen = data.choose(options, budget, out, tools.ffmpeg)
    found = labels.source(options, budget, chosen)
    content = {"train": [e["sha256"] for e in chosen["train"]],
               "test": [e["sha256"] for e in chosen["test"]], "budget": budget,
               "seed": options.seed, "baseline_input": options.baseline_input,
               "flow": options.flow, "labels": found.get("sha256", found["kind"])}
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
    work = out / "work" / key  # other clips or settings are another run
    work.mkdir(parents=True, exist_ok=True)
    say(f"{len(chosen['train'])} clips to train on, {len(chosen['test'])} to test on; in {work}")
    store = prepare.store(chosen, budget, work, tools)
    video, clip = prepare.test_video(chosen, budget, work, tools)
    if "table1" not in only and options.baseline_input != "labels":
        found = {"kind": "none", "reason": "not asked for"}
    marked = labels.prepare(found, chosen, budget, store, work, tools)
    streams = prepare.streams(video, clip, budget, work, tools, only, marked)
    (work / "rows").mkdir(exist_ok=True)
    jobs = options.jobs or os.cpu_count() or 1
    return {"key": key, "work": str(work), "rows": str(work / "rows"), "store": str(store),
            "reference": str(video), "clip": clip, "streams": str(streams),
            "size": budget["size"], "labels": marked, "tools": tools.settings(),
            "flow": options.flow, "seed": options.seed,
            "threads": 1 if jobs > 1 else 0, "chosen": chosen, "jobs": jobs}


def header(options, budget, setup, tools):
    return {"date": datetime.date.today().isoformat(), "programs": tools.version,
            "budget": options.budget, "about": budget["about"], "settings": budget,
            "seed": options.seed, "baseline_input": options.baseline_input, "run": setup["key"],
            "clips": {part: [{k: e[k] for k in ("name", "sha256")} for e in setup["chosen"][part]]
                      for part in ("train", "test")},
            "dropped": setup["chosen"]["dropped"], "test_frames": setup["clip"]["frames"],
            "size": budget["size"], "flow": bool(options.flow),
            "labels": f"{setup['labels']['name']}, {setup['labels']['classes']} classes"
                      if "classes" in setup["labels"] else setup["labels"]["reason"],
            "command": "python3 scripts/paper.py " + " ".join(sys.argv[1:])}


def main(arguments=None):
    options = parser().parse_args(arguments)
    try:
        only = options.only.split(",")
        for name in only:
            if name not in rows.TABLES:
                raise SweepError(f"There is no '{name}'; known are {', '.join(rows.TABLES)}.")
        tools = Tools(ROOT / options.bin, options.model, options.device, options.ffmpeg)
        tools.program("baseline")
        budget = budget_of(options)
        setup = setup_of(options, budget, only, tools)
        wanted = rows.all_rows(budget, only, options.baseline_input)
        results = scheduler.run_all(wanted, setup, options.scheduler, say)
        out = pathlib.Path(options.out)
        head = header(options, budget, setup, tools)
        drawn = figures.draw(only, wanted, results, setup, out, say)
        write_whole(out / "results.json", json.dumps({**head, "rows": results}, indent=1) + "\n")
        write_whole(out / "results.csv", tables.csv_text(wanted, results))
        write_whole(out / "paper.md", tables.markdown(head, only, wanted, results, drawn))
        write_whole(out / "paper.html", page.html(head, only, wanted, results, drawn, out))
    except KeyboardInterrupt:
        process.stop_all()
        say("stopped; what is finished is kept, the same command goes on.")
        return 130
    except SweepError as error:
        say(str(error))
        return 1
    failed = [r for r in results.values() if r["status"] == "failed"]
    say(f"{sum(r['status'] == 'done' for r in results.values())} rows measured, {len(failed)} "
        f"failed; in {options.out}: results.csv, results.json, paper.md, paper.html")
    for r in failed:
        say(f"failed: {r['label']}: {r['reason']}")
    return 3 if failed else 0
