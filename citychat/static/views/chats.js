// My chats: the running one, and the past ones with the day they are deleted.

import { Street } from "citychat/views/street.js";
import { disc, h, round, show, t, title } from "citychat/views/dom.js";
import { date, days, when } from "citychat/i18n.js";

/** One row a chat, newest first. */
export function chatRows({ state, talking, now }) {
  const known = state.chats ?? [];
  const living = state.living;
  const all = living && !known.some((chat) => chat.session === living.session) ? [living, ...known] : known;
  return [...all].sort((a, b) => b.started - a.started).map((chat) => {
    const running = living?.session === chat.session;
    const fresh = state.unread.has(chat.session) ? h("span", { class: "badge" }, t("ready.unread")) : null;
    const values = { when: when(chat.ended ?? chat.started, now()), date: date(chat.expires) };
    const line = running ? t("chats.now") : t("chats.row", values);
    return h("button", {
      type: "button", class: "chat", "aria-current": state.shown?.session === chat.session ? "true" : null,
      on: { click: () => talking.open(chat) },
    }, disc(chat.alias), h("span", { class: "names" }, h("strong", {}, chat.alias, fresh), h("span", { class: "small" }, line)));
  });
}

export function chats(page) {
  const { state, talking } = page;
  const list = h("div", {});
  const kept = days(Number(document.documentElement.dataset.days));
  const empty = h("div", { class: "empty", hidden: true }, new Street(state.place?.key ?? "").light({ mine: true }),
    h("p", {}, t("chats.none")), h("p", { class: "soft small" }, t("chats.none.text", { days: kept })));
  const back = round(t("talk.back"), "back", () => state.set({ screen: state.place || state.living ? "ready" : "city", notice: "" }));
  const root = h("div", { class: "chats" }, h("div", { class: "title" }, back, title(t("chats.title"))), list, empty);
  const update = () => {
    const rows = chatRows(page);
    list.replaceChildren(...rows);
    show(empty, state.chats !== null && !rows.length);
  };
  talking.list();
  return { root, update };
}
