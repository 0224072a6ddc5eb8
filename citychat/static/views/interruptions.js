// The screens that end or interrupt everything: loading, another window, paused, erased.

import { moment } from "citychat/i18n.js";
import { aloneHint, button, h, sentence, show, t, title, write } from "citychat/views/dom.js";
import { Street } from "citychat/views/street.js";
import { trouble } from "citychat/views/trouble.js";

/** @import { Page, View } from "citychat/types.js" */

const QUIET_MS = 400; // no sign of waiting before it

/** @param {...Parameters<typeof h>[2]} children */
const plain = (...children) => h("div", { class: "plain" }, new Street("").light({ mine: false }), ...children);

/** @param {Page} page @returns {View} */
export function loading({ state }) {
  const line = h("p", { class: "soft", role: "status", hidden: true }, t("loading"));
  const update = () => {
    const wrong = trouble(state.link);
    write(line, t(wrong || "loading"));
    line.className = wrong ? "big" : "soft";
  };
  const root = h("div", { class: "plain" }, new Street(state.place?.key ?? "").light({ mine: false }), line);
  const timer = setTimeout(() => show(line, true), QUIET_MS);
  return { root, update, close: () => clearTimeout(timer) };
}

/** @param {Page} page @returns {View} */
export function replaced({ joining }) {
  const use = button(t("twin.use"), "lamp", () => joining.takeOver());
  return { root: plain(title(t("twin.title")), use, aloneHint()) };
}

/** @param {Page} page @returns {View} */
export function banned({ state }) {
  const { until, reason, contact, network } = state.banned ?? { until: 0, reason: "", contact: "", network: false };
  const values = { date: moment(until), reason, contact: contact || t("banned.nobody") };
  const words = sentence(network ? "banned.network" : "banned.text", values);
  return { root: plain(title(t("banned.title")), h("p", {}, words)) };
}

/** @returns {View} */
export function erased() {
  const start = button(t("erase.start"), "lamp", () => location.reload());
  return { root: plain(title(t("erase.done")), start) };
}
