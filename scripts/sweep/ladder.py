"""Which operating points each codec is given.

At a few kbit/s an ordinary codec does best when it sends fewer and smaller pictures, so the others
are tried at full, half and quarter size and at full, half and quarter frame rate. Every codec is
then compared by the envelope of its points (curves.py).
"""
import itertools
import re
import shlex

from .codecs import ANCHORS, AV1
from .errors import SweepError

KINDS = ("full", "marks", "results", "fast")
BITRATES = (2, 4, 8, 16, 32)            # kbit/s
QUALITIES = (0, 15, 30, 45, 60, 75, 90, 100)
FAST_QUALITIES = (10, 35, 60, 85)
RESULTS_QUALITIES = (0, 20, 40, 60, 80)   # 80 is the default
# A target below and above each of the rates that marks.py compares at, and these themselves.
MARKS_BITRATES = (3, 4, 6, 8, 12, 16, 24, 32, 40)

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
# About a factor of 1.6 in rate between neighbours, from the coarsest quantiser to some 50 kbit/s.
# The coarsest of VVenC is far coarser than SVT-AV1's.
MARKS = {
    "av1": {(scale, step): {1: (0, 7, 14), 2: (0, 8, 16, 24), 4: (0, 10, 20, 30)}[scale]
            for scale in (1, 2, 4) for step in (1, 2, 4)},
    "other": {(scale, step): {1: (0, 5, 10, 15, 20), 2: (5, 10, 15, 20, 25),
                              4: (10, 15, 20, 25, 30)}[scale]
              for scale in (1, 2, 4) for step in (1, 2, 4)},
}
MARKS_PRESETS = {"svtav1": "3"}


def anchor_points(codec, kind="full", bitrates=None):
    """Parameters of another codec's points. kind: one of KINDS."""
    if kind == "full":
        grid = FULL
    elif kind == "fast":
        grid = FAST
    else:
        table = MARKS if kind == "marks" else RESULTS
        grid = table["av1" if codec in AV1 else "other"]
    points = [{"scale": scale, "step": step, "mode": "crf", "value": ANCHORS[codec]["worst"] - less}
              for (scale, step), distances in grid.items() for less in distances]
    if bitrates is None:
        bitrates = BITRATES if kind == "full" else ()
    points += [{"scale": scale, "step": step, "mode": "bitrate", "value": rate}
               for scale, step in grid for rate in bitrates]
    preset = MARKS_PRESETS.get(codec) if kind == "marks" else None
    return [{**point, "preset": preset or ANCHORS[codec]["preset"]} for point in points]


def semcodec_points(kind="full", qualities=None, bitrates=None, templates=None):
    """templates: options of semcodec-encode, see option_rows(). What is named takes the place of
    the ladder's own points."""
    if qualities is None and not bitrates and not templates:
        qualities = {"full": QUALITIES, "fast": FAST_QUALITIES, "results": RESULTS_QUALITIES,
                     "marks": ()}[kind]
        bitrates = MARKS_BITRATES if kind == "marks" else ()
    return [{"mode": "quality", "value": value} for value in qualities or ()] + \
           [{"mode": "bitrate", "value": value} for value in bitrates or ()] + \
           [{"mode": "options", "words": words, "family": template}
            for template in templates or () for words in option_rows(template)]


def option_rows(template):
    """Lists of words from options in which {a,b,c} stands for one row each, as in a shell:
    '--profile auto --bitrate {4k,8k}' gives two."""
    try:
        words = shlex.split(template)
    except ValueError as error:
        raise SweepError(f"The options '{template}' cannot be read ({error}); close the "
                         "quotation.") from None
    choices = []
    for word in words:
        parts = re.split(r"\{([^{}]*)\}", word)
        if any(c in part for part in parts[::2] for c in "{}"):
            raise SweepError(f"The options '{template}' have a brace without its partner; write "
                             "alternatives as {4k,8k}.")
        listed = [part.split(",") if i % 2 else [part] for i, part in enumerate(parts)]
        choices.append(["".join(pieces) for pieces in itertools.product(*listed)])
    return [list(row) for row in itertools.product(*choices)]
