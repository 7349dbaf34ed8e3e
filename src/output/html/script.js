// Values under the pointer, and zoom. The charts are there without it: this only reads and moves them.
"use strict";
(() => {
  const page = JSON.parse(document.getElementById("data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];

  // The change from the number before in base 36 behind its sign, "~" for none.
  const unpack = (text) => {
    let value = 0;
    return Array.from(text.matchAll(/([+-])([0-9a-z]+)|~/g), ([all, sign, digits]) => {
      if (all === "~") return null;
      value += (sign === "-" ? -1 : 1) * parseInt(digits, 36);
      return value;
    });
  };

  const grouped = (number, decimals) =>
    number.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  const significant = (number) => grouped(number, number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2);
  const duration = (us) =>
    us < 100 ? `${us} us` : us < 1e6 ? `${significant(us / 1e3)} ms` : `${significant(us / 1e6)} s`;
  const two = (number) => String(number).padStart(2, "0");
  const clock = (at) => {
    const tenths = Math.round(at * 10);
    const seconds = Math.floor(tenths / 10);
    const text = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    return tenths % 10 ? `${text}.${tenths % 10}` : text;
  };
  const percentile = (place) => {
    const beyond = 100 * 10 ** -place;
    const digits = Math.max(0, Math.min(6, Math.ceil(-Math.log10(beyond)) + 1));
    return `${(100 - beyond).toFixed(digits)} %`;
  };
  const element = (name, attributes) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  // The index of the value nearest to x in a sorted list.
  const nearest = (list, x) => {
    let low = 0;
    let high = list.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (list[middle] < x) low = middle;
      else high = middle;
    }
    return x - list[low] <= list[high] - x ? low : high;
  };

  // One drawing of a chart: the page has a wide one and a narrow one, and shows one of them.
  class Drawing {
    constructor(svg, number) {
      const numbers = (name) => svg.dataset[name].split(" ").map(Number);
      this.svg = svg;
      this.drawn = svg.innerHTML;
      [this.left, this.top, this.right, this.bottom] = numbers("plot");
      [this.from, this.until] = this.all = numbers("x");
      [this.floor, this.ceiling] = numbers("y");
      this.clip = `clip-${number}`;
      const label = svg.querySelector(".xlabel");
      this.label = { y: label?.getAttribute("y"), dy: label?.getAttribute("dy"), "text-anchor": "middle" };
    }
    shown() {
      return this.svg.getClientRects().length > 0;
    }
    placeX(x) {
      return this.left + ((x - this.from) / (this.until - this.from)) * (this.right - this.left);
    }
    placeY(y) {
      return this.bottom - ((y - this.floor) / (this.ceiling - this.floor)) * (this.bottom - this.top);
    }
    // The place on the x axis under a pointer.
    under(clientX) {
      const box = this.svg.getBoundingClientRect();
      const inside = ((clientX - box.left) / box.width) * this.svg.viewBox.baseVal.width;
      const share = (inside - this.left) / (this.right - this.left);
      return this.from + Math.min(1, Math.max(0, share)) * (this.until - this.from);
    }
    vertical(x, kind) {
      return element("line", { class: kind, x1: this.placeX(x), x2: this.placeX(x), y1: this.top, y2: this.bottom });
    }
    // Shows [from, until] of the time axis.
    zoom(from, until, series) {
      [this.from, this.until] = [from, until];
      this.svg.innerHTML = this.drawn;
      if (from === this.all[0] && until === this.all[1]) return;
      this.svg.querySelectorAll(".band, .mark, .xgrid, .xlabel, .area, .line").forEach((old) => old.remove());
      const clip = element("clipPath", { id: this.clip });
      clip.append(element("rect", {
        x: this.left, y: this.top, width: this.right - this.left, height: this.bottom - this.top,
      }));
      const body = element("g", { "clip-path": `url(#${this.clip})` });
      this.svg.append(clip, body);
      this.axis();
      for (const [start, end] of page.timeline.bands) {
        const x = this.placeX(start);
        body.append(element("rect", {
          class: "band", x, y: this.top, width: this.placeX(end) - x, height: this.bottom - this.top,
        }));
      }
      for (const at of page.timeline.marks) body.append(this.vertical(at, "mark"));
      for (const line of series) this.line(body, line);
    }
    axis() {
      const rough = (this.until - this.from) / (this.right - this.left > 2000 ? 10 : 4);
      const step = STEPS.find((step) => step >= rough) ?? Math.ceil(rough / 86400) * 86400;
      for (let at = Math.ceil(this.from / step) * step; at <= this.until; at += step) {
        const label = element("text", { class: "xlabel", x: this.placeX(at), ...this.label });
        label.textContent = this.all[1] < 3600 ? clock(at).slice(3) : clock(at);
        this.svg.prepend(this.vertical(at, "xgrid"));
        this.svg.append(label);
      }
    }
    line(body, { key, xs, values, scale }) {
      let piece = [];
      const end = () => {
        if (piece.length === 0) return;
        if (key === "scheduled" || key === "outstanding") {
          const corners = [[piece[0][0], this.bottom], ...piece, [piece[piece.length - 1][0], this.bottom]];
          body.append(element("polygon", { class: `area ${key}`, points: corners.join(" ") }));
        }
        body.append(element("polyline", { class: `line ${key}`, points: piece.join(" ") }));
        piece = [];
      };
      const first = Math.max(0, nearest(xs, this.from) - 1);
      const last = Math.min(xs.length - 1, nearest(xs, this.until) + 1);
      for (let at = first; at <= last; at += 1) {
        if (values[at] === null) end();
        else piece.push([Math.round(this.placeX(xs[at])), Math.round(this.placeY(scale(values[at])))]);
      }
      end();
    }
    // The cursor with a dot on each line.
    point(x, dots) {
      this.unpoint();
      const group = element("g", { class: "pointed" });
      group.append(this.vertical(x, "cursor"));
      for (const { key, at, y } of dots) {
        if (at < this.from || at > this.until) continue;
        const [cx, cy] = [this.placeX(at), this.placeY(y)];
        group.append(element("circle", { class: `dot ${key}`, cx, cy, r: 15 }));
      }
      this.svg.append(group);
    }
    unpoint() {
      this.svg.querySelectorAll(".pointed, .selection").forEach((old) => old.remove());
    }
    select(from, until) {
      this.svg.querySelectorAll(".selection").forEach((old) => old.remove());
      const [x, end] = [this.placeX(Math.min(from, until)), this.placeX(Math.max(from, until))];
      this.svg.append(element("rect", {
        class: "selection", x, y: this.top, width: end - x, height: this.bottom - this.top,
      }));
    }
  }

  const log = (us) => Math.log10(Math.max(1, us));
  const plain = (value) => value;
  const perSecond = (value) => `${grouped(value, 0)}/s`;
  const number = (value) => grouped(value, 0);
  const KINDS = {
    rates: { scale: plain, show: perSecond },
    backlogs: { scale: plain, show: number },
  };
  const LATENCY = { scale: log, show: duration };

  let drawings = 0;

  // One chart of the page with its lines and its legend.
  class Figure {
    constructor(root, source) {
      const kind = KINDS[root.dataset.figure] ?? LATENCY;
      this.root = root;
      this.plot = root.querySelector(".plot");
      this.show = kind.show;
      this.drawings = Array.from(root.querySelectorAll("svg.chart"), (svg) => new Drawing(svg, (drawings += 1)));
      this.outputs = new Map(Array.from(root.querySelectorAll("output"), (output) => [output.dataset.series, output]));
      this.series = Array.from(this.outputs.keys(), (key) => ({ key, scale: kind.scale, ...source(key) }));
    }
    drawing() {
      return this.drawings.find((drawing) => drawing.shown()) ?? this.drawings[0];
    }
    point(x) {
      const dots = [];
      const said = [];
      for (const { key, xs, values, scale } of this.series) {
        const at = nearest(xs, x);
        const value = values[at];
        const text = value === null || value === undefined ? "-" : this.show(value);
        this.outputs.get(key).textContent = text;
        said.push(`${this.outputs.get(key).parentNode.firstChild.nextSibling.textContent.trim()} ${text}`);
        if (text !== "-") dots.push({ key, at: xs[at], y: scale(value) });
      }
      for (const drawing of this.drawings) drawing.point(x, dots);
      return said.join(", ");
    }
    unpoint() {
      for (const output of this.outputs.values()) output.textContent = "";
      for (const drawing of this.drawings) drawing.unpoint();
    }
  }

  // Charts that share an axis: what is pointed at in one is pointed at in all.
  class Group {
    constructor(figures, stops, name) {
      this.figures = figures;
      this.stops = stops;
      this.name = name;
      this.at = null;
      for (const figure of figures) this.listen(figure);
    }
    point(x, spoken) {
      this.at = nearest(this.stops, x);
      for (const figure of this.figures) {
        const said = figure.point(this.stops[this.at]);
        figure.plot.setAttribute("aria-valuenow", this.at);
        if (figure === spoken) figure.plot.setAttribute("aria-valuetext", `${this.name(this.stops[this.at])}: ${said}`);
      }
      this.pointed(this.stops[this.at]);
    }
    unpoint() {
      this.at = null;
      for (const figure of this.figures) figure.unpoint();
      this.pointed(null);
    }
    pointed() {}
    range() {
      const { from, until } = this.figures[0].drawing();
      return [from, until];
    }
    listen(figure) {
      const { plot } = figure;
      plot.setAttribute("role", "slider");
      plot.setAttribute("aria-label", figure.root.getAttribute("aria-label"));
      plot.setAttribute("aria-valuemin", 0);
      plot.setAttribute("aria-valuemax", this.stops.length - 1);
      plot.setAttribute("aria-valuenow", 0);
      plot.setAttribute("aria-valuetext", "arrow keys read the values");
      plot.addEventListener("pointermove", (event) => this.point(figure.drawing().under(event.clientX), figure));
      plot.addEventListener("pointerdown", (event) => this.point(figure.drawing().under(event.clientX), figure));
      plot.addEventListener("pointerleave", () => this.unpoint());
      plot.addEventListener("keydown", (event) => {
        if (!event.altKey && !event.ctrlKey && !event.metaKey && this.key(event, figure)) event.preventDefault();
      });
    }
    key(event, figure) {
      const [from, until] = this.range();
      const [first, last] = [nearest(this.stops, from), nearest(this.stops, until)];
      const far = event.shiftKey ? 10 : 1;
      const here = this.at ?? first - 1;
      const next = { ArrowRight: here + far, ArrowLeft: here - far, Home: first, End: last }[event.key];
      if (next !== undefined) {
        this.point(this.stops[Math.min(last, Math.max(first, next))], figure);
        return true;
      }
      return false;
    }
  }

  // The charts of the timeline, which can be zoomed.
  class TimeGroup extends Group {
    // A stop is the middle of a stretch of time, which ends at the number of the same place in `ends`.
    constructor(figures, stops, ends) {
      super(figures, stops, (x) => {
        const at = nearest(stops, x);
        return `${clock(ends[at - 1] ?? 0)} … ${clock(ends[at])}`;
      });
      this.time = document.getElementById("cursor-time");
      this.all = [figures[0].drawings[0].from, figures[0].drawings[0].until];
      this.buttons = document.querySelectorAll("[data-zoom]");
      for (const button of this.buttons) button.addEventListener("click", () => this.press(button.dataset.zoom));
      document.querySelector(".controls").hidden = false;
      this.zoom(...this.all);
    }
    pointed(x) {
      this.time.textContent = x === null ? "" : this.name(x);
    }
    press(what) {
      const [from, until] = this.range();
      const middle = this.at === null ? (from + until) / 2 : this.stops[this.at];
      const factor = { in: 0.5, out: 2, all: Infinity }[what];
      const half = ((until - from) / 2) * factor;
      this.zoom(middle - half, middle + half);
    }
    zoom(from, until) {
      const [start, end] = this.all;
      const width = Math.min(end - start, Math.max(Math.min(5, end - start), until - from));
      const left = Math.min(end - width, Math.max(start, from));
      const [first, last] = width === end - start ? [start, end] : [left, left + width];
      for (const figure of this.figures) {
        for (const drawing of figure.drawings) drawing.zoom(first, last, figure.series);
      }
      const whole = width === end - start;
      for (const button of this.buttons) button.disabled = whole && button.dataset.zoom !== "in";
      if (this.at !== null) this.point(this.stops[this.at]);
    }
    key(event, figure) {
      const what = { "+": "in", "=": "in", "-": "out", 0: "all", Escape: "all" }[event.key];
      if (what) {
        this.press(what);
        return true;
      }
      return super.key(event, figure);
    }
    listen(figure) {
      super.listen(figure);
      let start = null;
      figure.plot.addEventListener("pointerdown", (event) => {
        if (event.pointerType === "touch" || event.button !== 0) return;
        start = { x: figure.drawing().under(event.clientX), client: event.clientX };
        figure.plot.setPointerCapture(event.pointerId);
      });
      figure.plot.addEventListener("pointermove", (event) => {
        if (start) figure.drawing().select(start.x, figure.drawing().under(event.clientX));
      });
      figure.plot.addEventListener("pointerup", (event) => {
        const from = start;
        start = null;
        if (!from || Math.abs(event.clientX - from.client) < 5) return;
        const until = figure.drawing().under(event.clientX);
        this.zoom(Math.min(from.x, until), Math.max(from.x, until));
      });
      figure.plot.addEventListener("pointercancel", () => {
        start = null;
      });
      figure.plot.addEventListener("dblclick", () => this.press("all"));
    }
  }

  if (page.timeline) {
    const ends = unpack(page.timeline.at).map((ms) => ms / 1000);
    const xs = ends.map((end, at) => ((ends[at - 1] ?? 0) + end) / 2);
    const source = (key) => ({ xs, values: unpack(page.timeline.columns[key]) });
    const figures = Array.from(document.querySelectorAll("[data-group=time]"), (root) => new Figure(root, source));
    new TimeGroup(figures, xs, ends);
  }
  const rate = (place) => perSecond(10 ** place);
  for (const root of document.querySelectorAll("[data-group=percentile], [data-group=rate]")) {
    const curves = page.curves[root.dataset.figure];
    const figure = new Figure(root, (key) => ({ xs: curves[key].x, values: curves[key].us }));
    const stops = figure.series.reduce((longest, { xs }) => (xs.length > longest.length ? xs : longest), []);
    if (stops.length > 0) new Group([figure], stops, root.dataset.group === "rate" ? rate : percentile);
  }

  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.title = at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) continue;
    const told = (text) => () => {
      button.textContent = text;
    };
    button.hidden = false;
    button.addEventListener("click", () => {
      const text = document.getElementById(button.dataset.copy).textContent;
      navigator.clipboard.writeText(text).then(told("Copied"), told("Not allowed here"));
    });
  }

  // What is folded away is printed too, unless it is bulk.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = Array.from(document.querySelectorAll("details:not([open]):not(.bulk)"));
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
  });
})();
