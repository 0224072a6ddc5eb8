// The sentences of this page's language, and dates and durations in it.

let sentences = {};
let language = "en";

export function learn(catalogue, lang) {
  sentences = catalogue;
  language = lang;
}

/** The sentence of that name with `{name}` filled in. */
export function t(name, values = {}) {
  return parts(name, values).join("");
}

/** The sentence in pieces, so that a value may be an element. */
export function parts(name, values) {
  return (sentences[name] ?? name).split(/\{(\w+)\}/).map((piece, i) => (i % 2 ? (values[piece] ?? "") : piece));
}

export const has = (name) => name in sentences;

const sameDay = (a, b) => a.toDateString() === b.toDateString();

export function date(ms) {
  const options = { day: "numeric", month: "long" };
  if (new Date(ms).getFullYear() !== new Date().getFullYear()) options.year = "numeric";
  return new Intl.DateTimeFormat(language, options).format(ms);
}

export const moment = (ms) =>
  new Intl.DateTimeFormat(language, { day: "numeric", month: "long", hour: "numeric", minute: "2-digit" }).format(ms);

export const clock = (ms) => new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" }).format(ms);

/** When a chat was: the hour today, the weekday this week, else the date. */
export function when(ms, now) {
  if (sameDay(new Date(ms), new Date(now))) return clock(ms);
  if (now - ms < 6 * 86_400_000) return new Intl.DateTimeFormat(language, { weekday: "long" }).format(ms);
  return date(ms);
}

/** The name of a country in the page's language, from its code. */
export const country = (code) => (/^[A-Z]{2}$/.test(code) ? new Intl.DisplayNames([language], { type: "region" }).of(code) : code);

const unit = (n, name) =>
  new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "long" }).format(n);

export const days = (n) => unit(n, "day");

export function lasting(ms) {
  const minutes = Math.floor(ms / 60_000);
  return minutes < 120 ? unit(minutes, "minute") : unit(Math.floor(minutes / 60), "hour");
}
