// The choice of a language, and what a change of it does to a page that stands already: nothing that is typed is lost.

import { t } from "citychat/i18n.js";
import { h, show } from "citychat/views/dom.js";

/** @import { Page, Told } from "citychat/types.js" */

const CHOICE = "language";
const FIELDS = "#screen input[id], #screen textarea[id], dialog input[id], dialog textarea[id]";

/** A field with every language by its own name; nothing where there is one alone. @param {Page} page */
export function languageChoice({ state, speaking }) {
  const offered = Object.entries(JSON.parse(document.documentElement.dataset.languages ?? "{}"));
  if (offered.length < 2) return "";
  const failed = h("p", { class: "problem small", role: "alert", hidden: true }, t("link.failed"));
  const options = offered.map(([code, name]) =>
    h("option", { value: code, lang: code, selected: code === state.language }, name));
  const change = async () => {
    const done = await speaking.change(field.value, () => keepTyped(state));
    show(failed, !done);
    if (!done) field.value = state.language;
  };
  const field = h("select", { class: "field", id: CHOICE, on: { change } }, ...options);
  const label = h("label", { class: "label", for: CHOICE }, t("language.label"));
  return h("div", { class: "language" }, label, field, failed);
}

/**
 * Everything is drawn anew with the next change: then what was typed is there again, and the focus.
 * @param {EventTarget} state
 */
function keepTyped(state) {
  const fields = [...document.querySelectorAll(FIELDS)].map((one) => {
    const { id, value, checked } = /** @type {HTMLInputElement} */ (one);
    return { id, value, checked };
  });
  state.addEventListener("change", () => {
    for (const { id, value, checked } of fields) {
      const field = /** @type {HTMLInputElement | null} */ (document.getElementById(id));
      if (!field) continue;
      field.checked = checked;
      if (field.value === value) continue;
      field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    document.getElementById(CHOICE)?.focus();
  }, { once: true });
}

/** What the server has written into the page. @param {Told} told */
export function reword({ language, direction, worker }) {
  const html = document.documentElement;
  Object.assign(html, { lang: language, dir: direction });
  html.dataset.worker = worker;
  for (const one of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-words]"))) {
    one.textContent = t(one.dataset.words ?? "", { contact: one.dataset.contact ?? "" });
  }
  const addresses = document.querySelectorAll("#foot a[href^='/'], link[rel=manifest]");
  for (const one of addresses) {
    const [path] = (one.getAttribute("href") ?? "").split("?");
    one.setAttribute("href", `${path}?language=${language}`);
  }
}
