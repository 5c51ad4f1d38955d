// The page: fields to the worker, its pictures to the canvas.
"use strict";
const $ = (id) => document.getElementById(id);
const form = $("form"), fields = ["seed", "class", "steps", "method"];
const canvas = $("picture"), pen = canvas.getContext("2d");
const worker = new Worker("worker.js");
let ready = false, running = false, started = 0, links = [];

// The state of the page: the buttons, and what the live region says.
function say(text, trouble = false) {
  $("status").textContent = text;
  $("status").classList.toggle("trouble", trouble);
}

function run(on) {
  running = on;
  $("draw").disabled = on || !ready;
  $("cancel").disabled = !on;
  canvas.classList.toggle("unfinished", on);
}

function mark(field, text) {
  for (const name of fields) {
    const bad = name === field;
    $(name).toggleAttribute("aria-invalid", bad);
    if (bad) $(name).setAttribute("aria-invalid", "true");
    $(`${name}-trouble`).textContent = bad ? text : "";
  }
  if (fields.includes(field)) $(field).focus();
}

function forget() {
  $("result").hidden = true;
  links.forEach((url) => URL.revokeObjectURL(url));
  links = [];
}

function offer(id, name, type, bytes) {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  links.push(url);
  $(id).href = url;
  $(id).download = name;
}

const on = {
  ready(message) {
    const model = JSON.parse(message.ready);
    $("version").textContent = model.version;
    for (const [k, name] of (model.classes || []).entries()) $("class").add(new Option(name, String(k)));
    $("class-field").hidden = !(model.classes || []).length;
    for (const m of model.methods) {
      const option = new Option(m.name, m.name, m.name === model.method, m.name === model.method);
      option.dataset.steps = m.steps;
      $("method").add(option);
    }
    suggest();
    canvas.width = model.width;
    canvas.height = model.height;
    ready = true;
    run(false);
    say("Ready.");
  },
  show({ show, width, height, left, moves }) {
    pen.putImageData(new ImageData(new Uint8ClampedArray(show), width, height), 0, 0);
    $("progress").max = moves;
    $("progress").value = moves - left;
    say(left === moves ? "Noise." : `Step ${moves - left} of ${moves}: what the model expects.`);
  },
  done({ done, command, npy, png }) {
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    run(false);
    const name = $("seed").value.trim();
    $("sha256").textContent = done;
    $("command").textContent = `${command} -o ${name}.npy\nsha256sum ${name}.npy`;
    offer("npy", `${name}.npy`, "application/octet-stream", npy);
    offer("png", `${name}.png`, "image/png", png);
    $("result").hidden = false;
    say(`Done in ${seconds} s.`);
  },
  failed({ failed, field, dead }) {
    run(false);
    if (dead) $("draw").disabled = true;
    if (fields.includes(field)) {
      mark(field, failed);
      say("Nothing was drawn: see the field that is marked.", true);
    } else say(failed, true);
  },
  cancelled() {
    run(false);
    say("Cancelled.");
  },
};

worker.onmessage = ({ data }) => {
  for (const kind of Object.keys(on)) if (kind in data) return on[kind](data);
};
worker.onerror = (event) => on.failed({ failed: event.message || "The worker could not start: open this page from a server, not from a file.", dead: true });

function suggest() {
  const method = $("method").selectedOptions[0];
  if (method) $("steps-hint").textContent = `Without a number ${method.dataset.steps}, the usual for ${method.value}.`;
}
$("method").addEventListener("change", suggest);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!ready || running) return;
  mark("", "");
  forget();
  run(true);
  say("Starting.");
  started = performance.now();
  worker.postMessage({ draw: JSON.stringify(Object.fromEntries(fields.map((name) => [name, $(name).value]))) });
});

$("cancel").addEventListener("click", () => {
  if (!running) return;
  $("cancel").disabled = true;
  say("Cancelling after this step.");
  worker.postMessage({ cancel: true });
});
