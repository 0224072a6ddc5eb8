// What the page shows, without knowing how. Views listen for "change"; everybody writes through `set`.

const before = (a, b) => a.l - b.l || a.side - b.side || (a.st < b.st ? -1 : a.st > b.st ? 1 : a.n - b.n);

/** The messages of one session in transcript order (l, side, st, n). */
export class Transcript {
  constructor() {
    this.rows = [];
    this.more = undefined; // whether the server has older ones; unknown until asked
    this.erased = false; // by the partner
  }

  add(row, state) {
    let at = this.rows.length;
    while (at > 0 && before(row, this.rows[at - 1]) < 0) at -= 1;
    this.rows.splice(at, 0, { ...row, state, why: "" });
  }

  mark(st, n, state, why) {
    const row = this.rows.find((r) => r.st === st && r.n === n);
    if (row) Object.assign(row, { state, why });
  }

  erase(side) {
    for (const row of this.rows) if (row.side === side) row.x = "";
    this.erased = true;
  }
}

export class State extends EventTarget {
  screen = "loading"; // loading arrive locating city ready talk chats past replaced banned erased
  link = "off"; // off first on cut blocked drain away
  busyUntil = 0;
  notice = ""; // the name of one line above everything else
  kept = true; // whether this browser stores anything
  changed = false; // whether the rules were changed since consent
  place = null;
  cityBusy = ""; // the name of why the city stays
  free = "none";
  looking = ""; // "" asking next waiting
  lookingSince = 0;
  still = false; // "Are you still there?"
  offer = null; // {offer, city, seconds, looking, ends}
  session = null; // the running chat, or the one that has just ended
  typing = false; // the partner
  reading = null; // the past chat on the screen
  chats = null; // null until asked
  unread = new Set();
  again = new Set(); // sessions I want to talk in again
  barred = new Set(); // sessions whose partner I blocked or reported
  settings = { ask: true, slow: false, typing: true };
  dialog = null; // {kind, ...}
  banned = null;
  transcripts = new Map();
  #waiting = false;

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

  transcript(session) {
    if (!this.transcripts.has(session)) this.transcripts.set(session, new Transcript());
    return this.transcripts.get(session);
  }

  /** The running chat, if there is one. */
  get living() {
    return this.session && !this.session.ended ? this.session : null;
  }

  /** Whether the guest has a say in the city: everybody on the host's own network is in one place. */
  get movable() {
    return Boolean(this.place) && !["home", "network"].includes(this.place.source);
  }

  /** The chat on the screen. */
  get shown() {
    return this.screen === "past" ? this.reading : this.screen === "talk" ? this.session : null;
  }
}
