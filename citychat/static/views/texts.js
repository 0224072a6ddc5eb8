// Rules, privacy and imprint over the page: whoever reads them is still here, and loses neither a search nor a text.

import { inLanguage } from "citychat/i18n.js";
import { h, t } from "citychat/views/dom.js";

/** @import { State } from "citychat/state.js" */

/** @param {State} state */
export function readHere(state) {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest("a");
    const name = link && link.origin === location.origin && /^\/(rules|privacy|imprint)$/.exec(link.pathname)?.[1];
    if (!name || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    state.set({ dialog: { kind: "text", name } });
  });
}

/** The server's own page of that name, without its frame. @param {string} name */
export function textOf(name) {
  const body = h("div", { class: "text" }, h("p", { class: "soft", role: "status" }, t("loading")));
  const fill = async () => {
    try {
      const answer = await fetch(inLanguage(`/${name}`));
      const page = new DOMParser().parseFromString(answer.ok ? await answer.text() : "", "text/html");
      // The first is our heading, the last leads back here.
      const told = [...page.querySelectorAll("main.text > :not(h1:first-child, :last-child)")];
      if (!told.length) throw new Error(`no text at /${name}`);
      body.replaceChildren(...told);
    } catch {
      body.replaceChildren(h("p", { class: "problem", role: "alert" }, t("link.failed")));
    }
  };
  fill();
  return { heading: t(`foot.${name}`), body };
}
