// The page on WebGPU, in software; without it; and when it goes away.

import assert from "node:assert/strict";

import { epochs, number, prune, ready } from "./tests.mjs";

/** A browser in software needs minutes for what a GPU does in a second: as little as says something. */
const SLOW = { gpu: true, device: "webgpu", patience: 300_000 };

export async function onGpu(tests) {
  await tests.withPage("digits are learnt, cut and learnt again on WebGPU", SLOW, async (page) => {
    await ready(page);
    await epochs(page, 1);
    assert.match(await page.textContent("#device-facts"), /Computing on the graphics card/);
    await page.click("#train-button");
    await page.waitForFunction(() => document.getElementById("train-button").textContent === "Trained");
    const dense = await number(page, "score-dense");
    assert.ok(dense >= 60, `${dense} %`);
    await prune(page);
    const cut = await number(page, "score-cut");
    await page.click("#retrain-button");
    await page.waitForFunction(() => document.getElementById("retrain-button").textContent === "Retrained");
    const pruned = await number(page, "score-pruned");
    assert.ok(pruned >= 50, `${dense} %, then ${pruned} %`);
    const kept = await page.$$eval("#densities .bar", (bars) => bars.map((bar) => Number(bar.dataset.kept)));
    assert.equal(kept.reduce((sum, n) => sum + n, 0), 5020);
    await tests.shot(page, "9-webgpu");
    return `${dense} %, ${cut} % when cut, ${pruned} % retrained`;
  });

  await tests.withPage("when the graphics device is lost in training, it goes on on the processor", { ...SLOW, complaints: true }, async (page) => {
    await ready(page);
    await epochs(page, 2);
    await page.click("#train-button");
    await page.waitForFunction(() => document.getElementById("train-progress").value > 0.15);
    const before = await page.$eval("#train-progress", (bar) => bar.value);
    await page.workers()[0].evaluate(() => self.gpuDevice.destroy());
    await page.waitForSelector("#notice:not([hidden])");
    assert.match(await page.textContent("#notice"), /lost.*Nothing is lost/s);
    await tests.shot(page, "10-lost", {});
    await page.click("#notice button");
    await ready(page);
    assert.match(await page.textContent("#device-facts"), /the processor/);
    const after = await page.$eval("#train-progress", (bar) => bar.value);
    assert.ok(before <= after && after < 1, `${before}, then ${after}`);
    await page.click("#train-button");
    await page.waitForFunction(() => document.getElementById("train-button").textContent === "Trained");
    return `from ${Math.round(100 * after)} % on: ${await number(page, "score-dense")} %`;
  });
}

export async function withoutGpu(tests) {
  await tests.withPage("where WebGPU has no adapter the page says so and computes on the processor", { device: "webgpu" }, async (page) => {
    await ready(page);
    const facts = await page.textContent("#device-facts");
    assert.match(facts, /Computing on the processor: .*(WebGPU|adapter)/);
    return facts;
  });
}
