// What is downloaded before the page works.

import assert from "node:assert/strict";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { ready } from "./tests.mjs";

const MOST = 8e6;

export async function size(tests) {
  await tests.withPage("the download is at most 8 MB compressed", {}, async (page) => {
    await ready(page);
    // A file that both the page and its worker ask for is downloaded once.
    const names = (where) => where.evaluate(() => [location.href, ...performance.getEntriesByType("resource").map(({ name }) => name)]);
    const files = new Set([...(await names(page)), ...(await names(page.workers()[0]))].map((name) => name.split("?")[0]));
    const bytes = await Promise.all([...files].map(async (file) => (await page.request.get(file)).body()));
    assert.ok(bytes.length >= 10, `${bytes.length} files`);
    const sum = (of) => bytes.reduce((total, file) => total + of(file).length, 0);
    const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
    const gzip = sum((file) => gzipSync(file, { level: 9 }));
    const brotli = sum((file) => brotliCompressSync(file, quality));
    assert.ok(gzip <= MOST, `${gzip} bytes by gzip`);
    const mb = (n) => `${(n / 1e6).toFixed(2)} MB`;
    return `${mb(sum((file) => file))}, ${mb(gzip)} by gzip, ${mb(brotli)} by brotli`;
  });
}

export async function constructors(tests) {
  await tests.withPage("constructors run once, not at every call", {}, async (page) => {
    const exported = await page.evaluate(async () => {
      const module = await WebAssembly.compileStreaming(fetch("sapwood_web_bg.wasm"));
      return WebAssembly.Module.exports(module).map(({ name }) => name);
    });
    assert.ok(exported.includes("__wasm_call_ctors"), "the linker lets every function call them: see xtask/src/web/build.rs");
  });
}
