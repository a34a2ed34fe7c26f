// "Ask both": something to look at, and what the whole and the small network say to it.

import { Board, HELP as BOARD_HELP } from "./board.js";
import { Pad, HELP as PAD_HELP, see } from "./pad.js";
import { percent } from "./text.js";

const NAMES = [["dense", "Whole network"], ["pruned", "Small network"]];
const $ = (id) => document.getElementById(id);

export class Ask {
  #ask;
  #pad = new Pad($("pad"));
  #board = new Board($("board"), 16, { editable: true });
  #shown = [];
  #next = -1;
  #busy = false;
  #again = null;
  /** What is asked about now, as the engine takes it, or null. */
  image = null;
  /** Told when that is another. */
  onImage = () => {};

  #trained;

  /** `ask` sends a request to the engine; `trained` tells whether the network has learnt anything. */
  constructor(ask, trained) {
    this.#ask = ask;
    this.#trained = trained;
    this.#pad.onDrawn = (strokes) => this.#later(() => this.#drawn(strokes));
    this.#board.onChanged = (cells) => this.#later(() => this.#changed(cells));
    $("pad-clear").addEventListener("click", () => this.clear());
    $("pad-example").addEventListener("click", () => this.#later(() => this.#example()));
  }

  /** Begins anew, with digits or with boards. */
  begin(data) {
    this.life = data === "life";
    $("pad").hidden = this.life;
    $("seen-figure").hidden = this.life;
    $("board").hidden = !this.life;
    $("pad-help").textContent = this.life ? BOARD_HELP : PAD_HELP;
    $("pad-example").textContent = this.life ? "Show a test board" : "Show a test digit";
    $("ask-title").lastChild.textContent = this.life ? " What comes next?" : " Ask both";
    this.#next = -1;
    this.clear();
  }

  clear() {
    this.#pad.clear();
    this.#board.show(new Uint8Array(256));
    this.image = null;
    this.#shown = [];
    $("answers").replaceChildren();
    see($("seen"), new Uint8Array(64));
    $("verdict").textContent = this.life
      ? "Set some cells, or show a test board: the networks say which cells live one step later."
      : "Draw a digit, or show one from the test set.";
    this.onImage();
  }

  /** Asks again about what is there: the networks are others now. */
  refresh() {
    if (this.image) this.#later(() => (this.life ? this.#changed(this.image) : this.#answer(this.image, this.label)));
  }

  /** One question at a time; of those that come meanwhile the last is asked. */
  async #later(question) {
    if (this.#busy) return void (this.#again = question);
    this.#busy = true;
    try {
      await question();
    } catch (error) {
      $("verdict").textContent = error.message;
    }
    this.#busy = false;
    const again = this.#again;
    this.#again = null;
    if (again) this.#later(again);
  }

  async #drawn(strokes) {
    if (!strokes.length) return this.clear();
    const { image, answers } = await this.#ask({ ask: "draw", strokes });
    this.#digits(image, answers, null);
  }

  async #example() {
    const { image, label } = await this.#ask({ ask: "test-example", number: ++this.#next });
    if (this.life) {
      this.#board.show(Uint8Array.from(image));
      return this.#changed(image);
    }
    this.#pad.show(image);
    await this.#answer(image, label[0]);
  }

  async #answer(image, label) {
    this.#digits(image, await this.#ask({ ask: "answer", image }), label);
  }

  #digits(image, answers, label) {
    [this.image, this.label] = [image, label];
    see($("seen"), image);
    this.#columns(answers.length, "chances");
    answers.forEach(({ probabilities, class: found }, network) => {
      const { head, body } = this.#shown[network];
      head.textContent = `${found} (${percent(probabilities[found], 0)})`;
      if (!body.childElementCount) body.append(...probabilities.map((_, digit) => chance(digit)));
      probabilities.forEach((p, digit) => {
        const row = body.children[digit];
        row.classList.toggle("best", digit === found);
        row.querySelector("i").style.width = `${100 * p}%`;
        row.querySelector(".value").textContent = percent(p, 0);
      });
    });
    const said = answers.map((answer) => answer.class);
    const truth = label === null || label === undefined ? "" : `It is a ${label}. `;
    const [whole, small] = said;
    $("verdict").textContent = truth + (small === undefined
      ? `The whole network says ${whole}.`
      : whole === small ? `Both networks say ${whole}.` : `The whole network says ${whole}, the small one ${small}.`)
      + (this.#trained() ? "" : " It is only guessing: train it first.");
    this.onImage();
  }

  async #changed(cells) {
    const board = [...cells];
    const { next, answers } = await this.#ask({ ask: "board", board });
    this.image = board;
    this.#columns(answers.length + 1, "boards");
    const show = ({ head, body }, title, shown, right) => {
      head.textContent = title;
      if (!body.firstChild) {
        const canvas = Object.assign(document.createElement("canvas"), { width: 192, height: 192 });
        canvas.setAttribute("role", "img");
        body.append(canvas);
        body.board = new Board(canvas, 16);
      }
      body.firstChild.setAttribute("aria-label", title);
      body.board.show(shown, right);
    };
    const wrong = answers.map(({ probabilities }) => probabilities.filter((p, at) => (p > 0.5) !== (next[at] === 1)).length);
    answers.forEach(({ probabilities }, at) => {
      show(this.#shown[at], wrong[at] ? `${wrong[at]} cells wrong` : "all right", probabilities, next);
    });
    show(this.#shown.at(-1), "by the rule", next, null);
    $("verdict").textContent = wrong.map((n, at) => `${NAMES[at][1]}: ${n ? `${n} of 256 cells wrong` : "every cell right"}.`).join(" ");
  }

  /** One column for each answer. */
  #columns(count, kind) {
    const host = $("answers");
    if (this.#shown.length === count && host.dataset.kind === kind) return;
    host.dataset.kind = kind;
    this.#shown = Array.from({ length: count }, (_, at) => {
      const [name, title] = kind === "boards" && at === count - 1 ? ["truth", "What really comes"] : NAMES[at];
      const column = document.createElement("section");
      column.className = `answer ${name}`;
      column.innerHTML = `<h3></h3><p class="said"></p><div class="${kind}"></div>`;
      column.querySelector("h3").textContent = title;
      return { column, head: column.querySelector(".said"), body: column.lastElementChild };
    });
    host.replaceChildren(...this.#shown.map(({ column }) => column));
  }
}

function chance(digit) {
  const row = document.createElement("div");
  row.className = "chance";
  row.innerHTML = `<span>${digit}</span><span class="track"><i></i></span><span class="value"></span>`;
  return row;
}
