// Joining: consent, position, the link, the city, the settings, leaving for good.

import { askPosition } from "citychat/position.js";
import { KeptTokens } from "citychat/kept_tokens.js";
import { CONSENT, RELOADED, SETTINGS, read } from "citychat/shapes.js";

/**
 * @import { Answer, Failure, JoinAnswer, JoinRequest, Pause, Place, Position, Settings } from "citychat/types.js"
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
 * @property {string} consent the version of the rules
 * @property {() => number} now
 * @property {() => number} wall
 */

const PROTOCOL_VERSION = 1;
const FIRST_PAGE = 50; // messages of a join answer; as many say that there may be older ones
const RELOAD_GAP_MS = 60_000; // between two reloads for a newer page, should the server not have it after all

export class Joining {
  #parts;
  /** @type {Position | undefined} */
  #position;
  #tokens;
  #joined = false;
  #locating = 0;
  /** What the server was told last about asking. @type {boolean | undefined} */
  #toldAskable;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#tokens = new KeptTokens(parts.storage);
    const { socket, state } = parts;
    socket.on("joined", (answer) => this.#welcome(answer));
    socket.on("refused", (answer) => this.#refused(answer));
    socket.on("closed", () => this.#closed());
    socket.on("blocked", () => state.set({ link: "blocked" }));
    socket.on("replaced", () => this.#replaced());
    socket.on("drain", ({ retry_ms }) => {
      state.set({ link: "drain" });
      socket.comeBack(retry_ms);
    });
    socket.on("banned", (pause) => this.#ban(pause));
    socket.on("nearby", ({ free_nearby }) => state.set({ free: free_nearby }));
  }

  begin() {
    const { state, storage, consent } = this.#parts;
    const settings = { ...state.settings, ...read(storage, SETTINGS) };
    const accepted = read(storage, CONSENT);
    state.set({ settings, changed: Boolean(accepted) && accepted !== consent });
    if (accepted === consent) this.#start();
    else state.set({ screen: "arrive" });
  }

  accept() {
    const { state, storage, consent } = this.#parts;
    storage.set(CONSENT, consent);
    state.set({ changed: false });
  }

  withCity() {
    this.#locating += 1;
    this.#start();
  }

  async withPosition() {
    const { state } = this.#parts;
    const mine = (this.#locating += 1);
    state.set({ screen: "locating", locatingSlow: false });
    const answer = await askPosition(() => state.set({ locatingSlow: true }));
    if (typeof answer === "object") this.#position = answer;
    if (mine !== this.#locating) return; // went on with the city meanwhile
    if (typeof answer === "string") state.set({ notice: answer === "insecure" ? "locate.insecure" : "locate.denied" });
    this.#start();
  }

  /** "Use it here": a page that takes over is a fresh page. */
  takeOver() {
    location.reload();
  }

  /** @param {string} city */
  async choose(city) {
    this.#placed(await this.#parts.socket.place(city));
  }

  /** The browser's position instead; answers whether it gave one. */
  async choosePosition() {
    const position = await askPosition(() => undefined);
    if (typeof position === "string") return false;
    this.#position = position;
    this.#placed(await this.#parts.socket.position(position));
    return true;
  }

  /** @param {Partial<Settings>} changes */
  async use(changes) {
    const { state, storage, socket } = this.#parts;
    state.set({ settings: { ...state.settings, ...changes } });
    storage.set(SETTINGS, JSON.stringify(state.settings));
    if ("ask" in changes || "slow" in changes) await socket.available(this.#askable, state.settings.slow);
  }

  /** Reading an ended chat keeps questions away; coming back to Ready lets them in again. */
  tellAskable() {
    const { state, socket } = this.#parts;
    if (!socket.live || this.#askable === this.#toldAskable) return;
    this.#toldAskable = this.#askable;
    socket.available(this.#askable, state.settings.slow);
  }

  async erase() {
    const { state, socket, storage, tab } = this.#parts;
    const answer = await socket.erase();
    if (!answer.ok) return false;
    socket.close();
    storage.clear();
    tab.clear();
    state.set({ screen: "erased", dialog: null, session: null });
    return true;
  }

  get #askable() {
    const { settings, screen, running } = this.#parts.state;
    return settings.ask && screen !== "past" && !(screen === "talk" && !running);
  }

  #start() {
    const { state, socket } = this.#parts;
    state.set({ screen: "loading", link: "first" });
    socket.open(() => this.#request());
  }

  /** What a join says; null when another window is the one that writes. @returns {JoinRequest | null} */
  #request() {
    const { state, outbox, consent } = this.#parts;
    if (this.#joined && !outbox.writes) return null;
    /** @type {JoinRequest} */
    const request = {
      v: PROTOCOL_VERSION, consent, adult: true, available: this.#askable, slow: state.settings.slow,
      visible: document.visibilityState === "visible", have: outbox.have(),
      ...this.#tokens.asked(),
    };
    if (this.#position) request.position = this.#position;
    return request;
  }

  /** @param {JoinAnswer} answer */
  #welcome(answer) {
    const { state, outbox, now, wall } = this.#parts;
    this.#joined = true;
    this.#toldAskable = undefined;
    this.#tokens.keep(answer);
    state.set({
      link: "on", place: answer.place, free: answer.free_nearby, banned: null, offer: null, typing: false,
    });
    const { session } = answer;
    const chatting = answer.state === "chat";
    const shown = state.session;
    const known = Boolean(session) && shown?.session === session?.session;
    if (session && (chatting || known)) state.set({ session: { by: known ? shown?.by : undefined, ...session } });
    else if (!chatting && state.running) state.set({ session: { ...state.running, ended: wall() } });
    outbox.joined(answer, now());
    if (session) state.transcript(session.session).more ??= (answer.messages ?? []).length >= FIRST_PAGE;
    const waiting = ["loading", "locating", "replaced"].includes(state.screen);
    if (chatting && (waiting || !known)) state.set({ screen: "talk", looking: "" });
    else if (!answer.place && !state.running) state.set({ screen: "city" });
    else if (waiting) state.set({ screen: "ready" });
  }

  /** @param {Failure} answer */
  #refused(answer) {
    const { state, storage, consent } = this.#parts;
    if (answer.error === "banned") this.#ban(answer);
    else if (answer.error === "refused-consent") {
      storage.delete(CONSENT);
      if (answer.consent && answer.consent !== consent) this.#reload();
      else state.set({ screen: "arrive", changed: true, link: "off" });
    } else if (answer.error === "reload") this.#reload();
    else if (answer.retry_ms !== undefined || answer.error === "internal") state.set({ link: "away" });
    else state.set({ notice: "link.failed", link: "off" });
  }

  /** @param {Answer<{place: Place | null}>} answer */
  #placed(answer) {
    const { state } = this.#parts;
    if (answer.ok) {
      state.set({ place: answer.place, screen: answer.place ? "ready" : "city", cityBusy: "", notice: "" });
    } else if (answer.error === "busy") {
      state.set({ cityBusy: state.looking === "asking" ? "city.asked" : "city.busy" });
    } else {
      state.set({ notice: "link.failed" });
    }
  }

  /** Another window took over. */
  #replaced() {
    const { state, socket } = this.#parts;
    socket.close();
    state.set({ screen: "replaced", offer: null, looking: "", dialog: null });
  }

  /** @param {Partial<Pause>} pause */
  #ban({ until = 0, reason = "", contact = "", network = false }) {
    const { state, socket } = this.#parts;
    socket.close();
    state.set({ screen: "banned", banned: { until, reason, contact, network }, dialog: null, offer: null });
  }

  #closed() {
    const { state, outbox } = this.#parts;
    outbox.closed();
    if (["drain", "away", "blocked"].includes(state.link)) return;
    state.set({ link: "cut", offer: null, typing: false });
  }

  /** A newer page is on the server. A time still to come was written by a clock that was wrong. */
  #reload() {
    const { state, storage, wall } = this.#parts;
    const last = read(storage, RELOADED) ?? 0;
    storage.set(RELOADED, String(wall()));
    if (Math.abs(wall() - last) > RELOAD_GAP_MS) location.reload();
    else state.set({ notice: "link.failed" });
  }
}
