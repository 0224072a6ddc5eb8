// "Tell me once when somebody is here", for who is alone; and that it was asked, with the way back.

import { button, h, link, show, t } from "citychat/views/dom.js";

/** @import { Page } from "citychat/types.js" */

/** @param {Page} page */
export function tellOnce({ state, sign }) {
  const ask = h("div", { class: "share" },
    button(t("sign.ask"), "wide", () => sign.ask()), h("p", { class: "hint" }, t("sign.text")));
  const asked = h("p", { class: "hint", role: "status" });
  const stop = link(t("sign.stop"), () => sign.stop(), "inline");
  const element = h("div", { class: "tell" }, ask, asked);

  /** @param {boolean} alone nobody else is free, and nothing else goes on here */
  function update(alone) {
    const is = sign.asked;
    show(ask, sign.possible && !is && alone && state.free === "none");
    const told = sign.possible && is && alone;
    if (told === asked.hasChildNodes()) return;
    asked.replaceChildren(...(told ? [t("sign.asked"), " ", stop] : []));
  }
  return { element, update };
}
