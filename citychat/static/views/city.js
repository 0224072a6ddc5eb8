// "Which city are you in?": a combobox over the server's gazetteer (ARIA: combobox with list autocomplete).

import { country } from "citychat/i18n.js";
import { h, link, show, t, title, write } from "citychat/views/dom.js";
import { Street } from "citychat/views/street.js";

/** @import { City, Page, View } from "citychat/types.js" */

const QUIET_MS = 200; // between the last key and the question

/** @param {Page} page @returns {View} */
export function city({ state, joining, socket }) {
  /** @type {City[]} */
  let found = [];
  let active = -1;
  let asked = 0;
  let timer = 0;
  const list = h("ul", { class: "options", role: "listbox", id: "cities", "aria-label": t("city.label") });
  const status = h("p", { class: "soft small", role: "status" });
  const busy = h("p", { class: "notice", role: "alert", hidden: true });
  const field = h("input", {
    class: "field", id: "city", type: "text", role: "combobox", autocomplete: "off", autocapitalize: "words",
    spellcheck: "false", maxlength: 80, "aria-expanded": "false", "aria-controls": "cities",
    "aria-autocomplete": "list", on: { input: () => later(), keydown: (event) => key(event) },
  });

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(look, QUIET_MS);
  };
  async function look() {
    const q = field.value.trim();
    const mine = (asked += 1);
    const answer = q ? await socket.cities(q) : null;
    if (mine !== asked) return;
    found = answer?.ok ? answer.cities : [];
    active = -1;
    draw();
    write(status, answer?.ok ? t(found.length ? "city.some" : "city.none", { n: found.length }) : "");
  }
  function draw() {
    field.setAttribute("aria-expanded", String(found.length > 0));
    list.replaceChildren(...found.map(option));
    if (active >= 0) field.setAttribute("aria-activedescendant", `city-${active}`);
    else field.removeAttribute("aria-activedescendant");
    list.children[active]?.scrollIntoView({ block: "nearest" });
  }
  /** @param {City} one @param {number} i */
  function option(one, i) {
    const where = [one.region, country(one.country ?? "")].filter(Boolean).join(", ");
    return h("li", {
      class: "option", role: "option", id: `city-${i}`, "aria-selected": String(i === active),
      on: { mousedown: (event) => event.preventDefault(), click: () => joining.choose(one.id) },
    }, h("span", {}, one.name), h("span", { class: "soft small" }, where));
  }
  /** @param {KeyboardEvent} event */
  function key(event) {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) {
      active = (active + step + found.length) % found.length;
      draw();
    } else if (event.key === "Enter" && found.length) joining.choose(found[Math.max(0, active)].id);
    else if (event.key === "Escape" && found.length) {
      found = [];
      draw();
    } else return;
    event.preventDefault();
  }

  const none = h("p", { class: "hint", role: "status", hidden: true }, t("city.position.none"));
  const position = link(t("city.position"), async () => show(none, !(await joining.choosePosition())));
  const back = link(t("city.back"), () => state.set({ screen: "ready", cityBusy: "" }));
  const root = h("div", { class: "choose" },
    new Street("").light({ mine: true }),
    title(t("city.title")),
    h("p", { class: "soft" }, t("city.text")),
    h("div", {}, h("label", { class: "label", for: "city" }, t("city.label")), field),
    list, status, busy, h("div", {}, position, none), back);
  const update = () => {
    show(position, window.isSecureContext);
    show(back, Boolean(state.place));
    show(busy, Boolean(state.cityBusy));
    write(busy, state.cityBusy ? t(state.cityBusy, { city: state.place?.city ?? "" }) : "");
  };
  return { root, update, focus: field };
}
