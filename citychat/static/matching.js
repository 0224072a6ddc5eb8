// Looking for somebody, being asked, answering (protocol §3 as the page sees it).

import { PendingDeclines } from "citychat/declines.js";
import { LOOKING, read } from "citychat/shapes.js";

/**
 * @import { Events, JoinAnswer, Reply, Session } from "citychat/types.js"
 * @import { Leaving } from "citychat/leaving.js"
 * @import { Joining } from "citychat/joining.js"
 * @import { Outbox } from "citychat/outbox.js"
 * @import { Socket } from "citychat/socket.js"
 * @import { State } from "citychat/state.js"
 * @import { Storage } from "citychat/storage.js"
 *
 * @typedef {object} Parts
 * @property {State} state
 * @property {Storage} storage
 * @property {Storage} tab forgotten with the window
 * @property {Socket} socket
 * @property {Outbox} outbox
 * @property {Joining} joining hears of a join first
 * @property {Leaving} leaving
 * @property {() => number} now
 */

const START_MS = 2000; // "Starting in 2…": what a looker has to press Stop

export class Matching {
  #parts;
  #declines;
  #starting = 0;
  #missed = false; // a ring went by unanswered; the next press says that somebody is here

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    const { socket, state } = parts;
    this.#declines = new PendingDeclines(parts.storage, socket);
    socket.on("joined", (answer) => this.#joined(answer));
    socket.on("seeking", (seeking) => state.looking && state.set({ looking: seeking.state }));
    socket.on("offer", (offer) => this.#offered(offer));
    socket.on("offerEnd", (end) => this.#over(end));
    socket.on("session", (session) => this.#matched(session));
    socket.on("shut", ({ text, until }) => this.#shut(text, until));
  }

  async seek() {
    const { state, socket, leaving, now } = this.#parts;
    const lookingSince = state.looking ? state.lookingSince : now();
    state.set({ looking: "asking", lookingSince, still: false, notice: "", screen: "ready" });
    this.#keepLooking(true);
    await leaving.finish();
    if (!state.looking) return;
    const answer = await socket.seek();
    if (!state.looking || answer.error === "cut") return; // after a cut the next join seeks again
    if (answer.ok) state.set({ looking: answer.state === "matched" ? "asking" : answer.state });
    else if (answer.error === "closed") this.#shut(answer.message ?? "");
    else if (answer.retry_ms !== undefined) {
      if (answer.error === "disk-full") state.set({ notice: "link.disk" });
      setTimeout(() => state.looking && this.seek(), answer.retry_ms);
    }
    else if (answer.error === "no-place") state.set({ looking: "", screen: "city" });
    else state.set({ looking: "", notice: "link.failed" });
  }

  stop() {
    const { state, socket } = this.#parts;
    clearTimeout(this.#starting);
    this.#keepLooking(false);
    state.set({ looking: "", offer: null, still: false });
    socket.stop();
  }

  /** @param {Reply} reply */
  async answer(reply) {
    const { state, socket, joining } = this.#parts;
    clearTimeout(this.#starting);
    const { offer } = state;
    if (!offer || offer.answered) return;
    state.set({ offer: { ...offer, answered: reply } });
    if (reply === "later") joining.use({ ask: false });
    const answer = await (reply === "no" ? this.#declines.decline(offer.offer) : socket.match(offer.offer, reply));
    if (answer.ok && reply === "yes") return; // user-session follows
    if (state.offer?.offer !== offer.offer) return;
    if (answer.error === "unavailable" && reply !== "no") {
      state.set({ offer: { ...offer, answered: undefined }, notice: "link.unavailable" });
    } else {
      const notice = { yes: "ring.over", later: "ring.off", no: "" }[reply];
      state.set({ offer: null, notice });
    }
  }

  /** Somebody is at the page. */
  touched() {
    if (!this.#missed) return;
    this.#missed = false;
    this.#parts.socket.touched();
  }

  /** @param {JoinAnswer} answer */
  #joined(answer) {
    const { state, tab } = this.#parts;
    this.#declines.resend();
    const wasLooking = state.looking || (read(tab, LOOKING) && state.place);
    if ((answer.state === "free" || state.leaving) && wasLooking) this.seek();
  }

  /** @param {Events["offer"]} offer */
  #offered(offer) {
    const { state, now } = this.#parts;
    const times = { ends: now() + offer.seconds * 1000, starts: now() + START_MS };
    state.set({ offer: { ...offer, ...times }, notice: "" });
    clearTimeout(this.#starting);
    if (offer.looking && document.visibilityState === "visible") {
      this.#starting = setTimeout(() => document.visibilityState === "visible" && this.answer("yes"), START_MS);
    }
  }

  /** @param {Events["offerEnd"]} end */
  #over({ offer, looking }) {
    const { state } = this.#parts;
    if (state.offer && state.offer.offer !== offer) return;
    clearTimeout(this.#starting);
    const was = state.offer;
    const lost = Boolean(state.looking) && !looking;
    if (was && !was.looking && !was.answered) this.#missed = true;
    if (lost) this.#keepLooking(false);
    state.set({
      offer: null,
      looking: looking ? state.looking || "waiting" : "",
      still: lost,
      notice: was && !was.looking && state.screen === "ready" ? "ring.over" : "",
    });
  }

  /** @param {Session} session */
  #matched(session) {
    const { state, outbox, now } = this.#parts;
    clearTimeout(this.#starting);
    this.#keepLooking(false);
    outbox.session(session, now());
    state.transcript(session.session).more ??= false;
    const dialog = state.dialog?.typed ? state.dialog : null; // what is typed in it is not lost
    state.set({
      session, screen: "talk", looking: "", offer: null, still: false, typing: false, dialog, notice: "", chats: null,
    });
  }

  /** The host's word while nobody new is led together; "" when that is over. @param {string} closed */
  #shut(closed, quietUntil = 0) {
    if (closed) this.#keepLooking(false);
    this.#parts.state.set(closed ? { closed, quietUntil, looking: "", still: false } : { closed, quietUntil });
  }

  /** @param {boolean} on */
  #keepLooking(on) {
    const { tab } = this.#parts;
    if (on) tab.set(LOOKING, "yes");
    else tab.delete(LOOKING);
  }
}
