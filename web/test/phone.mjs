// A phone of 360 pixels, and a dark room.

import assert from "node:assert/strict";

import { prune, ready, train } from "./tests.mjs";

const widths = (page) => page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);

export async function phone(tests) {
  const narrow = { page: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 } };
  await tests.withPage("at a width of 360 pixels nothing scrolls sideways, and a finger draws", narrow, async (page) => {
    await ready(page);
    const fits = async (when) => {
      const [all, seen] = await widths(page);
      assert.ok(all <= seen && seen === 360, `${when}: ${all} of ${seen} pixels`);
    };
    await fits("at first");
    await page.tap("#train-button");
    await page.waitForFunction(() => document.getElementById("train-button").textContent === "Trained");
    await prune(page);
    await fits("with pictures");
    const box = await page.locator("#pad").boundingBox();
    await page.locator("#pad").scrollIntoViewIfNeeded();
    await page.touchscreen.tap(box.x + box.width / 2, (await page.locator("#pad").boundingBox()).y + 100);
    await page.waitForSelector(".chance.best");
    await fits("with answers");
    for (const summary of await page.$$("summary")) await summary.click();
    await fits("with all settings open");
    await tests.shot(page, "5-phone");
  });

  const dark = { page: { colorScheme: "dark" } };
  await tests.withPage("in the dark the page is dark", dark, async (page) => {
    await ready(page);
    await train(page);
    await prune(page);
    await page.click("#pad-example");
    await page.waitForSelector(".chance.best");
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.ok(paper.match(/\d+/g).every((part) => Number(part) < 60), paper);
    await tests.shot(page, "6-dark");
  });
}
