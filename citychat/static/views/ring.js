// Being asked: the ring with its countdown, and "Found someone" for those who look themselves.

import { button, h, link, s, say, show, t, write } from "citychat/views/dom.js";

const RADIUS = 24;
const ROUND = 2 * Math.PI * RADIUS;

export class Ring {
  constructor({ state, meeting, now }) {
    Object.assign(this, { state, now });
    const { offer } = state;
    const about = t("ring.title", { city: offer.city });
    this.left = s("circle", { class: "left", cx: 28, cy: 28, r: RADIUS, "stroke-dasharray": ROUND });
    this.count = h("span", {});
    const dial = s("svg", { viewBox: "0 0 56 56" }, s("circle", { class: "dial", cx: 28, cy: 28, r: RADIUS }), this.left);
    const clock = h("div", { class: "clock", "aria-hidden": "true" }, dial, this.count);
    const talk = button(t("ring.talk"), "lamp", () => meeting.answer("yes"));
    const no = button(t("ring.no"), "", () => meeting.answer("no"));
    no.setAttribute("aria-describedby", "ring-no");
    this.buttons = [talk, no];
    this.element = h("section", { class: "ring", role: "alertdialog", "aria-labelledby": "ring-title", "aria-describedby": "ring-text" },
      h("div", { class: "ask" }, clock,
        h("div", {}, h("h1", { id: "ring-title", tabindex: "-1" }, about), h("p", { class: "soft", id: "ring-text" }, t("ring.text"), h("span", { class: "unseen" }, ` ${t("ring.seconds", { n: offer.seconds })}`)))),
      h("div", { class: "answers" }, talk, no),
      h("div", {}, h("p", { class: "soft small", id: "ring-no" }, t("ring.no.text")),
        link(t("ring.later"), () => meeting.answer("later"))));
  }

  update() {
    const { offer } = this.state;
    if (!offer) return;
    const left = Math.max(0, offer.ends - this.now());
    write(this.count, String(Math.ceil(left / 1000)));
    this.left.setAttribute("stroke-dashoffset", String(ROUND * (1 - left / (offer.seconds * 1000))));
    for (const one of this.buttons) one.disabled = Boolean(offer.answered);
  }
}

/** To somebody who looks: the page in view answers by itself; hidden before, it must be pressed. */
export function found({ state, meeting, now }) {
  const text = h("p", { class: "soft", role: "status" });
  const start = button(t("look.found.start"), "lamp", () => meeting.answer("yes"));
  const stop = button(t("look.found.stop"), "", () => meeting.stop());
  const element = h("section", { class: "ring", "aria-labelledby": "found-title" },
    h("div", {}, h("h2", { id: "found-title" }, t("look.found")), text),
    h("div", { class: "answers" }, start, stop));
  const byItself = document.visibilityState === "visible";
  const update = () => {
    if (!state.offer) return;
    const left = Math.max(1, Math.ceil((state.offer.starts - now()) / 1000));
    write(text, byItself ? t("look.found.in", { n: left }) : "");
    start.disabled = Boolean(state.offer.answered);
  };
  show(text, byItself);
  say(t("look.found"), true);
  return { element, update };
}
