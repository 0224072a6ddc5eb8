// The newest token, and the one before it until the server has proved that it is not needed (protocol §2.3). The twin
// of citychat/client/kept_tokens.py.

import { OLD_TOKEN, TOKEN, read } from "citychat/shapes.js";

/** @import { JoinAnswer, Kept, Tokens } from "citychat/types.js" */

export class KeptTokens {
  #storage;
  /** @type {Tokens} */
  #asked = {};

  /** @param {Kept} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /** What a join says. */
  asked() {
    const [token, old] = [TOKEN, OLD_TOKEN].map((name) => read(this.#storage, name));
    this.#asked = { ...(token && { token }), ...(old && { old_token: old }) };
    return this.#asked;
  }

  /** @param {JoinAnswer} answer */
  keep(answer) {
    const { token, old_token: old } = this.#asked;
    const stays = answer.same === true ? token : old || token;
    if (stays) this.#storage.set(OLD_TOKEN, stays);
    else this.#storage.delete(OLD_TOKEN);
    this.#storage.set(TOKEN, answer.token);
  }
}
