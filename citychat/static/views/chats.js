// My chats: the running one, and the past ones with the day they are deleted.

import { date, days, when } from "citychat/i18n.js";
import { button, disc, h, round, show, t, title } from "citychat/views/dom.js";
import { Street } from "citychat/views/street.js";

/** @import { Page, View } from "citychat/types.js" */

/** One row a chat, newest first. @param {Page} page */
export function chatRows({ state, chat, wall }) {
  const known = state.chats ?? [];
  const { running } = state;
  const all = running && !known.some(({ session }) => session === running.session) ? [running, ...known] : known;
  return [...all].sort((a, b) => b.started - a.started).map((session) => {
    const fresh = state.unread.has(session.session) ? h("span", { class: "badge" }, t("ready.unread")) : null;
    const values = { when: when(session.ended ?? session.started, wall()), date: date(session.expires) };
    const line = running?.session === session.session ? t("chats.now") : t("chats.row", values);
    const current = state.shown?.session === session.session ? "true" : null;
    return h("button", {
      type: "button", class: "chat", "aria-current": current, on: { click: () => chat.open(session) },
    }, disc(session.alias),
      h("span", { class: "names" }, h("strong", {}, session.alias, fresh), h("span", { class: "small" }, line)));
  });
}

/** @param {Page} page @returns {View} */
export function chats(page) {
  const { state, chat } = page;
  const list = h("div", {});
  const older = button(t("chats.older"), "older", async () => {
    older.disabled = true;
    await chat.olderChats();
    older.disabled = false;
  });
  const kept = days(Number(document.documentElement.dataset.days));
  const empty = h("div", { class: "empty", hidden: true }, new Street(state.place?.key ?? "").light({ mine: true }),
    h("p", {}, t("chats.none")), h("p", { class: "soft small" }, t("chats.none.text", { days: kept })));
  const back = round(t("talk.back"), "back",
    () => state.set({ screen: state.place || state.running ? "ready" : "city", notice: "" }));
  const root = h("div", { class: "chats" },
    h("div", { class: "title" }, back, title(t("chats.title"))), list, older, empty);
  const update = () => {
    const rows = chatRows(page);
    list.replaceChildren(...rows);
    show(older, state.moreChats);
    show(empty, state.chats !== null && !rows.length);
  };
  chat.list();
  return { root, update };
}
