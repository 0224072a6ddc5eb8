// "Tell me once when somebody is here", for who is alone; and that it was asked, with the way back.

import { button, h, link, show, t } from "citychat/views/dom.js";

/** @import { Page } from "citychat/types.js" */

/** @param {Page} page */
export function tellOnce({ state, sign }) {
  const ask = h("div", { class: "share" },
    button(t("sign.ask"), "wide", () => sign.ask()), h("p", { class: "hint" }, t("sign.text")));
  const asked = h("p", { class: "hint", role: "status" },
    t("sign.asked"), " ", link(t("sign.stop"), () => sign.stop(), "inline"));
  const element = h("div", { hidden: true }, ask, asked);

  /** @param {boolean} alone nobody else is free, and nothing else goes on here */
  function update(alone) {
    const is = sign.asked;
    show(ask, !is && alone && state.free === "none");
    show(asked, is && alone);
    show(element, sign.possible && !(ask.hidden && asked.hidden));
  }
  return { element, update };
}
