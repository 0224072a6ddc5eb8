// Elements without markup: user text enters the page as text nodes only.

import { parts, t } from "citychat/i18n.js";

const SVG = "http://www.w3.org/2000/svg";

/** An element. Attributes: `on` holds listeners, true sets an empty attribute, false and null none. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, { on = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A sentence in which a value may be an element. */
export const sentence = (name, values) => parts(name, values).filter((piece) => piece !== "");

export const button = (label, kind, click) => h("button", { type: "button", class: `button ${kind}`, on: { click } }, label);

export const link = (label, click, kind = "") => h("button", { type: "button", class: `link ${kind}`, on: { click } }, label);

export function round(label, icon, click, kind = "") {
  return h("button", { type: "button", class: `round ${kind}`, "aria-label": label, title: label, on: { click } }, sign(icon));
}

/** A switch with its sentence; `change(on)` when pressed. */
export function toggle(label, text, on, change) {
  const input = h("input", { type: "checkbox", role: "switch", on: { change: () => change(input.checked) } });
  input.checked = on;
  const more = text ? h("span", { class: "small soft" }, text) : null;
  return h("label", { class: "switch" }, input, h("span", {}, label), more);
}

/** Set the text only where it differs, so that nothing is announced twice. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element, visible) {
  element.hidden = !visible;
}

const SAID_MS = 5000;

/** Say it to those who do not see it; `urgent` interrupts. */
export function say(text, urgent = false) {
  const place = document.getElementById(urgent ? "alarm" : "say");
  const words = h("span", {}, text);
  place.replaceChildren();
  setTimeout(() => place.replaceChildren(words), 50); // what was there before is not read again
  setTimeout(() => words.remove(), SAID_MS);
}

export function disc(alias) {
  const [colour, animal = colour] = alias.split(" ");
  const known = /^[A-Za-z]+$/.test(colour) ? `who-${colour.toLowerCase()}` : "";
  return h("span", { class: `disc ${known}`, "aria-hidden": "true" }, [...animal][0] ?? "");
}

const SIGNS = {
  back: ["M15 5l-7 7 7 7"],
  flag: ["M6 21V4", "M6 4.5h11l-2.5 4 2.5 4H6"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  send: ["M12 19V5", "M6 11l6-6 6 6"],
  waiting: ["M12 7v5l3 2", "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z"],
  stored: ["M5 12.5l4.5 4.5L19 7.5"],
  delivered: ["M1.5 12.5L6 17l9.5-9.5", "M11.5 16l1 1L22 7.5"],
  refused: ["M12 7v6", "M12 16.5v.5", "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z"],
};
SIGNS.undelivered = SIGNS.refused;

/** One of our own line drawings, decoration to a screen reader unless `label` names it. */
export function sign(name, label) {
  const role = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  if (name === "more") {
    const dots = [5, 12, 19].map((cx) => s("circle", { class: "solid", cx, cy: 12, r: 1.9 }));
    return s("svg", { viewBox: "0 0 24 24", ...role }, ...dots);
  }
  const turn = name === "back" ? { class: "turn" } : {};
  return s("svg", { viewBox: "0 0 24 24", ...role, ...turn }, ...SIGNS[name].map((d) => s("path", { d })));
}

export const title = (text) => h("h1", { tabindex: "-1" }, text);

/** The other name of this computer, which a browser takes for another person; "" elsewhere. */
export function secondAddress() {
  const other = { localhost: "127.0.0.1", "127.0.0.1": "localhost" }[location.hostname];
  return other ? `${location.protocol}//${other}${location.port ? `:${location.port}` : ""}` : "";
}

export function aloneHint() {
  const url = secondAddress();
  if (!url) return null;
  const address = h("a", { href: url, target: "_blank", rel: "noopener" }, url);
  return h("p", { class: "hint" }, sentence("look.alone", { url: address }));
}

export { t };
