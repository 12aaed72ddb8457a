"""RD curves as PNG and SVG, by matplotlib."""
import pathlib

from . import metrics
from .codecs import LABELS

# Okabe and Ito's colours, told apart by most colour-blind readers; markers tell them apart too.
STYLE = {"semcodec": ("#d55e00", "o"), "svtav1": ("#0072b2", "s"), "aom": ("#56b4e9", "D"),
         "x265": ("#009e73", "^"), "x264": ("#8e5ea2", "v"), "vvenc": ("#b8860b", "P")}


def have_matplotlib():
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return False
    return True


def draw(results, hulls, folder, dpi=110):
    """folder/CLIP.png and .svg; returns their names."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    plt.rcParams.update({
        "font.family": "DejaVu Sans", "font.size": 9, "axes.spines.top": False,
        "axes.spines.right": False, "axes.edgecolor": "#888", "axes.titlesize": 10,
        "axes.titleweight": "bold", "axes.titlelocation": "left", "svg.fonttype": "none",
        "svg.hashsalt": "semcodec"})
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for clip, by_metric in hulls.items():
        done = [r for r in results if r["clip"] == clip and r["status"] == "done"]
        names = [name for name in metrics.drawn(done) if name in by_metric]
        if not names:
            continue
        columns = min(2, len(names))
        rows = -(-len(names) // columns)
        figure, axes = plt.subplots(rows, columns, squeeze=False,
                                    figsize=(4.6 * columns, 3.3 * rows + 0.5))
        for axis, name in zip(axes.flat, names):
            panel(axis, name, done, by_metric[name], plt)
        for axis in list(axes.flat)[len(names):]:
            axis.set_visible(False)
        handles, labels = axes.flat[0].get_legend_handles_labels()
        figure.suptitle(clip, x=0.012, ha="left", fontsize=12, fontweight="bold")
        figure.legend(handles, labels, loc="upper right", ncols=len(labels), frameon=False)
        figure.tight_layout(rect=(0, 0, 1, 0.985), h_pad=1.6, w_pad=1.6)
        for ending in ("png", "svg"):
            path = folder / f"{clip}.{ending}"
            # No date inside: the same results give the same file.
            figure.savefig(path, dpi=dpi,
                           metadata={"Date": None} if ending == "svg" else {"Software": None})
            written.append(path)
        plt.close(figure)
    return written


def panel(axis, name, done, by_codec, plt):
    for codec, hull in by_codec.items():
        colour, marker = STYLE[codec]
        ours = codec == "semcodec"
        axis.plot(*zip(*hull["curve"]), color=colour, linewidth=2.2 if ours else 1.4,
                  zorder=4 if ours else 3)
        axis.plot(*zip(*hull["points"]), color=colour, marker=marker, linestyle="none",
                  markersize=5.5 if ours else 4.5, label=LABELS[codec], zorder=5)
        others = [(r["kbps"], r["metrics"][name]) for r in done
                  if r["codec"] == codec and r["key"] not in hull["keys"]
                  and r["metrics"].get(name) is not None]
        if others:
            axis.plot(*zip(*others), color=colour, marker=marker, linestyle="none", markersize=3,
                      alpha=0.3, zorder=2, markeredgewidth=0)
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_formatter(plt.FuncFormatter(lambda v, _: f"{v:g}"))
    axis.grid(True, color="#e4e4e4", linewidth=0.7)
    axis.set_axisbelow(True)
    label, unit, higher, _ = metrics.info(name)
    axis.set_title(label + (f" ({unit})" if unit else ""))
    axis.text(1, 1.02, "higher is better" if higher else "lower is better", color="#777",
              fontsize=8, transform=axis.transAxes, ha="right")
    axis.set_xlabel("kbit/s")
