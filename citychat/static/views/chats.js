// My chats: the running one, and the past ones with the day they are deleted.

import { date, when } from "citychat/i18n.js";
import { button, disc, h, round, show, t, title, write } from "citychat/views/dom.js";
import { Street } from "citychat/views/street.js";

/** @import { Page, Session, View } from "citychat/types.js" */

/** One row a chat, newest first. A row is the same element as long as its chat is listed: it may be under a thumb. */
export class ChatRows {
  #page;
  /** By session. @type {Map<string, ReturnType<typeof row>>} */
  #rows = new Map();

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
    this.element = h("div", {});
  }

  /** Draw what has changed; answers how many there are. */
  update() {
    const listed = listOf(this.#page);
    const alive = new Set(listed.map(({ session }) => session));
    for (const [session, { element }] of this.#rows) {
      if (alive.has(session)) continue;
      element.remove();
      this.#rows.delete(session);
    }
    listed.forEach((session, i) => {
      const known = this.#rows.get(session.session) ?? row(this.#page);
      this.#rows.set(session.session, known);
      known.update(session);
      const there = this.element.children[i];
      if (there !== known.element) this.element.insertBefore(known.element, there);
    });
    return listed.length;
  }

  /** The row of a chat, where it is drawn. @param {string} session */
  of(session) {
    return this.#rows.get(session)?.element;
  }
}

/** My chats as far as the page knows them, the running one with them. @param {Page} page */
function listOf({ state }) {
  const { chats: listed, running } = state;
  const known = listed ?? [];
  const all = running && !known.some(({ session }) => session === running.session) ? [running, ...known] : known;
  return [...all].sort((a, b) => b.started - a.started);
}

/** @param {Page} page */
function row({ state, chat }) {
  /** @type {Session | undefined} */
  let shown;
  const alias = h("span", {});
  const fresh = h("span", { class: "badge", hidden: true }, t("ready.unread"));
  const line = h("span", { class: "small" });
  const face = h("span", {});
  const names = h("span", { class: "names" }, h("strong", {}, alias, fresh), line);
  const click = () => shown && chat.open(shown);
  const element = h("button", { type: "button", class: "chat", on: { click } }, face, names);
  const update = (/** @type {Session} */ session) => {
    if (shown?.alias !== session.alias) face.replaceChildren(disc(session.alias));
    shown = session;
    write(alias, session.alias);
    show(fresh, state.unread.has(session.session));
    const values = { when: when(session.ended ?? session.started), date: date(session.expires) };
    write(line, state.running?.session === session.session ? t("chats.now") : t("chats.row", values));
    if (state.shown?.session === session.session) element.setAttribute("aria-current", "true");
    else element.removeAttribute("aria-current");
  };
  return { element, update };
}

/** @param {Page} page @returns {View} */
export function chats(page) {
  const { state, chat } = page;
  const rows = new ChatRows(page);
  const older = button(t("chats.older"), "older", async () => {
    older.disabled = true;
    await chat.olderChats();
    older.disabled = false;
  });
  const kept = Number(document.documentElement.dataset.days);
  const empty = h("div", { class: "empty", hidden: true }, new Street(state.place?.key ?? "").light({ mine: true }),
    h("p", {}, t("chats.none")), h("p", { class: "soft small" }, t("chats.none.text", { n: kept })));
  const back = round(t("talk.back"), "back",
    () => state.set({ screen: state.place || state.running ? "ready" : "city", notice: "" }));
  const root = h("div", { class: "chats" },
    h("div", { class: "title" }, back, title(t("chats.title"))), rows.element, older, empty);
  const update = () => {
    const n = rows.update();
    show(older, state.moreChats);
    show(empty, state.chats !== null && !n);
  };
  chat.list();
  return {
    root, update,
    get focus() {
      return rows.of(state.opened); // whoever comes back from a chat goes on from its row
    },
    close() {
      if (!state.shown) state.opened = "";
    },
  };
}
