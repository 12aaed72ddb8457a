"""Envelopes of operating points, curves through them, and Bjontegaard's differences.

Rates are kbit/s. Qualities are "higher is better" here; callers negate the others. Curves and differences
are those of the PyPI packages scipy and bjontegaard (scripts/setup_python.sh); without them points are
joined by straight lines and differences say what is missing.
"""
import math
import warnings

from . import packages

packages.activate("plots")
try:
    import bjontegaard as bd
    import numpy
    from scipy.interpolate import PchipInterpolator
except ImportError:
    bd = None

LEAST_POINTS = 2   # a curve needs that many; below RELIABLE the result says how few there were
RELIABLE = 4


def envelope(points):
    """The indices of the points on the upper left hull of (rate, quality), by rising rate.

    These are the points that no other point, and no mixture over time of two others, beats: the
    best that the codec can do at each rate. From the cheapest point up, quality rises with rate.
    """
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1]))
    hull = []
    for i in order:
        rate, quality = points[i]
        if hull and quality <= points[hull[-1]][1]:
            continue
        while len(hull) > 1 and _below(points[hull[-2]], points[hull[-1]], (rate, quality)):
            hull.pop()
        hull.append(i)
    return hull


def _below(a, b, c):
    """Whether b lies on or below the chord from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) <= (c[1] - a[1]) * (b[0] - a[0])


def sampled(points, each=12):
    """(rate, quality) along the curve through an envelope: PCHIP over log10 of the rate."""
    if len(points) < 2 or bd is None:
        return list(points)
    logs = [math.log10(rate) for rate, _ in points]
    curve = PchipInterpolator(logs, [quality for _, quality in points])
    x = [a + (b - a) * i / each for a, b in zip(logs, logs[1:]) for i in range(each)] + logs[-1:]
    return [(10 ** v, float(curve(v))) for v in x]


def _common(a, b):
    low, high = max(a[0], b[0]), min(a[-1], b[-1])
    return (low, high) if high > low else None


def bjontegaard(anchor, test):
    """Differences of test against anchor, both envelopes: lists of (rate, quality) by rising rate.

    rate: per cent of bits more (below 0: saved) for the same quality; None without an overlap.
    quality: gain at the same rate, in the metric's unit; None without an overlap.
    *_overlap: the common range; *_note says why there is none, or that it rests on few points.
    Nothing is extrapolated.
    """
    out = {"rate": None, "quality": None, "rate_overlap": None, "quality_overlap": None,
           "rate_note": "", "quality_note": ""}
    missing = ""
    if bd is None:
        missing = "the package bjontegaard is missing; run bash scripts/setup_python.sh"
    elif min(len(anchor), len(test)) < LEAST_POINTS:
        missing = "fewer than two points on an envelope"
    if missing:
        return {**out, "rate_note": missing, "quality_note": missing}
    few = ""
    if min(len(anchor), len(test)) < RELIABLE:
        few = f"rests on {len(anchor)} and {len(test)} points"
    rates, qualities = ([[point[i] for point in curve] for curve in (anchor, test)] for i in (0, 1))
    sides = [numpy.array(side) for side in (rates[0], qualities[0], rates[1], qualities[1])]
    for name, values, difference in (("rate", qualities, bd.bd_rate), ("quality", rates, bd.bd_psnr)):
        both = _common(*values)
        if both is None:
            out[f"{name}_note"] = f"no {'quality' if name == 'rate' else 'rate'} is reached by both"
            continue
        out[f"{name}_overlap"], out[f"{name}_note"] = list(both), few
        # Its own counsel on points and overlap is what the notes say; few points are no error here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            out[name] = float(difference(*sides, method="pchip", require_matching_points=False, min_overlap=0))
    return out
