// A chat: writing, ticks, typing, presence, leaving, reading again, blocking, reporting.

const TYPING_MS = 5000; // a sign of typing expires by itself
const TYPING_GAP_MS = 2000; // at most one in so long
const PAGE_ROWS = 50;
const EXPORT_ROWS = 100;

export class Talking {
  #typingOff = 0;
  #typingAt = 0;
  #typingShown = false;
  #alarmAt = Infinity;
  #alarm = 0;

  constructor(page) {
    this.page = page;
    const { socket } = page;
    socket.hear("message", (row) => this.#message(row));
    socket.hear("status", (status) => page.outbox.status(status, page.now()));
    socket.hear("busy", (busy) => this.#busy(busy));
    socket.hear("typing", ({ s, on }) => this.#typing(s, on));
    socket.hear("erased", ({ s }) => this.#erased(s));
    socket.hear("partnerJoined", ({ session }) => this.#presence(session, { here: true, away_since: undefined }));
    socket.hear("partnerLeft", (left) => this.#left(left));
  }

  /** What the outbox asks of its page. */
  calls() {
    const { state } = this.page;
    return {
      emit: (event, payload) => this.page.socket.emit(event, payload),
      draw: (row, tick) => {
        state.transcript(row.s).add(row, tick);
        state.touch();
      },
      mark: (s, st, n, tick, why) => {
        state.transcript(s).mark(st, n, tick, why);
        state.touch();
      },
      alarm: (at) => this.#setAlarm(at),
    };
  }

  /** Why it was not written: "" when it was. */
  write(text) {
    const why = this.page.outbox.compose(text, this.page.now());
    if (why === "elsewhere") this.page.state.set({ screen: "replaced" });
    if (why === "") {
      this.draft("");
      this.#typingShown = false; // the message itself ends it on the other side
    }
    return why;
  }

  draft(text) {
    const { storage, state } = this.page;
    if (!state.session) return "";
    const name = `citychat.draft.${state.session.session}`;
    if (text === undefined) return storage.get(name) ?? "";
    if (text) storage.set(name, text);
    else storage.delete(name);
    return text;
  }

  typing(on) {
    const { state, socket, now } = this.page;
    if (!state.settings.typing || !state.living) return;
    if (on ? now() - this.#typingAt < TYPING_GAP_MS : !this.#typingShown) return;
    this.#typingShown = on;
    if (on) this.#typingAt = now();
    socket.typing(state.living.session, on);
  }

  async leave() {
    const { state, socket } = this.page;
    const session = state.living;
    if (!session) return true;
    const answer = await socket.leave(session.session);
    if (!answer.ok && answer.error !== "no-session") return false;
    this.#end(session.session, "you");
    return true;
  }

  async again(session) {
    const { state, socket } = this.page;
    state.again.add(session);
    state.touch();
    const answer = await socket.again(session);
    if (answer.ok) return;
    state.again.delete(session);
    state.set({ notice: "link.failed" });
  }

  async block(session) {
    const answer = await this.page.socket.block(session);
    if (answer.ok) this.#bar(session);
    return answer.ok;
  }

  async report(session, reason, note) {
    const answer = await this.page.socket.report(session, reason, note);
    if (answer.ok) this.#bar(session);
    return answer.ok ? answer.code : "";
  }

  #bar(session) {
    this.page.state.barred.add(session);
    this.page.state.again.delete(session);
    this.#end(session, "you");
  }

  async list() {
    const { state, socket } = this.page;
    const answer = await socket.chats();
    if (answer.ok) state.set({ chats: answer.chats });
    else if (!state.chats) state.set({ notice: answer.error === "cut" ? "" : "link.unavailable" });
  }

  open(chat) {
    const { state } = this.page;
    state.unread.delete(chat.session);
    if (state.session?.session === chat.session) {
      state.set({ screen: "talk", reading: null, notice: "" });
      return;
    }
    state.set({ screen: "past", reading: chat, notice: "" });
    if (state.transcript(chat.session).more === undefined) this.older(chat);
  }

  /** The chat on the screen counts as read. */
  read() {
    const { state } = this.page;
    if (state.shown && state.unread.delete(state.shown.session)) state.touch();
  }

  /** Older messages of a chat, one page. */
  async older(chat) {
    const { state, outbox, socket } = this.page;
    const transcript = state.transcript(chat.session);
    const first = transcript.more === undefined ? undefined : transcript.rows[0];
    const before = first && [first.l, first.side, first.st, first.n];
    const answer = await socket.history(chat.session, before, PAGE_ROWS);
    if (!answer.ok) {
      state.set({ notice: answer.error === "cut" ? "" : "link.unavailable" });
      return;
    }
    outbox.older(chat.session, chat.side, answer.messages);
    transcript.more = answer.more;
    state.touch();
  }

  /** All my chats with their messages, as one value. */
  async everything() {
    const { socket } = this.page;
    const answer = await socket.chats();
    if (!answer.ok) return null;
    const chats = [];
    for (const chat of answer.chats) {
      const rows = [];
      for (let more = true; more; ) {
        const first = rows[0];
        const page = await socket.history(chat.session, first && [first.l, first.side, first.st, first.n], EXPORT_ROWS);
        if (!page.ok) return null;
        rows.unshift(...page.messages);
        more = page.more && page.messages.length > 0;
      }
      chats.push({
        with: chat.alias, you: chat.you, city: chat.city, started: iso(chat.started), ended: chat.ended ? iso(chat.ended) : null,
        messages: rows.map((row) => ({ from: row.side === chat.side ? chat.you : chat.alias, at: iso(row.at), text: row.x })),
      });
    }
    return { made: iso(this.page.now()), chats };
  }

  #message(row) {
    const { state, outbox, now } = this.page;
    if (row.s === state.living?.session) this.#typing(row.s, false);
    const { rows } = state.transcript(row.s);
    const before = rows.length;
    outbox.message(row, now());
    const inView = state.shown?.session === row.s && document.visibilityState === "visible";
    if (rows.length > before && !inView) state.unread.add(row.s);
  }

  #busy(busy) {
    const { state, outbox, now } = this.page;
    outbox.busy(busy, now());
    state.set({ busyUntil: now() + busy.retry_ms });
  }

  #typing(s, on) {
    const { state } = this.page;
    clearTimeout(this.#typingOff);
    if (s !== state.living?.session) return;
    state.set({ typing: on });
    if (on) this.#typingOff = setTimeout(() => state.set({ typing: false }), TYPING_MS);
  }

  #erased(s) {
    const { state, outbox } = this.page;
    const side = outbox.chats.get(s)?.side;
    if (side === undefined) return;
    state.transcript(s).erase(1 - side);
    state.touch();
  }

  #presence(session, changes) {
    const { state, outbox, now } = this.page;
    if (state.session?.session !== session) return;
    state.set({ session: { ...state.session, ...changes } });
    outbox.partner(Boolean(state.session.here), now());
  }

  #left({ session, how, since }) {
    if (how === "left") this.#end(session, "partner");
    else this.#presence(session, { here: false, away_since: since });
    if (session === this.page.state.session?.session) this.page.state.set({ typing: false });
  }

  #end(session, by) {
    const { state, outbox, now } = this.page;
    outbox.ended(session);
    this.page.storage.delete(`citychat.draft.${session}`);
    const ended = { ended: now(), here: false, by };
    if (state.living?.session === session) state.set({ session: { ...state.session, ...ended }, typing: false });
    if (state.reading?.session === session && !state.reading.ended) state.set({ reading: { ...state.reading, ...ended } });
    this.list();
  }

  #setAlarm(at) {
    if (at >= this.#alarmAt) return;
    this.#alarmAt = at;
    clearTimeout(this.#alarm);
    this.#alarm = setTimeout(() => {
      this.#alarmAt = Infinity;
      this.page.outbox.tick(this.page.now());
    }, Math.min(Math.max(0, at - this.page.now()), 2 ** 31 - 1));
  }
}

const iso = (ms) => new Date(ms).toISOString();
