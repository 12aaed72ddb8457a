"""CSV, JSON and Markdown of a sweep."""
import csv
import io
import json

from . import marks, metrics
from .codecs import LABELS

COLUMNS = ("clip", "codec", "label", "status", "kbps", "bytes")
AFTER = ("encode_seconds", "decode_seconds", "model", "reason", "key")


def csv_text(results):
    """One row a point, failed and skipped ones included."""
    names = sorted({name for r in results for name in r.get("metrics", {})},
                   key=lambda name: (list(metrics.KNOWN) + [name]).index(name))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, *names, *AFTER])
    for r in results:
        measured = r.get("metrics", {})
        writer.writerow([*(r.get(c, "") for c in COLUMNS), *(measured.get(n, "") for n in names),
                         *(r.get(c, "") for c in AFTER)])
    return out.getvalue()


def json_text(header, results, hulls, differences, compared):
    return json.dumps({**header, "points": results, "envelopes": hulls,
                       "bjontegaard": differences, "marks": compared}, indent=1) + "\n"


def number(value, decimals):
    return "" if value is None else f"{value:.{decimals}f}"


def bd_cells(row):
    """BD-rate and BD-quality as text: a figure, or why there is none."""
    decimals = metrics.info(row["metric"])[3]
    rate = row["rate_note"] if row["rate"] is None else f"{row['rate']:+.0f} %"
    quality = row["quality_note"] if row["quality"] is None \
        else f"{row['quality']:+.{decimals}f}"
    return rate, quality


def markdown(results, differences, compared=()):
    """The points on an envelope of any drawn metric, the Bjontegaard differences, and the marks."""
    done = [r for r in results if r["status"] == "done"]
    names = metrics.drawn(done)
    labels = [metrics.info(name)[0] for name in names]
    lines = ["| clip | codec | sent as | kbit/s | " + " | ".join(labels) + " |",
             "|---|---|---|" + "---|" * (len(names) + 1)]
    for r in sorted(done, key=lambda r: (r["clip"], list(LABELS).index(r["codec"]), r["kbps"])):
        if not r.get("best"):
            continue
        cells = [number(r["metrics"].get(n), min(3, metrics.info(n)[3])) for n in names]
        lines.append(f"| {r['clip']} | {LABELS[r['codec']]} | {r['label']} | {r['kbps']:.1f} | "
                     + " | ".join(cells) + " |")
    bad = [r for r in results if r["status"] == "failed"]
    lines += [f"\n{r['clip']}, {LABELS[r['codec']]}, {r['label']}: failed. {r['reason']}"
              for r in bad]
    lines += ["", "Bjontegaard differences of semcodec against each codec's envelope (rate: fewer "
              "bits are negative; quality: better is positive, in the metric's unit):", "",
              "| clip | metric | against | BD-rate | BD-quality |", "|---|---|---|---|---|"]
    for row in differences:
        if row["metric"] in names:
            rate, quality = bd_cells(row)
            lines.append(f"| {row['clip']} | {metrics.info(row['metric'])[0]} | "
                         f"{LABELS[row['anchor']]} | {rate} | {quality} |")
    text = "\n".join(lines) + "\n"
    return text + "\n" + marks.markdown(compared) if compared else text


def replace_between(text, begin, end, new):
    """text with what stands between two marker lines replaced; markers are added when missing."""
    if begin not in text or end not in text.split(begin, 1)[1]:
        return text.rstrip("\n") + f"\n\n{begin}\n{new}{end}\n"
    head, rest = text.split(begin, 1)
    return f"{head}{begin}\n{new}{end}{rest.split(end, 1)[1]}"
