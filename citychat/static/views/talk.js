// A chat on the screen: running, ended or long past. Beside it, where there is room, my chats.

import { date, lasting } from "citychat/i18n.js";
import { ChatRows } from "citychat/views/chats.js";
import { Composer } from "citychat/views/composer.js";
import { button, disc, h, link, round, show, t, title, write } from "citychat/views/dom.js";
import { Log } from "citychat/views/log.js";
import { closedWords } from "citychat/views/hour.js";
import { troubleForWriters } from "citychat/views/trouble.js";

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
  return gone < 60_000 ? t("talk.away.now") : lasting("talk.away", gone);
}

/** @param {State} state @param {Session} session */
function presence(state, session) {
  if (state.screen === "past") return t("chats.deleted", { date: date(session.expires) });
  if (state.running) return t(session.here ? "talk.here" : "talk.away.short");
  return t(state.leaving || session.by === "you" ? "talk.left.you" : session.by ? "talk.left" : "talk.over");
}

/** How an ended chat ended, as far as this page knows. @param {Session} session */
function ending(session) {
  if (!session.ended) return "";
  if (session.by === "you") return t("talk.ended.you");
  return session.by === "partner" ? t("talk.ended", { alias: session.alias }) : t("talk.ended.over");
}

/**
 * A leave that is not said yet: it can be undone, or waits for a link.
 * @param {Page} page @param {Session} session
 */
function heldBack({ state, chat }, { session, alias }) {
  const line = h("p", { id: "held" });
  const undo = button(t("leave.undo"), "", () => chat.undoLeave());
  undo.setAttribute("aria-describedby", "held");
  const element = h("div", { class: "inner undo", hidden: true }, line, undo);
  /** Answers whether it can be undone. */
  const update = () => {
    const mine = state.screen === "talk" && state.leaving?.session === session;
    const open = mine && Boolean(state.leaving?.undo);
    write(line, t(open ? "leave.held" : "leave.later", { alias }));
    if (!open) undo.blur(); // the focus goes where it is not lost
    show(undo, open);
    show(element, open || (mine && state.link !== "on"));
    return open;
  };
  return { element, undo, update };
}

/** @param {Page} page @returns {View} */
export function talk(page) {
  const { state, questions, wall } = page;
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
    back, h("div", { class: "who" }, disc(session.alias), names), h("div", { class: "acts" }, defend, leave));
  const absent = h("p", { class: "presence", role: "status" });
  const parts = h("div", {});
  const said = h("p", { role: "status" }); // there from the start: what comes together with its words is not read
  const below = h("div", { class: "below" }, parts, said);
  const held = heldBack(page, session);
  const rows = new ChatRows(page);
  const mark = document.querySelector("#bar .mark")?.cloneNode(true) ?? "";
  const mine = h("h2", {}, t("chats.title"));
  const rail = h("nav", { class: "rail", "aria-label": t("chats.title") }, mark, mine, rows.element);
  const root = [
    rail, h("section", { class: "talk", "aria-label": session.alias }, bar, absent, log.element, below),
  ];
  let foot = "";
  let [question, asked, asks] = ["", "", true];

  function update() {
    const { shown } = state;
    if (!shown) return;
    const { session: id } = shown;
    const live = state.screen === "talk" && state.running !== null;
    write(here, presence(state, shown));
    const gone = live && !shown.here && !troubleForWriters(state.link); // without a link nobody knows
    write(absent, gone ? away(shown, wall()) : "");
    show(leave, live);
    const facts = { live: state.screen === "talk", typing: live && state.typing, last: ending(shown) };
    log.update(state.transcript(id), facts);
    const shut = state.running ? "" : closedWords(state);
    const after = `end ${state.again.has(id)} ${state.blocked.has(id)} ${Boolean(state.running)} ${shut}`;
    const next = live ? "composer" : after;
    const inside = below.contains(document.activeElement);
    const open = held.update();
    if (next !== foot) {
      foot = next;
      parts.replaceChildren(...(live ? [composer.element] : [held.element, afterwards(page, shown, shut)]));
      if (open) setTimeout(() => held.undo.focus()); // when the dialog has given the focus back
      else if (inside) (live ? composer.field : below.querySelector("textarea") ?? log.list).focus();
    } else if (inside && !below.contains(document.activeElement)) log.list.focus();
    const again = !live && state.again.has(id) ? t("talk.again.asked", { alias: shown.alias }) : "";
    write(said, (!live && shut) || again);
    said.className = !live && shut ? "notice" : "said";
    if (live) composer.update();
    if (state.settings.question !== asks || question !== asked) {
      [asks, asked] = [state.settings.question, question];
      log.ask(asks ? asked : "");
    }
    rows.update();
  }
  if (!session.ended && questions.any) {
    composer.field.setAttribute("aria-describedby", "question");
    questions.of(session.session).then((one) => {
      question = one;
      update();
    });
  }
  const timer = setInterval(update, 10_000); // "away for n minutes" grows
  if (!state.chats) page.chat.list();
  const focus = session.ended ? undefined : composer.field;
  return { root, update, focus, close: () => clearInterval(timer), kind: "talking" };
}

/**
 * Below an ended chat: somebody new, or the same again; neither while nobody is led together.
 * @param {Page} page @param {Session} session @param {string} shut
 */
function afterwards({ state, matching, chat, drafts, wall }, { session, ended = wall() }, shut) {
  const { running } = state;
  const find = running
    ? button(t("ready.chatting.back"), "lamp", () => chat.open(running))
    : shut ? null : button(t("ready.find"), "lamp", () => matching.seek());
  const asked = state.again.has(session);
  const mayAsk = wall() - ended < AGAIN_MS && !asked && !running && !shut && !state.blocked.has(session);
  const again = mayAsk ? button(t("talk.again"), "", () => chat.again(session)) : null;
  const text = drafts.unsent(session) || (state.leaving && chat.draft);
  const unsent = text ? unsentText(text) : null;
  const pair = find || again ? h("div", { class: "pair" }, find, again) : null;
  return h("div", { class: "inner ended" }, unsent, pair, mayAsk ? h("p", {}, t("talk.again.text")) : null);
}

/** What was typed when the chat ended: nobody gets it, and nothing typed is lost. @param {string} text */
function unsentText(text) {
  const field = h("textarea", { class: "field", id: "unsent", readonly: true, rows: 2, dir: "auto" }, text);
  const told = h("span", { role: "status" });
  const copy = link(t("talk.copy"), async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(text);
      write(told, t("talk.copied"));
    } catch {
      // Refused, or plain http: it is selected, for the browser's own copying.
    }
  });
  return h("div", { class: "unsent" }, h("label", { for: "unsent" }, t("talk.unsent")), field,
    h("p", {}, copy, " ", told));
}
