// Being asked: the ring with its countdown, and "Found someone" for those who look themselves. Both may also come over
// another screen or a dialog, and leave what is typed there as it is.

import { about } from "citychat/i18n.js";
import { announce, button, h, link, s, t, write } from "citychat/views/dom.js";

/**
 * @import { Offer, Page } from "citychat/types.js"
 *
 * @typedef {{ element: HTMLElement, heading?: HTMLElement, update: (offer: Offer) => void }} Asked
 */

const RADIUS = 24;
const ROUND = 2 * Math.PI * RADIUS;

/** @param {Page} page @param {Offer} offer @param {string | null} [role] @returns {Asked} */
export function ring({ state, matching, now }, { city, seconds }, role = "alertdialog") {
  const left = s("circle", { class: "left", cx: 28, cy: 28, r: RADIUS, "stroke-dasharray": ROUND });
  const count = h("span", {});
  const dial = s("svg", { viewBox: "0 0 56 56" }, s("circle", { class: "dial", cx: 28, cy: 28, r: RADIUS }), left);
  const clock = h("div", { class: "clock", "aria-hidden": "true" }, dial, count);
  const yes = button(t("ring.talk"), "lamp", () => matching.answer("yes"));
  const no = button(t("ring.no"), "", () => matching.answer("no"));
  no.setAttribute("aria-describedby", "ring-no");
  const heading = h("h1", { id: "ring-title", tabindex: "-1" }, about("ring.title", state.place, { city }));
  const time = h("span", { class: "unseen" }, ` ${t("ring.seconds", { n: seconds })}`);
  const text = h("p", { class: "soft", id: "ring-text" }, t("ring.text"), time);
  const dialog = h("section", {
    class: "ring", role, "aria-labelledby": "ring-title", "aria-describedby": "ring-text",
  },
    h("div", { class: "ask" }, clock, h("div", {}, heading, text)),
    h("div", { class: "answers" }, yes, no),
    h("div", {}, h("p", { class: "soft small", id: "ring-no" }, t("ring.no.text")),
      link(t("ring.later"), () => matching.answer("later"))));
  // Within a group, else Orca says all of it twice: as what has come, and as an alert
  const element = role ? h("div", { role: "group" }, dialog) : dialog;
  const update = (/** @type {Offer} */ offer) => {
    const ms = Math.max(0, offer.ends - now());
    write(count, String(Math.ceil(ms / 1000)));
    left.setAttribute("stroke-dashoffset", String(ROUND * (1 - ms / (offer.seconds * 1000))));
    for (const one of [yes, no]) one.disabled = Boolean(offer.answered);
  };
  return { element, heading, update };
}

/**
 * To somebody who looks: the page in view answers by itself; hidden before, it must be pressed. Who sees it beside the
 * button that stops the search has that one still in its place.
 * @param {Page} page @returns {Asked}
 */
export function found({ matching, now }) {
  const text = h("p", { class: "soft", role: "status" });
  const start = button(t("look.found.start"), "lamp wide", () => matching.answer("yes"));
  const byItself = document.visibilityState === "visible";
  const update = (/** @type {Offer} */ offer) => {
    const left = Math.max(1, Math.ceil((offer.starts - now()) / 1000));
    write(text, byItself ? t("look.found.in", { n: left }) : "");
    start.disabled = Boolean(offer.answered);
  };
  announce(t("look.found"));
  return { element: h("div", { class: "stack" }, start, text), update };
}

/** @param {Event} event */
const keep = (event) => event.preventDefault();

/** An offer over another screen, or over a dialog. */
export class AskedOver {
  #page;
  #offer = "";
  #timer = 0;
  /** @type {HTMLDialogElement | null} */
  #element = null;

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
  }

  update() {
    const { offer, isAskedOver, language } = this.#page.state;
    const wanted = offer && isAskedOver ? `${offer.offer} ${language}` : "";
    if (wanted === this.#offer) return;
    this.#offer = wanted;
    clearInterval(this.#timer);
    this.#element?.close(); // gives the focus back
    this.#element?.remove();
    this.#element = offer && wanted ? this.#open(offer) : null;
  }

  /** @param {Offer} offer */
  #open(offer) {
    const { state } = this.#page;
    const asked = offer.looking ? foundOver(this.#page) : ring(this.#page, offer, null);
    const { element: inside, heading, update } = asked;
    const attributes = { class: "over", role: "alertdialog", "aria-labelledby": heading?.id };
    // Esc answers nothing. Pressed twice, or as Back of a phone, the browser closes it whatever the page says.
    const escape = (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && keep(event);
    const again = () => this.#element === element && element.showModal();
    const element = h("dialog", { ...attributes, on: { cancel: keep, keydown: escape, close: again } }, inside);
    document.body.append(element);
    element.showModal();
    heading?.focus();
    const count = () => state.offer && update(state.offer);
    count();
    this.#timer = setInterval(count, 250);
    return element;
  }
}

/** @param {Page} page @returns {Asked} */
function foundOver(page) {
  const { element, update } = found(page);
  const heading = h("h2", { id: "found-title", tabindex: "-1" }, t("look.found"));
  const stop = button(t("look.stop"), "wide", () => page.matching.stop());
  return { element: h("section", { class: "ring" }, heading, element, stop), heading, update };
}
