"use strict";
// Rate-distortion curves as SVG, with a logarithmic rate axis.
const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes, parent) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (parent) parent.append(node);
  return node;
}

// Round steps that give four to seven ticks.
function ticks(low, high) {
  const raw = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const out = [];
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + step * 1e-9; v += step) out.push(v);
  const decimals = Math.max(0, -Math.floor(Math.log10(step)) + (step / power === 2.5 ? 1 : 0));
  return out.map((v) => [v, v.toFixed(decimals)]);
}

function rateTicks(low, high) {
  const out = [];
  for (let e = Math.ceil(Math.log2(low) - 1e-9); e <= Math.log2(high) + 1e-9; e++) {
    out.push([2 ** e, String(2 ** e)]);
  }
  return out.length > 1 ? out : [[low, low.toFixed(1)], [high, high.toFixed(1)]];
}

const SHAPES = {
  semcodec: (r) => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`,
  svtav1: (r) => `M${-r} ${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
  aom: (r) => `M0 ${-1.3 * r}L${1.3 * r} 0L0 ${1.3 * r}L${-1.3 * r} 0z`,
  x265: (r) => `M0 ${-1.2 * r}L${1.2 * r} ${r}H${-1.2 * r}z`,
  x264: (r) => `M0 ${1.2 * r}L${1.2 * r} ${-r}H${-1.2 * r}z`,
  vvenc: (r) => `M${-r} 0h${2 * r}M0 ${-r}v${2 * r}`,
};

// points: finished points of one clip; hulls: envelopes of one metric by codec.
function drawChart(box, metric, info, points, hulls, codecs, hidden, onPoint) {
  const width = 460, height = 290, left = 50, right = 10, top = 8, bottom = 38;
  const shown = points.filter((p) => p.metrics[metric] != null && !hidden.has(p.codec));
  const heading = document.createElement("h3");
  heading.append(info.label + (info.unit ? ` (${info.unit})` : ""));
  const better = document.createElement("span");
  better.textContent = info.higher ? "higher is better" : "lower is better";
  heading.append(better);
  box.append(heading);
  const root = svg("svg", {viewBox: `0 0 ${width} ${height}`, role: "img",
                           "aria-label": `${info.label} against kbit/s`}, null);
  box.append(root);
  if (!shown.length) return;
  const rates = shown.map((p) => p.kbps), values = shown.map((p) => p.metrics[metric]);
  const lowRate = Math.min(...rates) / 1.12, highRate = Math.max(...rates) * 1.12;
  const span = Math.max(...values) - Math.min(...values) || 1;
  const low = Math.min(...values) - 0.06 * span, high = Math.max(...values) + 0.06 * span;
  const x = (rate) => left + (width - left - right) *
    Math.log(rate / lowRate) / Math.log(highRate / lowRate);
  const y = (value) => height - bottom - (height - top - bottom) * (value - low) / (high - low);

  for (const [value, text] of ticks(low, high)) {
    svg("line", {class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value)}, root);
    svg("text", {x: left - 8, y: y(value) + 4, "text-anchor": "end"}, root).textContent = text;
  }
  for (const [rate, text] of rateTicks(lowRate, highRate)) {
    svg("line", {class: "grid", x1: x(rate), x2: x(rate), y1: top, y2: height - bottom}, root);
    svg("text", {x: x(rate), y: height - bottom + 17, "text-anchor": "middle"}, root)
      .textContent = text;
  }
  svg("path", {class: "axis", fill: "none",
               d: `M${left} ${top}V${height - bottom}H${width - right}`}, root);
  svg("text", {x: width - right, y: height - 5, "text-anchor": "end"}, root).textContent = "kbit/s";

  const best = new Set();
  for (const [codec, hull] of Object.entries(hulls)) {
    hull.keys.forEach((key) => best.add(key));
    if (hidden.has(codec)) continue;
    svg("path", {d: hull.curve.map(([r, v], i) => `${i ? "L" : "M"}${x(r).toFixed(1)} ${y(v).toFixed(1)}`)
                   .join(""), fill: "none", stroke: codecs[codec].colour,
                 "stroke-width": codec === "semcodec" ? 2.8 : 1.8, "stroke-linejoin": "round"}, root);
  }
  // The points left behind first, so that the envelope lies on top.
  for (const point of [...shown].sort((a, b) => best.has(a.key) - best.has(b.key))) {
    const on = best.has(point.key);
    const group = svg("g", {class: "hit", tabindex: on ? 0 : -1, "data-key": point.key,
                            transform: `translate(${x(point.kbps).toFixed(1)} ` +
                              `${y(point.metrics[metric]).toFixed(1)})`}, root);
    svg("circle", {r: 10, fill: "transparent"}, group);
    svg("path", {d: SHAPES[point.codec](on ? 4.2 : 2.6), fill: codecs[point.codec].colour,
                 stroke: point.codec === "vvenc" ? codecs.vvenc.colour : "none",
                 "stroke-width": 2, opacity: on ? 1 : 0.3}, group);
    onPoint(group, point);
  }
}
