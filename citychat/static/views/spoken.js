// The languages that a guest speaks, to be corrected: whoever shares one comes first.

import { languageName } from "citychat/i18n.js";
import { LANGUAGES_MAX, OFFERED } from "citychat/spoken.js";
import { h, round, show, t } from "citychat/views/dom.js";

/** @import { Page } from "citychat/types.js" */

/** @param {Page} page */
export function spokenLanguages({ state, joining }) {
  const list = h("ul", { class: "spoken", role: "list", "aria-labelledby": "languages" });
  const select = h("select", { class: "field", "aria-label": t("more.languages.add"), on: { change: add } });

  /** @param {string[]} chosen */
  function speak(chosen) {
    joining.speak(chosen);
    draw();
  }

  function add() {
    if (select.value) speak([...state.languages, select.value]);
    select.focus();
  }

  /** @param {string} code */
  function row(code) {
    const name = languageName(code);
    const remove = () => {
      speak(state.languages.filter((other) => other !== code));
      select.focus();
    };
    return h("li", {}, h("span", {}, name), round(t("more.languages.remove", { language: name }), "close", remove));
  }

  function draw() {
    list.replaceChildren(...state.languages.map(row));
    const others = OFFERED.filter((code) => !state.languages.includes(code)).map((code) => [languageName(code), code]);
    others.sort(([one], [other]) => one.localeCompare(other));
    const options = others.map(([name, value]) => h("option", { value }, name));
    select.replaceChildren(h("option", { value: "" }, t("more.languages.add")), ...options);
    select.disabled = state.languages.length >= LANGUAGES_MAX;
    show(list, state.languages.length > 0);
  }
  draw();
  return h("div", { class: "stack" }, h("h4", { id: "languages" }, t("more.languages")),
    h("p", { class: "small soft" }, t("more.languages.text")), list, select);
}
