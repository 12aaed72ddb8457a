"""The HTML report: one file that holds everything, its videos included."""
import json
import pathlib

from . import ffmpeg, marks, metrics, player, plots, tables
from .cli_numbers import numbers
from .codecs import LABELS
from .store import write_whole

PAGE = pathlib.Path(__file__).resolve().parent / "page"
SCRIPTS = ("chart.js", "tables.js", "player.js", "main.js")


def write(path, head, described, tasks, results, hulls, differences, compared, store, tools,
          options):
    videos = player.make_videos(described, tasks, results, store, tools, options.player_seconds,
                                numbers(options.player_rates),
                                pathlib.Path(options.out) / "references", options.jobs)
    data = page_data(head, results, hulls, differences, compared)
    data["players"], data["notes"] = videos["clips"], videos["notes"]
    write_whole(path, page(data, videos["videos"]))


def page_data(head, results, hulls, differences, compared):
    done = [r for r in results if r["status"] == "done"]
    names = metrics.judged(done)
    return {
        **head,
        "codecs": {name: {"label": label, "colour": plots.STYLE[name][0]}
                   for name, label in LABELS.items() if any(r["codec"] == name for r in results)},
        "metrics": {name: dict(zip(("label", "unit", "higher", "decimals"), metrics.info(name)))
                    for name in names},
        "drawn": metrics.drawn(done),
        "points": [{key: r.get(key) for key in ("key", "clip", "codec", "label", "status", "kbps",
                                                "bytes", "reason", "best")}
                   | {"metrics": {n: r.get("metrics", {}).get(n) for n in names}}
                   for r in results],
        "envelopes": hulls,
        "bjontegaard": [{**row, "cells": tables.bd_cells(row)} for row in differences],
        "marks": page_marks(compared), "ffmpeg_sentence": ffmpeg.sentence(head["ffmpeg"])}


def page_marks(compared):
    """{clip: {"heads", "lines"}}; the page colours cells by their last word."""
    out = {}
    for clip in dict.fromkeys(row["clip"] for row in compared):
        heads, lines = marks.table([row for row in compared if row["clip"] == clip])
        out[clip] = {"heads": heads[1:], "lines": [line[1:] for line in lines]}
    return out


def in_script(value):
    """JSON that cannot end the script element that it stands in."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def page(data, videos):
    text = (PAGE / "report.html").read_text()
    parts = {"STYLE": (PAGE / "style.css").read_text(),
             "SCRIPT": "\n".join((PAGE / name).read_text() for name in SCRIPTS),
             "DATA": in_script(data),
             "VIDEOS": "\n".join(f'<script type="text/plain" data-video="{name}">{content}</script>'
                                 for name, content in videos.items())}
    for name, content in parts.items():
        text = text.replace(f"<!--{name}-->", content, 1)
    return text
