// Ready, looking and being asked: one screen, one street. The guest who is alone is what every new host sees.

import { about, has } from "citychat/i18n.js";
import { aloneHint, button, focusNext, h, link, show, t, title, toggle, write } from "citychat/views/dom.js";
import { closedWords, hourLine } from "citychat/views/hour.js";
import { found, ring } from "citychat/views/ring.js";
import { keepAwake, shareThis } from "citychat/views/share.js";
import { Street } from "citychat/views/street.js";
import { tellOnce } from "citychat/views/tell.js";

/**
 * @import { Page, View } from "citychat/types.js"
 * @import { State } from "citychat/state.js"
 * @import { Asked } from "citychat/views/ring.js"
 *
 * @typedef {"idle" | "closed" | "still" | "looking" | "chatting" | "ring" | "found"} Mode
 */

const ALONE_MS = 15_000;

/** @param {State} state */
const cityOf = ({ place }) => (place?.source === "network" ? t("ready.network.name") : (place?.city ?? ""));

/** What the screen is about now. @param {State} state @returns {Mode} */
function modeOf(state) {
  if (state.offer && !state.isAskedOver) return state.offer.looking ? "found" : "ring";
  if (state.running) return "chatting";
  if (state.looking) return "looking";
  return state.closed ? "closed" : state.still ? "still" : "idle";
}

/** @param {State} state */
function news(state) {
  const values = { city: cityOf(state) };
  if (state.running) return t("ready.chatting", { alias: state.running.alias });
  const near = (/** @type {string} */ name) => (state.roams && has(`${name}.towns`) ? `${name}.towns` : name);
  if (state.looking) return about(near(`look.${state.looking}`), state.place, values);
  return state.still ? t("look.still") : about(near(`ready.${state.free}`), state.place, values);
}

/** @param {Page} page @returns {View} */
export function ready(page) {
  const { state, joining, matching, chat, now } = page;
  let street = new Street(state.place?.key ?? "");
  /** @type {Mode | ""} */
  let shown = "";
  /** @type {Asked | null} */
  let asked = null;
  const canvas = h("div", {}, street.element);
  const name = title("");
  const within = h("p", { class: "in" }, t("ready.in"));
  const said = h("span", {});
  const wrong = link(t("ready.wrong"), () => state.set({ screen: "city", cityBusy: "" }), "inline");
  const place = h("div", { class: "place" }, within, name, h("p", { class: "said" }, said, " ", wrong));
  const told = h("p", { class: "hint", role: "status" });
  const closed = h("p", { class: "notice", role: "status" });
  const line = h("p", { class: "news", role: "status" });
  const met = h("p", { class: "news", hidden: true }, t("look.found")); // the alarm says it
  const actions = h("div", { class: "stack" });
  const stop = button(t("look.stop"), "wide", () => matching.stop()); // the same one as long as it may be meant
  const waiting = h("div", { class: "stack" });
  const hour = hourLine(page);
  const hint = aloneHint();
  const tell = tellOnce(page);
  const ask = toggle(t("ready.ask"), t("ready.ask.text"), state.settings.ask, (on) => joining.use({ ask: on }));
  const [askInput, askText] = [ask.querySelector("input"), /** @type {HTMLElement} */ (ask.querySelector(".small"))];
  const towns = toggle(t("ready.towns"), t("ready.towns.text"), false, (on) => joining.use({ towns: on }));
  const townsInput = towns.querySelector("input");
  const switches = h("div", { class: "card" }, ask, towns);
  const badge = h("span", { class: "badge", hidden: true }, t("ready.unread"));
  const chats = link(t("ready.chats"), () => state.set({ screen: "chats", notice: "" }));
  chats.append(badge);
  const root = h("div", { class: "ready" },
    canvas, place, told, closed, line, met, hour.element, actions, waiting, tell.element, switches, hint,
    h("div", { class: "later" }, chats));

  /** What can be done. @param {Mode} mode */
  function build(mode) {
    const { offer, running } = state;
    asked = offer && mode === "ring" ? ring(page, offer) : mode === "found" ? found(page) : null;
    if (mode === "ring" && asked) return asked.element;
    if (mode === "looking" || mode === "found") return stop;
    if (mode === "closed") return null;
    if (running) return button(t("ready.chatting.back"), "lamp wide", () => chat.open(running));
    return button(t(mode === "still" ? "look.still.button" : "ready.find"), "lamp wide", () => matching.seek());
  }

  /** Other buttons for another mode; the focus stays where the pressed one was. @param {Mode} mode */
  function rebuild(mode) {
    const held = actions.contains(document.activeElement);
    // "Stop looking" stays in its place: no line above it is shorter, nor the page, which may be scrolled.
    if (mode === "found") met.style.minBlockSize = `${line.offsetHeight}px`;
    root.style.minBlockSize = mode === "found" ? `${root.offsetHeight}px` : "";
    shown = mode;
    waiting.replaceChildren();
    const built = build(mode);
    if (actions.firstChild !== built) actions.replaceChildren(...(built ? [built] : []));
    if (mode === "found" && asked) waiting.append(asked.element);
    if (mode === "looking") waiting.append(h("p", { class: "hint" }, t("look.screen"), " ", keepAwake()));
    if (mode === "ring") asked?.heading?.focus();
    else if (held) focusNext(actions.querySelector("button"));
  }

  /** After 15 s alone: "Share this page". */
  function alone() {
    const lonely = shown === "looking" && state.looking !== "asking" && now() - state.lookingSince >= ALONE_MS;
    if (lonely && !waiting.querySelector(".share")) waiting.append(shareThis(page));
  }

  function count() {
    if (state.offer) asked?.update(state.offer);
    alone();
  }

  function update() {
    const mode = modeOf(state);
    const isAsked = mode === "ring" || mode === "found";
    const isRung = mode === "ring";
    if (street.key !== (state.place?.key ?? "")) {
      street = new Street(state.place?.key ?? "");
      canvas.replaceChildren(street.element);
    }
    street.light({ free: state.free, breathing: mode === "looking", met: mode === "found" || mode === "chatting" });
    write(name, cityOf(state));
    show(within, state.place?.source !== "network");
    write(said, state.place ? t(`ready.${state.place.source}`) : "");
    show(wrong, state.movable && !state.running && !isRung);
    wrong.classList.toggle("held", isAsked);
    if (mode !== shown) rebuild(mode);
    show(place, !isRung);
    const notice = isAsked || state.notice.startsWith("link.") ? "" : state.notice;
    write(told, notice && t(notice));
    write(closed, isAsked ? "" : closedWords(state));
    hour.update(isAsked || state.running !== null || state.closed !== "");
    show(met, mode === "found");
    write(line, isAsked || mode === "closed" ? "" : news(state));
    show(switches, !isAsked && !state.running);
    show(askText, mode !== "looking"); // a looker is asked anyway
    if (askInput) askInput.checked = state.settings.ask;
    show(towns, Boolean(state.place?.towns));
    if (townsInput) townsInput.checked = state.settings.towns;
    show(chats, !isAsked);
    if (hint) show(hint, !isAsked && !state.running && state.free === "none");
    tell.update(!isAsked && !state.running && mode !== "closed");
    show(badge, state.unread.size > 0);
    chats.setAttribute("aria-label", t(state.unread.size ? "ready.chats.new" : "ready.chats"));
    count();
  }
  const timer = setInterval(count, 250);
  return { root, update, close: () => [clearInterval(timer), hour.close()] };
}
