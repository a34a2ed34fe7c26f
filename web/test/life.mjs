// The Game of Life instead of digits.

import assert from "node:assert/strict";

import { number, prune, ready, train } from "./tests.mjs";

export async function life(tests) {
  await tests.withPage("a network learns the Game of Life, is cut, and says what comes of a board", {}, async (page) => {
    await ready(page);
    await page.check("[name=data][value=life]", { force: true });
    await page.waitForFunction(() => document.getElementById("network").value === "life");
    await ready(page);
    await train(page);
    const dense = await number(page, "score-dense");
    assert.ok(dense >= 97, `${dense} % of cells`);
    await page.selectOption("#criterion", "magnitude");
    await page.$eval("#sparsity", (slider) => { slider.value = 3; });
    await prune(page);
    await train(page, "retrain-button", "Retrained");
    const pruned = await number(page, "score-pruned");
    assert.ok(pruned >= 90, `${pruned} % of cells`);
    await page.click("#pad-example");
    await page.waitForFunction(() => document.querySelectorAll(".boards canvas").length === 3);
    await page.locator("#board").focus();
    await page.keyboard.press("Space");
    await page.waitForFunction(() => /^Whole network: /.test(document.getElementById("verdict").textContent));
    await tests.shot(page, "7-life");
    return `${dense} % of cells, ${pruned} % with half of the weights; ${await page.textContent("#verdict")}`;
  });
}
