// Drives Chromium through the page: node page.test.mjs [--site FOLDER] [--device cpu|webgpu] [--only WORDS]
//
// Serves the folder itself unless SAPWOOD_URL says where the page is. SAPWOOD_DEVICE is the device
// where none is named, SAPWOOD_SHOTS the folder for pictures, CHROMIUM the browser.

import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { env } from "node:process";
import { parseArgs } from "node:util";

import { onCpu } from "./cpu.mjs";
import { constructors, size } from "./download.mjs";
import { elastic } from "./elastic.mjs";
import { keyboard } from "./keyboard.mjs";
import { life } from "./life.mjs";
import { phone } from "./phone.mjs";
import { serve } from "./serve.mjs";
import { Tests } from "./tests.mjs";
import { onGpu, withoutGpu } from "./webgpu.mjs";

const target = env.CARGO_TARGET_DIR ?? join(homedir(), ".cache/sapwood/target");
const { values } = parseArgs({
  options: {
    site: { type: "string", default: join(target, "site") },
    device: { type: "string", default: env.SAPWOOD_DEVICE },
    only: { type: "string" },
  },
});
const screenshots = env.SAPWOOD_SHOTS ?? resolve(values.site, "../site-screenshots");
mkdirSync(screenshots, { recursive: true });

const SUITES = {
  cpu: [size, constructors, onCpu, keyboard, phone, life, elastic, withoutGpu],
  webgpu: [onGpu],
};
const suites = values.device ? SUITES[values.device] : Object.values(SUITES).flat();
if (!suites) throw new Error(`--device: expected cpu or webgpu, found ${values.device}`);

const server = env.SAPWOOD_URL ? null : await serve(resolve(values.site));
const tests = new Tests(env.SAPWOOD_URL ?? server.url, screenshots, values.only);
for (const suite of suites) await suite(tests);
server?.close();
process.exitCode = tests.summary();
