"""One self-contained HTML page: the tables, and the figures as data in it."""
import base64
import html as escape

from . import tables

STYLE = """
:root { color-scheme: light dark; --line: #8884; --ours: #d55e0022; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1200px; margin: 0 auto; padding: 1.5em; }
h1 { font-size: 1.6em; } h2 { font-size: 1.2em; margin-top: 2em; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: .3em .7em; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: Canvas; }
tr.ours td { background: var(--ours); }
img { max-width: 100%; border: 1px solid var(--line); }
.note { opacity: .8; font-size: .92em; }
"""


def cell(text, tag="td"):
    return f"<{tag}>{escape.escape(text)}</{tag}>"


def section(title, heads, cells, reasons):
    body = "".join(f"<tr{' class=ours' if line[0] == 'ours' else ''}>"
                   + "".join(cell(c) for c in line) + "</tr>\n" for line in cells)
    head = "".join(cell(h, "th") for h in heads)
    said = "".join(f"<p class=note>{escape.escape(r)}</p>\n" for r in reasons)
    return (f"<section><h2>{escape.escape(title)}</h2>\n<div class=scroll><table><thead><tr>{head}"
            f"</tr></thead>\n<tbody>{body}</tbody></table></div>\n{said}</section>\n")


def picture(title, path):
    content = base64.b64encode(path.read_bytes()).decode()
    return (f"<section><h2>{escape.escape(title)}</h2>\n<img alt=\"{escape.escape(title)}\" "
            f"src=\"data:image/png;base64,{content}\"></section>\n")


def html(head, only, rows, results, drawn, out):
    facts = "".join(f"<li>{escape.escape(f)}</li>\n" for f in tables.facts(head))
    body = "".join(section(title, heads, cells, reasons) for _, title, heads, cells, reasons
                   in tables.sections(only, rows, results))
    body += "".join(picture(tables.TITLES[name], out / path.name) for name, path in drawn.items())
    notes = tables.notes_of(results)
    if notes:
        body += "<section><h2>Not measured, or to be read with care</h2><ul>" + "".join(
            f"<li>{escape.escape(n)}</li>" for n in notes) + "</ul></section>\n"
    return ("<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n"
            "<meta name=viewport content='width=device-width, initial-scale=1'>\n"
            f"<title>The paper's tables and figures</title>\n<style>{STYLE}</style></head>\n"
            f"<body><h1>The paper's tables and figures</h1>\n<ul class=note>{facts}</ul>\n{body}"
            "</body></html>\n")
