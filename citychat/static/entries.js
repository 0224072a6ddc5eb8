// The outbox as the browser keeps it: my messages until they are delivered, with the wire's letters, in localStorage.
//
// One page of a browser writes there: the one whose join was answered last.

import { fromWire, toWire } from "citychat/wire.js";

/** @import { Entry, Kept, Ranges, Tick } from "citychat/types.js" */

const OUTBOX = "citychat.outbox";
const LAST = "citychat.last"; // session, stream and number of the message written last
const WRITER = "citychat.writer"; // the page that writes

export class Entries {
  #storage;
  #page;
  /** In the order in which they were written. @type {Entry[]} */
  all = [];

  /** @param {Kept} storage @param {string} page its id */
  constructor(storage, page) {
    this.#storage = storage;
    this.#page = page;
  }

  /** Whether this page is the one that writes, and no other window. */
  get ours() {
    return this.#storage.get(WRITER) === this.#page;
  }

  /** Become the page that writes, with what the one before has left. */
  take() {
    if (this.ours) return;
    this.#storage.set(WRITER, this.#page);
    this.all = JSON.parse(this.#storage.get(OUTBOX) || "[]").map(fromWire);
  }

  /** @param {Tick} state */
  inState(state) {
    return this.all.filter((entry) => entry.state === state);
  }

  /** Those whose numbers lie in the ranges. @param {string} session @param {string} stream @param {Ranges} ranges */
  covered(session, stream, ranges) {
    return this.all.filter((entry) => entry.session === session && entry.stream === stream &&
      ranges.some(([first, last]) => first <= entry.number && entry.number <= last));
  }

  /** The message before the first one of a stream in this session, if there is one. @param {string} session */
  last(session) {
    const [known, ...last] = JSON.parse(this.#storage.get(LAST) || "[]");
    return known === session ? last : undefined;
  }

  /** @param {Entry} entry */
  add(entry) {
    this.all.push(entry);
    this.#storage.set(LAST, JSON.stringify([entry.session, entry.stream, entry.number]));
    this.save();
  }

  /** Keep only these; `save` makes it last. @param {(entry: Entry) => boolean} wanted */
  keep(wanted) {
    this.all = this.all.filter(wanted);
  }

  save() {
    if (this.ours) this.#storage.set(OUTBOX, JSON.stringify(this.all.map(toWire)));
  }
}
