// What outlives a reload. The browser may throw (refused, full, private window): then memory, and `kept` is false.

export class Storage {
  kept = true;
  /** @type {globalThis.Storage | undefined} */
  #area;
  /** @type {Map<string, string>} */
  #memory = new Map();

  /** @param {() => globalThis.Storage} area localStorage or sessionStorage; may throw */
  constructor(area) {
    try {
      this.#area = area();
      this.#area.setItem("citychat.probe", "1");
      this.#area.removeItem("citychat.probe");
    } catch {
      this.#lose();
    }
  }

  /** @param {string} name */
  get(name) {
    if (!this.#area) return this.#memory.get(name);
    return this.#area.getItem(name) ?? undefined;
  }

  /** @param {string} name @param {string} value */
  set(name, value) {
    try {
      if (this.#area) this.#area.setItem(name, value);
      else this.#memory.set(name, value);
    } catch {
      this.#lose();
      this.#memory.set(name, value);
    }
  }

  /** @param {string} name */
  delete(name) {
    this.#area?.removeItem(name);
    this.#memory.delete(name);
  }

  /** Remove all that is ours. */
  clear() {
    for (const name of this.#names()) if (name.startsWith("citychat.")) this.delete(name);
  }

  #names() {
    return this.#area ? Object.keys(this.#area) : [...this.#memory.keys()];
  }

  #lose() {
    const area = this.#area;
    if (area) for (const name of this.#names()) this.#memory.set(name, area.getItem(name) ?? "");
    this.#area = undefined;
    this.kept = false;
  }
}
