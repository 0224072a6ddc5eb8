// "Which city are you in?": a combobox over the server's gazetteer (ARIA: combobox with list autocomplete).

import { country } from "citychat/i18n.js";
import { button, byInputMethod, h, link, show, t, title, write } from "citychat/views/dom.js";
import { Street } from "citychat/views/street.js";

/** @import { City, Page, View } from "citychat/types.js" */

const QUIET_MS = 200; // between the last key and the question

/**
 * Of "Lyon, France" those whose region or country is called so, in the page's language or in English; all if none is.
 * @param {City[]} cities @param {string} q
 */
function meant(cities, q) {
  const where = q.split(",").slice(1).join(",").trim().toLowerCase();
  const there = cities.filter((one) => where && namesOf(one).some((name) => name.toLowerCase().startsWith(where)));
  return there.length ? there : cities;
}

/** @param {string} region @param {string} land */
const whereIs = (region, land) => (region && land ? t("city.where", { region, country: land }) : region || land);

/** @param {City} city */
const namesOf = ({ region, country: code }) => [region, country(code), country(code, "en")];

/** @param {Page} page @returns {View} */
export function city({ state, joining, socket }) {
  /** @type {City[]} */
  let found = [];
  let drawn = found;
  let active = -1;
  let asked = 0;
  let timer = 0;
  /** What `found` is the answer to; null: none came. @type {string | null} */
  let answered = "";
  let wanted = false; // Enter was pressed before its answer was there
  const list = h("ul", { class: "options", role: "listbox", id: "cities", "aria-label": t("city.label") });
  const status = h("p", { class: "soft small", role: "status" });
  const busy = h("p", { class: "notice", role: "alert", hidden: true });
  const field = h("input", {
    class: "field", id: "city", type: "text", role: "combobox", autocomplete: "off", autocapitalize: "words",
    spellcheck: "false", maxlength: 80, "aria-expanded": "false", "aria-controls": "cities",
    "aria-autocomplete": "list", on: { input: () => later(), keydown: (event) => key(event) },
  });

  const typed = () => field.value.trim();
  const later = () => {
    wanted = false;
    clearTimeout(timer);
    timer = setTimeout(look, QUIET_MS);
  };
  async function look() {
    clearTimeout(timer);
    const q = typed();
    const mine = (asked += 1);
    const answer = q ? await socket.cities(q) : null;
    if (mine !== asked) return;
    answered = !answer || answer.ok ? q : null;
    if (answer?.retry_ms) timer = setTimeout(look, answer.retry_ms);
    found = answer?.ok ? meant(answer.cities, q) : [];
    active = -1;
    draw();
    write(status, answer?.ok ? t(found.length ? "city.some" : "city.none", { n: found.length }) : "");
    if (wanted && answered === typed()) take();
  }
  /** Enter takes what was answered to the letters that are there, and waits for it. */
  function take() {
    wanted = answered !== typed();
    if (wanted) look();
    else if (found.length) joining.choose(found[Math.max(0, active)].id);
  }
  function draw() {
    field.setAttribute("aria-expanded", String(found.length > 0));
    if (drawn !== found) list.replaceChildren(...found.map(option));
    drawn = found;
    [...list.children].forEach((one, i) => one.setAttribute("aria-selected", String(i === active)));
    if (active >= 0) field.setAttribute("aria-activedescendant", `city-${active}`);
    else field.removeAttribute("aria-activedescendant");
    list.children[active]?.scrollIntoView({ block: "nearest" });
  }
  /** @param {City} one @param {number} i */
  function option(one, i) {
    const where = whereIs(one.region ?? "", country(one.country ?? ""));
    return h("li", {
      class: "option", role: "option", id: `city-${i}`,
      on: { mousedown: (event) => event.preventDefault(), click: () => joining.choose(one.id) },
    }, h("span", {}, one.name), h("span", { class: "soft small" }, where));
  }
  /** @param {KeyboardEvent} event */
  function key(event) {
    if (byInputMethod(event)) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) {
      active = (active + step + found.length) % found.length;
      draw();
    } else if (event.key === "Enter" && typed()) take();
    else if (event.key === "Escape" && found.length) {
      found = [];
      draw();
    } else return;
    event.preventDefault();
  }

  const proposed = h("div", { role: "status" });
  /** @type {City | null} */
  let shown = null;
  /** The city of a link stays a choice. */
  function propose() {
    const one = state.proposed;
    if (one === shown) return;
    shown = one;
    proposed.className = one ? "card proposed" : "";
    if (!one) return proposed.replaceChildren();
    const name = [one.name, one.region, country(one.country ?? "")].filter(Boolean).join(", ");
    const yes = button(t("city.linked.yes", { city: one.name }), "lamp wide", () => joining.choose(one.id));
    proposed.replaceChildren(h("p", {}, t("city.linked", { city: name })), yes);
  }
  const told = h("p", { class: "hint", role: "status" });
  const position = link(t("city.position"), async () => {
    write(told, t("locate.title"));
    const gave = await joining.choosePosition(() => write(told, t("city.position.wait")));
    write(told, gave ? "" : t("city.position.none"));
  });
  const back = link(t("city.back"), () => state.set({ screen: "ready", proposed: null, cityBusy: "" }));
  const root = h("div", { class: "choose" },
    new Street("").light({ mine: true }),
    title(t("city.title")),
    proposed,
    h("p", { class: "soft" }, t("city.text")),
    h("div", {}, h("label", { class: "label", for: "city" }, t("city.label")), field),
    list, status, busy, h("div", {}, position, told), back);
  const update = () => {
    propose();
    if (answered === null && socket.live) { // typed while the link was cut
      answered = "";
      look();
    }
    show(position, window.isSecureContext);
    show(back, Boolean(state.place));
    show(busy, Boolean(state.cityBusy));
    write(busy, state.cityBusy ? t(state.cityBusy, { city: state.place?.city ?? "" }) : "");
  };
  return { root, update, focus: field };
}
