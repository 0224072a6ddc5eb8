// What the page shows, without knowing how. Views listen for "change"; everybody writes through `set`.

/**
 * @import {
 *   City, Dialog, FreeNearby, Lifted, Link, Message, Offer, Pause, Place, Row, Screen, Session, Settings, Tick,
 * } from "citychat/types.js"
 */

/** A message's place in the transcript's order. @param {Message} message @returns {[number, number, string, number]} */
export const placeOf = ({ lamport, side, stream, number }) => [lamport, side, stream, number];

/** @param {Message} a @param {Message} b */
const before = (a, b) =>
  a.lamport - b.lamport || a.side - b.side ||
  (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : a.number - b.number);

/** @param {Row} row */
const isSingleGap = ({ kind, to }) => kind === "gap" && !to;

/** The messages of one session, in order. */
export class Transcript {
  /** @type {Row[]} */
  rows = [];
  /** Whether the server has older ones; unknown until asked. @type {boolean | undefined} */
  more;
  erased = false; // by the partner

  /** A message takes the place of its gap. @param {Message} message @param {Tick} tick */
  add(message, tick) {
    const { stream, number } = message;
    const gap = this.rows.findIndex((row) => isSingleGap(row) && row.stream === stream && row.number === number);
    if (gap >= 0) this.rows.splice(gap, 1);
    let at = this.rows.length;
    while (at > 0 && before(message, this.rows[at - 1]) < 0) at -= 1;
    this.rows.splice(at, 0, { ...message, tick, why: "" });
  }

  /** @param {string} stream @param {number} number @param {Tick} tick @param {string} why */
  mark(stream, number, tick, why) {
    const row = this.rows.find((one) => one.stream === stream && one.number === number);
    if (row) Object.assign(row, { tick, why });
  }

  /** Blank the texts of that side. @param {number} side */
  erase(side) {
    for (const row of this.rows) if (row.side === side) row.text = "";
    this.erased = true;
  }
}

export class State extends EventTarget {
  /** @type {Screen} */
  screen = "loading";
  /** @type {Link} */
  link = "off";
  language = ""; // of all that is shown
  busyUntil = 0;
  notice = ""; // the name of one line above everything else
  /** Why a reload may lose something: this browser stores nothing, or no more. @type {"" | "none" | "full"} */
  storing = "";
  changed = false; // whether the rules were changed since consent
  /** @type {Place | null} */
  place = null;
  locatingSlow = false; // the browser lets the position wait
  linked = ""; // the number of the city that a link is for
  /** What was found under it. @type {City | null} */
  proposed = null;
  cityBusy = ""; // the name of why the city stays
  /** @type {FreeNearby} */
  free = "none";
  closed = ""; // the host's word while nobody new is led together
  quietUntil = 0; // the end of the quiet hours, where these are why
  /** @type {"" | "asking" | "next" | "waiting"} */
  looking = "";
  lookingSince = 0;
  still = false; // "Are you still there?"
  sign = 0; // until when a sign is waited for
  /** @type {Offer | null} */
  offer = null;
  /** The running chat, or the one that has just ended. @type {Session | null} */
  session = null;
  /** The chat that is being left; `undo`: nobody was told yet. @type {{ session: string, undo: boolean } | null} */
  leaving = null;
  typing = false; // the partner
  /** The past chat on the screen. @type {Session | null} */
  reading = null;
  opened = ""; // the chat that was on the screen before my chats
  /** Null until asked. @type {Session[] | null} */
  chats = null;
  moreChats = false; // than those
  /** Sessions. @type {Set<string>} */
  unread = new Set();
  cameUnseen = 0; // messages, since the page was opened
  /** Sessions I want to talk in again. @type {Set<string>} */
  again = new Set();
  /** Sessions whose partner I blocked or reported. @type {Set<string>} */
  blocked = new Set();
  /** @type {Settings} */
  settings = { ask: true, slow: false, typing: true, enter: true, notices: false, question: true, towns: false };
  /** That the guest speaks. @type {string[]} */
  languages = [];
  /** @type {Dialog | null} */
  dialog = null;
  /** @type {Pause | null} */
  banned = null;
  /** @type {Lifted | null} */
  lifted = null;
  /** @type {Map<string, Transcript>} */
  #transcripts = new Map();
  #waiting = false;

  /** @param {Partial<State>} changes */
  set(changes) {
    Object.assign(this, changes);
    this.touch();
  }

  /** Tell the views once for all changes of this turn. */
  touch() {
    if (this.#waiting) return;
    this.#waiting = true;
    queueMicrotask(() => {
      this.#waiting = false;
      this.dispatchEvent(new Event("change"));
    });
  }

  /** @param {string} session */
  transcript(session) {
    const known = this.#transcripts.get(session) ?? new Transcript();
    this.#transcripts.set(session, known);
    return known;
  }

  /** The running chat, if there is one; not the one that is being left. */
  get running() {
    return this.session && !this.session.ended && this.session.session !== this.leaving?.session ? this.session : null;
  }

  /** Whether the guest has a say in the city: everybody on the host's own network is in one place. */
  get movable() {
    return this.place !== null && !["home", "network"].includes(this.place.source);
  }

  /** Whether the guest may meet those of towns nearby, and there are any. */
  get roams() {
    return this.settings.towns && Boolean(this.place?.towns);
  }

  /** Whether somebody asks while another screen, or a dialog, has what this guest is about. */
  get isAskedOver() {
    return this.offer !== null && (this.screen !== "ready" || this.dialog !== null);
  }

  /** The chat on the screen. */
  get shown() {
    return this.screen === "past" ? this.reading : this.screen === "talk" ? this.session : null;
  }
}
