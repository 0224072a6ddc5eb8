// The tokens that a browser keeps: the newest, and the one before it until the server has proved that it is not needed.
//
// A server whose clock or keys are wrong may take a good token for none and make another guest. What names the guest of
// before is not given up for that one's (protocol §2.3). The twin of citychat/client/kept_tokens.py.

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

  /** What a join says of tokens. */
  asked() {
    const [token, old] = [TOKEN, OLD_TOKEN].map((name) => read(this.#storage, name));
    this.#asked = { ...(token && { token }), ...(old && { old_token: old }) };
    return this.#asked;
  }

  /**
   * Keep the token of a join's answer. Beside it stays the one that the join has asked with when all were the same
   * guest's, else the one of before.
   * @param {JoinAnswer} answer
   */
  keep(answer) {
    const { token: newer, old_token: older } = this.#asked;
    const stays = answer.same === true ? newer : older || newer;
    if (stays) this.#storage.set(OLD_TOKEN, stays);
    else this.#storage.delete(OLD_TOKEN);
    this.#storage.set(TOKEN, answer.token);
  }
}
