// What outlives a reload. The browser's storage may throw (refused, full, private window): then memory, and `kept` says so.

export class Storage {
  #memory = new Map();

  /** `area()` answers localStorage or sessionStorage, or throws. */
  constructor(area) {
    this.kept = true;
    try {
      this.area = area();
      this.area.setItem("citychat.probe", "1");
      this.area.removeItem("citychat.probe");
    } catch {
      this.#lose();
    }
  }

  get(name) {
    if (!this.area) return this.#memory.get(name);
    return this.area.getItem(name) ?? undefined;
  }

  set(name, value) {
    try {
      if (this.area) this.area.setItem(name, value);
      else this.#memory.set(name, value);
    } catch {
      this.#lose();
      this.#memory.set(name, value);
    }
  }

  delete(name) {
    if (this.area) this.area.removeItem(name);
    this.#memory.delete(name);
  }

  /** Remove all that is ours, or what is ours under a longer prefix. */
  clear(prefix = "citychat.") {
    for (const name of this.#names()) if (name.startsWith(prefix)) this.delete(name);
  }

  #names() {
    return this.area ? Array.from({ length: this.area.length }, (_, i) => this.area.key(i)) : [...this.#memory.keys()];
  }

  #lose() {
    if (this.area) for (const name of this.#names()) this.#memory.set(name, this.area.getItem(name));
    this.area = undefined;
    this.kept = false;
  }
}
