// Arriving: what this is, the rules, the tick, two buttons; then the browser's own question.

import { date, inLanguage } from "citychat/i18n.js";
import { button, h, sentence, show, t, title, write } from "citychat/views/dom.js";
import { hourLine } from "citychat/views/hour.js";
import { languageChoice } from "citychat/views/language.js";
import { Street } from "citychat/views/street.js";

/** @import { Page, View } from "citychat/types.js" */

/** @param {string} name @param {string} label */
const textLink = (name, label) => h("a", { href: inLanguage(`/${name}`), target: "_blank", rel: "noopener" }, t(label));

/** @param {Page} page @returns {View} */
export function arrive(page) {
  const { state, joining, wall } = page;
  const hour = hourLine(page);
  const box = h("input", { type: "checkbox", id: "consent", on: { change: () => show(problem, false) } });
  const problem = h("p", { class: "problem", role: "alert", hidden: true }, t("arrive.tick"));
  const go = (/** @type {() => void} */ start) => () => {
    if (!box.checked) {
      show(problem, true);
      box.focus();
      return;
    }
    joining.accept();
    start();
  };
  const kept = Number(document.documentElement.dataset.days) * 86_400_000;
  const read = sentence("arrive.read", {
    rules: textLink("rules", "arrive.rules.link"), privacy: textLink("privacy", "arrive.privacy.link"),
  });
  const root = h("div", { class: "arrive" },
    new Street("arrive").light({ mine: true, free: "few" }),
    title(t("arrive.title")),
    h("p", { class: "lead" }, t("arrive.text")),
    hour.element,
    state.closed ? h("p", { class: "notice" }, state.closed) : null,
    state.changed ? h("p", { class: "notice" }, t("arrive.changed")) : null,
    h("ul", { class: "rules" },
      h("li", {}, t("arrive.rules")),
      h("li", {}, t("arrive.seen")),
      h("li", {}, t("arrive.stored", { date: date(wall() + kept) }))),
    h("div", { class: "card consent" },
      h("label", { class: "check" }, box, h("span", {}, t("arrive.consent"))),
      h("p", { class: "small soft" }, read)),
    problem,
    h("div", { class: "actions" },
      button(t("arrive.position"), "lamp", go(() => joining.withPosition())),
      button(t("arrive.city"), "", go(() => joining.withCity()))),
    languageChoice(page),
  );
  return { root, close: hour.close };
}

/** @param {Page} page @returns {View} */
export function locating({ state, joining }) {
  const street = new Street("arrive").light({ mine: true });
  const text = h("p", { class: "soft", role: "status" }, t("locate.text"));
  const on = button(t("locate.city"), "", () => joining.withCity());
  const root = h("div", { class: "plain" }, street, title(t("locate.title")), text, on);
  const update = () => {
    on.classList.toggle("lamp", state.locatingSlow);
    write(text, t(state.locatingSlow ? "locate.wait" : "locate.text"));
  };
  return { root, update };
}
