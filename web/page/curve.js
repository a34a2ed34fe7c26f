// Line plots in SVG, drawn anew when there is something new, at most once a frame.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 600;

function element(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
}

/** A plot of named series, whose colours are those of their names' classes in the style sheet. */
export class Curve {
  #host;
  #options;
  #series = new Map();
  #marks = [];
  #due = false;

  /** `options`: `label`; `text` of a y; `low`, `high`, `left`, `right` where they are fixed; `xText`
   * where x has ticks; `points` for dots instead of lines; `empty` for what is said without any. */
  constructor(host, options) {
    this.#host = host;
    this.#options = { points: false, ...options };
    new ResizeObserver(() => this.#later()).observe(host);
  }

  /** Replaces a series by these points `[x, y]`. */
  set(name, points) {
    this.#series.set(name, points);
    this.#later();
  }

  add(name, point) {
    this.set(name, [...(this.#series.get(name) ?? []), point]);
  }

  /** Upright lines with a word each: `[x, word]`. */
  mark(marks) {
    this.#marks = marks;
    this.#later();
  }

  clear() {
    this.#series.clear();
    this.mark([]);
  }

  options(more) {
    Object.assign(this.#options, more);
    this.#later();
  }

  #later() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#draw();
    });
  }

  #draw() {
    const { clientWidth: width = WIDTH, clientHeight: height } = this.#host;
    if (!width || !height) return;
    const { text, label, points: dots, xText } = this.#options;
    const all = [...this.#series.values()].flat();
    const xs = all.map(([x]) => x);
    const [left, right] = [this.#options.left ?? Math.min(...xs), Math.max(...xs, this.#options.right ?? -Infinity)];
    const ys = all.map(([, y]) => y).filter(Number.isFinite);
    const low = this.#options.low ?? Math.min(...ys);
    const high = this.#options.high ?? Math.max(...ys);
    if (!all.length) return this.#blank();
    const edge = { left: 44, right: 10, top: 8, bottom: xText ? 22 : 8 };
    const at = (value, from, to, start, end) => start + ((value - from) / (to - from || 1)) * (end - start);
    const x = (value) => at(value, left, right, edge.left, width - edge.right);
    const y = (value) => at(Math.min(high, Math.max(low, value)), low, high, height - edge.bottom, edge.top);

    const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": this.#words(label, text) });
    for (const tick of [low, (low + high) / 2, high]) {
      element("line", { class: "grid", x1: edge.left, x2: width - edge.right, y1: y(tick), y2: y(tick) }, svg);
      element("text", { class: "tick", x: edge.left - 6, y: y(tick) + 4, "text-anchor": "end" }, svg).textContent = text(tick);
    }
    if (xText) {
      for (const [value, anchor] of [[left, "start"], [right, "end"]]) {
        const tick = element("text", { class: "tick", x: x(value), y: height - 4, "text-anchor": anchor }, svg);
        tick.textContent = xText(value);
      }
    }
    for (const [value, word] of this.#marks) {
      element("line", { class: "mark", x1: x(value), x2: x(value), y1: edge.top, y2: height - edge.bottom }, svg);
      const near = x(value) > width - 80;
      element("text", { class: "tick", x: x(value) + (near ? -5 : 5), y: height - edge.bottom - 5, "text-anchor": near ? "end" : "start" }, svg).textContent = word;
    }
    for (const [name, points] of this.#series) {
      if (dots) {
        for (const [px, py] of points) element("circle", { class: `dot ${name}`, cx: x(px), cy: y(py), r: name === "chosen" ? 7 : 3.5 }, svg);
      } else if (points.length) {
        const path = points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(" ");
        element("polyline", { class: `line ${name}`, points: path }, svg);
        const [lx, ly] = points.at(-1);
        element("circle", { class: `end ${name}`, cx: x(lx), cy: y(ly), r: 3.5 }, svg);
      }
    }
    this.#host.replaceChildren(svg);
  }

  #blank() {
    const empty = Object.assign(document.createElement("p"), { className: "empty", textContent: this.#options.empty ?? "" });
    this.#host.replaceChildren(empty);
  }

  /** What the plot shows, for those who do not see it. */
  #words(label, text) {
    const last = [...this.#series].filter(([, points]) => points.length).map(([name, points]) => `${name} ${text(points.at(-1)[1])}`);
    return `${label}: ${last.join(", ") || "nothing yet"}`;
  }
}
