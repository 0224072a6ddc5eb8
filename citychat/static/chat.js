// A chat: writing, ticks, typing, presence, leaving, reading again, blocking, reporting.

import { everything, placeIn } from "citychat/everything.js";
import { Outbox } from "citychat/outbox.js";
import { placeOf } from "citychat/state.js";
import { newId } from "citychat/text.js";

/**
 * @import { Busy, Calls, Events, Message, Session } from "citychat/types.js"
 * @import { Drafts } from "citychat/drafts.js"
 * @import { Leaving } from "citychat/leaving.js"
 * @import { Socket } from "citychat/socket.js"
 * @import { State } from "citychat/state.js"
 * @import { Storage } from "citychat/storage.js"
 *
 * @typedef {object} Parts
 * @property {State} state
 * @property {Storage} storage
 * @property {Socket} socket
 * @property {Drafts} drafts
 * @property {Leaving} leaving
 * @property {string} id the page's
 * @property {() => number} now
 * @property {() => number} wall
 */

const TYPING_MS = 5000; // a sign of typing expires by itself
const TYPING_GAP_MS = 2000; // at most one in so long
const AWAY_MS = 2000; // a reload of the partner's page is over by then
const PAGE_ROWS = 50;
const TIMER_MAX_MS = 2 ** 31 - 1; // browsers take a longer time for none

export class Chat {
  #parts;
  #typingOff = 0;
  #typingAt = -Infinity;
  #typingShown = false;
  #awayLater = 0;
  #alarmAt = Infinity;
  #alarm = 0;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    const { socket, storage, leaving, id, now } = parts;
    leaving.over = (session) => this.#end(session, "you");
    this.outbox = new Outbox(storage, id, () => newId(64), this.#calls());
    socket.on("joined", ({ session }) => {
      clearTimeout(this.#awayLater); // the answer says who is here
      parts.drafts.endAllBut(session && !session.ended ? session.session : "");
      this.#fill();
    });
    socket.on("message", (message) => this.#message(message));
    socket.on("status", (status) => this.outbox.status(status, now()));
    socket.on("busy", (busy) => this.#busy(busy));
    socket.on("typing", ({ session, on }) => this.#typing(session, on));
    socket.on("erased", ({ session }) => this.#erased(session));
    socket.on("partnerJoined", ({ session }) => {
      clearTimeout(this.#awayLater);
      this.#presence(session, { here: true, away_since: undefined });
    });
    socket.on("partnerLeft", (left) => this.#left(left));
  }

  /** What the outbox asks of its page. @returns {Calls} */
  #calls() {
    const { state, socket, wall } = this.#parts;
    return {
      wall,
      emit: (event, payload) => socket.emit(event, payload),
      draw: (message, tick) => {
        state.transcript(message.session).add(message, tick);
        state.touch();
      },
      mark: (session, stream, number, tick, why) => {
        state.transcript(session).mark(stream, number, tick, why);
        state.touch();
      },
      alarm: (at) => this.#setAlarm(at),
    };
  }

  /** Answers why it was not written: "" when it was. @param {string} text */
  write(text) {
    const { state, now } = this.#parts;
    const why = this.outbox.compose(text, now());
    if (why === "elsewhere") state.set({ screen: "replaced" });
    if (why === "") {
      this.keepDraft("");
      this.#typingShown = false; // the message itself ends it on the other side
    }
    return why;
  }

  /** What is typed and not sent, over a reload too. */
  get draft() {
    const { drafts, state } = this.#parts;
    return state.session ? drafts.of(state.session.session) : "";
  }

  /** @param {string} text */
  keepDraft(text) {
    const { drafts, state } = this.#parts;
    if (state.session) drafts.keep(state.session.session, text);
  }

  /** @param {boolean} on */
  typing(on) {
    const { state, socket, now } = this.#parts;
    if (!state.settings.typing || !state.running) return;
    if (on ? now() - this.#typingAt < TYPING_GAP_MS : !this.#typingShown) return;
    this.#typingShown = on;
    if (on) this.#typingAt = now();
    socket.typing(state.running.session, on);
  }

  /** Another window's chat is not left from this one. */
  leave() {
    const { state, leaving } = this.#parts;
    if (!this.outbox.writes) state.set({ screen: "replaced" });
    else if (state.running) leaving.begin(state.running.session);
  }

  undoLeave = () => this.#parts.leaving.undo();

  /** @param {string} session */
  async again(session) {
    const { state, socket, leaving } = this.#parts;
    state.again.add(session);
    state.touch();
    await leaving.finish();
    const answer = await socket.again(session);
    if (answer.ok) return;
    state.again.delete(session);
    state.set({ notice: { "disk-full": "link.disk", closed: "link.closed" }[answer.error] ?? "link.failed" });
  }

  /** Answers whether it was done. @param {string} session */
  async block(session) {
    const answer = await this.#parts.socket.block(session);
    if (answer.ok) this.#blocked(session);
    return answer.ok;
  }

  /** Answers the code of the report, or "". @param {string} session @param {string} reason @param {string} note */
  async report(session, reason, note) {
    const answer = await this.#parts.socket.report(session, reason, note);
    if (!answer.ok) return "";
    this.#parts.drafts.keepReport(session, null);
    this.#blocked(session);
    return answer.code;
  }

  /** @param {string} session */
  #blocked(session) {
    const { state } = this.#parts;
    state.blocked.add(session);
    state.again.delete(session);
    this.#end(session, "you");
  }

  /** The newest page of my chats; what was read of older ones before stays behind it. */
  async list() {
    const { state, socket } = this.#parts;
    const answer = await socket.chats();
    if (answer.ok) {
      const older = answer.more ? olderThan(state.chats ?? [], answer.chats) : [];
      state.set({ chats: [...answer.chats, ...older], moreChats: older.length ? state.moreChats : answer.more });
    } else if (!state.chats) state.set({ notice: answer.error === "cut" ? "" : "link.unavailable" });
  }

  /** What was opened without a link is empty, or old. */
  #fill() {
    const { screen, reading, chats } = this.#parts.state;
    if (screen === "chats" || (screen === "talk" && !chats)) this.list();
    if (reading && this.#parts.state.transcript(reading.session).more === undefined) this.older(reading);
  }

  /** The next page of my chats. */
  async olderChats() {
    const { state, socket } = this.#parts;
    const known = state.chats ?? [];
    const answer = await socket.chats(placeIn(known));
    if (answer.ok) state.set({ chats: [...known, ...answer.chats], moreChats: answer.more });
    else state.set({ notice: answer.error === "cut" ? "" : "link.unavailable" });
  }

  /** @param {Session} session */
  open(session) {
    const { state } = this.#parts;
    state.unread.delete(session.session);
    state.opened = session.session;
    if (state.session?.session === session.session) {
      state.set({ screen: "talk", reading: null, notice: "" });
      return;
    }
    state.set({ screen: "past", reading: session, notice: "" });
    if (state.transcript(session.session).more === undefined) this.older(session);
  }

  /** The chat on the screen counts as read. */
  read() {
    const { state } = this.#parts;
    if (state.shown && state.unread.delete(state.shown.session)) state.touch();
  }

  /** Older messages of a chat, one page. @param {Session} session */
  async older(session) {
    const { state, socket } = this.#parts;
    const transcript = state.transcript(session.session);
    const [first] = transcript.more === undefined ? [] : transcript.rows;
    const answer = await socket.history(session.session, first && placeOf(first), PAGE_ROWS);
    if (!answer.ok) {
      state.set({ notice: answer.error === "cut" ? "" : "link.unavailable" });
      return;
    }
    this.outbox.older(session.session, session.side, answer.messages);
    transcript.more = answer.more;
    state.touch();
  }

  /** All my chats with their messages, as one value. @param {(n: number, all: number) => void} told how far it is */
  everything(told) {
    return everything(this.#parts.socket, this.#parts.wall(), told);
  }

  /** @param {Message} message */
  #message(message) {
    const { state, now } = this.#parts;
    const { session } = message;
    if (session === state.running?.session) this.#typing(session, false);
    const { rows } = state.transcript(session);
    const before = rows.length;
    this.outbox.message(message, now());
    const inView = state.shown?.session === session && document.visibilityState === "visible";
    if (rows.length <= before || inView) return;
    state.unread.add(session);
    state.cameUnseen += 1;
  }

  /** @param {Busy} busy */
  #busy(busy) {
    const { state, now } = this.#parts;
    this.outbox.busy(busy, now());
    state.set({ busyUntil: now() + busy.retry_ms });
  }

  /** @param {string} session @param {boolean} on */
  #typing(session, on) {
    const { state } = this.#parts;
    clearTimeout(this.#typingOff);
    if (session !== state.running?.session) return;
    state.set({ typing: on });
    if (on) this.#typingOff = setTimeout(() => state.set({ typing: false }), TYPING_MS);
  }

  /** @param {string} session */
  #erased(session) {
    const { state } = this.#parts;
    const side = this.outbox.sideIn(session);
    if (side === undefined) return;
    state.transcript(session).erase(1 - side);
    state.touch();
  }

  /** @param {string} session @param {Partial<Session>} changes */
  #presence(session, changes) {
    const { state, now } = this.#parts;
    if (state.session?.session !== session) return;
    state.set({ session: { ...state.session, ...changes } });
    this.outbox.partner(Boolean(state.session.here), now());
  }

  /** @param {Events["partnerLeft"]} left */
  #left({ session, how, since }) {
    const { state } = this.#parts;
    clearTimeout(this.#awayLater);
    const away = () => this.#presence(session, { here: false, away_since: since });
    if (how === "left") this.#end(session, "partner");
    else this.#awayLater = setTimeout(away, AWAY_MS);
    if (session === state.session?.session) state.set({ typing: false });
  }

  /** @param {string} session @param {"you" | "partner"} by */
  #end(session, by) {
    const { state, leaving, drafts, wall } = this.#parts;
    leaving.forget(session);
    const { running, reading } = state;
    this.outbox.ended(session);
    drafts.end(session);
    const end = { ended: wall(), here: false, by };
    if (running?.session === session) {
      const dialog = state.dialog?.kind === "leave" ? null : state.dialog; // there is nothing left to leave
      state.set({ session: { ...running, ...end }, typing: false, dialog });
    }
    if (reading?.session === session && !reading.ended) state.set({ reading: { ...reading, ...end } });
    this.list();
  }

  /** @param {number} at */
  #setAlarm(at) {
    if (at >= this.#alarmAt) return;
    this.#alarmAt = at;
    clearTimeout(this.#alarm);
    this.#alarm = setTimeout(() => {
      this.#alarmAt = Infinity;
      this.outbox.tick(this.#parts.now());
    }, Math.min(Math.max(0, at - this.#parts.now()), TIMER_MAX_MS));
  }
}

/** Those of the known chats that come after a page of them. @param {Session[]} known @param {Session[]} page */
function olderThan(known, page) {
  const at = known.findIndex(({ session }) => session === page.at(-1)?.session);
  return known.slice(at < 0 ? known.length : at + 1);
}
