// The paused screen: until when, why, by whom, the one objection and its answer; and the screen that tells of its end.

import { moment, together } from "citychat/i18n.js";
import { OBJECTION_MAX_CHARS } from "citychat/shapes.js";
import { cleanText, isBlank } from "citychat/text.js";
import { button, h, show, t, title, write } from "citychat/views/dom.js";
import { plain } from "citychat/views/interruptions.js";

/**
 * @import { Page, Pause, View } from "citychat/types.js"
 */

const FOR_GOOD = 2e14; // a pause that has no end ends then, or later

/** @param {Page} page @returns {View} */
export function banned(page) {
  const { state, joining } = page;
  const heading = title(t("banned.title"));
  const told = h("p", { class: "soft", role: "status" });
  const body = h("div", { class: "sheet paused" });
  let shown = "";
  const update = () => {
    const pause = state.banned;
    if (!pause) return;
    const { asking, ...facts } = pause;
    const now = JSON.stringify(facts);
    if (now !== shown) {
      const held = body.contains(document.activeElement);
      body.replaceChildren(...why(facts), ...said(facts, page));
      if (facts.objection) page.drafts.keepObjection("");
      if (held) heading.focus();
    }
    shown = now;
    write(told, asking ? t("banned.asking") : facts.objection && !facts.answer ? t("banned.waits") : "");
  };
  update();
  return { root: plain(heading, body, told, button(t("banned.again"), "", () => joining.lookAgain())), update };
}

/** @param {Pause} pause */
function why({ until, reason, rule, automatic, reference, network }) {
  const length = network ? "banned.network" : until < FOR_GOOD ? "banned.text" : "banned.good";
  return [
    h("p", { class: "big" }, t(length, { date: moment(until) })),
    h("p", {}, together(t(automatic ? "banned.automatic" : "banned.host"), broken(rule, reason))),
    reference ? h("p", { class: "soft" }, t("banned.reference", { code: reference })) : "",
  ];
}

/** @param {string} rule @param {string} reason */
const broken = (rule, reason) => rule && t(reason ? "banned.rule.reason" : "banned.rule", { rule, reason });

/** @param {Pause} pause @param {Page} page */
function said({ reference, objection, answer, contact }, page) {
  if (!reference) return [h("p", {}, t("banned.contact", { contact: contact || t("banned.nobody") }))];
  if (!objection) return form(page);
  return [...quoted("banned.yours", objection), ...quoted("banned.answer", answer)];
}

/** @param {string} name @param {string | undefined} text */
const quoted = (name, text) =>
  text ? [h("div", {}, h("p", { class: "label" }, t(name)), h("blockquote", { dir: "auto" }, text))] : [];

/** @param {Page} page */
function form({ joining, drafts }) {
  const field = h("textarea", {
    class: "field", id: "objection", rows: 4, maxlength: OBJECTION_MAX_CHARS, dir: "auto",
    on: { input: () => drafts.keepObjection(field.value) },
  }, drafts.objection);
  const problem = h("p", { class: "problem small", role: "alert", hidden: true }, t("banned.empty"));
  const send = button(t("banned.send"), "lamp", () => {
    const text = cleanText(field.value).trim();
    show(problem, isBlank(text));
    if (isBlank(text)) field.focus();
    else joining.object(text);
  });
  const label = h("label", { class: "label", for: "objection" }, t("banned.object"));
  return [h("div", {}, label, field), problem, send];
}

/** @param {Page} page @returns {View} */
export function lifted({ state, joining }) {
  const { rule = "", reason = "", answer = "" } = state.lifted ?? {};
  const body = h("div", { class: "sheet paused" },
    rule && h("p", {}, broken(rule, reason)), ...quoted("banned.answer", answer));
  const heading = title(t(rule ? "lifted.warned" : "lifted.title"));
  return { root: plain(heading, body, button(t("lifted.on"), "lamp", () => joining.goOn())) };
}
