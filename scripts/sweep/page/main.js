// Puts the page together from the data in it.
const data = JSON.parse(document.getElementById("data").textContent);
const byKey = new Map(data.points.map((p) => [p.key, p]));
const hidden = new Set();
const tip = document.getElementById("tip");
let clip = data.clips[0].name;
let pair = 0;
const player = new Player(document.getElementById("player"));

function segment(box, text, pressed, action) {
  const node = document.createElement("button");
  node.type = "button";
  node.textContent = text;
  node.setAttribute("aria-pressed", pressed);
  node.addEventListener("click", action);
  box.append(node);
  return node;
}

function figures(point) {
  return data.drawn.filter((n) => point.metrics[n] != null)
    .map((n) => `${data.metrics[n].label} ${point.metrics[n].toFixed(data.metrics[n].decimals)}`);
}

function showTip(node, point) {
  const bold = document.createElement("b");
  bold.textContent = `${data.codecs[point.codec].label}, ${point.kbps.toFixed(2)} kbit/s`;
  tip.replaceChildren(bold, `${point.label}. `, figures(point).join(", "));
  tip.hidden = false;
  const r = node.getBoundingClientRect(), t = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, r.left + r.width / 2 - t.width / 2), innerWidth - t.width - 8);
  const above = r.top - t.height - 8;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 4 ? above : r.bottom + 8}px`;
}

function watch(node, point) {
  for (const name of ["pointerenter", "focus"]) {
    node.addEventListener(name, () => showTip(node, point));
  }
  for (const name of ["pointerleave", "blur"]) {
    node.addEventListener(name, () => { tip.hidden = true; });
  }
}

function drawClips() {
  const box = document.getElementById("clips");
  box.replaceChildren();
  for (const c of data.clips) {
    segment(box, c.name, c.name === clip, () => { clip = c.name; pair = 0; drawAll(); });
  }
}

function drawLegend() {
  const box = document.getElementById("legend");
  box.replaceChildren();
  for (const [name, codec] of Object.entries(data.codecs)) {
    const node = segment(box, "", !hidden.has(name), () => {
      if (!hidden.delete(name)) hidden.add(name);
      drawLegend();
      drawCharts();
    });
    const line = document.createElement("i");
    line.style.background = codec.colour;
    node.append(line, codec.label);
  }
}

function drawCharts() {
  const box = document.getElementById("charts");
  box.replaceChildren();
  const points = data.points.filter((p) => p.clip === clip && p.status === "done");
  for (const metric of data.drawn) {
    const hulls = (data.envelopes[clip] || {})[metric];
    if (!hulls) continue;
    const chart = document.createElement("div");
    chart.className = "chart";
    box.append(chart);
    drawChart(chart, metric, data.metrics[metric], points, hulls, data.codecs, hidden, watch);
  }
}

function drawPlayer() {
  const section = document.getElementById("player-section");
  const own = data.players[clip];
  section.hidden = !own;
  if (!own) return player.load([], 1, 25);
  const box = document.getElementById("pairs");
  box.replaceChildren();
  own.pairs.forEach((p, i) => {
    segment(box, `${byKey.get(p.semcodec).kbps.toFixed(1)} kbit/s`, i === pair,
            () => { pair = i; drawPlayer(); });
  });
  const info = data.clips.find((c) => c.name === clip);
  const show = (key, missing) => {
    const p = byKey.get(key);
    if (!p) return {id: null, title: "AV1", detail: missing};
    return {id: key, title: `${data.codecs[p.codec].label}, ${p.kbps.toFixed(1)} kbit/s`,
            detail: `${p.label}; ${figures(p).slice(0, 3).join(", ")}`};
  };
  player.load([{id: own.source, title: "Source", detail: `${info.width}x${info.height}, ` +
                `${own.rate.toFixed(4).replace(/\.?0+$/, "")} fps`},
               show(own.pairs[pair].semcodec, ""), show(own.pairs[pair].av1, "not measured")],
              info.width / info.height, own.rate);
}

function drawTables() {
  drawMarks(document.getElementById("marks"), data.marks[clip]);
  document.getElementById("marks-section").hidden = !data.marks[clip];
  drawDifferences(document.getElementById("differences"), data, clip);
  drawPoints(document.getElementById("points"), data, clip,
             document.getElementById("best-only").checked);
  const skipped = data.points.filter((p) => p.clip === clip && p.status === "skipped");
  document.getElementById("unmeasured").textContent = skipped.length
    ? `${skipped.length} more points were encoded and not measured: ` +
      [...new Set(skipped.map((p) => p.reason))].join("; ") + "." : "";
}

function drawAll() {
  drawClips();
  drawLegend();
  drawCharts();
  drawPlayer();
  drawTables();
}

const models = [data.model_hash].flat().join(", ");
document.getElementById("lead").textContent =
  `${data.programs}${models ? `, model ${data.model} (${models})` : ""}, measured on ${data.date}.`;
document.getElementById("foot").textContent =
  "Rates are the sizes of raw streams over the clip's length, everything in the file included. All " +
  "codecs get the same frames at the size compared, on one thread; anchors that sent fewer or " +
  "smaller pictures are scaled back bicubically and their frames held. Other codecs by " +
  data.ffmpeg_sentence + " " + data.notes.join(" ");
document.getElementById("best-only").addEventListener("change", drawTables);
drawAll();

// report.html#selftest plays, seeks, zooms and sorts by itself; what it found becomes the title.
async function selfTest() {
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const until = async (what, text) => {
    for (let i = 0; i < 400; i++) {
      if (what()) return;
      await wait(25);
    }
    throw new Error(text);
  };
  const videos = () => player.videos;
  const apart = () => Math.max(...videos().map((v) => Math.abs(v.currentTime -
                                                               videos()[0].currentTime)));
  await until(() => videos().length === 3 && videos().every((v) => v.readyState >= 2),
              "the videos do not load");
  const target = 0.25 * player.duration();
  player.seek(target);
  await until(() => videos().every((v) => !v.seeking &&
                                          Math.abs(v.currentTime - target) < 1.1 / player.rate),
              "seeking does not work");
  player.setSpeed(player.duration() > 2 ? 2 : 0.25);  // not to be at the end of a short one at once
  player.toggle.click();
  const start = videos()[0].currentTime;
  await until(() => videos().every((v) => Math.abs(v.currentTime - start) > 1 / player.rate),
              "the videos do not play");
  const drift = apart();
  if (drift > 0.3) throw new Error(`the videos are ${drift.toFixed(2)} s apart while playing`);
  player.toggle.click();
  await until(() => videos().every((v) => v.paused && !v.seeking), "pausing does not work");
  if (apart() > 0.001) throw new Error("the videos stop at different frames");
  player.zoomBy(2, 0.5, 0.5);
  if (!videos().every((v) => v.style.transform.includes("scale(2)"))) throw new Error("zoom");
  document.querySelector('th[data-column="kbps"]').click();
  const rates = [...document.querySelectorAll("#points tbody tr")]
    .map((row) => byKey.get(row.dataset.key).kbps).filter((v) => v != null);
  if (rates.some((v, i) => i && v > rates[i - 1])) throw new Error("sorting does not work");
  return `${videos().length} videos, ${drift.toFixed(3)} s apart while playing`;
}
if (location.hash === "#selftest") {
  selfTest().then((text) => { document.title = `selftest passed: ${text}`; },
                  (error) => { document.title = `selftest failed: ${error.message}`; });
}
