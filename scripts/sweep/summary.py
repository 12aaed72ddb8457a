"""From results to envelopes, curves and Bjontegaard differences."""
import math

from . import curves, metrics


def envelopes(results):
    """{clip: {metric: {codec: {"keys", "points", "curve"}}}} of the finished points."""
    done = [r for r in results if r["status"] == "done"]
    out = {}
    for clip in dict.fromkeys(r["clip"] for r in results):
        out[clip] = {}
        for name in metrics.judged(done):
            sign = 1 if metrics.info(name)[2] else -1
            per_codec = {}
            for codec in dict.fromkeys(r["codec"] for r in results):
                own = [r for r in done if r["clip"] == clip and r["codec"] == codec
                       and isinstance(r["metrics"].get(name), (int, float))]
                points = [(r["kbps"], sign * r["metrics"][name]) for r in own]
                best = curves.envelope(points)
                chosen = [points[i] for i in best]
                if chosen:
                    per_codec[codec] = {
                        "keys": [own[i]["key"] for i in best],
                        "points": [(rate, sign * value) for rate, value in chosen],
                        "curve": [(rate, sign * value) for rate, value in curves.sampled(chosen)]}
            if per_codec:
                out[clip][name] = per_codec
    return out


def differences(hulls, test="semcodec"):
    """Rows of BD-rate and BD-quality of `test` against every other codec.

    quality is positive when test is better, whichever way the metric counts.
    """
    rows = []
    for clip, by_metric in hulls.items():
        for name, by_codec in by_metric.items():
            if test not in by_codec:
                continue
            sign = 1 if metrics.info(name)[2] else -1
            for anchor in by_codec:
                if anchor == test:
                    continue
                sides = [[(rate, sign * value) for rate, value in by_codec[codec]["points"]]
                         for codec in (anchor, test)]
                found = curves.bjontegaard(*sides)
                if found["rate_overlap"]:
                    found["rate_overlap"] = sorted(sign * v for v in found["rate_overlap"])
                rows.append({"clip": clip, "metric": name, "anchor": anchor, "test": test, **found})
    return rows


def nearest(results, rate):
    """The finished result nearest to a rate, by ratio."""
    return min(results, key=lambda r: abs(math.log(r["kbps"] / rate)), default=None)
