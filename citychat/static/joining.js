// Joining: consent, position, the link, the city, the settings, leaving for good.

import { askPosition } from "citychat/position.js";
import { KeptTokens } from "citychat/kept_tokens.js";
import { spoken } from "citychat/spoken.js";
import { CONSENT, LIFTED, LOOKING, RELOADED, SETTINGS, SPOKEN, read } from "citychat/shapes.js";

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
  #objection = ""; // goes with each join until one is answered
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
    const languages = read(storage, SPOKEN) ?? spoken(navigator.languages ?? [navigator.language]);
    state.set({ settings, languages, changed: Boolean(accepted) && accepted !== consent });
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

  /** Say what a paused guest objects. @param {string} text */
  object(text) {
    this.#objection = text;
    this.lookAgain();
  }

  /** Ask what became of the pause. */
  lookAgain() {
    const { state, socket } = this.#parts;
    if (state.screen !== "banned" || !state.banned) return;
    state.set({ banned: { ...state.banned, asking: true } });
    socket.open(() => this.#request());
  }

  /** The guest has read that a pause is over. */
  goOn() {
    const { state, storage } = this.#parts;
    storage.set(LIFTED, String(state.lifted?.at));
    state.set({ screen: state.place ? "ready" : "city", lifted: null });
  }

  /** Propose the city of a link, where there is a choice and it is another one. No city of ours: nothing happens. */
  async propose() {
    const { state, socket } = this.#parts;
    const { linked } = state;
    const answer = linked && this.#mayMove(linked) ? await socket.cities(linked) : null;
    if (answer && !answer.ok) return; // the next join asks again
    const proposed = answer?.cities.find(({ id }) => id === linked);
    state.set({ linked: "" });
    if (proposed && this.#mayMove(linked)) state.set({ proposed, screen: "city", cityBusy: "" });
  }

  /** @param {string} city */
  #mayMove(city) {
    const { screen, looking, offer, running, place, movable } = this.#parts.state;
    const isFree = !running && (screen === "city" || (screen === "ready" && !looking && !offer));
    return isFree && (movable || !place) && place?.key !== `c${city}`;
  }

  /** @param {string} city */
  async choose(city) {
    this.#locating += 1; // a position that comes later comes too late
    this.#placed(await this.#parts.socket.place(city));
  }

  /** The browser's position instead; answers whether it gave one. @param {() => void} slow it lets us wait */
  async choosePosition(slow) {
    const mine = (this.#locating += 1);
    const position = await askPosition(() => mine === this.#locating && slow());
    if (typeof position === "string") return false;
    if (mine !== this.#locating) return true;
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
    if ("towns" in changes) await socket.prefer(this.#preferences);
  }

  /** @param {string[]} languages */
  async speak(languages) {
    const { state, storage, socket } = this.#parts;
    state.set({ languages });
    storage.set(SPOKEN, JSON.stringify(languages));
    await socket.prefer(this.#preferences);
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

  get #preferences() {
    const { settings, languages } = this.#parts.state;
    return { towns: settings.towns, languages };
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
      ...this.#preferences, ...this.#tokens.asked(),
    };
    if (this.#position) request.position = this.#position;
    if (this.#objection) request.objection = this.#objection;
    return request;
  }

  /** @param {JoinAnswer} answer */
  #welcome(answer) {
    const { state, storage, outbox, now, wall } = this.#parts;
    this.#joined = true;
    this.#objection = "";
    this.#toldAskable = undefined;
    this.#tokens.keep(answer);
    state.set({
      link: "on", place: answer.place, free: answer.free_nearby, closed: "", quietUntil: 0, banned: null,
      offer: null, typing: false,
    });
    const { session, lifted } = answer;
    const chatting = answer.state === "chat" && session?.session !== state.leaving?.session;
    const shown = state.session;
    const known = Boolean(session) && shown?.session === session?.session;
    if (session && (chatting || known)) state.set({ session: { by: known ? shown?.by : undefined, ...session } });
    else if (!chatting && state.running) state.set({ session: { ...state.running, ended: wall() } });
    outbox.joined(answer, now());
    if (session) state.transcript(session.session).more ??= (answer.messages ?? []).length >= FIRST_PAGE;
    const waiting = ["loading", "locating", "replaced", "banned"].includes(state.screen);
    if (chatting && (waiting || !known)) state.set({ screen: "talk", looking: "" });
    else if (waiting && lifted && read(storage, LIFTED) !== lifted.at) state.set({ screen: "lifted", lifted });
    else if (!answer.place && !state.running) state.set({ screen: "city" });
    else if (waiting) state.set({ screen: "ready" });
    this.propose();
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
    else {
      const banned = state.banned && { ...state.banned, asking: false };
      state.set({ notice: "link.failed", link: "off", banned });
    }
  }

  /** @param {Answer<{place: Place | null}>} answer */
  #placed(answer) {
    const { state } = this.#parts;
    if (answer.ok) {
      const screen = answer.place ? "ready" : "city";
      state.set({ place: answer.place, screen, proposed: null, cityBusy: "", notice: "" });
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

  /** @param {Partial<Pause>} told */
  #ban({ until = 0, reason = "", rule = "", automatic = true, contact = "", network = false, ...said }) {
    const { state, socket, tab } = this.#parts;
    socket.close();
    tab.delete(LOOKING);
    this.#objection = "";
    const { reference = "", objection = "", answer = "" } = said;
    const banned = { until, reason, rule, automatic, reference, objection, answer, contact, network };
    state.set({ screen: "banned", banned, dialog: null, offer: null, looking: "" });
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
