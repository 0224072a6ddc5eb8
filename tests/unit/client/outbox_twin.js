// Runs traces through static/outbox.js and answers what it called: the other half of test_outbox_twin.py.

import { readFileSync } from "node:fs";
import { Outbox } from "citychat/outbox.js";

function run(steps) {
  const storage = new Map();
  let streams = 0;
  let calls = [];
  let hour = 0;
  const recorder = Object.fromEntries(["emit", "draw", "mark", "alarm"].map(
    (name) => [name, (...args) => calls.push([name, ...structuredClone(args)])],
  ));
  recorder.wall = () => hour;
  const newPage = (page) => new Outbox(storage, page, () => `st${(streams += 1)}`, recorder);
  let box = newPage("p0");
  const out = steps.map(([name, ...args]) => {
    calls = [];
    let answer = null;
    if (name === "reload") box = newPage(...args);
    else if (name === "wall") [hour] = args;
    else if (name === "kept") storage.set(...args);
    else answer = box[name](...args) ?? null;
    return { calls, answer, have: box.have() };
  });
  return { out, kept: Object.fromEntries(storage) };
}

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf-8")).map(run)));
