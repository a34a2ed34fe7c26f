// The same story without a mouse.

import assert from "node:assert/strict";

import { number, ready } from "./tests.mjs";

/** Presses Tab until an element has the focus. */
async function tabTo(page, id, key = "Tab") {
  for (let presses = 0; presses < 80; presses++) {
    if (await page.evaluate((id) => document.activeElement?.id === id, id)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`Tab does not lead to ${id}`);
}

/** Whether what has the focus looks like it. */
const visible = (page) => page.evaluate(() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2;
});

const shows = (page, id, word) => page.waitForFunction(([id, word]) => document.getElementById(id).textContent === word, [id, word]);

export async function keyboard(tests) {
  await tests.withPage("a keyboard alone trains, cuts, retrains and draws", {}, async (page) => {
    await ready(page);
    await tabTo(page, "train-button");
    assert.ok(await visible(page), "the focus is seen");
    await page.keyboard.press("Enter");
    await shows(page, "train-button", "Trained");

    await page.evaluate(() => document.activeElement.blur());
    await tabTo(page, "sparsity");
    await page.keyboard.press("ArrowLeft");
    assert.equal(await page.textContent("#sparsity-text"), "85 %");
    assert.equal(await page.getAttribute("#sparsity", "aria-valuetext"), "85 % removed");
    await tabTo(page, "prune-button");
    await page.keyboard.press("Space");
    await page.waitForSelector("#retrain-button:not([disabled])");
    assert.match(await page.textContent("#status"), /7,530 of 50,200 weights are left/);
    await tabTo(page, "retrain-button");
    await page.keyboard.press("Enter");
    await shows(page, "retrain-button", "Retrained");

    await tabTo(page, "pad");
    assert.ok(await visible(page), "the focus of the drawing field is seen");
    await page.keyboard.press("Space");
    for (let down = 0; down < 9; down++) await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Space");
    await shows(page, "verdict", "Both networks say 1.");
    await tests.shot(page, "4-keyboard", {});
    await page.keyboard.press("Delete");
    await page.waitForFunction(() => document.getElementById("verdict").textContent.startsWith("Draw"));
    await tabTo(page, "pad-example");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.getElementById("verdict").textContent.startsWith("It is a"));
    return `${await number(page, "score-dense")} %, ${await number(page, "score-pruned")} % with 15 % of the weights`;
  });

  await tests.withPage("every control has a name and every picture a description", {}, async (page) => {
    await ready(page);
    const nameless = await page.$$eval("button, select, input, canvas[role], progress, svg[role]", (all) =>
      all.filter((one) => !(one.textContent.trim() || one.labels?.length || one.getAttribute("aria-label") || one.closest("label"))).map((one) => one.outerHTML));
    assert.deepEqual(nameless, []);
  });
}
