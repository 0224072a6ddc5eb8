// What this page has drawn, each message once: of every session, and of every stream of a partner up to which number.

/** @import { Calls, Entry, Message, Tick } from "citychat/types.js" */

const HAVE_MAX = 200; // of the longest ids 13 KB, and a frame holds 16; the history knows about the streams before them

/** One session. */
class DrawnSession {
  highestLamport = 0;
  told = false; // the server has said how far its streams are
  /** @type {Set<string>} */
  keys = new Set();

  /** @param {number} side mine */
  constructor(side) {
    this.side = side;
  }
}

export class Drawn {
  #calls;
  /** @type {Map<string, DrawnSession>} */
  #sessions = new Map();
  /** Of each stream of a partner the last number, the stream drawn last at the end. @type {Map<string, number>} */
  #seen = new Map();

  /** @param {Calls} calls */
  constructor(calls) {
    this.#calls = calls;
  }

  /** A session, begun if this page does not know it. @param {string} session @param {number} side mine */
  of(session, side) {
    const known = this.#sessions.get(session) ?? new DrawnSession(side);
    this.#sessions.set(session, known);
    return known;
  }

  /** @param {string} session */
  find(session) {
    return this.#sessions.get(session);
  }

  /** Draw a message of a known session, unless it was. @param {Message | Entry} message @param {Tick} tick */
  draw(message, tick) {
    const drawn = this.#sessions.get(message.session);
    const { side, stream, number, kind } = message;
    const key = `${side} ${stream} ${number}${kind === "gap" ? " gap" : ""}`; // what takes its place is drawn too
    if (!drawn || drawn.keys.has(key)) return;
    drawn.keys.add(key);
    drawn.highestLamport = Math.max(drawn.highestLamport, message.lamport);
    const { state: _state, since: _since, ...shown } = /** @type {Entry} */ (message);
    this.#calls.draw(shown, tick);
  }

  /** For the next join: of the streams drawn last. @returns {Record<string, number>} */
  have() {
    return Object.fromEntries([...this.#seen].slice(-HAVE_MAX));
  }

  /** The last number drawn of a partner's stream. @param {string} stream */
  last(stream) {
    return this.#seen.get(stream) ?? 0;
  }

  /** What earlier pages have drawn. @param {Record<string, number>} seen */
  learn(seen) {
    for (const [stream, number] of Object.entries(seen)) {
      this.#seen.set(stream, Math.max(number, this.last(stream)));
    }
  }

  /**
   * Whether a message is the next of its stream, or a gap line further on: then it, or the last one that it stands for,
   * is the last.
   * @param {Message} message
   */
  advance({ session, stream, number, kind, to = number }) {
    const last = this.last(stream);
    const begins = last === 0 && !this.#sessions.get(session)?.told; // mail of an older chat: where the server begins
    if (number !== last + 1 && !begins && (kind !== "gap" || to <= last)) return false;
    this.#seen.delete(stream);
    this.#seen.set(stream, to);
    return true;
  }
}
