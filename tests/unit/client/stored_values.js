// A page's storage, its joining and its outbox without a browser: the other half of test_stored_values.py.
//
// `values`: a page is opened on what its browser has kept, joins and writes. `steps`: the storage alone, step by step.

import { readFileSync } from "node:fs";
import { Chat } from "citychat/chat.js";
import { Drafts } from "citychat/drafts.js";
import { Joining } from "citychat/joining.js";
import { KeptTokens } from "citychat/kept_tokens.js";
import { Leaving } from "citychat/leaving.js";
import { Matching } from "citychat/matching.js";
import { parse } from "citychat/shapes.js";
import { State } from "citychat/state.js";
import { Storage } from "citychat/storage.js";

const SESSION = { session: "s", side: 0, here: true, alias: "A", you: "B", city: "C", started: 0, expires: 0 };

const now = () => 5;
const wall = () => 1_700_000_000_000;

globalThis.document = { visibilityState: "visible" };
globalThis.setTimeout = () => 0;
globalThis.clearTimeout = () => {};
let lines = [];
console.warn = (line) => lines.push(line);

/** What a browser has as localStorage. */
class Area {
  values = new Map();
  quota = Infinity;
  broken = false;

  #check() {
    if (this.broken) throw new Error("NS_ERROR_FILE_CORRUPTED");
  }

  get length() {
    this.#check();
    return this.values.size;
  }

  key(i) {
    return [...this.values.keys()][i] ?? null;
  }

  getItem(name) {
    this.#check();
    return this.values.get(name) ?? null;
  }

  setItem(name, value) {
    this.#check();
    const others = [...this.values].filter(([one]) => one !== name).map((one) => one.join(""));
    if (others.join("").length + name.length + value.length > this.quota) throw new Error("QuotaExceededError");
    this.values.set(name, value);
  }

  removeItem(name) {
    this.#check();
    this.values.delete(name);
  }
}

function open([values, quota]) {
  lines = [];
  const area = new Area();
  for (const [name, text] of Object.entries(values)) area.values.set(name, text);
  area.quota = quota;
  const listeners = {};
  const emitted = [];
  const socket = {
    live: true,
    on: (name, listener) => (listeners[name] ??= []).push(listener),
    open: (joining) => (socket.joining = joining),
    emit: (_event, payload) => emitted.push(payload),
    available: () => ({}),
    seek: async () => ({ ok: true, state: "waiting" }),
    leave: async () => ({ ok: true }),
    chats: async () => ({ ok: true, chats: [], more: false }),
    match: async (offer) => emitted.push({ declined: offer }) && { ok: true },
  };
  const state = new State();
  const storage = new Storage(() => {
    if (quota < 0) throw new Error("SecurityError");
    return area;
  });
  const leaving = new Leaving({ state, storage, socket });
  const drafts = new Drafts(storage, storage);
  const chat = new Chat({ state, storage, socket, leaving, drafts, id: "page", now, wall });
  const { outbox } = chat;
  const parts = { state, storage, tab: storage, socket, outbox, consent: "1", now, wall };
  const joining = new Joining(parts);
  const matching = new Matching({ ...parts, joining, leaving });
  matching.touched();
  joining.begin();
  joining.withCity();
  const request = socket.joining();
  const answer = { ok: true, token: "t", place: { city: "C" }, state: "chat", free_nearby: "none", session: SESSION };
  for (const listener of listeners.joined) listener(answer);
  const typed = [chat.draft, drafts.unsent("s"), drafts.report("s").note, drafts.objection];
  const refused = chat.write("hello");
  const kept = Object.fromEntries(area.values);
  return { request, typed, refused, emitted, lines, settings: state.settings, storing: storage.trouble, kept };
}

function step(steps) {
  const area = new Area();
  const told = [];
  const storage = new Storage(() => {
    if (steps[0]?.[0] === "refused") throw new Error("SecurityError");
    return steps[0]?.[0] === "absent" ? null : area;
  });
  storage.told = () => told.push(storage.trouble);
  return steps.map(([name, ...args]) => {
    let answer = null;
    if (name === "quota") [area.quota] = args;
    else if (name === "break") area.broken = true;
    else if (name === "elsewhere") {
      area.values.set(...args);
      storage.overtaken(args[0]);
    } else if (name !== "refused" && name !== "absent") answer = storage[name](...args) ?? null;
    return { answer, trouble: storage.trouble, told: [...told], kept: Object.fromEntries(area.values) };
  });
}

/** As both languages write it. */
function shaped(name, text) {
  lines = [];
  return { value: parse(name, text) ?? null, line: lines.length > 0 };
}

/** What each join says and leaves. */
function tokens(answers) {
  const storage = new Map();
  const page = new KeptTokens(storage);
  return answers.map((answer) => {
    const asked = page.asked();
    if (answer) page.keep(answer);
    return { asked, kept: Object.fromEntries(storage) };
  });
}

const { values = [], steps = [], shapes = [], joins = [] } = JSON.parse(readFileSync(0, "utf-8"));
console.log(JSON.stringify({
  values: values.map(open), steps: steps.map(step), shapes: shapes.map(([name, text]) => shaped(name, text)),
  joins: joins.map(tokens),
}));
