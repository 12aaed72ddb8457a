// Tables: the points (sortable) and Bjontegaard's differences.
function cell(row, text, classes, tag = "td") {
  const node = document.createElement(tag);
  node.textContent = text;
  if (classes) node.className = classes;
  row.append(node);
  return node;
}

function codecCell(row, codec) {
  const node = cell(row, "", "text");
  const dot = document.createElement("span");
  dot.className = "dot";
  dot.style.background = codec.colour;
  node.append(dot, codec.label);
}

const sorting = {by: "kbps", down: false};

function drawPoints(box, data, clip, onlyBest) {
  const names = data.drawn.concat(Object.keys(data.metrics).filter((n) => !data.drawn.includes(n)));
  const columns = [
    ["codec", "Codec", (p) => data.codecs[p.codec].label],
    ["label", "Sent as", (p) => p.label],
    ["kbps", "kbit/s", (p) => p.kbps],
    ...names.map((n) => [n, data.metrics[n].label, (p) => p.metrics[n]])];
  const value = (columns.find((c) => c[0] === sorting.by) || columns[2])[2];
  const points = data.points.filter((p) => p.clip === clip && p.status !== "skipped" &&
                                           (!onlyBest || p.best));
  points.sort((a, b) => {
    const [u, v] = [value(a), value(b)];
    if (u == null || v == null) return (u == null) - (v == null);
    const order = typeof u === "string" ? u.localeCompare(v, "en", {numeric: true}) : u - v;
    return sorting.down ? -order : order;
  });
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const [name, text] of columns) {
    const th = cell(head, text, "sort" + (name === "codec" || name === "label" ? " text" : ""), "th");
    th.tabIndex = 0;
    th.dataset.column = name;
    if (name === sorting.by) th.setAttribute("aria-sort", sorting.down ? "descending" : "ascending");
    const sort = () => {
      sorting.down = sorting.by === name && !sorting.down;
      sorting.by = name;
      drawPoints(box, data, clip, onlyBest);
    };
    th.addEventListener("click", sort);
    th.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  }
  const body = table.createTBody();
  for (const p of points) {
    const row = body.insertRow();
    row.dataset.key = p.key;
    if (!p.best) row.className = "dim";
    codecCell(row, data.codecs[p.codec]);
    cell(row, p.label, "text");
    if (p.status === "failed") {
      cell(row, `failed: ${p.reason}`, "text bad").colSpan = columns.length - 2;
      continue;
    }
    cell(row, p.kbps.toFixed(2));
    for (const n of names) {
      const v = p.metrics[n];
      cell(row, v == null ? "" : v.toFixed(data.metrics[n].decimals));
    }
  }
  box.replaceChildren(table);
}

function drawDifferences(box, data, clip) {
  const rows = data.bjontegaard.filter((r) => r.clip === clip && data.drawn.includes(r.metric));
  const anchors = [...new Set(rows.map((r) => r.anchor))];
  if (!anchors.length) {
    box.textContent = "No other codec was measured beside semcodec.";
    return;
  }
  const table = document.createElement("table");
  const head = table.createTHead();
  const first = head.insertRow(), second = head.insertRow();
  cell(first, "Metric", "text", "th").rowSpan = 2;
  for (const anchor of anchors) {
    const th = cell(first, "against " + data.codecs[anchor].label, "", "th");
    th.colSpan = 2;
    cell(second, "rate", "", "th");
    cell(second, "quality", "", "th");
  }
  const body = table.createTBody();
  for (const metric of data.drawn) {
    const row = body.insertRow();
    cell(row, data.metrics[metric].label, "text");
    for (const anchor of anchors) {
      const found = rows.find((r) => r.metric === metric && r.anchor === anchor);
      for (const [which, better] of [["rate", -1], ["quality", 1]]) {
        const number = found ? found[which] : null;
        if (number == null) {
          cell(row, found ? found[which + "_note"] : "", "why");
          continue;
        }
        const i = which === "rate" ? 0 : 1;
        const note = found[which + "_note"];
        const node = cell(row, found.cells[i] + (note ? " *" : ""),
                          number * better > 0 ? "good" : "bad");
        node.title = note;
      }
    }
  }
  box.replaceChildren(table);
  if (rows.some((r) => (r.rate != null && r.rate_note) || (r.quality != null && r.quality_note))) {
    const caption = document.createElement("p");
    caption.className = "note";
    caption.style.padding = "0 12px";
    caption.textContent = "* one of the envelopes has fewer than four points";
    box.append(caption);
  }
}

// marks: {heads, lines} of one clip; a cell that was compared ends in "pass" or "fail".
function drawMarks(box, marks) {
  if (!marks) return box.replaceChildren();
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  marks.heads.forEach((text, i) => cell(head, text, i ? "" : "text", "th"));
  const body = table.createTBody();
  for (const line of marks.lines) {
    const row = body.insertRow();
    line.forEach((text, i) => {
      const classes = i === 0 ? "text" : text.endsWith(" pass") ? "good"
        : text.endsWith(" fail") ? "bad" : i > 1 ? "why" : "";
      cell(row, text, classes);
    });
  }
  box.replaceChildren(table);
}
