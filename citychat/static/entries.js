// The outbox as the browser keeps it: my messages until they are delivered, with the wire's letters, in localStorage.
//
// Each page keeps its own, with the link to the message written last in the same value, so that neither is ever there
// without the other. The page whose join was answered last takes over what the others have left, also what comes late:
// windows do not see each other's storage at once. The twin of citychat/client/entries.py.

import { OLD_LAST, OLD_OUTBOX, OUTBOX, WRITER, parse, read } from "citychat/shapes.js";
import { toWire } from "citychat/wire.js";

/** @import { Entry, Kept, Last, Left, Ranges, Tick } from "citychat/types.js" */

export class Entries {
  #storage;
  #page;
  /** Every message that was ever here: none comes back from another page's storage. @type {Set<string>} */
  #known = new Set();
  /** The message written last. @type {Last | undefined} */
  #last;
  /** Names of what was taken over and lies there still. @type {string[]} */
  #taken = [];
  /** In the order in which they were written. @type {Entry[]} */
  all = [];

  /** @param {Kept} storage @param {string} page its id */
  constructor(storage, page) {
    this.#storage = storage;
    this.#page = page;
  }

  /** Whether this page is the one that writes, and no other window. */
  get ours() {
    return read(this.#storage, WRITER) === this.#page;
  }

  /** Become the page that writes, with what others have left: the last of them first, its link is the newest. */
  take() {
    const storage = this.#storage;
    const before = OUTBOX + read(storage, WRITER);
    storage.set(WRITER, this.#page);
    const names = [...storage.keys()].filter((name) => this.#isOthers(name)).sort();
    for (const name of names.sort((a, b) => Number(b === before) - Number(a === before))) {
      this.#merge(name, read(storage, name), name === before);
    }
    if (names.length) this.save();
  }

  /**
   * Take what another page has written after this one took over. Answers whether that was news.
   * @param {string} name @param {string} text
   */
  inherit(name, text) {
    if (!this.#isOthers(name) || !this.ours) return false;
    const { length } = this.all;
    this.#merge(name, parse(name, text));
    this.save();
    return this.all.length > length;
  }

  /** @param {string} name */
  #isOthers(name) {
    return name === OLD_OUTBOX || (name.startsWith(OUTBOX) && name !== OUTBOX + this.#page);
  }

  /**
   * @param {string} name @param {Left | undefined} left
   * @param {boolean} [newest] of the page that wrote until now: its last word in another chat than ours is later
   */
  #merge(name, left, newest = false) {
    this.#taken.push(name);
    for (const entry of left?.entries ?? []) if (!this.#known.has(keyOf(entry))) this.#push(entry);
    let last = left?.last;
    if (name === OLD_OUTBOX) {
      this.#taken.push(OLD_LAST);
      last = left?.torn ? undefined : read(this.#storage, OLD_LAST);
    }
    const older = this.#last && last && (last[0] === this.#last[0] ? last[3] <= this.#last[3] : !newest);
    if (last && !older) this.#last = last;
  }

  /** @param {Entry} entry */
  #push(entry) {
    this.all.push(entry);
    this.#known.add(keyOf(entry));
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

  /** The message written last, and its place in the order. @param {string} session */
  last(session) {
    const [known, ...last] = this.#last ?? [];
    return known === session ? /** @type {[string, number, number]} */ (last) : undefined;
  }

  /** @param {Entry} entry */
  add(entry) {
    this.#push(entry);
    this.#last = [entry.session, entry.stream, entry.number, entry.lamport];
    this.save();
  }

  /** Keep only these; `save` makes it last. @param {(entry: Entry) => boolean} wanted */
  keep(wanted) {
    this.all = this.all.filter(wanted);
  }

  save() {
    if (!this.ours) return;
    const text = JSON.stringify({ last: this.#last, entries: this.all.map(toWire) });
    if (this.#storage.set(OUTBOX + this.#page, text) === false) return; // full: what others have left stays theirs
    for (const name of this.#taken.splice(0)) this.#storage.delete(name);
  }
}

/** @param {Entry} entry */
const keyOf = ({ stream, number }) => `${stream} ${number}`;
