// Looking for somebody, being asked, answering (protocol §3 as the page sees it).

import { Noes } from "citychat/declines.js";

const START_MS = 2000; // "Starting in 2…": what a looker has to press Stop

export class Meeting {
  #starting = 0;

  constructor(page, visit) {
    this.page = page;
    this.visit = visit;
    this.noes = new Noes(page);
    const { socket } = page;
    visit.onJoined = (answer) => {
      this.noes.sayAgain();
      if (answer.state === "free") this.#again();
    };
    socket.hear("seeking", ({ state }) => this.page.state.looking && this.page.state.set({ looking: state }));
    socket.hear("offer", (offer) => this.#asked(offer));
    socket.hear("offerEnd", (end) => this.#over(end));
    socket.hear("session", (session) => this.#met(session));
  }

  async seek() {
    const { state, socket, now } = this.page;
    state.set({ looking: "asking", lookingSince: state.looking ? state.lookingSince : now(), still: false, notice: "", screen: "ready" });
    this.visit.keepLooking(true);
    const answer = await socket.seek();
    if (!state.looking || answer.error === "cut") return; // after a cut the next join seeks again
    if (answer.ok) state.set({ looking: answer.state === "matched" ? "asking" : answer.state });
    else if (answer.retry_ms !== undefined) setTimeout(() => state.looking && this.seek(), answer.retry_ms);
    else if (answer.error === "no-place") state.set({ looking: "", screen: "city" });
    else state.set({ looking: "", notice: "link.failed" });
  }

  stop() {
    clearTimeout(this.#starting);
    this.visit.keepLooking(false);
    this.page.state.set({ looking: "", offer: null, still: false });
    this.page.socket.stop();
  }

  /** `answer`: yes, no or later. */
  async answer(answer) {
    const { state, socket } = this.page;
    clearTimeout(this.#starting);
    const offer = state.offer;
    if (!offer || offer.answered) return;
    state.set({ offer: { ...offer, answered: answer } });
    if (answer === "later") this.visit.use({ ask: false });
    const told = await (answer === "no" ? this.noes.say(offer.offer) : socket.match(offer.offer, answer));
    if (told.ok && answer === "yes") return; // user-session follows
    if (state.offer?.offer !== offer.offer) return;
    if (told.error === "unavailable" && answer !== "no") {
      state.set({ offer: { ...offer, answered: undefined }, notice: "link.unavailable" });
    } else {
      const notice = answer === "yes" ? "ring.over" : answer === "later" ? "ring.off" : "";
      state.set({ offer: null, notice });
    }
  }

  #again() {
    const { state } = this.page;
    if (state.looking || (this.visit.lookingKept && state.place)) this.seek();
  }

  #asked(offer) {
    const { state, now } = this.page;
    state.set({ offer: { ...offer, ends: now() + offer.seconds * 1000, starts: now() + START_MS }, dialog: null, notice: "", screen: "ready" });
    clearTimeout(this.#starting);
    if (offer.looking && document.visibilityState === "visible") {
      this.#starting = setTimeout(() => document.visibilityState === "visible" && this.answer("yes"), START_MS);
    }
  }

  #over({ offer, looking }) {
    const { state } = this.page;
    if (state.offer && state.offer.offer !== offer) return;
    clearTimeout(this.#starting);
    const was = state.offer;
    const lost = Boolean(state.looking) && !looking;
    if (was && !was.looking && !was.answered) this.visit.missedRing();
    if (lost) this.visit.keepLooking(false);
    state.set({
      offer: null,
      looking: looking ? state.looking || "waiting" : "",
      still: lost,
      notice: was && !was.looking ? "ring.over" : "",
    });
  }

  #met(session) {
    const { state, outbox, now } = this.page;
    clearTimeout(this.#starting);
    this.visit.keepLooking(false);
    outbox.session(session, now());
    state.transcript(session.session).more ??= false;
    state.set({
      session, screen: "talk", looking: "", offer: null, still: false, typing: false, dialog: null, notice: "", chats: null,
    });
  }
}
