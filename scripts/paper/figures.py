"""Fig. 2 and Fig. 3 as PNG, by matplotlib."""
import pathlib
import tempfile

from sweep import plots, process
from sweep.tools import Tools

from . import tables
from .rows import COLOURS

CROP = 2  # enlargement of the cut-outs


def frame(video, index, folder, ffmpeg):
    """Frame `index` of a video, H x W x 3."""
    import matplotlib.image
    path = pathlib.Path(folder) / "frame.png"
    process.run([*ffmpeg.command(), "-i", video, "-vf", f"select=eq(n\\,{index})", "-frames:v", 1,
                 path])
    return matplotlib.image.imread(path)[..., :3]


def maps(folder, index):
    """(edge map, colour map) of coded frame `index`; the encoder writes two pictures for each."""
    import matplotlib.image
    files = sorted(pathlib.Path(folder).glob("*.png"))
    kinds = {}
    for path in files:
        kinds.setdefault("edge" if "edge" in path.stem or "structure" in path.stem else "colour",
                         []).append(path)
    return [matplotlib.image.imread(kinds[k][min(index, len(kinds[k]) - 1)])
            for k in ("edge", "colour")]


def cut_out(picture):
    """The middle of the lower half, where the road's traffic is, at twice its size."""
    height, width = picture.shape[:2]
    h, w = height // (2 * CROP), width // (2 * CROP)
    y, x = (height - h) * 2 // 3, (width - w) // 2
    return picture[y:y + h, x:x + w]


def sheet(rows, results, setup, path):
    """Fig. 2: a column for each method, a pair of lines (frame, cut-out) for each moment."""
    import matplotlib.pyplot as plt
    tools = Tools(**setup["tools"])
    lines = [(row, r) for row, r in tables.lines_of("fig2", rows, results)
             if r["status"] == "done"]
    total = setup["clip"]["frames"]
    moments = sorted({total // 4, 3 * total // 4})
    names = ["edges", "colours", "source", *(row["label"] for row, _ in lines)]
    ratio = setup["size"][1] / setup["size"][0]
    figure, axes = plt.subplots(2 * len(moments), len(names), squeeze=False, figsize=(
        2.2 * len(names), 2.2 * ratio * 2 * len(moments) + 0.4))
    with tempfile.TemporaryDirectory() as folder:
        for i, index in enumerate(moments):
            pictures = maps(pathlib.Path(setup["work"]) / "maps" / "sheet", index)
            pictures.append(frame(setup["reference"], index, folder, tools.ffmpeg))
            pictures += [frame(pathlib.Path(setup["rows"]) / row["id"] / "output.mp4", index,
                               folder, tools.ffmpeg) for row, _ in lines]
            for j, picture in enumerate(pictures):
                for k, part in enumerate((picture, cut_out(picture))):
                    axis = axes[2 * i + k][j]
                    axis.imshow(part, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
                    axis.set_axis_off()
    for axis, name in zip(axes[0], names):
        axis.set_title(name, fontsize=9)
    save(figure, path, plt)


def colours(rows, results, setup, path):
    """Fig. 3: the colour maps, and quality and rate against their number of colours."""
    import matplotlib.pyplot as plt
    points = [{"colours": row["colours"], **r["figures"]}
              for row, r in tables.by_colours(rows, results) if r["status"] == "done"]
    names = [n for n in ("psnr", "lpips_squeeze", "kbps") if points[0].get(n) is not None]
    columns = max(len(points), len(names))
    figure = plt.figure(figsize=(2.6 * columns, 4.4))
    grid = figure.add_gridspec(2, columns)
    for i, p in enumerate(points):
        axis = figure.add_subplot(grid[0, i])
        name = "sheet" if p["colours"] == COLOURS else str(p["colours"])
        folder = pathlib.Path(setup["work"]) / "maps" / name
        axis.imshow(maps(folder, setup["clip"]["frames"] // 4)[1], interpolation="nearest")
        axis.set_title(f"k = {p['colours']}", fontsize=9)
        axis.set_axis_off()
    for i, name in enumerate(names):
        axis = figure.add_subplot(grid[1, i])
        axis.plot([p["colours"] for p in points], [p[name] for p in points], "o-", color="#d55e00")
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter(plt.FuncFormatter(lambda v, _: f"{v:g}"))
        axis.set_xlabel("k")
        axis.set_title(tables.FIGURES[name][0], fontsize=9)
        axis.grid(True, color="#e4e4e4", linewidth=0.7)
    save(figure, path, plt)


def save(figure, path, plt):
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def draw(only, rows, results, setup, out, say):
    """{name: path} of the figures that could be drawn."""
    wanted = [n for n in ("fig2", "fig3") if n in only]
    if not wanted:
        return {}
    if not plots.have_matplotlib():
        say("no figures were drawn: matplotlib is missing; run bash scripts/setup_python.sh and "
            "this command again.")
        return {}
    import matplotlib
    matplotlib.use("Agg")
    drawn = {}
    for name, draw_it in (("fig2", sheet), ("fig3", colours)):
        done = [r for _, r in tables.lines_of(name, rows, results) if r["status"] == "done"]
        if name in wanted and done:
            path = out / f"{name}.png"
            draw_it(rows, results, setup, path)
            drawn[name] = path
    return drawn
