// The link to the server, and the only file that knows the names of events (docs/events.yaml, protocol §1).
//
// Two namespaces on one WebSocket; reconnection is our own. What the server says is passed on by the names of EVENTS.

import { Manager } from "socket.io-client";
import { fromWire, toWire } from "citychat/wire.js";

/** @import { Answer, Answers, Events, Failure, JoinRequest, Position, Reply, SignRequest } from "citychat/types.js" */

/** @type {Record<string, Record<string, keyof Events>>} */
const EVENTS = {
  user: {
    "user-join": "partnerJoined",
    "user-left": "partnerLeft",
    "user-seek": "seeking",
    "user-offer": "offer",
    "user-offer-end": "offerEnd",
    "user-session": "session",
    "user-nearby": "nearby",
    "user-replaced": "replaced",
    "user-drain": "drain", "user-banned": "banned", "user-closed": "shut",
  },
  chat: {
    "chat-message": "message",
    "chat-status": "status",
    "chat-busy": "busy",
    "chat-typing": "typing",
    "chat-erased": "erased",
  },
};

const JOIN_MS = 5000; // of silence before the join answer: close and come back (protocol §2.3)
const ANSWER_MS = 8000;
const OPEN_MS = 8000;
const SILENT_MS = 20_000; // the server pings every 20 s
const PROBE_MS = 2000;
const STALE_MS = 2000; // an attempt so old belongs to the network we had before
const BACKOFF_MS = 500;
const BACKOFF_MAX_MS = 30_000;
const NEVER_MS = 2 ** 31 - 1;
const BLOCKED_AFTER = 3; // failed openings before we ask whether plain HTTP works

/** @type {Failure} */
const CUT = { ok: false, error: "cut" }; // the link did not hold until the answer

/** @param {any} answer */
const fromServer = (answer) => (answer.messages ? { ...answer, messages: answer.messages.map(fromWire) } : answer);

export class Socket {
  live = false; // joined, and not cut since
  #now;
  #wall;
  #random;
  /** @type {Map<keyof Events, ((payload: any) => void)[]>} */
  #listeners = new Map();
  /** @type {() => JoinRequest | null} */
  #joining = () => null;
  /** @type {Manager | null} */
  #manager = null;
  /** By the first part of their events' names. @type {Record<string, ReturnType<Manager["socket"]>>} */
  #namespaces = {};
  #wanted = false;
  #attempt = 0;
  #timer = 0;
  #began;
  #heard;
  #probing = false;
  #opened = false;

  /** @param {() => number} now @param {() => number} wall @param {() => number} random */
  constructor(now, wall, random) {
    this.#now = now;
    this.#wall = wall;
    this.#random = random;
    this.#began = this.#heard = this.#moment();
    setInterval(() => this.#check(), 5000);
  }

  /**
   * Call `listener(payload)` for an event of the server, or for: joined, refused, closed, blocked. Several listeners of
   * one event are called in the order in which they came.
   * @template {keyof Events} Name
   * @param {Name} name @param {(payload: Events[Name]) => void} listener
   */
  on(name, listener) {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
  }

  /**
   * `joining()` is what `user-join` says, or null when another window has taken over.
   * @param {() => JoinRequest | null} joining
   */
  open(joining) {
    this.#joining = joining;
    this.#wanted = true;
    this.wake();
  }

  /** Close for good, until `open`. */
  close() {
    this.#wanted = false;
    this.#lose(this.#manager);
  }

  /** Close and come back after random(0, retryMs). @param {number} retryMs */
  comeBack(retryMs) {
    this.#lose(this.#manager, this.#random() * retryMs);
  }

  /** The page goes, perhaps for good: its end of the link says so at once. `wake` opens another one. */
  hide() {
    this.#lose(this.#manager, NEVER_MS);
  }

  /** The page is in view or on line again: forget the backoff, and doubt a silent link. */
  wake() {
    this.#attempt = 0;
    if (this.live) this.#check();
    else if (!this.#manager) this.#connect();
    else if (this.#since(this.#began) > STALE_MS) this.#lose(this.#manager, 0);
  }

  seek = () => this.#ask("user-seek");
  stop = () => this.#ask("user-stop");
  match = (/** @type {string} */ offer, /** @type {Reply} */ answer) => this.#ask("user-match", { offer, answer });
  leave = (/** @type {string} */ session) => this.#ask("user-leave", { session });
  available = (/** @type {boolean} */ on, /** @type {boolean} */ slow) => this.#ask("user-available", { on, slow });
  prefer = (/** @type {import("citychat/types.js").Preferences} */ wishes) => this.#ask("user-prefer", wishes);
  view = (/** @type {boolean} */ visible) => this.#ask("user-view", { visible });
  touched = () => this.#ask("user-view", { visible: true, touched: true });
  cities = (/** @type {string} */ q) => this.#ask("user-cities", { q });
  place = (/** @type {string} */ city) => this.#ask("user-place", { city });
  position = (/** @type {Position} */ position) => this.#ask("user-place", { position });
  block = (/** @type {string} */ session) => this.#ask("user-block", { session });
  case = (/** @type {string} */ code) => this.#ask("user-case", { code });
  again = (/** @type {string} */ session) => this.#ask("user-again", { session });
  sign = (/** @type {SignRequest} */ wish) => this.#ask("user-sign", wish);
  erase = () => this.#ask("user-erase", { confirm: true });
  typing = (/** @type {string} */ session, /** @type {boolean} */ on) => this.emit("chat-typing", { session, on });

  /** @param {[started: number, session: string]} [before] the last of the page before */
  chats(before) {
    return this.#ask("user-chats", before ? { before } : {});
  }

  /** @param {string} session @param {string} reason @param {string} note */
  report(session, reason, note) {
    return this.#ask("user-report", note ? { session, reason, note } : { session, reason });
  }

  /** @param {string} session @param {unknown[] | undefined} before a place in the transcript @param {number} limit */
  history(session, before, limit) {
    return this.#ask("chat-history", before ? { session, before, limit } : { session, limit });
  }

  /**
   * Send without an answer: chat-message, chat-ack, chat-ask, chat-typing. Dropped while the link is down.
   * @param {string} event @param {object} payload
   */
  emit(event, payload) {
    if (this.live) this.#of(event).emit(event, toWire(payload));
  }

  /** @param {string} event */
  #of(event) {
    return this.#namespaces[event.split("-")[0]];
  }

  /**
   * The server's one answer.
   * @template {keyof Answers} Name
   * @param {Name} event
   * @returns {Promise<Answer<Answers[Name]>>}
   */
  #ask(event, payload = {}, limit = ANSWER_MS) {
    if (!this.live) return Promise.resolve(CUT);
    const sent = event.startsWith("chat-") ? toWire(payload) : payload;
    return new Promise((resolve) => {
      this.#of(event).timeout(limit).emit(event, sent, (/** @type {unknown} */ late, /** @type {any} */ answer) => {
        resolve(late ? CUT : fromServer(answer));
      });
    });
  }

  /** @template {keyof Events} Name @param {Name} name @param {Events[Name]} payload */
  #tell(name, payload) {
    for (const listener of this.#listeners.get(name) ?? []) listener(payload);
  }

  #connect() {
    clearTimeout(this.#timer);
    if (this.#manager || !this.#wanted) return;
    const manager = new Manager({
      transports: ["websocket"], reconnection: false, autoConnect: false, timeout: OPEN_MS,
    });
    const user = manager.socket("/user");
    const chat = manager.socket("/chat");
    this.#manager = manager;
    this.#namespaces = { user, chat };
    this.#began = this.#moment();
    manager.on("open", () => {
      this.#heard = this.#moment();
      this.#opened = true;
      manager.engine.on("packet", () => (this.#heard = this.#moment()));
    });
    for (const [name, socket] of Object.entries(this.#namespaces)) {
      socket.on("connect", () => manager === this.#manager && user.connected && chat.connected && this.#join(manager));
      socket.on("connect_error", () => this.#lose(manager));
      socket.on("disconnect", () => this.#lose(manager));
      for (const [event, told] of Object.entries(EVENTS[name])) {
        socket.on(event, (payload) => {
          if (manager === this.#manager) this.#tell(told, name === "chat" ? fromWire(payload) : payload);
        });
      }
      socket.connect();
    }
    manager.engine.on("close", () => this.#lose(manager)); // closed before it was open: the client says nothing
  }

  /** @param {Manager} manager */
  async #join(manager) {
    const payload = this.#joining();
    if (!payload) {
      this.close();
      this.#tell("replaced", undefined);
      return;
    }
    const answer = await this.#joinAnswer(manager, payload);
    if (manager !== this.#manager) return;
    if (answer.ok) {
      this.#attempt = 0;
      this.live = true;
      this.#tell("joined", answer);
    } else if (answer.error === "cut") {
      this.#lose(manager);
    } else if (answer.error === "internal") {
      this.#tell("refused", answer);
      this.#lose(manager);
    } else if (answer.retry_ms !== undefined) {
      this.#tell("refused", answer);
      this.comeBack(Math.max(answer.retry_ms, this.#ceiling()));
    } else {
      this.close();
      this.#tell("refused", answer);
    }
  }

  /**
   * The answer to a join. A server that works on it pings, however long a slow store takes.
   * @param {Manager} manager @param {JoinRequest} payload @returns {Promise<Answer<Answers["user-join"]>>}
   */
  #joinAnswer(manager, payload) {
    return new Promise((resolve) => {
      let timer = 0;
      const doubt = () => {
        const left = JOIN_MS - this.#since(this.#heard);
        if (manager === this.#manager && left > 0) timer = setTimeout(doubt, left);
        else resolve(CUT);
      };
      doubt();
      this.#of("user-join").emit("user-join", payload, (/** @type {any} */ answer) => {
        clearTimeout(timer);
        resolve(fromServer(answer));
      });
    });
  }

  /** @param {Manager | null} manager @param {number} [delay] */
  #lose(manager, delay) {
    if (manager !== this.#manager) return;
    this.live = false;
    this.#manager = null;
    if (manager) {
      for (const socket of Object.values(this.#namespaces)) socket.disconnect();
      manager.engine?.close();
      this.#tell("closed", undefined);
    }
    clearTimeout(this.#timer);
    if (!this.#wanted) return;
    delay ??= this.#random() * this.#ceiling();
    this.#attempt += 1;
    if (this.#attempt === BLOCKED_AFTER && !this.#opened) this.#suspect();
    this.#timer = setTimeout(() => this.#connect(), delay);
  }

  /** Of the wait, longer after each failure. */
  #ceiling() {
    return Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** this.#attempt);
  }

  #moment() {
    return { now: this.#now(), wall: this.#wall() };
  }

  /**
   * ms since then, by the clock that says more: one stands still while some machines sleep, the other may be set back.
   * @param {{ now: number, wall: number }} moment
   */
  #since({ now, wall }) {
    return Math.max(this.#now() - now, this.#wall() - wall);
  }

  /** Not one link was opened: if plain HTTP still works, something on the way blocks WebSocket. */
  async #suspect() {
    try {
      const answer = await fetch("/live", { cache: "no-store" });
      if (answer.ok && !this.#opened) this.#tell("blocked", undefined);
    } catch {} // no HTTP either: simply off line
  }

  async #check() {
    const manager = this.#manager;
    if (!this.live || this.#probing || this.#since(this.#heard) < SILENT_MS) return;
    this.#probing = true;
    const answer = await this.#ask("user-view", { visible: document.visibilityState === "visible" }, PROBE_MS);
    this.#probing = false;
    if (answer.error === "cut") this.#lose(manager);
  }
}
