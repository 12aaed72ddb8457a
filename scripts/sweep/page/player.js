// Three videos that play, pause, seek and zoom as one.
const blobs = new Map();

// The videos lie in the page as base64; a blob's address lets the browser seek in them.
function videoAddress(id) {
  if (!blobs.has(id)) {
    const holder = document.querySelector(`script[data-video="${CSS.escape(id)}"]`);
    if (!holder) return null;
    const text = atob(holder.textContent.trim());
    const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
    blobs.set(id, URL.createObjectURL(new Blob([bytes], {type: "video/mp4"})));
  }
  return blobs.get(id);
}

class Player {
  constructor(box) {
    this.box = box;
    this.videos = [];
    this.playing = false;
    this.speed = 1;
    this.zoom = {scale: 1, x: 0, y: 0};
    this.pointers = new Map();
    this.screens = document.createElement("div");
    this.screens.className = "screens";
    this.controls = document.createElement("div");
    this.controls.className = "controls";
    box.append(this.screens, this.controls);
    this.makeControls();
    addEventListener("keydown", (event) => this.key(event));
    const tick = () => { this.follow(); requestAnimationFrame(tick); };
    requestAnimationFrame(tick);
  }

  button(text, title, action) {
    const node = document.createElement("button");
    node.type = "button";
    node.textContent = text;
    node.title = title;
    node.setAttribute("aria-label", title);
    node.addEventListener("click", action);
    this.controls.append(node);
    return node;
  }

  makeControls() {
    this.toggle = this.button("▶", "Play", () => this.setPlaying(!this.playing));
    this.button("‹", "One frame back", () => this.step(-1));
    this.button("›", "One frame on", () => this.step(1));
    this.slider = document.createElement("input");
    Object.assign(this.slider, {type: "range", min: 0, max: 1000, value: 0, step: 1});
    this.slider.setAttribute("aria-label", "Position");
    this.slider.addEventListener("input", () => {
      this.seek(this.slider.value / 1000 * this.duration());
    });
    this.controls.append(this.slider);
    this.time = document.createElement("span");
    this.time.className = "time";
    this.controls.append(this.time);
    const speed = document.createElement("select");
    speed.setAttribute("aria-label", "Speed");
    for (const value of [0.25, 0.5, 1, 2]) {
      const option = new Option(`${value}×`, value, value === 1, value === 1);
      speed.append(option);
    }
    speed.addEventListener("change", () => this.setSpeed(Number(speed.value)));
    this.controls.append(speed);
    this.button("−", "Zoom out", () => this.zoomBy(1 / 1.5, 0.5, 0.5));
    this.button("+", "Zoom in", () => this.zoomBy(1.5, 0.5, 0.5));
    this.button("1:1", "Whole picture", () => this.setZoom(1, 0, 0));
  }

  // shows: [{id, title, detail}], shape: width / height, rate: frames a second
  load(shows, shape, rate) {
    const at = this.videos.length ? this.videos[0].currentTime : 0;
    const playing = this.playing;
    this.setPlaying(false);
    this.rate = rate;
    this.videos = [];
    this.screens.replaceChildren();
    for (const show of shows) {
      const figure = document.createElement("figure");
      figure.className = "screen";
      const view = document.createElement("div");
      view.className = "view";
      view.style.aspectRatio = shape;
      const address = show.id && videoAddress(show.id);
      if (address) {
        const video = document.createElement("video");
        Object.assign(video, {muted: true, playsInline: true, preload: "auto", src: address});
        video.disablePictureInPicture = true;
        video.addEventListener("error", () => { figure.dataset.error = "1"; });
        this.videos.push(video);
        view.append(video);
      }
      this.listen(view);
      const caption = document.createElement("figcaption");
      const title = document.createElement("b");
      title.textContent = show.title;
      const detail = document.createElement("span");
      detail.textContent = show.detail;
      caption.append(title, detail);
      figure.append(view, caption);
      this.screens.append(figure);
    }
    this.setSpeed(this.speed);
    this.applyZoom();
    const master = this.videos[0];
    if (!master) return;
    master.addEventListener("loadedmetadata", () => {
      this.seek(Math.min(at, this.duration()));
      if (playing) this.setPlaying(true);
    }, {once: true});
  }

  duration() {
    const times = this.videos.map((v) => v.duration).filter((d) => Number.isFinite(d));
    return times.length ? Math.min(...times) : 0;
  }

  setPlaying(on) {
    this.playing = on && this.videos.length > 0;
    this.toggle.textContent = this.playing ? "❚❚" : "▶";
    this.toggle.title = this.playing ? "Pause" : "Play";
    this.toggle.setAttribute("aria-label", this.toggle.title);
    for (const video of this.videos) {
      if (this.playing) video.play().catch(() => {});
      else video.pause();
    }
    if (!this.playing && this.videos.length) this.seek(this.videos[0].currentTime);
  }

  setSpeed(speed) {
    this.speed = speed;
    for (const video of this.videos) video.playbackRate = speed;
  }

  // To the middle of a frame, so that rounding shows the same one in all.
  seek(seconds) {
    const last = Math.max(0, Math.round(this.duration() * this.rate) - 1);
    const frame = Math.min(last, Math.max(0, Math.floor(seconds * this.rate + 1e-6)));
    for (const video of this.videos) video.currentTime = (frame + 0.5) / this.rate;
    this.showTime();
  }

  step(frames) {
    if (!this.videos.length) return;
    this.setPlaying(false);
    this.seek(this.videos[0].currentTime + frames / this.rate);
  }

  // Keeps the others with the first, and all together in the loop.
  follow() {
    const master = this.videos[0];
    if (!this.playing || !master || master.seeking) return;
    if (master.ended || master.currentTime > this.duration() - 0.5 / this.rate) {
      this.seek(0);
      for (const video of this.videos) video.play().catch(() => {});
      return;
    }
    for (const video of this.videos.slice(1)) {
      if (video.seeking) continue;
      const behind = master.currentTime - video.currentTime;
      if (Math.abs(behind) > 0.25) video.currentTime = master.currentTime;
      video.playbackRate = this.speed * (1 + Math.max(-0.1, Math.min(0.1, behind * 2)));
    }
    this.showTime();
  }

  showTime() {
    const at = this.videos.length ? this.videos[0].currentTime : 0;
    const all = this.duration();
    this.time.textContent = `${at.toFixed(2)} / ${all.toFixed(2)} s`;
    if (document.activeElement !== this.slider || this.playing) {
      this.slider.value = all ? 1000 * at / all : 0;
    }
  }

  key(event) {
    if (/^(INPUT|SELECT|TEXTAREA|BUTTON)$/.test(event.target.tagName)) return;
    if (event.key === " ") this.setPlaying(!this.playing);
    else if (event.key === "ArrowLeft") this.step(-1);
    else if (event.key === "ArrowRight") this.step(1);
    else return;
    event.preventDefault();
  }

  setZoom(scale, x, y) {
    const s = Math.min(12, Math.max(1, scale));
    const hold = (v) => Math.min(0, Math.max(1 - s, v));
    this.zoom = {scale: s, x: hold(x), y: hold(y)};
    this.applyZoom();
  }

  // fx, fy: the place in the picture that stays where it is, 0 to 1
  zoomBy(factor, fx, fy) {
    const {scale, x, y} = this.zoom;
    const s = Math.min(12, Math.max(1, scale * factor));
    this.setZoom(s, fx - (fx - x) * s / scale, fy - (fy - y) * s / scale);
  }

  applyZoom() {
    const {scale, x, y} = this.zoom;
    for (const view of this.screens.querySelectorAll(".view")) {
      // A page of stacked pictures must still scroll under a finger.
      view.style.touchAction = scale > 1 ? "none" : "pan-y";
      const video = view.querySelector("video");
      if (video) video.style.transform = `translate(${x * 100}%, ${y * 100}%) scale(${scale})`;
    }
  }

  listen(view) {
    const place = (event) => {
      const r = view.getBoundingClientRect();
      return [(event.clientX - r.left) / r.width, (event.clientY - r.top) / r.height];
    };
    view.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && this.zoom.scale === 1) return;  // the page scrolls
      event.preventDefault();
      this.zoomBy(Math.exp(-event.deltaY / 300), ...place(event));
    }, {passive: false});
    view.addEventListener("dblclick", (event) => {
      if (this.zoom.scale > 1) this.setZoom(1, 0, 0);
      else this.zoomBy(3, ...place(event));
    });
    view.addEventListener("pointerdown", (event) => {
      this.pointers.set(event.pointerId, place(event));
      view.setPointerCapture(event.pointerId);
    });
    view.addEventListener("pointermove", (event) => {
      const before = this.pointers.get(event.pointerId);
      if (!before) return;
      const now = place(event);
      const other = [...this.pointers].find(([id]) => id !== event.pointerId);
      const {scale, x, y} = this.zoom;
      if (other) {
        const far = (p) => Math.hypot(p[0] - other[1][0], p[1] - other[1][1]);
        this.zoomBy(far(now) / Math.max(0.01, far(before)), (now[0] + other[1][0]) / 2,
                    (now[1] + other[1][1]) / 2);
      } else {
        this.setZoom(scale, x + now[0] - before[0], y + now[1] - before[1]);
      }
      this.pointers.set(event.pointerId, now);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      view.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    }
  }
}
