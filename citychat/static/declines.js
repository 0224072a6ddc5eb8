// The declines that no answer has come to, in the browser's storage: a "no" is for ever (M5), also on a dead link.
//
// The twin of citychat/client/declines.py.

/** @import { Kept } from "citychat/types.js" */
/** @import { Socket } from "citychat/socket.js" */

const KEY = "citychat.noes";
const DECLINES_MAX = 50; // without an answer; nobody says more in the hour for which the server knows ended offers
const NO_ANSWER = ["cut", "unavailable", "busy", "internal", "not-joined"]; // the server has not taken it yet

export class PendingDeclines {
  #storage;
  #socket;
  #timer = 0;

  /** @param {Kept} storage @param {Pick<Socket, "match">} socket */
  constructor(storage, socket) {
    this.#storage = storage;
    this.#socket = socket;
  }

  /** Keep the decline, then send it; the server's answer. @param {string} offer */
  async decline(offer) {
    this.#keep([...this.#without(offer), offer]);
    return this.#send(offer);
  }

  /** After a join, before the page looks for anybody. */
  resend() {
    clearTimeout(this.#timer);
    for (const offer of this.#kept()) this.#send(offer);
  }

  /** @param {string} offer */
  async #send(offer) {
    const answer = await this.#socket.match(offer, "no");
    if (answer.ok || !NO_ANSWER.includes(answer.error)) this.#keep(this.#without(offer));
    else if (answer.retry_ms !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.resend(), answer.retry_ms);
    }
    return answer;
  }

  /** @returns {string[]} */
  #kept() {
    return JSON.parse(this.#storage.get(KEY) ?? "[]");
  }

  /** @param {string} offer */
  #without(offer) {
    return this.#kept().filter((kept) => kept !== offer);
  }

  /** @param {string[]} offers */
  #keep(offers) {
    if (offers.length) this.#storage.set(KEY, JSON.stringify(offers.slice(-DECLINES_MAX)));
    else this.#storage.delete(KEY);
  }
}
