// Runs the Go program, which talks with the page by messages (main_js.go).
"use strict";
importScripts("wasm_exec.js");

(async () => {
  try {
    const answer = await fetch("main.wasm");
    if (!answer.ok) throw new Error(`main.wasm: ${answer.status} ${answer.statusText}`);
    const go = new Go();
    // Not instantiateStreaming: it wants application/wasm, which not every server says.
    const { instance } = await WebAssembly.instantiate(await answer.arrayBuffer(), go.importObject);
    await go.run(instance);
    throw new Error("the program ended");
  } catch (err) {
    postMessage({ failed: String(err.message || err), field: "", dead: true });
  }
})();
