// The sentences of this page's language, and dates and durations in it.

/** @typedef {Record<string, string | number | Node>} Values */

/** @type {Record<string, string>} */
let sentences = {};
let language = "en";

/** @param {Record<string, string>} catalogue @param {string} lang */
export function learn(catalogue, lang) {
  sentences = catalogue;
  language = lang;
}

/** The sentence of that name with `{name}` filled in. @param {string} name @param {Values} [values] */
export function t(name, values = {}) {
  return parts(name, values).join("");
}

/** The sentence in pieces, so that a value may be an element. @param {string} name @param {Values} values */
export function parts(name, values) {
  return (sentences[name] ?? name).split(/\{(\w+)\}/).map((piece, i) => (i % 2 ? (values[piece] ?? "") : piece));
}

/** @param {string} name */
export const has = (name) => name in sentences;

/** The last words of all names that begin so, in the catalogue's order. @param {string} beginning */
export const namesUnder = (beginning) =>
  Object.keys(sentences).filter((name) => name.startsWith(beginning)).map((name) => name.slice(beginning.length));

/** @param {Date} a @param {Date} b */
const sameDay = (a, b) => a.toDateString() === b.toDateString();

/** @param {number} ms @param {Intl.DateTimeFormatOptions} options */
const formatted = (ms, options) => new Intl.DateTimeFormat(language, options).format(ms);

/** @param {number} ms */
export function date(ms) {
  const thisYear = new Date(ms).getFullYear() === new Date().getFullYear();
  return formatted(ms, { day: "numeric", month: "long", year: thisYear ? undefined : "numeric" });
}

/** @param {number} ms */
export const moment = (ms) => formatted(ms, { day: "numeric", month: "long", hour: "numeric", minute: "2-digit" });

/** @param {number} ms */
export const clock = (ms) => formatted(ms, { hour: "numeric", minute: "2-digit" });

/** When a chat was: the hour today, the weekday this week, else the date. @param {number} ms @param {number} now */
export function when(ms, now) {
  if (sameDay(new Date(ms), new Date(now))) return clock(ms);
  if (now - ms < 6 * 86_400_000) return formatted(ms, { weekday: "long" });
  return date(ms);
}

/** The name of a country in the page's language. @param {string} code */
export const country = (code) =>
  /^[A-Z]{2}$/.test(code) ? new Intl.DisplayNames([language], { type: "region" }).of(code) : code;

/** @param {number} n @param {string} name */
const unit = (n, name) =>
  new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "long" }).format(n);

/** @param {number} n */
export const days = (n) => unit(n, "day");

/** @param {number} ms */
export function lasting(ms) {
  const minutes = Math.floor(ms / 60_000);
  return minutes < 120 ? unit(minutes, "minute") : unit(Math.floor(minutes / 60), "hour");
}
