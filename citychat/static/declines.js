// The declines that no answer has come to, in the browser's storage: a "no" is for ever (M5), also on a dead link.
//
// Each has a name of its own, so that two windows write over nothing of each other. The twin of
// citychat/client/declines.py.

import { DECLINE, NUMBER_MAX, OLD_DECLINES, read, restsOf } from "citychat/shapes.js";

/** @import { Kept } from "citychat/types.js" */
/** @import { Socket } from "citychat/socket.js" */

const DECLINES_MAX = 50; // without an answer; nobody says more in the hour for which the server knows ended offers
export const NO_ANSWER = ["cut", "unavailable", "busy", "internal", "not-joined"]; // the server has not taken it yet

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
    this.#keep(offer);
    return this.#send(offer);
  }

  /** After a join, before the page looks for anybody. */
  resend() {
    clearTimeout(this.#timer);
    for (const offer of read(this.#storage, OLD_DECLINES) ?? []) this.#keep(offer);
    this.#storage.delete(OLD_DECLINES);
    for (const { offer } of this.#kept()) this.#send(offer);
  }

  /** @param {string} offer */
  async #send(offer) {
    const answer = await this.#socket.match(offer, "no");
    if (answer.ok || !NO_ANSWER.includes(answer.error)) this.#storage.delete(DECLINE + offer);
    else if (answer.retry_ms !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.resend(), answer.retry_ms);
    }
    return answer;
  }

  /** Offers, the oldest first, numbered. */
  #kept() {
    const offers = restsOf(this.#storage, DECLINE);
    const kept = offers.map((offer) => ({ offer, number: read(this.#storage, DECLINE + offer) }));
    return kept.filter(({ number }) => number !== undefined).sort((a, b) => a.number - b.number);
  }

  /** @param {string} offer */
  #keep(offer) {
    const number = Math.min((this.#kept().at(-1)?.number ?? 0) + 1, NUMBER_MAX);
    this.#storage.set(DECLINE + offer, String(number));
    for (const oldest of this.#kept().slice(0, -DECLINES_MAX)) this.#storage.delete(DECLINE + oldest.offer);
  }
}
