"""CSV and Markdown: our figures with the paper's own beside them."""
import csv
import io

from sweep import metrics

from . import published

# columns of the tables: key -> heading, decimals
FIGURES = {
    "psnr": ("PSNR, dB", 2), "ssim": ("SSIM", 3), "mse": ("MSE", 0), "fid": ("FID/256", 1),
    "kid": ("KID/256", 4), "fd_squeezenet": ("FD SqueezeNet", 2),
    "lpips_squeeze": ("LPIPS", 3), "dists": ("DISTS", 3), "vmaf": ("VMAF", 1),
    "motion_error": ("motion error", 2), "flicker": ("flicker", 2),
    "warping_error": ("warping error", 4), "kbps": ("kbit/s", 1),
    "million_parameters": ("M parameters", 2), "gmac": ("GMAC a frame", 2),
    "frames_per_second": ("frames/s", 1),
}
TABLE1 = ("psnr", "ssim", "mse", "lpips_squeeze", "dists", "vmaf", "kbps")
TABLE2 = ("psnr", "ssim", "fid", "kid", "fd_squeezenet", "lpips_squeeze", "dists", "vmaf",
          "motion_error", "flicker", "warping_error", "kbps", "million_parameters", "gmac",
          "frames_per_second")
FIG3 = ("psnr", "ssim", "lpips_squeeze", "dists", "vmaf", "kbps")
TITLES = {"table1": "Table I: one modality", "table2": "Table II: methods",
          "ablations": "Ablations", "fig2": "Fig. 2: side by side",
          "fig3": "Fig. 3: number of colours"}


def number(figures, name):
    value = figures.get(name)
    if value is None:
        return "–"
    text = f"{value:.{FIGURES[name][1]}f}"
    if name == "kid" and figures.get("kid_std") is not None:
        text += f" ± {figures['kid_std']:.4f}"
    return text


def lines_of(table, rows, results):
    """(row, result) in the table's order."""
    return [(row, results[row["id"]]) for row in rows if table in row["tables"]]


def columns(names, lines):
    """Those that any line has a figure for."""
    return [n for n in names if any(r["figures"].get(n) is not None for _, r in lines)]


def paper_cells(table, row):
    """The paper's own figures as text, [(heading, text)]."""
    if table == "table1":
        own = published.TABLE1[row["input"]]
        return [(dataset, f"{f['psnr']} / {f['ssim']} / {f['mse']}") for dataset, f in own.items()]
    f = published.TABLE2.get(row["id"])
    if table != "table2" or f is None:
        return []
    return [("paper: PSNR", f"{f['psnr']}"), ("SSIM", f"{f['ssim']}"), ("FID", f"{f['fid']}"),
            ("KID", f"{f['kid']} ± {f['kid_std']}")]


def table_of(table, names, rows, results):
    """(headings, lines of cells, sentences on lines that have no figures)."""
    lines = lines_of(table, rows, results)
    done = [(row, r) for row, r in lines if r["status"] == "done"]
    shown = columns(names, done)
    paper = [heading for heading, _ in paper_cells(table, lines[0][0])] if lines else []
    if table == "table1":
        paper = [f"paper, {dataset}: PSNR / SSIM / MSE" for dataset in paper]
    heads = ["input" if table == "table1" else "method", *(FIGURES[n][0] for n in shown), *paper]
    cells = [[row["label"], *(number(r["figures"], n) for n in shown),
              *(text for _, text in paper_cells(table, row))] for row, r in lines]
    return heads, cells, reasons_of(lines)


def by_colours(rows, results):
    """(row, result) of Fig. 3, by the number of colours."""
    return sorted(lines_of("fig3", rows, results), key=lambda line: line[0]["colours"])


def reasons_of(lines):
    """A sentence on each row without figures."""
    return [f"{row['label']} {'failed: ' if r['status'] == 'failed' else ''}"
            f"{r['reason'].rstrip('.')}." for row, r in lines if r["status"] != "done"]


def colours_table(rows, results):
    lines = by_colours(rows, results)
    shown = columns(FIG3, lines)
    cells = [[str(row["colours"]), *(number(r["figures"], n) for n in shown)] for row, r in lines]
    return ["k", *(FIGURES[n][0] for n in shown)], cells, reasons_of(lines)


def sections(only, rows, results):
    """[(table, title, headings, cells, reasons)] of what was asked for."""
    out = []
    for table, names in (("table1", TABLE1), ("table2", TABLE2), ("ablations", TABLE2)):
        if table in only:
            out.append((table, TITLES[table], *table_of(table, names, rows, results)))
    if "fig3" in only:
        out.append(("fig3", TITLES["fig3"], *colours_table(rows, results)))
    return out


def facts(head):
    """Sentences on what the figures rest on."""
    clips = head["clips"]
    g = head["settings"]["generator"]
    return [
        f"Budget {head['budget']} ({head['about']}): {g['steps']} steps of {g['batch']} x 3 frames, "
        f"crops of {g['crop']}, the same for every row; frames of "
        f"{head['size'][0]}x{head['size'][1]}, {head['test_frames']} test frames; seed "
        f"{head['seed']}.",
        f"Trained on {len(clips['train'])} clips ({', '.join(c['name'] for c in clips['train'])}), "
        f"tested on {len(clips['test'])} others ({', '.join(c['name'] for c in clips['test'])}); "
        "no clip, told by its sha256, is in both (results.json)."
        + (f" Left out of the training, as they are tested on: {', '.join(head['dropped'])}."
           if head["dropped"] else ""),
        "The other methods see " + ("edges alone, as in their papers."
                                    if head["baseline_input"] == "edges"
                                    else "semantic labels, one-hot, as in their papers."
                                    if head["baseline_input"] == "labels"
                                    else "edges and colours, as ours does."),
        f"Semantic labels: {head['labels']}.",
        "kbit/s are those of the file that the method was sent, planes and motion; frames/s those of "
        "the whole program, start and video writing included.",
        f"{head['programs']}, {head['date']}, run {head['run']}: `{head['command']}`"]


def notes_of(results):
    seen = []
    for r in results.values():
        seen += [n for n in r.get("notes", []) if n not in seen]
    return seen


def markdown(head, only, rows, results, drawn):
    text = "# The paper's tables and figures\n\n" + "\n".join(f"- {f}" for f in facts(head)) + "\n"
    for table, title, heads, cells, reasons in sections(only, rows, results):
        text += f"\n## {title}\n\n| " + " | ".join(heads) + " |\n|" + "---|" * len(heads) + "\n"
        text += "".join("| " + " | ".join(line) + " |\n" for line in cells)
        text += "".join(f"\n{reason}\n" for reason in reasons)
    for name, path in drawn.items():
        text += f"\n## {TITLES[name]}\n\n![{TITLES[name]}]({path.name})\n"
    notes = notes_of(results)
    if notes:
        text += "\n## Not measured, or to be read with care\n\n" + "".join(f"- {n}\n" for n in notes)
    return text


def csv_text(rows, results):
    """One line a row."""
    names = [*FIGURES, "kid_std", "gmac_by_outputs"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["tables", "row", "colours", "status", *names, "training_seconds", "reason"])
    for row in rows:
        r = results[row["id"]]
        writer.writerow([" ".join(row["tables"]), row["id"], row.get("colours", ""), r["status"],
                         *(r["figures"].get(n, "") for n in names),
                         r.get("training_seconds", ""), r.get("reason", "")])
    return out.getvalue()


def direction(name):
    """+1: higher is better, -1: lower, 0: neither; for the page."""
    if name in ("kbps", "million_parameters", "gmac", "mse"):
        return 0 if name == "million_parameters" else -1
    if name == "frames_per_second":
        return 1
    return 1 if metrics.info(name)[2] else -1
