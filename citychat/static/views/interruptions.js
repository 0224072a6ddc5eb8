// The screens that end or interrupt everything: loading, another window, erased. Paused is in paused.js.

import { aloneHint, announce, button, h, t, title, write } from "citychat/views/dom.js";
import { Street } from "citychat/views/street.js";
import { trouble } from "citychat/views/trouble.js";

/** @import { Page, View } from "citychat/types.js" */

const QUIET_MS = 400; // no sign of waiting before it

/** @param {...Parameters<typeof h>[2]} children */
export const plain = (...children) => h("div", { class: "plain" }, new Street("").light({ mine: false }), ...children);

/** @param {Page} page @returns {View} */
export function loading({ state }) {
  const line = h("p", { class: "soft", role: "status" });
  let waited = false;
  const update = () => {
    const wrong = trouble(state.link);
    write(line, waited ? t(wrong || "loading") : "");
    line.className = wrong ? "big" : "soft";
  };
  const head = h("h1", { class: "unseen" }, t("name"));
  const root = h("div", { class: "plain" }, head, new Street(state.place?.key ?? "").light({ mine: false }), line);
  const timer = setTimeout(() => {
    waited = true;
    update();
  }, QUIET_MS);
  return { root, update, close: () => clearTimeout(timer) };
}

/** @param {Page} page @returns {View} */
export function replaced({ joining }) {
  const use = button(t("twin.use"), "lamp", () => joining.takeOver());
  return { root: plain(title(t("twin.title")), use, aloneHint()) };
}

/** @returns {View} */
export function erased() {
  const start = button(t("erase.start"), "lamp", () => location.reload());
  announce(t("erase.done")); // with the focus of a dialog that is gone, Orca says no heading that gets it
  return { root: plain(title(t("erase.done")), start), focus: start };
}
