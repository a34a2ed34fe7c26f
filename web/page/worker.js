// The engine's worker: all computing happens here, so that the page never waits.
//
// Requests come as {id, call, ...} and are answered in turn by {id, value} or {id, error}. What
// happens meanwhile is told by messages without an id: {progress}, {kept}, {lost}.

import init, { Worker as Engine } from "./sapwood_web.js";

/** How long a slice of training should take, in ms: so long does Stop wait at most. */
const SLICE = 90;
/** Requests after which the session, or the elastic network, is another. */
const CHANGES = {
  begin: "session", train: "session", prune: "session",
  "begin-elastic": "elastic", "train-elastic": "elastic",
};

let engine = null;
let stopped = false;
/** The last words of a panic. */
let panic = "";

const tell = (message, transfer = []) => self.postMessage(message, transfer);

// A panic in Rust ends in a trap that no promise reports: the engine is gone, and says so.
const report = console.error;
console.error = (...words) => {
  panic = words.join(" ");
  report(...words);
};
const lost = (reason) => tell({ lost: panic ? panic.split("\n")[0] : reason });
self.addEventListener("error", (event) => lost(event.message));
self.addEventListener("unhandledrejection", (event) => lost(String(event.reason)));

// A GPU may go at any time. Whoever asked for it is told here, whatever it was doing.
if (self.GPUAdapter) {
  const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...options) {
    const device = await request.apply(this, options);
    device.lost.then((info) => tell({ lost: `the graphics device was lost: ${info.message || info.reason}` }));
    self.gpuDevice = device;
    return device;
  };
}

/** Which device a wish comes down to, and why it is not the one that was wished for. */
async function choose(wish) {
  if (wish === "cpu") return { device: "cpu", why: "" };
  const cpu = (why) => ({ device: "cpu", why });
  if (!navigator.gpu) return cpu("this browser does not have WebGPU");
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) return cpu("WebGPU found no graphics adapter");
  const { isFallbackAdapter, description, vendor } = adapter.info ?? adapter;
  if (wish === "auto" && isFallbackAdapter) return cpu("the only graphics adapter is made of software, and slower");
  return { device: "webgpu", why: "", adapter: description || vendor || "" };
}

async function open({ module, wish }) {
  const exports = await init({ module_or_path: module });
  exports.__wasm_call_ctors();
  const chosen = await choose(wish).catch((error) => ({ device: "cpu", why: error.message }));
  try {
    engine = await Engine.open(chosen.device);
    return chosen;
  } catch (error) {
    engine = await Engine.open("cpu");
    return { device: "cpu", why: error.message };
  }
}

/** Hands the page a copy of everything, from which another worker could go on. */
async function keep(what) {
  const bytes = await engine.keep(what);
  tell({ kept: what, bytes }, [bytes.buffer]);
}

async function ask(request) {
  const value = JSON.parse(await engine.ask(JSON.stringify(request)));
  const changed = CHANGES[request.ask];
  if (changed) await keep(changed);
  return value;
}

async function pictures(which) {
  const drawn = await engine.pictures(which);
  const found = { layers: JSON.parse(drawn.layers), cells: drawn.cells, which };
  drawn.free();
  return found;
}

const calls = {
  open,
  ask: ({ request }) => ask(request),
  pictures: ({ which }) => pictures(which),
  file: ({ file }) => engine.file(file),
  openFile: async ({ bytes, name }) => {
    engine.open_file(bytes, name);
    await keep("elastic");
    return ask({ ask: "elastic" });
  },
  restore: ({ what, bytes }) => engine.restore(what, bytes),
};

// One after the other: the engine does one thing at a time, and slices are short.
let queue = Promise.resolve();
const inTurn = (work) => {
  const result = queue.then(work);
  queue = result.catch(() => {});
  return result;
};
/** Lets messages in that came meanwhile. */
const breathe = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => { port1.close(); resolve(); };
  port2.postMessage(0);
});

/** Trains to the end or until it is stopped, in slices that are as long as they may be. */
async function run({ request }) {
  stopped = false;
  let steps = 1;
  for (;;) {
    const start = performance.now();
    const progress = await inTurn(async () => {
      const progress = await ask({ ...request, steps });
      const drawn = request.which && (await pictures(request.which));
      tell({ progress, request, pictures: drawn }, drawn ? [drawn.cells.buffer] : []);
      return progress;
    });
    const took = performance.now() - start;
    steps = Math.round(Math.min(64, 2 * steps, Math.max(1, (steps * SLICE) / took)));
    await breathe();
    if (progress.done || stopped) return { ...progress, stopped: !progress.done };
  }
}

self.addEventListener("message", async ({ data }) => {
  const { id, call } = data;
  if (call === "stop") return void (stopped = true);
  try {
    const value = await (call === "run" ? run(data) : inTurn(() => calls[call](data)));
    tell({ id, value });
  } catch (error) {
    tell({ id, error: error.message ?? String(error) });
  }
});
