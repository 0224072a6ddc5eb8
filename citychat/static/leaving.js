// Leaving a chat. It is final once the server has it, so the page keeps it back for 5 s, in which it can be undone
// (protocol §3), and from then on says it until there is an answer: on every link, over a reload too.

import { NO_ANSWER } from "citychat/declines.js";
import { LEAVING, read } from "citychat/shapes.js";

/**
 * @import { Socket } from "citychat/socket.js"
 * @import { State } from "citychat/state.js"
 * @import { Storage } from "citychat/storage.js"
 *
 * @typedef {{ state: State, storage: Storage, socket: Socket }} Parts
 */

const UNDO_MS = 5000;
const AGAIN_MS = 2000; // after a link that lives has given no answer

export class Leaving {
  /** Called with the session when the server knows. @type {(session: string) => void} */
  over = () => {};
  #parts;
  #timer = 0;
  /** The question on its way. @type {Promise<void> | null} */
  #saying = null;
  /** Who waits for the answer. @type {(() => void)[]} */
  #waiting = [];

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    parts.socket.on("joined", () => this.#joined());
  }

  /** Leave it. Nobody hears of it before 5 s have passed, or something makes it final. @param {string} session */
  begin(session) {
    const { state, storage } = this.#parts;
    storage.set(LEAVING, session);
    state.set({ leaving: { session, undo: true }, typing: false });
    this.#timer = setTimeout(() => this.finish(), UNDO_MS);
  }

  undo() {
    const { leaving } = this.#parts.state;
    if (leaving?.undo) this.forget(leaving.session);
  }

  /** Make it final now. Done when the server knows, or when there is nothing to say. */
  finish() {
    const { state } = this.#parts;
    const { leaving } = state;
    clearTimeout(this.#timer);
    if (!leaving) return Promise.resolve();
    if (leaving.undo) state.set({ leaving: { ...leaving, undo: false } });
    /** @type {Promise<void>} */
    const done = new Promise((resolve) => this.#waiting.push(resolve));
    if (!this.#saying) this.#saying = this.#say(leaving.session).finally(() => (this.#saying = null));
    return done;
  }

  /** It was undone, or the chat is over. @param {string} session */
  forget(session) {
    const { state, storage } = this.#parts;
    if (state.leaving?.session !== session) return;
    clearTimeout(this.#timer);
    storage.delete(LEAVING);
    state.set({ leaving: null });
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Another page of this browser may have gone before it was said. What was written before it is sent before it. */
  #joined() {
    const { state, storage } = this.#parts;
    const session = read(storage, LEAVING);
    if (session && !state.leaving) state.set({ leaving: { session, undo: false } });
    if (state.leaving && !state.leaving.undo) queueMicrotask(() => this.finish());
  }

  /** @param {string} session */
  async #say(session) {
    const { state, socket } = this.#parts;
    const answer = await socket.leave(session);
    if (state.leaving?.session !== session) return;
    if (answer.ok || !NO_ANSWER.includes(answer.error)) this.over(session);
    else if (socket.live) this.#timer = setTimeout(() => this.finish(), answer.retry_ms ?? AGAIN_MS);
  }
}
