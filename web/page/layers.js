// What is left of each layer: bars of densities, and every weight as a dot.

import { count, percent } from "./text.js";

/** Colours of positive and negative weights on the dark of removed ones. */
const DARK = [14, 20, 24];
const PLUS = [255, 176, 86];
const MINUS = [98, 176, 255];
/** How bright a kept weight is at least, so that it differs from a removed one. */
const LEAST = 0.28;

/** The colour of each byte as the engine writes it: 0 removed, 128 zero. */
const PALETTE = (() => {
  const colours = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const size = byte === 0 ? 0 : LEAST + (1 - LEAST) * Math.sqrt(Math.min(1, Math.abs(byte - 128) / 127));
    const [r, g, b] = DARK.map((dark, i) => Math.round(dark + size * ((byte < 128 ? MINUS : PLUS)[i] - dark)));
    colours[byte] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  return colours;
})();

export class Layers {
  #bars;
  #pictures;
  #canvases = [];
  #next = null;

  constructor(bars, pictures) {
    this.#bars = bars;
    this.#pictures = pictures;
  }

  /** Shows kept and all weights of each layer: `[{name, kept, total}]`. */
  densities(layers) {
    const rows = layers.map(({ name, kept, total }) => {
      const row = document.createElement("div");
      row.className = "bar";
      row.dataset.kept = kept;
      const density = kept / total;
      row.innerHTML = `<span class="name"></span><span class="track"><i></i></span><span class="value"></span>`;
      row.querySelector(".name").textContent = name;
      row.querySelector("i").style.width = `${100 * density}%`;
      row.querySelector(".value").textContent = `${percent(density, density < 0.1 ? 1 : 0)} of ${count(total)}`;
      return row;
    });
    this.#bars.replaceChildren(...rows);
  }

  /** Draws pictures as they come from the worker, at the next frame. */
  draw(pictures) {
    const idle = this.#next === null;
    this.#next = pictures;
    if (idle) {
      requestAnimationFrame(() => {
        const { layers, cells } = this.#next;
        this.#next = null;
        this.#arrange(layers);
        let from = 0;
        layers.forEach(({ rows, columns }, at) => {
          this.#paint(this.#canvases[at], cells.subarray(from, (from += rows * columns)), rows, columns);
        });
      });
    }
  }

  clear() {
    this.#canvases = [];
    this.#pictures.replaceChildren();
    this.#bars.replaceChildren();
  }

  #arrange(layers) {
    const same = layers.length === this.#canvases.length
      && layers.every(({ layer, columns, rows }, at) => {
        const { dataset, width, height } = this.#canvases[at];
        return dataset.layer === layer && width === columns && height === rows;
      });
    if (same) return;
    const figures = layers.map(({ layer, rows, columns }) => {
      const figure = document.createElement("figure");
      // Large layers take the whole width; a dot of a small one is not made larger than this.
      figure.style.width = `min(100%, ${Math.max(72, columns * Math.min(8, Math.max(1.6, 420 / columns)))}px)`;
      const canvas = document.createElement("canvas");
      Object.assign(canvas, { width: columns, height: rows });
      canvas.dataset.layer = layer;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `Weights of ${layer}: ${columns} by ${rows}`);
      const caption = document.createElement("figcaption");
      caption.textContent = layer;
      figure.append(canvas, caption);
      return figure;
    });
    this.#canvases = figures.map((figure) => figure.querySelector("canvas"));
    this.#pictures.replaceChildren(...figures);
  }

  #paint(canvas, cells, rows, columns) {
    const context = canvas.getContext("2d");
    const image = context.createImageData(columns, rows);
    const pixels = new Uint32Array(image.data.buffer);
    for (let at = 0; at < pixels.length; at++) pixels[at] = PALETTE[cells[at]];
    context.putImageData(image, 0, 0);
  }
}
