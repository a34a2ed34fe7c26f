// Counting what passes, browsers with and without a GPU, and what all tests ask of a page.

import assert from "node:assert/strict";
import { join } from "node:path";

import { chromium } from "playwright-core";

const QUIET = [
  "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
/** WebGPU in software, which needs no GPU. */
const GPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

export class Tests {
  #passed = 0;
  #failed = 0;

  constructor(url, screenshots, only) {
    Object.assign(this, { url, screenshots, only });
  }

  /** One test: a sentence, and what must not throw. */
  async check(sentence, work) {
    if (this.only && !sentence.includes(this.only)) return;
    const start = performance.now();
    const seconds = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
    try {
      const found = await work();
      this.#passed++;
      console.log(`ok      ${sentence}${found ? `: ${found}` : ""} (${seconds()})`);
    } catch (error) {
      this.#failed++;
      console.log(`FAILED  ${sentence} (${seconds()})\n        ${String(error.stack ?? error).split("\n").slice(0, 6).join("\n        ")}`);
    }
  }

  summary() {
    console.log(`${this.#passed} passed, ${this.#failed} failed`);
    return this.#failed || !this.#passed ? 1 : 0;
  }

  /** A test with a browser and a page of its own. */
  async withPage(sentence, options, work) {
    await this.check(sentence, async () => {
      const browser = await chromium.launch({
        executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
        args: [...QUIET, ...(options.gpu ? GPU : [])],
      });
      const complaints = [];
      try {
        const page = await browser.newPage({ viewport: { width: 1180, height: 900 }, ...options.page });
        page.setDefaultTimeout(options.patience ?? 60_000);
        page.on("pageerror", (error) => complaints.push(error.message));
        page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
        page.on("request", (request) => {
          if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(this.url)) complaints.push(`asks for ${request.url()}`);
        });
        await page.goto(`${this.url}?device=${options.device ?? "cpu"}`);
        const found = await work(page, browser);
        if (!options.complaints) assert.deepEqual(complaints, []);
        return found;
      } catch (error) {
        throw complaints.length ? new Error(`${error.message}\nthe page said: ${complaints.join("; ")}`, { cause: error }) : error;
      } finally {
        await browser.close();
      }
    });
  }

  /** A picture of the whole page, or of what is seen of it. */
  async shot(page, name, options = { fullPage: true }) {
    if (options.fullPage) await page.evaluate(() => scrollTo({ top: 0, behavior: "instant" }));
    return page.screenshot({ path: join(this.screenshots, `${name}.png`), ...options });
  }
}

/** Waits until nothing is in the way of training. */
export const ready = (page) => page.waitForSelector("#train-button:not([disabled])");

/** The number in an element: "96.9 %" is 96.9, "5,020 weights" is 5020. */
export async function number(page, id) {
  const text = await page.textContent(`#${id}`);
  return Number.parseFloat(text.replaceAll(",", "").replace("−", "-"));
}

/** Another number of epochs, which is a new session. */
export async function epochs(page, number) {
  await page.$eval("details", (details) => { details.open = true; });
  await page.fill("#epochs", String(number));
  await page.locator("#epochs").blur();
  await ready(page);
}

/** Clicks what trains, and waits for its end. */
export async function train(page, button = "train-button", word = "Trained") {
  await page.click(`#${button}`);
  await page.waitForFunction(([id, word]) => document.getElementById(id).textContent === word, [button, word]);
}

export async function prune(page) {
  const before = await page.textContent("#status");
  await page.click("#prune-button");
  await page.waitForFunction((before) => {
    const text = document.getElementById("status").textContent;
    return text !== before && text.includes("weights are left");
  }, before);
}

/** Moves a slider to a position as a keyboard does, and lets go. */
export async function slide(page, id, position) {
  await page.$eval(`#${id}`, (slider, position) => {
    slider.value = position;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    slider.dispatchEvent(new Event("change", { bubbles: true }));
  }, position);
}

/** Draws strokes of points in [0, 1] with the mouse. */
export async function draw(page, strokes) {
  await page.locator("#pad").evaluate((pad) => pad.scrollIntoView({ block: "center", behavior: "instant" }));
  const box = await page.locator("#pad").boundingBox();
  for (const stroke of strokes) {
    const [first, ...rest] = stroke.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height]);
    await page.mouse.move(...first);
    await page.mouse.down();
    for (const point of rest) await page.mouse.move(...point, { steps: 12 });
    await page.mouse.up();
  }
}
