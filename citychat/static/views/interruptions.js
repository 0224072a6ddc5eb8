// The screens that end or interrupt everything: loading, another window, paused, erased.

import { Street } from "citychat/views/street.js";
import { aloneHint, button, h, sentence, show, t, title, write } from "citychat/views/dom.js";
import { moment } from "citychat/i18n.js";

const QUIET_MS = 400; // no sign of waiting before it
const TROUBLE = { blocked: "link.blocked", drain: "link.drain", away: "link.unavailable", cut: "link.cut.short" };

export function loading({ state }) {
  const line = h("p", { class: "soft", role: "status", hidden: true }, t("loading"));
  const update = () => {
    const trouble = TROUBLE[state.link];
    write(line, t(trouble ?? "loading"));
    line.className = trouble ? "big" : "soft";
  };
  const root = h("div", { class: "plain" }, new Street(state.place?.key ?? "").light({ mine: false }), line);
  const timer = setTimeout(() => show(line, true), QUIET_MS);
  return { root, update, close: () => clearTimeout(timer) };
}

export function replaced({ visit }) {
  const root = h("div", { class: "plain" }, new Street("").light({ mine: false }), title(t("twin.title")),
    button(t("twin.use"), "lamp", () => visit.takeOver()), aloneHint());
  return { root };
}

export function banned({ state }) {
  const { until, reason, contact } = state.banned;
  const values = { date: moment(until), reason, contact: contact || t("banned.nobody") };
  const root = h("div", { class: "plain" }, new Street("").light({ mine: false }), title(t("banned.title")),
    h("p", {}, sentence("banned.text", values)));
  return { root };
}

export function erased() {
  const root = h("div", { class: "plain" }, new Street("").light({ mine: false }), title(t("erase.done")),
    button(t("erase.start"), "lamp", () => location.reload()));
  return { root };
}
