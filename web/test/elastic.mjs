// The once-for-all network and its slider.

import assert from "node:assert/strict";

import { draw, number, ready, slide } from "./tests.mjs";

export async function elastic(tests) {
  await tests.withPage("one network is trained in all sizes, the slider picks one, and a file brings it back", {}, async (page) => {
    await ready(page);
    await page.click("#elastic-button");
    await page.waitForFunction(() => document.getElementById("status").textContent.startsWith("All sizes are trained"));
    const last = Number(await page.getAttribute("#size", "max"));
    assert.ok(last >= 20, `${last} sizes`);
    const found = [];
    for (const notch of [0, Math.floor(last / 2), last]) {
      await slide(page, "size", notch);
      await page.waitForFunction(() => document.getElementById("size-accuracy").textContent.includes("%"));
      found.push([await number(page, "size-params"), await number(page, "size-macs"), await number(page, "size-accuracy")]);
    }
    for (const at of [1, 2]) assert.ok(found[at - 1][0] < found[at][0] && found[at - 1][1] < found[at][1], found.join(" / "));
    assert.ok(found.every(([, , accuracy]) => accuracy >= 82), found.join(" / "));
    // Every size has a dot, and the chosen one a ring.
    await page.waitForFunction((all) => document.querySelectorAll("#size-curve circle").length === all, last + 2, { timeout: 180_000 });
    await draw(page, [[[0.5, 0.12], [0.5, 0.88]]]);
    await page.waitForFunction(() => document.getElementById("size-answer").textContent.startsWith("1 "));
    await tests.shot(page, "8-once-for-all");

    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#elastic-save")]);
    await page.reload();
    await ready(page);
    await page.setInputFiles("#elastic-file", await download.path());
    await page.waitForFunction(() => !document.getElementById("size").disabled);
    await slide(page, "size", last);
    await page.waitForFunction((percent) => Number.parseFloat(document.getElementById("size-accuracy").textContent) === percent, found[2][2]);
    return found.map(([params, , accuracy]) => `${params} parameters ${accuracy} %`).join(", ");
  });

  await tests.withPage("what was stopped goes on, and with another seed begins anew", {}, async (page) => {
    await ready(page);
    const says = (text) => page.waitForFunction((text) => document.getElementById("elastic-button").textContent === text, text);
    const seed = async (value) => {
      await page.fill("#seed", value);
      await page.dispatchEvent("#seed", "change");
    };
    await page.click("#elastic-button");
    await page.waitForFunction(() => document.getElementById("elastic-progress").value > 0);
    await page.click("#elastic-button");
    await says("Go on");
    await seed("7");
    await says("Train all sizes");
    await seed("1");
    await says("Go on");
    // What cannot begin leaves what was there.
    await seed("");
    assert.ok(await page.isEnabled("#train-button"));
  });

  await tests.withPage("a file of something else is refused in a sentence", {}, async (page) => {
    await ready(page);
    const bytes = Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from("{}")]);
    await page.setInputFiles("#elastic-file", { name: "empty.safetensors", mimeType: "application/octet-stream", buffer: bytes });
    await page.waitForSelector("#notice:not([hidden])");
    assert.match(await page.textContent("#notice"), /family/);
  });
}
