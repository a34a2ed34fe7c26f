// Every check of the conformance suite in Chromium, on the device of SAPWOOD_DEVICE. One thread, or a
// driver in software, is given the smallest workload; SAPWOOD_WORKLOAD=quick or full asks for more.

import { chromium } from "playwright-core";

const { SAPWOOD_URL: url, SAPWOOD_DEVICE: device = "cpu", CHROMIUM: executablePath } = process.env;
const workload = process.env.SAPWOOD_WORKLOAD ?? "smallest";
const only = process.env.SAPWOOD_CHECK;
const args = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const webgpu = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

const browser = await chromium.launch({ executablePath, args: [...args, ...(device === "webgpu" ? webgpu : [])] });
let failed = 0;

/** A page of its own for each check: one that panics must not take the others with it. */
async function withPage(work) {
  const page = await browser.newPage();
  const panics = [];
  page.on("console", (message) => message.type() === "error" && panics.push(message.text()));
  await page.route("**/blank", (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html>" }));
  await page.goto(`${url}blank`);
  await page.evaluate(async () => {
    globalThis.suite = await import("./sapwood_web.js");
    const exports = await globalThis.suite.default({ module_or_path: "./sapwood_web_bg.wasm" });
    exports.__wasm_call_ctors();
  });
  try {
    return await work(page);
  } catch (error) {
    return { wrong: [String(error).split("\n")[0], ...panics.map((text) => text.split("\n")[0])] };
  } finally {
    await page.close();
  }
}

const names = await withPage((page) => page.evaluate(() => JSON.parse(globalThis.suite.conformance_checks())));
for (const name of names.filter((name) => !only || name.includes(only))) {
  const start = performance.now();
  const found = await withPage((page) =>
    page.evaluate(async (ask) => JSON.parse(await globalThis.suite.conformance_check(...ask)), [device, workload, name]),
  );
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const verdict = found.wrong.length === 0 ? "ok" : "FAILED";
  console.log(`${verdict} ${name}: ${seconds} s, ${found.compared ?? 0} comparisons, ${(found.used ?? 0).toFixed(2)} of what is tolerated`);
  for (const line of [...found.wrong.slice(0, 20), ...(found.notes ?? []).filter((note) => note.startsWith("not "))]) console.log(`  ${line}`);
  failed += found.wrong.length > 0;
}
console.log(`${device}, ${workload} workload: ${failed} of ${names.length} checks failed`);
await browser.close();
process.exit(failed ? 1 : 0);
