// A chat on the screen: running, ended or long past. Beside it, where there is room, my chats.

import { chatRows } from "citychat/views/chats.js";
import { Composer } from "citychat/views/composer.js";
import { Log } from "citychat/views/log.js";
import { button, disc, h, round, show, t, title, write } from "citychat/views/dom.js";
import { date, lasting } from "citychat/i18n.js";

const AGAIN_MS = 86_400_000;

/** Away for so long: the one sentence of presence that needs a line of its own. */
function away(chat, now) {
  const gone = now - (chat.away_since ?? now);
  return gone < 60_000 ? t("talk.away.now") : t("talk.away", { time: lasting(gone) });
}

function presence(state, chat) {
  if (state.screen === "past") return t("chats.deleted", { date: date(chat.expires) });
  return t(chat.ended ? "talk.left" : chat.here ? "talk.here" : "talk.away.short");
}

/** How an ended chat ended, as far as this page knows. */
function ending(chat) {
  if (!chat.ended) return "";
  if (chat.by === "you") return t("talk.ended.you");
  return chat.by === "partner" ? t("talk.ended", { alias: chat.alias }) : t("talk.ended.over");
}

export function talk(page) {
  const { state, now } = page;
  const chat = state.shown;
  const log = new Log(page, chat);
  const composer = new Composer(page, () => log.toEnd());
  const here = h("p", {});
  const back = round(t("talk.back"), "back", () => state.set({ screen: "chats", notice: "" }), "back");
  const defend = round(t("talk.defend"), "flag", () => state.set({ dialog: { kind: "defend", chat: state.shown } }));
  const leave = button(t("talk.leave"), "", () => state.set({ dialog: { kind: "leave" } }));
  const bar = h("header", { class: "bar" }, back,
    h("div", { class: "who" }, disc(chat.alias), h("div", { class: "names" }, title(chat.alias), here)), defend, leave);
  const absent = h("p", { class: "presence", role: "status", hidden: true });
  const below = h("div", { class: "below" });
  const rail = h("nav", { class: "rail", "aria-label": t("chats.title") });
  const root = [rail, h("section", { class: "talk", "aria-label": chat.alias }, bar, absent, log.element, below)];
  let rowsOf;
  let foot = "";

  function update() {
    const shown = state.shown;
    if (!shown) return;
    const live = state.screen === "talk" && !shown.ended;
    write(here, presence(state, shown));
    const gone = live && !shown.here;
    write(absent, gone ? away(shown, now()) : "");
    show(absent, gone);
    show(leave, live);
    log.update(state.transcript(shown.session), { typing: live && state.typing, last: ending(shown) });
    const next = live ? "composer" : `end ${state.again.has(shown.session)} ${state.barred.has(shown.session)} ${Boolean(state.living)}`;
    if (next !== foot) {
      foot = next;
      below.replaceChildren(live ? composer.element : afterwards(page, shown));
    }
    if (live) composer.update();
    if (rowsOf !== state.chats || !rail.firstChild) {
      rowsOf = state.chats;
      const mark = document.querySelector("#bar .mark").cloneNode(true);
      rail.replaceChildren(mark, h("h2", {}, t("chats.title")), ...chatRows(page));
    }
  }
  const timer = setInterval(update, 10_000); // "away for n minutes" grows
  if (!state.chats) page.talking.list();
  return { root, update, focus: chat.ended ? undefined : composer.field, close: () => clearInterval(timer), kind: "talking" };
}

/** Below an ended chat: somebody new, or the same again. */
function afterwards({ state, meeting, talking, now }, chat) {
  const inner = h("div", { class: "inner ended" });
  const find = state.living
    ? button(t("ready.chatting.back"), "lamp", () => talking.open(state.living))
    : button(t("ready.find"), "lamp", () => meeting.seek());
  const pair = h("div", { class: "pair" }, find);
  const soon = now() - chat.ended < AGAIN_MS;
  const asked = state.again.has(chat.session);
  if (soon && !asked && !state.living && !state.barred.has(chat.session)) pair.append(button(t("talk.again"), "", () => talking.again(chat.session)));
  inner.append(pair);
  if (asked) inner.append(h("p", { role: "status" }, t("talk.again.asked", { alias: chat.alias })));
  else if (pair.children.length > 1) inner.append(h("p", {}, t("talk.again.text")));
  return inner;
}
