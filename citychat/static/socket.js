// The link to the server, and the only file that knows the names of events (docs/events.yaml, protocol §1).
//
// Two namespaces on one WebSocket; reconnection is our own. What the server says is passed on under the names of HEARD.

import { Manager } from "socket.io-client";

const HEARD = {
  "/user": {
    "user-join": "partnerJoined",
    "user-left": "partnerLeft",
    "user-seek": "seeking",
    "user-offer": "offer",
    "user-offer-end": "offerEnd",
    "user-session": "session",
    "user-nearby": "nearby",
    "user-replaced": "replaced",
    "user-drain": "drain",
    "user-banned": "banned",
  },
  "/chat": {
    "chat-message": "message",
    "chat-status": "status",
    "chat-busy": "busy",
    "chat-typing": "typing",
    "chat-erased": "erased",
  },
};

const JOIN_MS = 5000; // no join answer within it: close and come back (protocol §2.3)
const ANSWER_MS = 8000;
const OPEN_MS = 8000;
const SILENT_MS = 20_000; // the server pings every 20 s
const PROBE_MS = 2000;
const STALE_MS = 2000; // an attempt so old belongs to the network we had before
const BACKOFF_MS = 500;
const BACKOFF_MAX_MS = 30_000;
const BLOCKED_AFTER = 3; // failed openings before we ask whether plain HTTP works

export class Socket {
  #hears = new Map();
  #manager = null;
  #user = null;
  #chat = null;
  #wanted = false;
  #attempt = 0;
  #timer = 0;
  #began = 0;
  #heard = 0;
  #probing = false;
  #opened = false;

  /** `joining()` answers the payload of `user-join`, or null when another window has taken over. */
  constructor({ joining, now, random }) {
    Object.assign(this, { joining, now, random });
    this.live = false;
    setInterval(() => this.#check(), 5000);
  }

  /** Call `listener(payload)` for a name of HEARD, or for: joined, refused, closed, blocked. */
  hear(name, listener) {
    this.#hears.set(name, listener);
  }

  open() {
    this.#wanted = true;
    this.wake();
  }

  /** Close for good, until `open`. */
  close() {
    this.#wanted = false;
    this.#lose(this.#manager);
  }

  /** Close and come back after random(0, retryMs). */
  comeBack(retryMs) {
    this.#lose(this.#manager, this.random() * retryMs);
  }

  /** The page is in view or on line again: forget the backoff, and doubt a silent link. */
  wake() {
    this.#attempt = 0;
    if (this.live) this.#check();
    else if (!this.#manager) this.#connect();
    else if (this.now() - this.#began > STALE_MS) this.#lose(this.#manager, 0);
  }

  seek = () => this.#ask("user-seek");
  stop = () => this.#ask("user-stop");
  match = (offer, answer) => this.#ask("user-match", { offer, answer });
  leave = (session) => this.#ask("user-leave", { session });
  available = (on, slow) => this.#ask("user-available", { on, slow });
  view = (visible, touched) => this.#ask("user-view", touched ? { visible, touched } : { visible });
  cities = (q) => this.#ask("user-cities", { q });
  place = (city) => this.#ask("user-place", { city });
  position = (position) => this.#ask("user-place", { position });
  chats = () => this.#ask("user-chats");
  block = (session) => this.#ask("user-block", { session });
  report = (session, reason, note) => this.#ask("user-report", note ? { session, reason, note } : { session, reason });
  case = (code) => this.#ask("user-case", { code });
  again = (session) => this.#ask("user-again", { session });
  erase = () => this.#ask("user-erase", { confirm: true });
  history = (s, before, limit) => this.#ask("chat-history", before ? { s, before, limit } : { s, limit });
  typing = (s, on) => this.emit("chat-typing", { s, on });

  /** Send without an answer: chat-message, chat-ack, chat-ask, chat-typing. Dropped while the link is down. */
  emit(event, payload) {
    if (this.live) this.#of(event).emit(event, payload);
  }

  #of(event) {
    return event.startsWith("chat-") ? this.#chat : this.#user;
  }

  /** The server's one answer; {ok: false, error: "cut"} when the link did not hold so long. */
  #ask(event, payload = {}, limit = ANSWER_MS) {
    if (!this.live && event !== "user-join") return Promise.resolve({ ok: false, error: "cut" });
    return new Promise((resolve) => {
      this.#of(event).timeout(limit).emit(event, payload, (late, answer) => resolve(late ? { ok: false, error: "cut" } : answer));
    });
  }

  #tell(name, payload) {
    this.#hears.get(name)?.(payload);
  }

  #connect() {
    clearTimeout(this.#timer);
    if (this.#manager || !this.#wanted) return;
    const manager = new Manager({ transports: ["websocket"], reconnection: false, autoConnect: false, timeout: OPEN_MS });
    const user = manager.socket("/user");
    const chat = manager.socket("/chat");
    this.#manager = manager;
    this.#began = this.now();
    this.#user = user;
    this.#chat = chat;
    manager.on("open", () => {
      this.#heard = this.now();
      this.#opened = true;
      manager.engine.on("packet", () => (this.#heard = this.now()));
    });
    for (const socket of [user, chat]) {
      socket.on("connect", () => manager === this.#manager && user.connected && chat.connected && this.#join(manager));
      socket.on("connect_error", () => this.#lose(manager));
      socket.on("disconnect", () => this.#lose(manager));
      for (const [event, name] of Object.entries(HEARD[socket.nsp])) {
        socket.on(event, (payload) => manager === this.#manager && this.#tell(name, payload));
      }
      socket.connect();
    }
    manager.engine.on("close", () => this.#lose(manager)); // closed before it was open: the client says nothing
  }

  async #join(manager) {
    const payload = this.joining();
    if (!payload) {
      this.close();
      this.#tell("replaced");
      return;
    }
    const answer = await this.#ask("user-join", payload, JOIN_MS);
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
      this.comeBack(answer.retry_ms);
    } else {
      this.close();
      this.#tell("refused", answer);
    }
  }

  #lose(manager, delay) {
    if (manager !== this.#manager) return;
    this.live = false;
    this.#manager = null;
    if (manager) {
      this.#user.disconnect();
      this.#chat.disconnect();
      manager.engine?.close();
      this.#tell("closed");
    }
    clearTimeout(this.#timer);
    if (!this.#wanted) return;
    this.#attempt += 1;
    if (this.#attempt === BLOCKED_AFTER && !this.#opened) this.#suspect();
    const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** this.#attempt);
    this.#timer = setTimeout(() => this.#connect(), delay ?? this.random() * ceiling);
  }

  /** Not one link was opened: if plain HTTP still works, something on the way blocks WebSocket. */
  async #suspect() {
    try {
      const answer = await fetch("/live", { cache: "no-store" });
      if (answer.ok && !this.#opened) this.#tell("blocked");
    } catch {
      // No HTTP either: simply off line.
    }
  }

  async #check() {
    const manager = this.#manager;
    if (!this.live || this.#probing || this.now() - this.#heard < SILENT_MS) return;
    this.#probing = true;
    const answer = await this.#ask("user-view", { visible: document.visibilityState === "visible" }, PROBE_MS);
    this.#probing = false;
    if (answer.error === "cut") this.#lose(manager);
  }
}
