"""Envelopes of operating points, curves through them, and Bjontegaard's differences.

Rates are kbit/s. Qualities are "higher is better" here; callers negate the others.
"""
import bisect
import math

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


class Pchip:
    """Piecewise cubic Hermite interpolation that keeps monotone data monotone (Fritsch, Butland)."""

    def __init__(self, x, y):
        if len(x) < 2 or any(b <= a for a, b in zip(x, x[1:])):
            raise ValueError("a curve needs two or more rising abscissas")
        self.x, self.y = list(x), list(y)
        self.h = [b - a for a, b in zip(x, x[1:])]
        self.slope = [(b - a) / h for a, b, h in zip(y, y[1:], self.h)]
        self.d = self._derivatives()

    def _derivatives(self):
        h, s = self.h, self.slope
        if len(s) == 1:
            return [s[0], s[0]]
        inner = []
        for k in range(1, len(s)):
            if s[k - 1] * s[k] <= 0:
                inner.append(0.0)
                continue
            w1, w2 = 2 * h[k] + h[k - 1], h[k] + 2 * h[k - 1]
            inner.append((w1 + w2) / (w1 / s[k - 1] + w2 / s[k]))
        return [self._end(h[0], h[1], s[0], s[1]), *inner, self._end(h[-1], h[-2], s[-1], s[-2])]

    @staticmethod
    def _end(h0, h1, s0, s1):
        """Three-point formula, held back so that the end stays monotone."""
        d = ((2 * h0 + h1) * s0 - h0 * s1) / (h0 + h1)
        if d * s0 <= 0:
            return 0.0
        if s0 * s1 <= 0 and abs(d) > 3 * abs(s0):
            return 3 * s0
        return d

    def _cubic(self, k):
        h, s, d0, d1 = self.h[k], self.slope[k], self.d[k], self.d[k + 1]
        return self.y[k], d0, (3 * s - 2 * d0 - d1) / h, (d0 + d1 - 2 * s) / (h * h)

    def _piece(self, x):
        return min(max(bisect.bisect_right(self.x, x) - 1, 0), len(self.h) - 1)

    def __call__(self, x):
        k = self._piece(x)
        a, b, c, d = self._cubic(k)
        t = x - self.x[k]
        return a + t * (b + t * (c + t * d))

    def integral(self, low, high):
        """Between two abscissas inside the data."""
        return self._to(high) - self._to(low)

    def _to(self, x):
        total = 0.0
        for k in range(self._piece(x) + 1):
            a, b, c, d = self._cubic(k)
            t = min(x, self.x[k + 1]) - self.x[k]
            total += t * (a + t * (b / 2 + t * (c / 3 + t * d / 4)))
        return total


def sampled(points, each=12):
    """(rate, quality) along the curve through an envelope: PCHIP over log10 of the rate."""
    if len(points) < 2:
        return list(points)
    curve = Pchip([math.log10(rate) for rate, _ in points], [quality for _, quality in points])
    x = [a + (b - a) * i / each for a, b in zip(curve.x, curve.x[1:]) for i in range(each)]
    return [(10 ** v, curve(v)) for v in x + [curve.x[-1]]]


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
    if min(len(anchor), len(test)) < LEAST_POINTS:
        out["rate_note"] = out["quality_note"] = "fewer than two points on an envelope"
        return out
    few = ""
    if min(len(anchor), len(test)) < RELIABLE:
        few = f"rests on {len(anchor)} and {len(test)} points"
    log_rate = [[math.log10(rate) for rate, _ in curve] for curve in (anchor, test)]
    quality = [[value for _, value in curve] for curve in (anchor, test)]

    both = _common(*quality)
    if both is None:
        out["rate_note"] = "no quality is reached by both"
    else:
        means = [Pchip(q, r).integral(*both) / (both[1] - both[0])
                 for q, r in zip(quality, log_rate)]
        out["rate"] = (10 ** (means[1] - means[0]) - 1) * 100
        out["rate_overlap"], out["rate_note"] = list(both), few
    both = _common(*log_rate)
    if both is None:
        out["quality_note"] = "no rate is reached by both"
    else:
        means = [Pchip(r, q).integral(*both) / (both[1] - both[0])
                 for q, r in zip(quality, log_rate)]
        out["quality"] = means[1] - means[0]
        out["quality_overlap"] = [10 ** both[0], 10 ** both[1]]
        out["quality_note"] = few
    return out
