// The page's part of delivery (protocol §2.3, §2.6): what to send, what to draw, what to keep.
//
// The twin of citychat/client/outbox.py, call for call; a test runs the same traces through both. No socket, no screen and no
// clock: time comes in as `now` (ms), everything that must happen goes out through `calls`, and only `storage` (the
// browser's localStorage) outlives the page. `calls` has emit(event, payload), draw(row, state),
// mark(s, st, n, state, why) and alarm(at).

import { LAMPORT_MAX, byStream, cleanText, fits, isBlank } from "citychat/text.js";

const WINDOW = 32; // unanswered messages on the way; the server holds as many pending
const WAITING_MAX = 200; // beyond it the composer says so
const STORED_MAX = 500; // a tick older than these is learnt from history only
const ACK_MS = 50;
const ACK_ROWS = 8;
const HEAD_MS = 10_000; // a message without any answer for so long is sent again
const ASK_MS = 30_000;
const UNDELIVERED_MS = 24 * 3_600_000 + 600_000; // the mailbox keeps 24 h; ten minutes for clocks and late receipts
const FINAL = ["no-session", "bad-payload", "too-long"]; // a message refused for another reason is sent again
const HAVE_MAX = 200; // of the longest ids 13 KB, and a frame holds 16; the history knows about the streams before them
const ANSWER_MS = 10_000; // what an ask may take before its silence counts as "history does not hold it"

export const OUTBOX = "citychat.outbox";
export const LAST = "citychat.last";
export const WRITER = "citychat.writer";
const SENT = ["s", "st", "n", "l", "x", "p"];

/** What this page has drawn of one session; `top`: the largest Lamport number. */
class Chat {
  constructor(side) {
    this.side = side;
    this.top = 0;
    this.drawn = new Set();
  }
}

/**
 * One page's outbox; `page` is its id, `newStream` draws a stream id.
 * `seen`: the last n drawn of each stream of a partner, the one drawn last at the end.
 */
export class Outbox {
  constructor(storage, page, newStream, calls) {
    Object.assign(this, { storage, page, newStream, calls });
    this.entries = [];
    this.chats = new Map();
    this.seen = new Map();
    this.living = ""; // the session that can be written to
    this.stream = "";
    this.n = 0;
    this.live = false;
    this.partnerHere = false;
    this.sent = new Map();
    this.pausedUntil = 0;
    this.askedAt = 0;
    this.acks = new Map();
    this.ackCount = 0;
    this.ackedAt = -1e12;
  }

  // -- the link

  /** For `user-join`: per stream the last n that this page has drawn. */
  have() {
    return Object.fromEntries([...this.seen].slice(-HAVE_MAX));
  }

  /** The join was answered: from here on this page is the one that writes. */
  joined(answer, now) {
    if (this.storage.get(WRITER) !== this.page) {
      this.storage.set(WRITER, this.page);
      this.entries = JSON.parse(this.storage.get(OUTBOX) || "[]");
    }
    this.live = true;
    this.sent = new Map();
    this.pausedUntil = 0;
    this.acks = new Map();
    this.ackCount = 0;
    const session = answer.session;
    this.#adopt(session, now);
    if (session) this.#rows(session.session, answer.messages ?? [], answer.seen ?? {});
    for (const entry of this.entries) this.#draw(entry, entry.state);
    this.#pump(now);
    this.#ask(now);
  }

  /** The link is gone; what was not answered will be sent after the next join. */
  closed() {
    this.live = false;
    this.sent = new Map();
    this.acks = new Map();
    this.ackCount = 0;
  }

  /** A session has begun (`user-session`). */
  session(session, now) {
    this.entries = this.entries.filter((e) => e.state === "waiting" || e.state === "stored");
    this.#save();
    this.#adopt(session, now);
  }

  /** Nothing more can be written to `s`. */
  ended(s) {
    if (this.living === s) this.living = "";
  }

  partner(here, now) {
    this.partnerHere = here;
    if (here) this.#alarmAsk(now);
  }

  #adopt(session, now) {
    const alive = session && !session.ended ? session.session : "";
    if (alive !== this.living) {
      this.living = alive;
      this.stream = "";
      this.n = 0;
    }
    if (session) {
      if (!this.chats.has(session.session)) this.chats.set(session.session, new Chat(session.side));
      this.partner(Boolean(session.here), now);
    }
  }

  /**
   * History's rows: mine all (delivered, so they leave the outbox), the partner's up to `seen`.
   * A gap of mine stands for what the partner never got: no line of my transcript, and no tick.
   */
  #rows(s, rows, seen) {
    const chat = this.chats.get(s);
    for (const [st, n] of Object.entries(seen)) this.seen.set(st, Math.max(n, this.seen.get(st) ?? 0));
    const shown = rows.filter((row) => row.side !== chat.side || row.k !== "gap");
    const mine = new Set(shown.filter((row) => row.side === chat.side).map((row) => `${row.st} ${row.n}`));
    this.#settle(s, this.entries.filter((e) => e.s === s && mine.has(`${e.st} ${e.n}`)));
    for (const row of shown) {
      if (row.side === chat.side) this.#draw(row, "delivered");
      else if (row.n <= (this.seen.get(row.st) ?? 0)) this.#draw(row, "");
    }
  }

  /** A page of `chat-history`: drawn where it belongs, ticks included. */
  older(s, side, rows) {
    if (!this.chats.has(s)) this.chats.set(s, new Chat(side));
    const chat = this.chats.get(s);
    for (const row of rows) {
      if (row.side === chat.side && row.k === "gap") continue;
      if (row.side === chat.side || s !== this.living || row.n <= (this.seen.get(row.st) ?? 0)) {
        this.#draw(row, row.side === chat.side ? "delivered" : "");
      }
    }
    for (const entry of this.entries) this.#draw(entry, entry.state);
  }

  // -- mine

  /** Why this text cannot be written now: "", closed, elsewhere, empty, too-long or full. */
  refusal(raw) {
    if (!this.living) return "closed";
    if (this.storage.get(WRITER) !== this.page) return "elsewhere";
    const text = cleanText(raw);
    if (isBlank(text)) return "empty";
    if (!fits(text)) return "too-long";
    return this.entries.filter((e) => e.state === "waiting").length >= WAITING_MAX ? "full" : "";
  }

  /** Write a message: kept, drawn, sent. Answers why not, or "". */
  compose(text, now) {
    const why = this.refusal(text);
    if (why) return why;
    const chat = this.chats.get(this.living);
    if (!this.stream) this.stream = this.newStream();
    this.n += 1;
    const entry = {
      s: this.living, side: chat.side, st: this.stream, n: this.n,
      l: Math.min(chat.top + 1, LAMPORT_MAX), x: cleanText(text), at: now, state: "waiting",
    };
    const last = JSON.parse(this.storage.get(LAST) || "null");
    if (this.n === 1 && last && last[0] === this.living) entry.p = last.slice(1);
    this.entries.push(entry);
    this.storage.set(LAST, JSON.stringify([this.living, this.stream, this.n]));
    this.#save();
    this.#draw(entry, "waiting");
    this.#pump(now);
    return "";
  }

  /** `chat-status`: exact ranges are stored, delivered or refused. */
  status(payload, now) {
    const { s, st, state } = payload;
    const hit = this.entries.filter((e) => e.s === s && e.st === st && within(e.n, payload.ranges));
    if (state === "delivered") {
      this.#settle(s, hit);
    } else if (state === "stored" || FINAL.includes(payload.error)) {
      for (const entry of hit.filter((e) => e.state === "waiting")) {
        entry.state = state;
        entry.since = now;
        this.calls.mark(s, st, entry.n, state, payload.error || "");
      }
      const stored = this.entries.filter((e) => e.state === "stored");
      this.#remove(stored.slice(0, Math.max(0, stored.length - STORED_MAX)));
      if (hit.length) this.#save();
    }
    this.#pump(now);
    this.#alarmAsk(now);
  }

  /** `chat-busy`: everything unanswered goes again, in order, after that. */
  busy(payload, now) {
    this.pausedUntil = now + payload.retry_ms;
    this.sent = new Map();
    this.calls.alarm(this.pausedUntil);
  }

  #settle(s, delivered) {
    for (const entry of delivered) {
      this.#remove([entry]);
      this.calls.mark(s, entry.st, entry.n, "delivered", "");
    }
    if (delivered.length) this.#save();
  }

  #remove(gone) {
    this.entries = this.entries.filter((e) => !gone.includes(e));
  }

  #pump(now) {
    if (!this.live || now < this.pausedUntil) return;
    const waiting = this.entries.filter((e) => e.state === "waiting");
    for (const entry of waiting.slice(0, WINDOW)) {
      const key = keyOf(entry);
      if (this.sent.has(key)) continue;
      this.sent.set(key, now);
      const row = Object.fromEntries(SENT.filter((k) => k in entry).map((k) => [k, entry[k]]));
      this.calls.emit("chat-message", row);
    }
    if (waiting.length) this.calls.alarm(this.sent.get(keyOf(waiting[0])) + HEAD_MS);
  }

  /** Which of my kept messages does history hold? (`chat-ask`) */
  #ask(now) {
    this.askedAt = now;
    const stored = this.entries.filter((e) => e.state === "stored");
    for (const s of new Set(stored.map((e) => e.s))) {
      for (const [st, ranges] of byStream(stored.filter((e) => e.s === s).map((e) => [e.st, e.n]))) {
        this.calls.emit("chat-ask", { s, st, ranges });
      }
    }
    this.#alarmAsk(now);
  }

  #alarmAsk() {
    const stored = this.entries.filter((e) => e.state === "stored");
    if (!stored.length || !this.live) return;
    if (this.partnerHere) this.calls.alarm(this.askedAt + ASK_MS);
    this.calls.alarm(Math.max(stored[0].since + UNDELIVERED_MS, this.askedAt + ANSWER_MS));
  }

  // -- theirs

  /** `chat-message`: drawn if it is the next of its stream (or a gap line), acked in any case. */
  message(row, now) {
    // Perhaps another of my chats, not opened by this page.
    if (!this.chats.has(row.s)) this.chats.set(row.s, new Chat(1 - row.side));
    const seen = this.seen.get(row.st) ?? 0;
    if (row.n === seen + 1 || (row.k === "gap" && row.n > seen)) {
      this.seen.delete(row.st);
      this.seen.set(row.st, row.n);
      this.#draw(row, "");
    }
    this.acks.set(row.st, [row.s, this.seen.get(row.st) ?? 0]);
    this.ackCount += 1;
    if (now - this.ackedAt >= ACK_MS || this.ackCount >= ACK_ROWS) this.#flushAcks(now);
    else this.calls.alarm(this.ackedAt + ACK_MS);
  }

  #flushAcks(now) {
    for (const [st, [s, n]] of this.acks) this.calls.emit("chat-ack", { s, st, n });
    this.acks = new Map();
    this.ackCount = 0;
    this.ackedAt = now;
  }

  // -- time and memory

  /** Whatever is due; harmless at any time. */
  tick(now) {
    if (!this.live) return;
    if (this.acks.size && now - this.ackedAt >= ACK_MS) this.#flushAcks(now);
    else if (this.acks.size) this.calls.alarm(this.ackedAt + ACK_MS); // woken by an earlier alarm: this one is still to come
    const head = this.entries.find((e) => e.state === "waiting");
    if (head && now - (this.sent.get(keyOf(head)) ?? now) >= HEAD_MS) this.sent = new Map();
    this.#pump(now);
    if (this.partnerHere && now - this.askedAt >= ASK_MS) this.#ask(now);
    else if (now - this.askedAt >= ANSWER_MS) this.#giveUp(now);
    this.#alarmAsk(now);
  }

  #giveUp(now) {
    const late = this.entries.filter((e) => e.state === "stored" && now - e.since >= UNDELIVERED_MS);
    if (late.some((e) => e.since + UNDELIVERED_MS > this.askedAt)) {
      this.#ask(now); // history was not asked since: ask before despairing
      return;
    }
    for (const entry of late) {
      entry.state = "undelivered";
      this.calls.mark(entry.s, entry.st, entry.n, "undelivered", "");
    }
    if (late.length) this.#save();
  }

  /** The texts of that side were erased: what this page still keeps of them goes. */
  forget(s, side) {
    this.entries = this.entries.filter((e) => e.s !== s || e.side !== side);
    this.#save();
  }

  #draw(row, state) {
    const chat = this.chats.get(row.s);
    const key = `${row.side} ${row.st} ${row.n}`;
    if (!chat || chat.drawn.has(key)) return;
    chat.drawn.add(key);
    chat.top = Math.max(chat.top, row.l);
    const { state: _state, since: _since, ...shown } = row;
    this.calls.draw(shown, state);
  }

  #save() {
    if (this.storage.get(WRITER) === this.page) this.storage.set(OUTBOX, JSON.stringify(this.entries));
  }
}

const keyOf = (entry) => `${entry.st} ${entry.n}`;

const within = (n, ranges) => ranges.some(([a, b]) => a <= n && n <= b);
