// The page's part of delivery (protocol §2.3, §2.6): what to send, what to draw, what to keep.
//
// The twin of citychat/client/outbox.py. No socket, no screen and no clock: time comes in as `now` (ms of a clock that
// nobody sets), what must happen goes out through `calls`, and only `storage` outlives the page. `calls.wall` is the
// hour, which somebody may set.

import { Acks } from "citychat/acks.js";
import { Drawn } from "citychat/drawn.js";
import { Entries } from "citychat/entries.js";
import { LAMPORT_MAX, byStream, cleanText, fits, isBlank } from "citychat/text.js";

/** @import { Busy, Calls, Entry, JoinAnswer, Kept, Message, Session, Status } from "citychat/types.js" */

const WINDOW = 32; // unanswered messages on the way; the server holds as many pending
const WAITING_MAX = 200; // beyond it the composer says so
const STORED_MAX = 500; // a tick older than these is learnt from history only
const HEAD_MS = 10_000; // a message without any answer for so long is sent again
const ASK_MS = 30_000;
const UNDELIVERED_MS = 24 * 3_600_000 + 600_000; // the mailbox keeps 24 h; ten minutes for clocks and late receipts
const FINAL = ["no-session", "bad-payload", "day-full"]; // a message refused for another reason is sent again
const ANSWER_MS = 10_000; // what an ask may take before its silence counts as "history does not hold it"

export class Outbox {
  #newStream;
  #calls;
  #entries;
  #drawn;
  #acks;
  #running = ""; // the session that can be written to
  #stream = ""; // mine, in the running session
  #number = 0; // the last one written in it
  #live = false;
  #partnerHere = false;
  /** When each message on the way was sent. @type {Map<string, number>} */
  #sent = new Map();
  #pausedUntil = 0;
  #askedAt = 0;
  #askedWall = 0;

  /** @param {Kept} storage @param {string} page its id @param {() => string} newStream @param {Calls} calls */
  constructor(storage, page, newStream, calls) {
    this.#newStream = newStream;
    this.#calls = calls;
    this.#entries = new Entries(storage, page);
    this.#drawn = new Drawn(calls);
    this.#acks = new Acks(calls);
  }

  // -- the link

  /** For `user-join`: per stream the last number that this page has drawn. */
  have() {
    return this.#drawn.have();
  }

  /** Whether this page is the one that writes, and no other window. */
  get writes() {
    return this.#entries.ours;
  }

  /** The join was answered: from here on this page writes. @param {JoinAnswer} answer @param {number} now */
  joined({ session, messages = [], seen = {} }, now) {
    this.#entries.take();
    this.#live = true;
    this.#sent = new Map();
    this.#pausedUntil = 0;
    this.#acks.drop();
    this.#adopt(session, now);
    const [last] = this.#entries.last(this.#running) ?? [];
    if (last && last !== this.#stream) this.#stream = ""; // another window's
    if (session) this.#drawHistory(session, messages, seen);
    this.#drawEntries();
    this.#pump(now);
    this.#ask(now);
  }

  /** The link is gone; what was not answered will be sent after the next join. */
  closed() {
    this.#live = false;
    this.#sent = new Map();
    this.#acks.drop();
  }

  /**
   * Another page of this browser has written to its own outbox after this page has taken over (a `storage` event).
   * @param {string} name @param {string} text @param {number} now
   */
  inherit(name, text, now) {
    if (!this.#entries.inherit(name, text)) return;
    this.#drawEntries();
    this.#pump(now);
    this.#alarmAsk(now);
  }

  /** A session has begun (`user-session`). @param {Session} session @param {number} now */
  session(session, now) {
    this.#entries.keep(({ state }) => state === "waiting" || state === "stored");
    this.#entries.save();
    this.#adopt(session, now);
  }

  /** Nothing more can be written to it. @param {string} session */
  ended(session) {
    if (this.#running === session) this.#running = "";
  }

  /** @param {boolean} here @param {number} now */
  partner(here, now) {
    this.#partnerHere = here;
    if (here) this.#alarmAsk(now);
  }

  /** My side in a session that this page knows. @param {string} session */
  sideIn(session) {
    return this.#drawn.find(session)?.side;
  }

  /** @param {Session | undefined} session @param {number} now */
  #adopt(session, now) {
    const running = session && !session.ended ? session.session : "";
    if (running !== this.#running) {
      this.#running = running;
      this.#stream = "";
    }
    if (session) {
      this.#drawn.of(session.session, session.side).told = true;
      this.partner(Boolean(session.here), now);
    }
  }

  /**
   * History's messages: mine all (delivered, so they leave the outbox), the partner's up to `seen`.
   * A gap of mine stands for what the partner never got: no line of my transcript, and no tick.
   * @param {Session} session @param {Message[]} messages @param {Record<string, number>} seen
   */
  #drawHistory({ session }, messages, seen) {
    const side = this.sideIn(session);
    this.#drawn.learn(seen);
    const shown = messages.filter((message) => message.side !== side || message.kind !== "gap");
    const mine = new Set(shown.filter((message) => message.side === side).map(keyOf));
    this.#settle(this.#entries.all.filter((entry) => entry.session === session && mine.has(keyOf(entry))));
    for (const message of shown) {
      if (message.side === side) this.#drawn.draw(message, "delivered");
      else if (message.number <= this.#drawn.last(message.stream)) this.#drawn.draw(message, "");
    }
  }

  /**
   * A page of `chat-history`: drawn where it belongs, ticks included.
   * @param {string} session @param {number} side @param {Message[]} messages
   */
  older(session, side, messages) {
    const { side: mine } = this.#drawn.of(session, side);
    for (const message of messages) {
      if (message.side === mine) {
        if (message.kind !== "gap") this.#drawn.draw(message, "delivered");
      } else if (session !== this.#running || message.number <= this.#drawn.last(message.stream)) {
        this.#drawn.draw(message, "");
      }
    }
    this.#drawEntries();
  }

  #drawEntries() {
    for (const entry of this.#entries.all) this.#drawn.draw(entry, entry.state);
  }

  // -- mine

  /** Why this text cannot be written now: "", closed, elsewhere, empty, too-long or full. @param {string} raw */
  refusal(raw) {
    if (!this.#running) return "closed";
    if (!this.writes) return "elsewhere";
    const text = cleanText(raw);
    if (isBlank(text)) return "empty";
    if (!fits(text)) return "too-long";
    return this.#entries.inState("waiting").length >= WAITING_MAX ? "full" : "";
  }

  /** Write a message: kept, drawn, sent. Answers why not, or "". @param {string} text @param {number} now */
  compose(text, now) {
    const why = this.refusal(text);
    if (why) return why;
    const { side, highestLamport } = this.#drawn.of(this.#running, 0);
    const last = this.#entries.last(this.#running);
    if (!this.#stream) [this.#stream, this.#number] = [this.#newStream(), 0];
    this.#number += 1;
    /** @type {Entry} */
    const entry = {
      session: this.#running, side, stream: this.#stream, number: this.#number,
      lamport: Math.min(Math.max(highestLamport, last?.[2] ?? 0) + 1, LAMPORT_MAX),
      text: cleanText(text), at: this.#calls.wall(), state: "waiting",
    };
    if (last && this.#number === 1) entry.previous = [last[0], last[1]];
    this.#entries.add(entry);
    this.#drawn.draw(entry, "waiting");
    this.#pump(now);
    return "";
  }

  /** `chat-status`: exact ranges are stored, delivered or refused. @param {Status} status @param {number} now */
  status({ session, stream, ranges, state, error = "" }, now) {
    const hit = this.#entries.covered(session, stream, ranges);
    if (state === "delivered") {
      this.#settle(hit);
    } else if (state === "stored" || FINAL.includes(error)) {
      for (const entry of hit.filter((one) => one.state === "waiting")) {
        Object.assign(entry, { state, since: this.#calls.wall() });
        this.#mark(entry, error);
      }
      const stored = this.#entries.inState("stored");
      const forgotten = stored.slice(0, Math.max(0, stored.length - STORED_MAX));
      this.#entries.keep((entry) => !forgotten.includes(entry));
      if (hit.length) this.#entries.save();
    }
    this.#pump(now);
    this.#alarmAsk(now);
  }

  /** `chat-busy`: everything unanswered goes again, in order, after that. @param {Busy} busy @param {number} now */
  busy({ retry_ms }, now) {
    this.#pausedUntil = now + retry_ms;
    this.#sent = new Map();
    this.#calls.alarm(this.#pausedUntil);
  }

  /** @param {Entry[]} delivered */
  #settle(delivered) {
    this.#entries.keep((entry) => !delivered.includes(entry));
    for (const entry of delivered) this.#mark({ ...entry, state: "delivered" });
    if (delivered.length) this.#entries.save();
  }

  /** @param {number} now */
  #pump(now) {
    if (!this.#live || now < this.#pausedUntil) return;
    const waiting = this.#entries.inState("waiting");
    for (const entry of waiting.slice(0, WINDOW)) {
      const key = keyOf(entry);
      if (this.#sent.has(key)) continue;
      this.#sent.set(key, now);
      const { side: _side, at: _at, state: _state, ...message } = entry;
      this.#calls.emit("chat-message", message);
    }
    if (waiting.length) this.#calls.alarm((this.#sent.get(keyOf(waiting[0])) ?? now) + HEAD_MS);
  }

  /** Which of my kept messages does history hold? (`chat-ask`) @param {number} now */
  #ask(now) {
    this.#askedAt = now;
    this.#askedWall = this.#calls.wall();
    const stored = this.#entries.inState("stored");
    for (const session of new Set(stored.map((entry) => entry.session))) {
      for (const [stream, ranges] of byStream(stored.filter((entry) => entry.session === session))) {
        this.#calls.emit("chat-ask", { session, stream, ranges });
      }
    }
    this.#alarmAsk(now);
  }

  /** @param {number} now */
  #alarmAsk(now) {
    const [oldest] = this.#entries.inState("stored");
    if (!oldest || !this.#live) return;
    if (this.#partnerHere) this.#calls.alarm(this.#askedAt + ASK_MS);
    this.#calls.alarm(Math.max(now + lostAt(oldest) - this.#calls.wall(), this.#askedAt + ANSWER_MS));
  }

  /**
   * `chat-message`: drawn if it is the next, or late (it takes the place of a gap); acked in any case.
   * @param {Message} message @param {number} now
   */
  message(message, now) {
    const { session, side, stream, kind } = message;
    this.#drawn.of(session, 1 - side); // perhaps another of my chats, not opened by this page
    if (this.#drawn.advance(message) || kind === "late") this.#drawn.draw(message, "");
    this.#acks.add(session, stream, this.#drawn.last(stream), now);
  }

  // -- time and memory

  /** Whatever is due; harmless at any time. @param {number} now */
  tick(now) {
    if (!this.#live) return;
    this.#acks.tick(now);
    const [head] = this.#entries.inState("waiting");
    if (head && now - (this.#sent.get(keyOf(head)) ?? now) >= HEAD_MS) this.#sent = new Map();
    this.#pump(now);
    if (this.#partnerHere && now - this.#askedAt >= ASK_MS) this.#ask(now);
    else if (now - this.#askedAt >= ANSWER_MS) this.#giveUp(now);
    this.#alarmAsk(now);
  }

  /** @param {number} now */
  #giveUp(now) {
    const wall = this.#calls.wall();
    const late = this.#entries.inState("stored").filter((entry) => wall >= lostAt(entry));
    // History was not asked since: ask before despairing
    if (late.some((entry) => lostAt(entry) > this.#askedWall)) return this.#ask(now);
    // What became of a message after the end of its chat nobody is told: it is forgotten as it is.
    this.#entries.keep((entry) => entry.session === this.#running || !late.includes(entry));
    for (const entry of late.filter(({ session }) => session === this.#running)) {
      entry.state = "undelivered";
      this.#mark(entry);
    }
    if (late.length) this.#entries.save();
  }

  /** @param {Entry} entry */
  #mark({ session, stream, number, state }, why = "") {
    this.#calls.mark(session, stream, number, state, why);
  }
}

/** @param {{stream: string, number: number}} message */
const keyOf = ({ stream, number }) => `${stream} ${number}`;

/** When, by the wall, a stored message that the history does not hold counts as lost. @param {Entry} entry */
const lostAt = ({ since = 0 }) => since + UNDELIVERED_MS;
