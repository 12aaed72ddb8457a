"""The rows of all tables: what is trained, what it is sent, and where it appears.

A row: id; tables (which of them it is a line of); label; settings (of [generator], over the
budget's); stream ("planes", "edges" or "colour": what of the stream the method is sent; "images":
every frame an entry point); teacher (id of the row that it learns from)."""
from . import budgets

COLOURS = budgets.COMMON["clusters"]  # of all rows but those of Fig. 3

TABLES = ("table1", "table2", "fig2", "fig3", "ablations")
METHODS = ("vid2vid", "fast-vid2vid", "pix2pixHD", "ours-without-colour", "ours")
INPUTS = {"edges": "edge map", "labels": "semantic label", "sketch": "sketch",
          "colour": "colour domain"}


def image_rows(steps):
    """Table I: the image path alone, from one plane."""
    return [{"id": f"image-{plane}", "tables": ["table1"], "input": plane, "stream": plane,
             "images": True, "label": label,
             "settings": {"kind": "ours", "planes": plane, "image_steps": steps}}
            for plane, label in INPUTS.items()]


def method_rows(baseline_input):
    rows = []
    for kind in METHODS:
        ours = kind.startswith("ours")
        stream = ("planes" if kind == "ours" else "edges") if ours else baseline_input
        settings = {"kind": kind}
        if not ours:
            settings["baseline_condition"] = baseline_input
        if stream == "labels":
            settings["planes"] = "labels"
        if kind == "pix2pixHD":
            settings["discriminator_scales"] = 3
        if not ours:
            settings["discriminator_norm"] = True
        row = {"id": kind, "tables": ["table2", "fig2"], "label": kind, "stream": stream,
               "settings": settings}
        if kind == "ours":
            row.update(tables=["table2", "fig2", "fig3", "ablations"], colours=COLOURS)
        if kind == "fast-vid2vid":
            row["teacher"] = "vid2vid"
        rows.append(row)
    return rows


def ablation_rows():
    """What the paper leaves out. L = 3 is the row "ours"."""
    parts = {
        "without transformer blocks": {"transformer_blocks": 0},
        "without D_V": {"weight_gan_video": 0},
        "without flow loss": {"weight_flow": 0, "weight_warp": 0},
        "without VGG loss": {"weight_vgg": 0},
        "L = 1": {"references": 0},
        "L = 2": {"references": 1},
    }
    return [{"id": label.replace(" ", "-").replace("-=-", ""), "tables": ["ablations"],
             "label": label, "stream": "planes", "settings": {"kind": "ours", **changed}}
            for label, changed in parts.items()]


def colour_rows(numbers):
    """Fig. 3: a model for each number of colours; that of COLOURS is the row "ours"."""
    return [{"id": f"k{k}", "tables": ["fig3"], "label": f"k = {k}", "stream": f"colours-{k}",
             "colours": k, "settings": {"kind": "ours", "clusters": k}}
            for k in numbers if k != COLOURS]


def all_rows(budget, only, baseline_input="edges"):
    """Rows of the tables asked for, with all of their settings; those they depend on first."""
    steps = budget["generator"]["steps"]
    rows = (method_rows(baseline_input) + image_rows(steps) + ablation_rows()
            + colour_rows(budget["colours"]))
    chosen = [row for row in rows if set(row["tables"]) & set(only)]
    needed = {row["teacher"] for row in chosen if "teacher" in row}
    chosen = [row for row in rows if row in chosen or row["id"] in needed]
    for row in chosen:
        if "settings" in row:
            row["settings"] = {**budgets.COMMON, **budget["generator"], **row["settings"]}
    return chosen
