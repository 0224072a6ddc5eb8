// The acks of what was drawn of the partners' messages: one for many, a few times a second (protocol §2.3).

/** @import { Calls } from "citychat/types.js" */

const ACK_MS = 50;
const ACK_MESSAGES = 8;

export class Acks {
  #calls;
  /** By stream, the last number drawn. @type {Map<string, {session: string, number: number}>} */
  #waiting = new Map();
  #messages = 0; // that they are for
  #sentAt = -1e12;

  /** @param {Calls} calls */
  constructor(calls) {
    this.#calls = calls;
  }

  /** @param {string} session @param {string} stream @param {number} number @param {number} now */
  add(session, stream, number, now) {
    this.#waiting.set(stream, { session, number });
    this.#messages += 1;
    if (now - this.#sentAt >= ACK_MS || this.#messages >= ACK_MESSAGES) this.#send(now);
    else this.#calls.alarm(this.#sentAt + ACK_MS);
  }

  /** The next link begins with a join, which says what was drawn. */
  drop() {
    this.#waiting = new Map();
    this.#messages = 0;
  }

  /** @param {number} now */
  tick(now) {
    if (!this.#waiting.size) return;
    if (now - this.#sentAt >= ACK_MS) this.#send(now);
    else this.#calls.alarm(this.#sentAt + ACK_MS); // woken by an earlier alarm: this one is still to come
  }

  /** @param {number} now */
  #send(now) {
    for (const [stream, { session, number }] of this.#waiting) {
      this.#calls.emit("chat-ack", { session, stream, number });
    }
    this.drop();
    this.#sentAt = now;
  }
}
