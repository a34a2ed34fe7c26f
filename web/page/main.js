// The page: what is chosen, what runs, and what is shown of it.

import { Ask } from "./ask.js";
import { Curve } from "./curve.js";
import { Elastic } from "./elastic.js";
import { Engine, Lost } from "./engine.js";
import { Layers } from "./layers.js";
import { count, oneOf, percent } from "./text.js";

const $ = (id) => document.getElementById(id);
/** How much can be removed: the slider's stops, as the engine takes them. */
const SPARSITIES = ["0", "0.2", "0.36", "0.5", "0.6", "0.7", "0.8", "0.85", "0.9", "0.93", "0.95", "0.97", "0.98", "0.99", "0.995"];
const USUAL = SPARSITIES.indexOf("0.9");
/** `?device=cpu` chooses before the page starts. */
const WISH = new URLSearchParams(location.search).get("device") ?? "auto";

const engine = new Engine();
const accuracy = new Curve($("accuracy-curve"), { label: "Accuracy", low: 0, high: 1, text: (y) => percent(y, 0), empty: "Press Train, and watch it learn." });
const loss = new Curve($("loss-curve"), { label: "Loss", low: 0, text: (y) => (y < 10 ? y.toFixed(2) : y.toFixed(0)) });
const layers = new Layers($("densities"), $("pictures"));
const ask = new Ask((request) => engine.ask(request), () => about?.dense.step > 0 || about?.pruned?.step > 0);

/** The menu, the session as the engine told it, and what runs: null, "dense", "pruned", "elastic". */
let menu = null;
let about = null;
let cut = null;
let running = null;
/** Raised for each session, so that late answers about an old one are dropped. */
let session = 0;

const elastic = new Elastic({
  engine, attempt, busy, buttons, save, say,
  image: () => (ask.life ? null : ask.image),
  seed: () => Number($("seed").value),
  get running() { return running; },
});
ask.onImage = () => elastic.answer();

// ---- what is told

function say(text) {
  $("status").textContent = text;
}

/** A message that stays until it is dismissed, or until what can be done about it is done. */
function notice(text, action = null) {
  const host = $("notice");
  host.replaceChildren(Object.assign(document.createElement("p"), { textContent: text }));
  const button = (label, run) => {
    const made = Object.assign(document.createElement("button"), { textContent: label });
    made.addEventListener("click", () => { host.hidden = true; run(); });
    host.append(made);
  };
  button(...(action ?? ["Dismiss", () => {}]));
  host.hidden = false;
}

/** Runs something and tells what goes wrong. A lost worker tells by itself. */
async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Lost)) notice(error.message);
    return undefined;
  }
}

/** The same, for what takes a while: nothing else can be started meanwhile. */
async function busy(what, work) {
  if (running) return undefined;
  running = what;
  buttons();
  const result = await attempt(work);
  running = null;
  buttons();
  return result;
}

function buttons() {
  const ready = about !== null;
  const idle = ready && running === null;
  const runs = (id, name, label) => {
    $(id).textContent = running === name ? "Stop" : label;
    $(id).classList.toggle("stop", running === name);
  };
  const unfinished = ({ step, start, done }) => step > start && !done;
  runs("train-button", "dense", ready && unfinished(about.dense) ? "Go on" : about?.dense.done ? "Trained" : "Train");
  runs("retrain-button", "pruned", about?.pruned && unfinished(about.pruned) ? "Go on" : about?.pruned?.done ? "Retrained" : "Retrain");
  runs("elastic-button", "elastic", elastic.unfinished ? "Go on" : "Train all sizes");
  $("train-button").disabled = !(running === "dense" || (idle && !about.dense.done));
  $("retrain-button").disabled = !(running === "pruned" || (idle && about.pruned && !about.pruned.done));
  $("elastic-button").disabled = !(running === "elastic" || idle);
  $("prune-button").disabled = !idle;
  $("reset-button").disabled = !idle;
  for (const id of ["network", "epochs", "seed", "device", "criterion", "allocation", "begin", "sparsity", "elastic-file", "family"]) {
    $(id).disabled = !idle;
  }
  for (const radio of document.querySelectorAll("[name=data]")) radio.disabled = !idle;
  $("save-dense").disabled = !idle;
  $("save-pruned").disabled = !(idle && about.pruned);
  $("save-packed").disabled = $("save-pruned").disabled;
  if (!about?.pruned) $("packed-facts").hidden = true;
}

// ---- the session

const data = () => document.querySelector("[name=data]:checked").value;
const chosen = () => menu.networks.find(({ name }) => name === $("network").value);

function offerNetworks() {
  const fitting = menu.networks.filter((network) => network.data === data());
  $("network").replaceChildren(...fitting.map(({ name, label }) => new Option(label, name)));
  $("epochs").value = chosen().epochs;
}

/** A new network in the place of the old one, which stays where none can begin. */
async function begin() {
  // Where no network of these data is held, what is no number gives way to the usual one.
  const must = about?.settings.data !== data();
  for (const field of [$("epochs"), $("seed")]) {
    if (must && !field.checkValidity()) field.value = field.defaultValue;
    if (!field.reportValidity()) return buttons();
  }
  const settings = { data: data(), network: $("network").value, epochs: Number($("epochs").value), seed: Number($("seed").value) };
  const found = await busy("begin", () => engine.ask({ ask: "begin", ...settings }));
  if (!found) return;
  session++;
  cut = null;
  accuracy.clear();
  loss.clear();
  layers.clear();
  $("warnings").replaceChildren();
  take(found);
  ask.begin(settings.data);
  await showWeights("dense");
}

/** Shows a session as the engine tells it. */
function take(found) {
  about = found;
  const life = about.settings.data === "life";
  $("network-facts").textContent = `${count(about.params)} parameters, ${count(about.macs)} multiplications for one ${life ? "board" : "image"}`;
  $("accuracy-title").textContent = life ? "Cells of test boards predicted right" : "Test digits read right";
  const before = $("criterion").value;
  $("criterion").replaceChildren(...about.criteria.map(({ name, refused }) => Object.assign(new Option(name, name), { disabled: Boolean(refused) })));
  const usable = about.criteria.some(({ name, refused }) => name === before && !refused);
  $("criterion").value = usable ? before : "magnitude";
  facts();
  scores();
  buttons();
}

function scores() {
  const total = about.anatomy.layers.reduce((sum, { weights }) => sum + weights, 0);
  const show = (which, test, note) => {
    $(`score-${which}`).textContent = test ? percent(test.top1) : "–";
    $(`note-${which}`).textContent = note;
  };
  const steps = ({ step, start, steps, done }) => done ? "" : ` · step ${count(step - start)} of ${count(steps - start)}`;
  const { dense, pruned } = about;
  show("dense", dense.test, dense.test ? `${count(total)} weights${steps(dense)}` : "not trained yet");
  show("cut", cut?.test, cut ? `${count(cut.kept)} weights kept` : "not cut yet");
  const points = pruned?.test && dense.test ? 100 * (pruned.test.top1 - dense.test.top1) : null;
  const sign = points === null ? "" : Math.abs(points) < 0.05 ? " · as good as the whole" : ` · ${points > 0 ? "+" : "−"}${Math.abs(points).toFixed(1)} points`;
  show("pruned", pruned?.test, pruned?.test ? `${count(cut?.kept ?? 0)} weights${pruned.done ? sign : steps(pruned)}` : "not retrained yet");
  const part = (progress) => progress ? (progress.step - progress.start) / Math.max(1, progress.steps - progress.start) : 0;
  $("train-progress").value = part(dense);
  $("retrain-progress").value = part(pruned);
}

/** The lines under what can be chosen. */
function facts() {
  const sparsity = SPARSITIES[$("sparsity").value];
  const kept = 1 - Number(sparsity);
  $("sparsity-text").textContent = percent(Number(sparsity), Number(sparsity) > 0.99 ? 1 : 0);
  $("sparsity-facts").textContent = sparsity === "0" ? "Every connection stays." : `About ${oneOf(kept * 1000, 1000)} connections stays.`;
  $("sparsity").setAttribute("aria-valuetext", `${$("sparsity-text").textContent} removed`);
  const row = about?.criteria.find(({ name }) => name === $("criterion").value);
  if (row) $("criterion-facts").textContent = `A weight scores by ${row.about}; the highest stay.${row.paper ? ` (${row.paper})` : ""}`;
  const spread = menu?.allocations.find(([name]) => name === $("allocation").value);
  if (spread) $("allocation-facts").textContent = spread[1];
}

/** Densities and pictures of a network. */
async function showWeights(which) {
  const of = session;
  const found = await attempt(() => engine.call("pictures", { which }));
  if (found && of === session) weights(found);
}

function weights({ layers: found, cells }) {
  layers.draw({ layers: found, cells });
  layers.densities(found.map(({ layer, rows, columns, kept }) => ({ name: layer, kept, total: rows * columns })));
}

/** Where a step lies in the plots: retraining begins where training ended. */
const place = (which, { step, start }) => (which === "dense" ? step : about.dense.step + step - start);

engine.onProgress = (request, progress, pictures) => {
  if (request.ask === "train-elastic") return elastic.progress(progress);
  const { which } = request;
  about[which] = progress;
  const x = place(which, progress);
  const right = place(which, { ...progress, step: progress.steps });
  for (const curve of [accuracy, loss]) curve.options({ left: 0, right });
  accuracy.add(which, [x, progress.test.top1]);
  loss.add(which, [x, progress.loss]);
  scores();
  if (pictures) weights(pictures);
};

async function train(which) {
  say(which === "dense" ? "Training begins." : "Retraining begins.");
  const end = await busy(which, () => engine.run({ ask: "train", which }));
  if (!end) return;
  say(`${which === "dense" ? "Whole" : "Small"} network: ${end.stopped ? `stopped at step ${end.step}` : "done"}, ${percent(end.test.top1)} right.`);
  ask.refresh();
}

async function prune() {
  const request = {
    ask: "prune",
    criterion: $("criterion").value,
    sparsity: SPARSITIES[$("sparsity").value],
    allocation: $("allocation").value,
    begin: $("begin").value,
  };
  const report = await busy("prune", () => engine.ask(request));
  if (!report) return;
  cut = report;
  const again = await attempt(() => engine.ask({ ask: "session" }));
  if (!again) return;
  take(again);
  const x = about.dense.step;
  accuracy.set("pruned", [[x, cut.test.top1]]);
  loss.set("pruned", []);
  accuracy.mark([[x, "cut"]]);
  $("warnings").replaceChildren(...cut.warnings.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  say(`${count(cut.kept)} of ${count(cut.total)} weights are left: ${percent(cut.test.top1)} right before retraining.`);
  await showWeights("pruned");
  ask.refresh();
}

/** Packs the small network, tells what that comes to and how good it is read from there, and saves it. */
async function savePacked() {
  const found = await busy("pack", () => engine.ask({ ask: "pack", which: "pruned" }));
  if (!found) return;
  const times = (found.plain / found.packed).toFixed(1);
  $("packed-facts").textContent = `${count(found.plain)} bytes before, ${count(found.packed)} after: ${times} times fewer. Read from these it is right on ${percent(found.test.top1)} of the test examples.`;
  $("packed-facts").hidden = false;
  await save("packed", `${about.settings.network}-small`, "sapwood");
}

async function save(file, name, extension = "safetensors") {
  const bytes = await attempt(() => engine.call("file", { file }));
  if (!bytes) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  link.download = `${name}.${extension}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// ---- the device

/** Starts the engine on a device, with what the last one left. */
async function start(wish) {
  $("device-facts").textContent = "Starting…";
  const found = await attempt(() => engine.start(wish));
  if (!found) return;
  const name = found.device === "cpu" ? "the processor" : `the graphics card${found.adapter ? ` (${found.adapter})` : ""}`;
  $("device-facts").textContent = `Computing on ${name}${found.why ? `: ${found.why}` : ""}.`;
  $("device").value = wish;
  if (!menu) {
    menu = await engine.ask({ ask: "menu" });
    $("version").textContent = menu.version;
    $("allocation").replaceChildren(...menu.allocations.map(([name]) => new Option(name, name)));
    elastic.offer(menu.families);
    offerNetworks();
  }
  if (!engine.has("session")) await begin();
  else take(await engine.ask({ ask: "session" }));
  if (engine.has("elastic")) await elastic.restored();
}

engine.onLost = (reason) => {
  running = null;
  const state = about;
  about = null;
  buttons();
  $("device-facts").textContent = "The engine stopped.";
  const safe = engine.has("session") && state ? " Nothing is lost: it can go on from the last step." : "";
  notice(`The computation stopped: ${reason.replace(/\.$/, "")}.${safe}`, ["Continue on the processor", () => start("cpu")]);
};

// ---- what is clicked

Object.assign($("sparsity"), { max: SPARSITIES.length - 1, value: USUAL });
$("train-button").addEventListener("click", () => (running === "dense" ? engine.stop() : train("dense")));
$("retrain-button").addEventListener("click", () => (running === "pruned" ? engine.stop() : train("pruned")));
$("prune-button").addEventListener("click", prune);
$("reset-button").addEventListener("click", begin);
for (const id of ["sparsity", "criterion", "allocation"]) $(id).addEventListener("input", facts);
// Once it was cut, another sparsity is tried at once.
for (const id of ["sparsity", "criterion", "allocation", "begin"]) $(id).addEventListener("change", () => cut && prune());
$("network").addEventListener("change", () => { $("epochs").value = chosen().epochs; begin(); });
for (const id of ["epochs", "seed"]) $(id).addEventListener("change", begin);
for (const radio of document.querySelectorAll("[name=data]")) {
  radio.addEventListener("change", () => { offerNetworks(); begin(); });
}
$("device").addEventListener("change", () => start($("device").value));
$("save-packed").addEventListener("click", savePacked);
$("save-dense").addEventListener("click", () => save("dense", `${about.settings.network}-whole`));
$("save-pruned").addEventListener("click", () => save("pruned", `${about.settings.network}-small`));

// ---- frames a second, for those who want to know

let frames = 0;
let since = performance.now();
requestAnimationFrame(function frame(now) {
  frames++;
  if (now - since >= 1000) {
    $("rate").textContent = Math.round((1000 * frames) / (now - since));
    [frames, since] = [0, now];
  }
  requestAnimationFrame(frame);
});

facts();
start(WISH).then(() => performance.mark("ready"));
