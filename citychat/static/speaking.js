// The guest's language: where the page has come in another one, its sentences are fetched, and those of no third.

import { LANGUAGE, read } from "citychat/shapes.js";

/** @import { Kept, Told } from "citychat/types.js" */

export class Speaking {
  #storage;
  #use;

  /** @param {Kept} storage @param {(told: Told) => void} use speaks what was fetched, from now on */
  constructor(storage, use) {
    this.#storage = storage;
    this.#use = use;
  }

  /** Whether the guest has once chosen another language than this. @param {string} language */
  differs(language) {
    const chosen = read(this.#storage, LANGUAGE) ?? language;
    return chosen === language ? "" : chosen;
  }

  /** Speak another language; answers whether it could be had. `ready()` comes just before. @param {string} language */
  async change(language, ready = () => {}) {
    const told = await this.#fetched(language);
    if (!told) return false;
    this.#storage.set(LANGUAGE, language);
    ready();
    this.#use(told);
    return true;
  }

  /** @param {string} language @returns {Promise<Told | null>} */
  async #fetched(language) {
    try {
      const answer = await fetch(`/sentences/${language}.json`);
      return answer.ok ? await answer.json() : null;
    } catch {
      return null; // no link: the page goes on in the language that it has
    }
  }
}
