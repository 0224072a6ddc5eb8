// Runs traces through static/declines.js and answers what it sent and kept: the other half of test_declines_twin.py.

import { readFileSync } from "node:fs";
import { PendingDeclines } from "citychat/declines.js";

let timer = null;
let timers = 0;
globalThis.setTimeout = (call, ms) => {
  timer = { call, ms, id: (timers += 1) };
  return timer.id;
};
globalThis.clearTimeout = (id) => {
  if (timer?.id === id) timer = null;
};

async function run(steps) {
  timer = null;
  const storage = new Map();
  const sent = [];
  const match = (offer) => new Promise((resolve) => sent.push({ offer, resolve }));
  const declines = new PendingDeclines(storage, { match });
  const out = [];
  for (const [name, ...args] of steps) {
    if (name === "decline") declines.decline(...args);
    else if (name === "answer") sent[args[0]].resolve(args[1]);
    else if (name === "ring") {
      const { call } = timer ?? { call() {} };
      timer = null;
      call();
    } else {
      for (const { resolve } of sent) resolve({ ok: false, error: "cut" }); // does nothing where an answer has come
      await new Promise(setImmediate);
      declines.resend();
    }
    await new Promise(setImmediate); // until the answer was heard
    out.push({ sent: sent.map(({ offer }) => offer), kept: Object.fromEntries(storage), timer: timer?.ms ?? null });
  }
  return out;
}

const answers = [];
for (const steps of JSON.parse(readFileSync(0, "utf-8"))) answers.push(await run(steps));
console.log(JSON.stringify(answers));
