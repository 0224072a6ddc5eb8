// What is about to be sent may lead to a person: that is pointed out once in a chat, and can be sent all the same.

import { contactIn } from "citychat/contact.js";
import { POINTED, read } from "citychat/shapes.js";

/** @import { Kept } from "citychat/types.js" */

export class Nudge {
  #storage;

  /** @param {Kept} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /**
   * What to point out, or "": nothing is found, or it was pointed out before.
   * @param {string} session @param {string} text
   */
  about(session, text) {
    if (read(this.#storage, POINTED) === session) return "";
    const found = contactIn(text);
    if (found) this.#storage.set(POINTED, session);
    return found;
  }
}
