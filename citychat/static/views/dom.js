// Elements without markup: user text enters the page as text nodes only.

import { parts, t } from "citychat/i18n.js";

/** @typedef {{ [Event in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Event]) => void }} Listeners */
/** @typedef {string | number | boolean | null | undefined} Value */
/** @typedef {{ on?: Listeners, [name: string]: Value | Listeners }} Attributes */
/** @typedef {Node | string | number | null | undefined} Child */

const SVG = "http://www.w3.org/2000/svg";

/** One that the template has. @param {string} id */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * An element. Attributes: `on` holds listeners, true sets an empty attribute, false and null none.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Attributes} [attributes] @param {...(Child | Child[])} children
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag @param {Attributes} [attributes] @param {...Child} children
 */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * @template {Element} Made
 * @param {Made} element @param {Attributes} attributes @param {(Child | Child[])[]} children
 */
function fill(element, { on = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  for (const [event, listener] of Object.entries(on)) {
    element.addEventListener(event, /** @type {EventListener} */ (listener));
  }
  for (const child of children.flat()) if (child !== null && child !== undefined) element.append(asNode(child));
  return element;
}

/** @param {Node | string | number} child */
const asNode = (child) => (typeof child === "number" ? String(child) : child);

/**
 * A sentence in which a value may be an element.
 * @param {string} name @param {import("citychat/i18n.js").Values} values
 */
export const sentence = (name, values) => parts(name, values).filter((piece) => piece !== "");

/** @param {string} label @param {string} kind @param {() => void} click */
export const button = (label, kind, click) =>
  h("button", { type: "button", class: `button ${kind}`, on: { click } }, label);

/** @param {string} label @param {() => void} click */
export const link = (label, click, kind = "") =>
  h("button", { type: "button", class: `link ${kind}`, on: { click } }, label);

/** @param {string} label @param {string} icon @param {() => void} click */
export function round(label, icon, click, kind = "") {
  const attributes = { type: "button", class: `round ${kind}`, "aria-label": label, title: label, on: { click } };
  return h("button", attributes, sign(icon));
}

/**
 * A switch with its sentence; `change(on)` when pressed.
 * @param {string} label @param {string} text @param {boolean} on @param {(on: boolean) => void} change
 */
export function toggle(label, text, on, change) {
  const input = h("input", { type: "checkbox", role: "switch", on: { change: () => change(input.checked) } });
  input.checked = on;
  const more = text ? h("span", { class: "small soft" }, text) : null;
  return h("label", { class: "switch" }, input, h("span", {}, label), more);
}

/**
 * Set the text only where it differs, so that nothing is announced twice.
 * @param {Element} element @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {HTMLElement} element @param {boolean} visible */
export function show(element, visible) {
  element.hidden = !visible;
}

/**
 * Whether the key was one of an input method. Safari ends the composition first, and then tells of its Enter as 229.
 * @param {KeyboardEvent} event
 */
export const byInputMethod = ({ isComposing, keyCode }) => isComposing || keyCode === 229;

const GONE_MS = 150;

/**
 * Give the focus that was lost with what had it. A little later: screen readers that hear of both at once say nothing
 * (Orca). Whoever has gone on by keyboard meanwhile keeps it.
 * @param {HTMLElement | null | undefined} element
 */
export function focusNext(element) {
  const take = () => element?.focus({ preventScroll: true });
  if (document.activeElement !== document.body) take();
  else setTimeout(() => document.activeElement === document.body && take(), GONE_MS);
}

const SAID_MS = 5000;

/** Interrupt those who do not see the page with something that stands in no live region of it. @param {string} text */
export function announce(text) {
  const place = byId("alarm");
  const words = h("span", {}, text);
  place.replaceChildren();
  setTimeout(() => place.replaceChildren(words), 50); // what was there before is not read again
  setTimeout(() => words.remove(), SAID_MS);
}

/** Read out what the partner has written: once, and nothing else ever stands there. @param {string} text */
export function hear(text) {
  const words = h("p", { dir: "auto" }, text);
  byId("heard").append(words);
  setTimeout(() => words.remove(), SAID_MS);
}

/** @param {string} alias */
export function disc(alias) {
  const [colour, animal = colour] = alias.split(" ");
  const known = /^[A-Za-z]+$/.test(colour) ? `who-${colour.toLowerCase()}` : "";
  return h("span", { class: `disc ${known}`, "aria-hidden": "true" }, [...animal][0] ?? "");
}

/** @type {Record<string, string[]>} */
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

/**
 * One of our own line drawings, decoration to a screen reader unless `label` names it.
 * @param {string} name @param {string} [label]
 */
export function sign(name, label) {
  const role = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  if (name === "more") {
    const dots = [5, 12, 19].map((cx) => s("circle", { class: "solid", cx, cy: 12, r: 1.9 }));
    return s("svg", { viewBox: "0 0 24 24", ...role }, ...dots);
  }
  const turn = name === "back" ? { class: "turn" } : {};
  return s("svg", { viewBox: "0 0 24 24", ...role, ...turn }, ...SIGNS[name].map((d) => s("path", { d })));
}

/** @param {string} text */
export const title = (text) => h("h1", { tabindex: "-1" }, text);

/** The other name of this computer, which a browser takes for another person; "" elsewhere. */
export function secondAddress() {
  const other = new Map([["localhost", "127.0.0.1"], ["127.0.0.1", "localhost"]]).get(location.hostname);
  return other ? `${location.protocol}//${other}${location.port ? `:${location.port}` : ""}` : "";
}

export function aloneHint() {
  const url = secondAddress();
  if (!url) return null;
  const address = h("a", { href: url, dir: "ltr", target: "_blank", rel: "noopener" }, url);
  return h("p", { class: "hint" }, sentence("look.alone", { url: address }));
}

export { t };
