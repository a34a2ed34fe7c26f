// A field to draw a digit in: by mouse, finger, pen or keyboard.

/** How far an arrow key moves, as a part of the field. */
const MOVE = 1 / 16;

export const HELP = "Mouse or finger, or the keyboard: arrow keys move the pen, Space puts it down and lifts it, Delete clears.";

export class Pad {
  #canvas;
  #strokes = [];
  #drawing = false;
  #pen = [0.5, 0.2];
  #example = null;
  /** Told of the strokes after every change. */
  onDrawn = () => {};

  constructor(canvas) {
    this.#canvas = canvas;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => this.#up());
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("focus", () => this.#draw());
    canvas.addEventListener("blur", () => {
      this.#drawing = false;
      this.#draw();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
    this.#draw();
  }

  clear() {
    this.#strokes = [];
    this.#drawing = false;
    this.#example = null;
    this.#draw();
  }

  /** Shows an image of 8x8 values from 0 to 16 in the place of a drawing. */
  show(image) {
    this.clear();
    this.#example = image;
    this.#draw();
  }

  #point(event) {
    const box = this.#canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  #down(event) {
    event.preventDefault();
    this.#canvas.focus({ preventScroll: true });
    this.#canvas.setPointerCapture(event.pointerId);
    this.#start(this.#point(event));
  }

  #move(event) {
    if (!this.#drawing || !event.buttons) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) this.#strokes.at(-1).push(this.#point(each));
    this.#changed();
  }

  #up() {
    this.#drawing = false;
  }

  #start(point) {
    if (this.#example) this.clear();
    this.#strokes.push([point]);
    this.#drawing = true;
    this.#changed();
  }

  #key(event) {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (by) {
      this.#pen = this.#pen.map((at, axis) => Math.min(0.97, Math.max(0.03, at + MOVE * by[axis])));
      if (this.#drawing) {
        this.#strokes.at(-1).push([...this.#pen]);
        this.#changed();
      } else this.#draw();
    } else if (event.key === " ") {
      if (this.#drawing) this.#up();
      else this.#start([...this.#pen]);
      this.#draw();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.clear();
      this.#changed();
    } else return;
    event.preventDefault();
  }

  #changed() {
    this.#draw();
    this.onDrawn(this.#strokes);
  }

  #draw() {
    const { width } = this.#canvas;
    const context = this.#canvas.getContext("2d");
    const style = getComputedStyle(this.#canvas);
    context.clearRect(0, 0, width, width);
    context.strokeStyle = context.fillStyle = style.color;
    if (this.#example) {
      const cell = width / 8;
      this.#example.forEach((value, at) => {
        context.globalAlpha = value / 16;
        context.fillRect((at % 8) * cell, Math.floor(at / 8) * cell, cell + 0.5, cell + 0.5);
      });
      context.globalAlpha = 1;
    }
    Object.assign(context, { lineWidth: width * 0.085, lineCap: "round", lineJoin: "round" });
    for (const stroke of this.#strokes) {
      context.beginPath();
      stroke.forEach(([x, y], at) => context[at ? "lineTo" : "moveTo"](x * width, y * width));
      if (stroke.length === 1) context.lineTo(stroke[0][0] * width + 0.1, stroke[0][1] * width);
      context.stroke();
    }
    if (this.#canvas.matches(":focus-visible")) {
      const [x, y] = this.#pen.map((at) => at * width);
      context.beginPath();
      context.arc(x, y, width * 0.045, 0, 7);
      context.lineWidth = 3;
      context.strokeStyle = style.accentColor === "auto" ? style.color : style.accentColor;
      context.stroke();
      if (this.#drawing) {
        context.fillStyle = context.strokeStyle;
        context.fill();
      }
    }
  }
}

/** Draws an image of 8x8 values from 0 to 16 as the networks see it. */
export function see(canvas, image) {
  const context = canvas.getContext("2d");
  const colour = getComputedStyle(canvas).color;
  context.clearRect(0, 0, 8, 8);
  context.fillStyle = colour;
  image.forEach((value, at) => {
    context.globalAlpha = value / 16;
    context.fillRect(at % 8, Math.floor(at / 8), 1, 1);
  });
  context.globalAlpha = 1;
}
