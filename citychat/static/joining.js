// The visit: consent, position, joining, the link, the city, the switches, leaving for good.

import { WRITER } from "citychat/outbox.js";
import { askPosition } from "citychat/position.js";

const CONSENT = "citychat.consent";
const TOKEN = "citychat.token";
const SETTINGS = "citychat.settings";
const LOOKING = "citychat.looking"; // survives a reload, not the closing of the window

/** `page` is {state, storage, tab, socket, outbox, id, consent, now, random}. */
export class Visit {
  #position;
  #joined = false;
  #locating = 0;
  #missed = false; // a ring went by unanswered; the next press says that somebody is here

  constructor(page) {
    this.page = page;
    const { socket } = page;
    socket.hear("joined", (answer) => this.#welcome(answer));
    socket.hear("refused", (answer) => this.#refused(answer));
    socket.hear("closed", () => this.#closed());
    socket.hear("blocked", () => page.state.set({ link: "blocked" }));
    socket.hear("replaced", () => this.replaced());
    socket.hear("drain", ({ retry_ms }) => {
      page.state.set({ link: "drain" });
      socket.comeBack(retry_ms);
    });
    socket.hear("banned", (facts) => this.#ban(facts));
    socket.hear("nearby", ({ free_nearby }) => page.state.set({ free: free_nearby }));
  }

  begin() {
    const { state, storage, consent } = this.page;
    const settings = { ...state.settings, ...JSON.parse(storage.get(SETTINGS) ?? "{}") };
    const accepted = storage.get(CONSENT);
    state.set({ settings, kept: storage.kept, changed: Boolean(accepted) && accepted !== consent });
    if (accepted === consent) this.#start();
    else state.set({ screen: "arrive" });
  }

  accept() {
    this.page.storage.set(CONSENT, this.page.consent);
    this.page.state.set({ kept: this.page.storage.kept, changed: false });
  }

  withCity() {
    this.#locating += 1;
    this.#start();
  }

  async withPosition() {
    const { state } = this.page;
    const mine = (this.#locating += 1);
    state.set({ screen: "locating", slow: false });
    const answer = await askPosition(() => state.set({ slow: true }));
    if (typeof answer === "object") this.#position = answer;
    if (mine !== this.#locating) return; // went on with the city meanwhile
    if (typeof answer === "string") state.set({ notice: answer === "insecure" ? "locate.insecure" : "locate.denied" });
    this.#start();
  }

  /** The payload of user-join; null when another window is the one that writes. */
  joining() {
    const { state, storage, outbox, id, consent } = this.page;
    if (this.#joined && storage.get(WRITER) !== id) return null;
    const payload = {
      v: 1, consent, adult: true, available: this.#askable(), slow: state.settings.slow,
      visible: document.visibilityState === "visible", have: outbox.have(),
    };
    const token = storage.get(TOKEN);
    if (token) payload.token = token;
    if (this.#position) payload.position = this.#position;
    return payload;
  }

  /** Another window took over. */
  replaced() {
    this.page.socket.close();
    this.page.state.set({ screen: "replaced", offer: null, looking: "", dialog: null });
  }

  /** "Use it here": a page that takes over is a fresh page. */
  takeOver() {
    location.reload();
  }

  async choose(city) {
    this.#placed(await this.page.socket.place(city));
  }

  /** The browser's position instead; answers whether it gave one. */
  async choosePosition() {
    const { socket } = this.page;
    const position = await askPosition(() => undefined);
    if (typeof position === "string") return false;
    this.#position = position;
    this.#placed(await socket.position(position));
    return true;
  }

  #placed(answer) {
    const { state } = this.page;
    if (answer.ok) state.set({ place: answer.place, screen: answer.place ? "ready" : "city", cityBusy: "", notice: "" });
    else if (answer.error === "busy") state.set({ cityBusy: state.looking === "asking" ? "city.asked" : "city.busy" });
    else state.set({ notice: "link.failed" });
  }

  async use(changes) {
    const { state, storage, socket } = this.page;
    state.set({ settings: { ...state.settings, ...changes } });
    storage.set(SETTINGS, JSON.stringify(state.settings));
    if ("ask" in changes || "slow" in changes) await socket.available(this.#askable(), state.settings.slow);
  }

  /** Reading an ended chat keeps questions away; coming back to Ready lets them in again. */
  availability() {
    const { state, socket } = this.page;
    const on = this.#askable();
    if (socket.live && on !== this.told) {
      this.told = on;
      socket.available(on, state.settings.slow);
    }
  }

  seen(visible) {
    this.page.socket.view(visible);
  }

  missedRing() {
    this.#missed = true;
  }

  touched() {
    if (!this.#missed) return;
    this.#missed = false;
    this.page.socket.view(true, true);
  }

  async erase() {
    const { state, socket, storage, tab } = this.page;
    const answer = await socket.erase();
    if (!answer.ok) return false;
    socket.close();
    storage.clear();
    tab.clear();
    state.set({ screen: "erased", dialog: null, session: null });
    return true;
  }

  get lookingKept() {
    return this.page.tab.get(LOOKING) === "yes";
  }

  keepLooking(on) {
    if (on) this.page.tab.set(LOOKING, "yes");
    else this.page.tab.delete(LOOKING);
  }

  #askable() {
    const { settings, screen } = this.page.state;
    return settings.ask && screen !== "past" && !(screen === "talk" && !this.page.state.living);
  }

  #start() {
    const { state, socket } = this.page;
    state.set({ screen: "loading", link: "first" });
    socket.open();
  }

  #welcome(answer) {
    const { state, storage, outbox, now } = this.page;
    this.#joined = true;
    this.told = undefined;
    storage.set(TOKEN, answer.token);
    state.set({
      link: "on", place: answer.place, free: answer.free_nearby, banned: null, kept: storage.kept, offer: null, typing: false,
    });
    const session = answer.session ?? null;
    const known = session && state.session?.session === session.session;
    if (session && (answer.state === "chat" || known)) state.set({ session: { by: known ? state.session.by : undefined, ...session } });
    else if (answer.state !== "chat" && state.living) state.set({ session: { ...state.session, ended: now() } });
    outbox.joined(answer, now());
    if (session) state.transcript(session.session).more ??= (answer.messages ?? []).length >= 50;
    const waiting = ["loading", "locating", "replaced"].includes(state.screen);
    if (answer.state === "chat" && (waiting || !known)) state.set({ screen: "talk", looking: "" });
    else if (!answer.place && !state.living) state.set({ screen: "city" });
    else if (waiting) state.set({ screen: "ready" });
    this.onJoined?.(answer);
  }

  #refused(answer) {
    const { state, storage } = this.page;
    if (answer.error === "banned") this.#ban(answer);
    else if (answer.error === "refused-consent") {
      storage.delete(CONSENT);
      if (answer.consent && answer.consent !== this.page.consent) this.#reload();
      else state.set({ screen: "arrive", changed: true, link: "off" });
    } else if (answer.error === "reload") this.#reload();
    else if (answer.retry_ms !== undefined || answer.error === "internal") state.set({ link: "away" });
    else state.set({ notice: "link.failed", link: "off" });
  }

  #ban(facts) {
    this.page.socket.close();
    this.page.state.set({ screen: "banned", banned: facts, dialog: null, offer: null });
  }

  #closed() {
    const { state, outbox } = this.page;
    outbox.closed();
    if (["drain", "away", "blocked"].includes(state.link)) return;
    state.set({ link: "cut", offer: null, typing: false });
  }

  /** A newer page is on the server; once a minute at most, should it not be. */
  #reload() {
    const { storage, now } = this.page;
    const last = Number(storage.get("citychat.reload") ?? 0);
    storage.set("citychat.reload", String(now()));
    if (now() - last > 60_000) location.reload();
    else this.page.state.set({ notice: "link.failed" });
  }
}
