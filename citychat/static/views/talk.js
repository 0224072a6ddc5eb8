// A chat on the screen: running, ended or long past. Beside it, where there is room, my chats.

import { date, lasting } from "citychat/i18n.js";
import { chatRows } from "citychat/views/chats.js";
import { Composer } from "citychat/views/composer.js";
import { button, disc, h, round, show, t, title, write } from "citychat/views/dom.js";
import { Log } from "citychat/views/log.js";

/**
 * @import { Page, Session, View } from "citychat/types.js"
 * @import { State } from "citychat/state.js"
 */

const AGAIN_MS = 86_400_000;

/**
 * Away for so long: the one sentence of presence that needs a line of its own.
 * @param {Session} session @param {number} now
 */
function away(session, now) {
  const gone = now - (session.away_since ?? now);
  return gone < 60_000 ? t("talk.away.now") : t("talk.away", { time: lasting(gone) });
}

/** @param {State} state @param {Session} session */
function presence(state, session) {
  if (state.screen === "past") return t("chats.deleted", { date: date(session.expires) });
  return t(session.ended ? "talk.left" : session.here ? "talk.here" : "talk.away.short");
}

/** How an ended chat ended, as far as this page knows. @param {Session} session */
function ending(session) {
  if (!session.ended) return "";
  if (session.by === "you") return t("talk.ended.you");
  return session.by === "partner" ? t("talk.ended", { alias: session.alias }) : t("talk.ended.over");
}

/** @param {Page} page @returns {View} */
export function talk(page) {
  const { state, wall } = page;
  const session = /** @type {Session} */ (state.shown);
  const log = new Log(page.chat, session);
  const composer = new Composer(page, () => log.toEnd());
  const here = h("p", {});
  const back = round(t("talk.back"), "back", () => state.set({ screen: "chats", notice: "" }), "back");
  const defend = round(t("talk.defend"), "flag", () => {
    if (state.shown) state.set({ dialog: { kind: "defend", session: state.shown } });
  });
  const leave = button(t("talk.leave"), "", () => state.set({ dialog: { kind: "leave" } }));
  const names = h("div", { class: "names" }, title(session.alias), here);
  const bar = h("header", { class: "bar" },
    back, h("div", { class: "who" }, disc(session.alias), names), defend, leave);
  const absent = h("p", { class: "presence", role: "status", hidden: true });
  const below = h("div", { class: "below" });
  const rail = h("nav", { class: "rail", "aria-label": t("chats.title") });
  const root = [
    rail, h("section", { class: "talk", "aria-label": session.alias }, bar, absent, log.element, below),
  ];
  /** What is in the rail. @type {Session[] | null | undefined} */
  let listed;
  let foot = "";

  function update() {
    const { shown } = state;
    if (!shown) return;
    const { session: id } = shown;
    const live = state.screen === "talk" && !shown.ended;
    write(here, presence(state, shown));
    const gone = live && !shown.here;
    write(absent, gone ? away(shown, wall()) : "");
    show(absent, gone);
    show(leave, live);
    log.update(state.transcript(id), { typing: live && state.typing, last: ending(shown) });
    const after = `end ${state.again.has(id)} ${state.blocked.has(id)} ${Boolean(state.running)}`;
    const next = live ? "composer" : after;
    if (next !== foot) {
      foot = next;
      below.replaceChildren(live ? composer.element : afterwards(page, shown));
    }
    if (live) composer.update();
    if (listed !== state.chats || !rail.firstChild) {
      listed = state.chats;
      const mark = document.querySelector("#bar .mark")?.cloneNode(true) ?? "";
      rail.replaceChildren(mark, h("h2", {}, t("chats.title")), ...chatRows(page));
    }
  }
  const timer = setInterval(update, 10_000); // "away for n minutes" grows
  if (!state.chats) page.chat.list();
  const focus = session.ended ? undefined : composer.field;
  return { root, update, focus, close: () => clearInterval(timer), kind: "talking" };
}

/** Below an ended chat: somebody new, or the same again. @param {Page} page @param {Session} session */
function afterwards({ state, matching, chat, wall }, { session, alias, ended = 0 }) {
  const { running } = state;
  const find = running
    ? button(t("ready.chatting.back"), "lamp", () => chat.open(running))
    : button(t("ready.find"), "lamp", () => matching.seek());
  const asked = state.again.has(session);
  const mayAsk = wall() - ended < AGAIN_MS && !asked && !running && !state.blocked.has(session);
  const again = mayAsk ? button(t("talk.again"), "", () => chat.again(session)) : null;
  const line = asked
    ? h("p", { role: "status" }, t("talk.again.asked", { alias }))
    : mayAsk && h("p", {}, t("talk.again.text"));
  return h("div", { class: "inner ended" }, h("div", { class: "pair" }, find, again), line || null);
}
