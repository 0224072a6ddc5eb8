// What outlives a reload. The browser may refuse, be full or break at any moment: what it did not take stays in memory,
// and is offered to it again with every change.

const OURS = "citychat.";

export class Storage {
  /** Why a reload may lose something: the browser stores nothing, or no more. @type {"" | "none" | "full"} */
  trouble = "";
  /** Called when `trouble` has changed. @type {() => void} */
  told = () => {};
  /** @type {globalThis.Storage | undefined} */
  #area;
  /** What this page has read and written last. @type {Map<string, string>} */
  #memory = new Map();
  /** Names whose newest value is in memory alone. @type {Set<string>} */
  #unsaved = new Set();

  /** @param {() => globalThis.Storage | null} area localStorage or sessionStorage; may throw */
  constructor(area) {
    try {
      this.#area = area() ?? undefined;
    } catch {
      // refused
    }
    if (!this.#area) this.trouble = "none";
  }

  /** @param {string} name */
  get(name) {
    if (this.#unsaved.has(name)) return this.#memory.get(name);
    const text = this.#ask((area) => area.getItem(name) ?? undefined, this.#memory.get(name));
    if (text !== undefined) this.#memory.set(name, text);
    return text;
  }

  /** Answers whether the browser has it. @param {string} name @param {string} value */
  set(name, value) {
    this.#memory.set(name, value);
    this.#unsaved.add(name);
    this.#save();
    return !this.#area || !this.#unsaved.has(name);
  }

  /** @param {string} name */
  delete(name) {
    this.#memory.delete(name);
    this.#unsaved.delete(name);
    this.#ask((area) => area.removeItem(name), undefined);
    this.#save();
  }

  keys() {
    const names = this.#ask((area) => Array.from(area, (_, i) => area.key(i) ?? ""), [...this.#memory.keys()]);
    return new Set([...names, ...this.#unsaved]);
  }

  /** Remove all that is ours. */
  clear() {
    for (const name of this.keys()) if (name.startsWith(OURS)) this.delete(name);
  }

  /** Another window has written there: that is newer than what was not taken from this one. @param {string} name */
  overtaken(name) {
    if (this.#unsaved.delete(name)) this.#save();
  }

  /** @template T @param {(area: globalThis.Storage) => T} what @param {T} otherwise */
  #ask(what, otherwise) {
    try {
      return this.#area ? what(this.#area) : otherwise;
    } catch {
      this.#area = undefined; // it cannot even be read any more
      return otherwise;
    }
  }

  #save() {
    for (const name of this.#unsaved) {
      try {
        this.#area?.setItem(name, this.#memory.get(name) ?? "");
        if (this.#area) this.#unsaved.delete(name);
      } catch {
        // full: tried again with the next change
      }
    }
    const holds = this.#ask((area) => area.length > 0, false); // one that never took anything is not full
    const trouble = this.#area && !this.#unsaved.size ? "" : holds ? "full" : "none";
    if (trouble === this.trouble) return;
    this.trouble = trouble;
    this.told();
  }
}
