// The page's side of the worker: requests as promises, and a new worker where one is lost.

const module = load("sapwood_web_bg.wasm");

async function load(name) {
  const response = fetch(new URL(name, import.meta.url));
  return WebAssembly.compileStreaming(response).catch(async () => {
    // A server that calls it something else than application/wasm.
    const again = await fetch(new URL(name, import.meta.url));
    return WebAssembly.compile(await again.arrayBuffer());
  });
}

export class Engine {
  #worker = null;
  #waiting = new Map();
  #next = 0;
  /** What the last slice left: enough to go on elsewhere. */
  #kept = {};
  /** Told of every slice of training. */
  onProgress = () => {};
  /** Told once if the worker is lost, with the reason. */
  onLost = () => {};

  /** Starts a worker on "auto", "webgpu" or "cpu", with what the last one left. Tells the device. */
  async start(wish) {
    this.#drop("the device was changed");
    const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.#worker = worker;
    worker.onmessage = ({ data }) => worker === this.#worker && this.#hear(data);
    worker.onerror = (event) => worker === this.#worker && this.#lose(event.message ?? "the worker did not start");
    const device = await this.call("open", { module: await module, wish });
    for (const [what, bytes] of Object.entries(this.#kept)) await this.call("restore", { what, bytes });
    return device;
  }

  /** Whether there is a session to go on with. */
  has(what) {
    return what in this.#kept;
  }

  ask(request) {
    return this.call("ask", { request });
  }

  /** Trains to the end; `stop` ends it sooner. */
  run(request) {
    return this.call("run", { request });
  }

  stop() {
    this.#worker?.postMessage({ call: "stop" });
  }

  call(call, more = {}) {
    return new Promise((resolve, reject) => {
      if (!this.#worker) return reject(new Lost("the engine is not running"));
      const id = this.#next++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, call, ...more });
    });
  }

  #hear({ id, value, error, progress, request, pictures, kept, bytes, lost }) {
    if (kept) this.#kept[kept] = bytes;
    else if (progress) this.onProgress(request, progress, pictures);
    else if (lost) this.#lose(lost);
    else {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(error));
    }
  }

  #lose(reason) {
    this.#drop(reason);
    this.onLost(reason);
  }

  #drop(reason) {
    this.#worker?.terminate();
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(new Lost(reason));
    this.#waiting.clear();
  }
}

/** The worker went away before it could answer; the page says so by itself. */
export class Lost extends Error {}
