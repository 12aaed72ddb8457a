"""Which operating points each codec is given.

At a few kbit/s an ordinary codec does best when it sends fewer and smaller pictures, so anchors are
tried at full, half and quarter size and at full and half frame rate. Every codec is then judged by
the envelope of its points (curves.py).
"""
from .codecs import ANCHORS

BITRATES = (2, 4, 8, 16, 32)            # kbit/s
QUALITIES = (0, 15, 30, 45, 60, 75, 90, 100)
FAST_QUALITIES = (10, 35, 60, 85)
RESULTS_QUALITIES = (0, 20, 40, 60, 80)   # 80 is the default

# Distance from the highest usable CRF, for each size (1, 2, 4 = full, half, quarter) and frame
# step. Small pictures cost little and may be sent finer; large ones leave the range soon.
FULL = {(1, 1): (0, 5, 10), (1, 2): (0, 5, 10), (2, 1): (0, 6, 12, 18), (2, 2): (0, 6, 12, 18),
        (4, 1): (0, 8, 16), (4, 2): (0, 8, 16)}
FAST = {(1, 1): (0,), (2, 1): (0,), (2, 2): (0,), (4, 2): (0,)}
# AV1's coarsest quantiser is finer than that of the others: alike rates need smaller pictures.
RESULTS = {
    "av1": {(1, 1): (0,), (1, 2): (0,), (2, 1): (0,), (2, 2): (0, 8), (4, 1): (0,), (4, 2): (0,)},
    "other": {(1, 1): (0, 5, 10), (2, 1): (0, 6), (2, 2): (0,), (4, 2): (0,)},
}


def anchor_points(codec, kind="full", bitrates=None):
    """Parameters of an anchor's points. kind: full, fast or results."""
    if kind == "full":
        grid = FULL
    elif kind == "fast":
        grid = FAST
    else:
        grid = RESULTS["av1" if ANCHORS[codec]["worst"] == 63 else "other"]
    points = [{"scale": scale, "step": step, "mode": "crf", "value": ANCHORS[codec]["worst"] - less}
              for (scale, step), distances in grid.items() for less in distances]
    if bitrates is None:
        bitrates = BITRATES if kind == "full" else ()
    points += [{"scale": scale, "step": step, "mode": "bitrate", "value": rate}
               for scale, step in grid for rate in bitrates]
    return [{**point, "preset": ANCHORS[codec]["preset"]} for point in points]


def semcodec_points(kind="full", qualities=None, bitrates=None):
    if qualities is None:
        qualities = () if bitrates else {"full": QUALITIES, "fast": FAST_QUALITIES,
                                         "results": RESULTS_QUALITIES}[kind]
    return [{"mode": "quality", "value": value} for value in qualities] + \
           [{"mode": "bitrate", "value": value} for value in bitrates or ()]
