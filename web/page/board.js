// A board of Conway's Game of Life: to be changed cell by cell, or to be looked at.

export const HELP = "Click cells, or use the keyboard: arrow keys move, Space changes a cell, Delete clears.";

export class Board {
  #canvas;
  #cells = null;
  #cursor = 0;
  #painting = null;
  #wrong = null;
  /** Told of the cells after every change. */
  onChanged = null;

  /** `side` cells in both directions. */
  constructor(canvas, side, { editable = false } = {}) {
    this.#canvas = canvas;
    this.side = side;
    this.#cells = new Uint8Array(side * side);
    if (!editable) return;
    canvas.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      canvas.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
      const at = this.#at(event);
      this.#painting = 1 - this.#cells[at];
      this.#paint(at);
    });
    canvas.addEventListener("pointermove", (event) => event.buttons && this.#painting !== null && this.#paint(this.#at(event)));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (this.#painting = null));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    for (const change of ["focus", "blur"]) canvas.addEventListener(change, () => this.draw());
  }

  get cells() {
    return this.#cells;
  }

  /** Shows these cells (0 to 1 each); those that differ from `right` are marked. */
  show(cells, right = null) {
    this.#cells = cells;
    this.#wrong = right && cells.map((cell, at) => ((cell > 0.5) !== (right[at] > 0.5) ? 1 : 0));
    this.draw();
  }

  draw() {
    const { width } = this.#canvas;
    const context = this.#canvas.getContext("2d");
    const style = getComputedStyle(this.#canvas);
    const cell = width / this.side;
    context.clearRect(0, 0, width, width);
    this.#cells.forEach((alive, at) => {
      const [x, y] = [(at % this.side) * cell, Math.floor(at / this.side) * cell];
      context.globalAlpha = 0.08 + 0.92 * alive;
      context.fillStyle = style.color;
      context.fillRect(x + 0.5, y + 0.5, cell - 1, cell - 1);
      context.globalAlpha = 1;
      if (this.#wrong?.[at]) {
        context.strokeStyle = style.getPropertyValue("--wrong");
        context.lineWidth = 2.5;
        context.strokeRect(x + 1.5, y + 1.5, cell - 3, cell - 3);
      }
    });
    if (this.onChanged && this.#canvas.matches(":focus-visible")) {
      context.strokeStyle = style.getPropertyValue("--accent");
      context.lineWidth = 3;
      context.strokeRect((this.#cursor % this.side) * cell + 1, Math.floor(this.#cursor / this.side) * cell + 1, cell - 2, cell - 2);
    }
  }

  #at(event) {
    const box = this.#canvas.getBoundingClientRect();
    const part = (at, size) => Math.min(this.side - 1, Math.max(0, Math.floor((at / size) * this.side)));
    return part(event.clientY - box.top, box.height) * this.side + part(event.clientX - box.left, box.width);
  }

  #paint(at) {
    if (this.#cells[at] === this.#painting) return;
    this.#cells = this.#cells.slice();
    this.#cells[at] = this.#painting;
    this.draw();
    this.onChanged?.(this.#cells);
  }

  #key(event) {
    const [row, column] = [Math.floor(this.#cursor / this.side), this.#cursor % this.side];
    const to = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (to) {
      const wrap = (at) => (at + this.side) % this.side;
      this.#cursor = wrap(row + to[0]) * this.side + wrap(column + to[1]);
      this.draw();
    } else if (event.key === " ") {
      this.#painting = 1 - this.#cells[this.#cursor];
      this.#paint(this.#cursor);
      this.#painting = null;
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.show(new Uint8Array(this.side ** 2));
      this.onChanged?.(this.#cells);
    } else return;
    event.preventDefault();
  }
}
