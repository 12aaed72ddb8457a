"""Marks: semcodec beside the best of all other codecs at a few rates.

For each metric the others' points together give one envelope, whichever codec, size and frame rate
a point has. semcodec's value at a rate lies between its own neighbouring points. Both are
interpolated in the logarithm of the rate. Where semcodec was run with several sets of options, each
is a family with rows of its own, so that all metrics of a row are those of the same streams.
"""
import collections
import csv
import io
import math

from . import curves, metrics

RATES = (4, 8, 16, 32)  # kbit/s
NEAR = 0.1              # how far off a rate semcodec's first or last point may stand for it

# kind: "ratio" is semcodec's value over the envelope's, "difference" is minus the envelope's.
Mark = collections.namedtuple("Mark", "metric kind limit")
MARKS = (Mark("lpips_squeeze", "ratio", 0.65), Mark("gmsd", "ratio", 1.0),
         Mark("psnr", "difference", -0.2), Mark("ssim", "difference", -0.01),
         Mark("vmaf", "difference", 2.0), Mark("motion_error", "ratio", 0.9))


def at_least(mark):
    """Differences are of metrics that grow with quality, ratios of those that fall."""
    return mark.kind == "difference"


def between(a, b, rate):
    """Linear in the logarithm of the rate, between two points (rate, value)."""
    if a[0] == b[0]:
        return b[1]
    share = math.log(rate / a[0]) / math.log(b[0] / a[0])
    return a[1] + share * (b[1] - a[1])


def value_at(points, rate):
    """The value at a rate between the neighbours of points that rise in rate; None outside them."""
    for a, b in zip(points, points[1:]):
        if a[0] <= rate <= b[0]:
            return between(a, b, rate)
    return points[0][1] if points and points[0][0] == rate else None


def envelope_at(points, rate, higher):
    """The best that (rate, value) points reach at a rate; None where all of them cost more.

    The hull is taken over the logarithm of the rate, as values between its points are: another
    point can then only raise it. Above its dearest point the value holds: nobody has to spend more.
    """
    sign = 1 if higher else -1
    hull = curves.envelope([(math.log(r), sign * value) for r, value in points])
    best = [points[i] for i in hull]
    if not best or best[0][0] > rate:
        return None
    return best[-1][1] if rate >= best[-1][0] else value_at(best, rate)


def own_at(points, rate):
    """(rate, value) of semcodec, or (rate, None).

    Just outside its range the first or last point is taken, with its own rate: the others are then
    compared at that rate.
    """
    points = sorted(points)
    if points and rate < points[0][0] <= rate * (1 + NEAR):
        return points[0]
    if points and rate / (1 + NEAR) <= points[-1][0] < rate:
        return points[-1]
    return rate, value_at(points, rate)


def points_of(results, name):
    return [(r["kbps"], r["metrics"][name]) for r in results
            if isinstance(r["metrics"].get(name), (int, float))]


def compare(results, rates=RATES):
    """Rows with the keys of COLUMNS.

    figure and passed are None where one of the two has no value; note then says which.
    """
    done = [r for r in results if r["status"] == "done"]
    rows = []
    for clip in dict.fromkeys(r["clip"] for r in done):
        here = [r for r in done if r["clip"] == clip]
        others = [r for r in here if r["codec"] != "semcodec"]
        ours = [r for r in here if r["codec"] == "semcodec"]
        if not others:
            continue
        for family in dict.fromkeys(r["family"] for r in ours):
            own = [r for r in ours if r["family"] == family]
            for rate in rates:
                for mark in MARKS:
                    theirs = points_of(others, mark.metric)
                    if not theirs and not points_of(own, mark.metric):
                        continue  # not measured, as VMAF without libvmaf
                    at, value = own_at(points_of(own, mark.metric), rate)
                    best = envelope_at(theirs, at, metrics.info(mark.metric)[2])
                    rows.append({"clip": clip, "family": family, "rate": rate, "compared_at": at,
                                 "metric": mark.metric, **assess(mark, value, best)})
    return rows


def assess(mark, own, others):
    row = {"semcodec": own, "others": others, "kind": mark.kind, "limit": mark.limit,
           "figure": None, "passed": None, "note": ""}
    if own is None:
        row["note"] = "semcodec was not measured around this rate"
    elif others is None:
        row["note"] = "no other codec goes so low"
    elif mark.kind == "ratio" and others == 0:
        row["note"] = "the others are free of error"
    else:
        row["figure"] = own / others if mark.kind == "ratio" else own - others
        row["passed"] = row["figure"] >= mark.limit if at_least(mark) \
            else row["figure"] <= mark.limit
    return row


def heading(mark):
    label = metrics.info(mark.metric)[0]
    sign = "≥" if at_least(mark) else "≤"
    return f"{label} {mark.kind} ({sign} {mark.limit:g})"


def cell(row):
    if row is None or row["figure"] is None:
        return row["note"] if row else ""
    decimals = 2 if row["kind"] == "ratio" else metrics.info(row["metric"])[3]
    form = f"{row['figure']:.{decimals}f}" if row["kind"] == "ratio" \
        else f"{row['figure']:+.{decimals}f}"
    return f"{form} {'pass' if row['passed'] else 'fail'}"


def table(rows):
    """(headings, lists of cells): one line a clip, family and rate."""
    present = {row["metric"] for row in rows}
    shown = [mark for mark in MARKS if mark.metric in present]
    found = {(row["clip"], row["family"], row["rate"], row["metric"]): row for row in rows}
    lines = [[clip, family, f"{rate:g}",
              *(cell(found.get((clip, family, rate, mark.metric))) for mark in shown)]
             for clip, family, rate in dict.fromkeys(key[:3] for key in found)]
    return ["clip", "semcodec", "kbit/s", *(heading(mark) for mark in shown)], lines


def summary(rows):
    counted = [row for row in rows if row["passed"] is not None]
    missing = len(rows) - len(counted)
    return f"{sum(row['passed'] for row in counted)} of {len(counted)} marks are met" + \
        (f"; {missing} could not be compared." if missing else ".")


def markdown(rows):
    if not rows:
        return ""
    heads, lines = table(rows)
    out = ["semcodec beside the best of all other codecs' points at equal rate; " + summary(rows),
           "", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(out + ["| " + " | ".join(line) + " |" for line in lines]) + "\n"


COLUMNS = ("clip", "family", "rate", "compared_at", "metric", "semcodec", "others", "kind",
           "figure", "limit", "passed", "note")


def csv_text(rows):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    words = {True: "pass", False: "fail", None: ""}
    for row in rows:
        writer.writerow([words[row[c]] if c == "passed" else "" if row[c] is None else row[c]
                         for c in COLUMNS])
    return out.getvalue()
