// "Once for all": a network of many sizes, and the slider that picks one.

import { Curve } from "./curve.js";
import { count, percent, rough } from "./text.js";

const EPOCHS = 12;
const $ = (id) => document.getElementById(id);

export class Elastic {
  #page;
  #sizes = [];
  /** Accuracy by notch, as far as it was measured. */
  #found = new Map();
  #curve = new Curve($("size-curve"), { label: "Accuracy by parameters", text: (y) => percent(y, 0), xText: rough, points: true, empty: "Train all sizes, or open a file." });
  #asked = 0;
  /** The network that is there: its family, the seed that it began with, and whether it was stopped before its end. */
  #held = null;

  /** `page` has `engine`, `attempt`, `busy`, `buttons`, `save`, `image` and `seed`. */
  constructor(page) {
    this.#page = page;
    $("elastic-button").addEventListener("click", () => page.running === "elastic" ? page.engine.stop() : this.#train());
    $("elastic-file").addEventListener("change", (event) => this.#open(event.target));
    $("elastic-save").addEventListener("click", () => page.save("elastic", `once-for-all-${this.#held.family}`));
    $("family").addEventListener("change", () => page.buttons());
    $("size").addEventListener("input", () => this.#chosen());
  }

  /** Whether what is chosen was stopped before its end. */
  get unfinished() {
    const held = this.#held;
    return Boolean(held?.stopped) && held.family === $("family").value && held.seed === this.#page.seed();
  }

  offer(families) {
    $("family").replaceChildren(...families.map(([name, label]) => new Option(label, name)));
  }

  async #train() {
    const page = this.#page;
    if (!$("seed").reportValidity()) return;
    const end = await page.busy("elastic", async () => {
      const seed = page.seed();
      const request = { ask: "begin-elastic", family: $("family").value, epochs: EPOCHS, seed };
      if (!this.unfinished) this.#show(await page.engine.ask(request), { seed, stopped: false });
      const end = await page.engine.run({ ask: "train-elastic" });
      this.#held.stopped = end.stopped;
      if (!end.stopped) page.say("All sizes are trained. Move the slider to pick one.");
      return end;
    });
    if (end) await this.measure();
  }

  async #open(input) {
    const [file] = input.files;
    if (!file) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    await this.#page.attempt(async () => {
      this.#show(await this.#page.engine.call("openFile", { bytes, name: file.name }), { seed: null, stopped: false });
      this.#page.say(`${file.name} is open.`);
      await this.measure();
    });
    input.value = "";
  }

  /** Takes over what another worker has restored. */
  async restored() {
    const about = await this.#page.engine.ask({ ask: "elastic" });
    this.#show(about, { seed: this.#held?.seed, stopped: !about.progress.done });
    await this.measure();
  }

  progress({ step, steps }) {
    $("elastic-progress").value = step / steps;
  }

  #show({ family, sizes, progress }, { seed, stopped }) {
    this.#held = { family, seed, stopped };
    this.#sizes = sizes;
    this.#found.clear();
    this.#curve.clear();
    if ([...$("family").options].some(({ value }) => value === family)) $("family").value = family;
    this.progress(progress);
    Object.assign($("size"), { max: sizes.length - 1, value: Math.floor(sizes.length / 2), disabled: false });
    $("elastic-save").disabled = false;
    this.#page.buttons();
    this.#chosen();
  }

  /** Measures the chosen size, then all others, as long as nothing else is to be done. */
  async measure() {
    const round = ++this.#asked;
    this.#found.clear();
    const order = [Number($("size").value), ...this.#sizes.keys()];
    for (const notch of order) {
      if (round !== this.#asked) return;
      await this.#page.attempt(() => this.#measure(notch));
    }
  }

  async #measure(notch) {
    if (this.#found.has(notch)) return;
    const { top1 } = await this.#page.engine.ask({ ask: "evaluate-elastic", notch });
    this.#found.set(notch, top1);
    this.#plot();
    if (notch === Number($("size").value)) this.#facts();
  }

  async #chosen() {
    this.#facts();
    this.#plot();
    await this.#page.attempt(() => this.#measure(Number($("size").value)));
    await this.answer();
  }

  /** What the chosen size says to what is drawn. */
  async answer() {
    const image = this.#page.image();
    if (!image || !this.#sizes.length) return void ($("size-answer").textContent = "–");
    const notch = Number($("size").value);
    const found = await this.#page.attempt(() => this.#page.engine.ask({ ask: "answer-elastic", notch, image }));
    if (found) $("size-answer").textContent = `${found[0].class} (${percent(found[0].probabilities[found[0].class], 0)})`;
  }

  #facts() {
    const notch = Number($("size").value);
    const size = this.#sizes[notch];
    const largest = this.#sizes.at(-1);
    const part = percent(size.params / largest.params, 0);
    $("size-text").textContent = part;
    $("size").setAttribute("aria-valuetext", `${part} of the largest, ${count(size.params)} parameters`);
    $("size-params").textContent = count(size.params);
    $("size-macs").textContent = count(size.macs);
    $("size-accuracy").textContent = this.#found.has(notch) ? percent(this.#found.get(notch)) : "…";
  }

  #plot() {
    const points = [...this.#found].map(([notch, top1]) => [this.#sizes[notch].params, top1]);
    const notch = Number($("size").value);
    const low = Math.floor(10 * Math.min(0.8, ...points.map(([, y]) => y))) / 10;
    this.#curve.options({ low, high: 1, left: 0, right: this.#sizes.at(-1).params });
    this.#curve.set("elastic", points);
    this.#curve.set("chosen", this.#found.has(notch) ? [[this.#sizes[notch].params, this.#found.get(notch)]] : []);
  }
}
