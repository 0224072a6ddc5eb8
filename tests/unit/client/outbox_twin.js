// Runs traces through static/outbox.js and answers what it called: the other half of test_outbox_twin.py.
//
// Both halves speak with the wire's letters, as what travels and what is kept.

import { readFileSync } from "node:fs";
import { Outbox } from "citychat/outbox.js";
import { fromWire, toWire } from "citychat/wire.js";

function everywhere(rename, value) {
  if (Array.isArray(value)) return value.map((one) => everywhere(rename, one));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(rename(value)).map(([name, one]) => [name, everywhere(rename, one)]);
  return Object.fromEntries(entries);
}

function run(steps) {
  const storage = new Map();
  let streams = 0;
  let calls = [];
  let hour = 0;
  const recorder = Object.fromEntries(["emit", "draw", "mark", "alarm"].map(
    (name) => [name, (...args) => calls.push([name, ...everywhere(toWire, args)])],
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
    else answer = box[name](...everywhere(fromWire, args)) ?? null;
    return { calls, answer, have: box.have() };
  });
  return { out, kept: Object.fromEntries(storage) };
}

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf-8")).map(run)));
