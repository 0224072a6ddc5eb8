// The sentences of this page's language, and dates and durations in it.

/** @import { Place } from "citychat/types.js" */
/** @typedef {Record<string, string | number | Node>} Values */
/** @typedef {string | Partial<Record<Intl.LDMLPluralRule, string>>} Sentence */

const DAY_MS = 86_400_000;
const FROM_THE_RIGHT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/g; // Hebrew, Arabic and their neighbours

/** By their names; of one that counts `{n}`, a text for each form of a number. @type {Record<string, Sentence>} */
let sentences = {};
let language = "en"; // as the reader writes dates in it
let spoken = language; // of the sentences
let forms = new Intl.PluralRules(language);
/** Whether the reader counts 12 or 24 hours, whatever the language of the page. @type {Intl.DateTimeFormatOptions} */
let hours = {};
let rightToLeft = false;
let wall = () => 0;
/** By their options: one takes a tenth of a millisecond to make. @type {Map<string, Intl.DateTimeFormat>} */
const formatters = new Map();

/**
 * Dates are in the reader's manner where it is a manner of the page's language.
 * @param {Record<string, Sentence>} catalogue @param {{ lang: string, dir: string }} written
 * @param {string} reader @param {() => number} now
 */
export function learn(catalogue, { lang, dir }, reader, now) {
  sentences = catalogue;
  rightToLeft = dir === "rtl";
  const known = isTag(reader) ? reader : lang;
  spoken = lang;
  language = known.startsWith(lang) ? known : lang;
  forms = new Intl.PluralRules(lang);
  const { hourCycle } = new Intl.DateTimeFormat(known, { hour: "numeric" }).resolvedOptions();
  hours = { hour: "numeric", minute: "2-digit", hourCycle };
  wall = now;
  formatters.clear();
}

/** Some systems' own names of languages are none to a browser, which names them all the same. @param {string} name */
function isTag(name) {
  try {
    return Intl.getCanonicalLocales(name).length > 0;
  } catch {
    return false;
  }
}

/** The sentence of that name with `{name}` filled in. @param {string} name @param {Values} [values] */
export function t(name, values = {}) {
  return parts(name, values).join("");
}

/**
 * A sentence about a place; the host's own network has some of its own.
 * @param {string} name @param {Place | null} place @param {Values} values
 */
export const about = (name, place, values) =>
  t(place?.source === "network" && has(`${name}.network`) ? `${name}.network` : name, values);

/**
 * The sentence in pieces, so that a value may be an element; in the form for the number `n` where it counts.
 * @param {string} name @param {Values} values
 */
export function parts(name, values) {
  const found = sentences[name] ?? name;
  const text = typeof found === "string" ? found : formOf(found, Number(values.n));
  return text.split(/\{(\w+)\}/).map((piece, i) => (i % 2 ? shown(values[piece] ?? "") : piece));
}

/** Of large numbers some languages have a form that no sentence of ours needs. @param {any} texts @param {number} n */
const formOf = (texts, n) => /** @type {string} */ ( texts[forms.select(n)] ?? texts.other ?? texts.many);

/** @param {string | number | Node} value */
function shown(value) {
  if (typeof value === "number") return new Intl.NumberFormat(language).format(value);
  return typeof value === "string" ? isolated(value) : value;
}

/** A name that is written in the other direction must not take the words beside it along. @param {string} text */
function isolated(text) {
  const others = text.replace(FROM_THE_RIGHT, "");
  return (rightToLeft ? /[\p{L}\p{N}]/u.test(others) : others !== text) ? `\u2068${text}\u2069` : text;
}

/** Two whole sentences, one behind the other. @param {string} first @param {string} second */
export const together = (first, second) => (first && second ? t("sentences.two", { first, second }) : first || second);

/** The address of a page of ours that speaks as this one. @param {string} path */
export const inLanguage = (path) => `${path}?language=${spoken}`;

/** @param {string} name */
export const has = (name) => name in sentences;

/** The last words of all names that begin so, in the catalogue's order. @param {string} beginning */
export const namesUnder = (beginning) =>
  Object.keys(sentences).filter((name) => name.startsWith(beginning)).map((name) => name.slice(beginning.length));

/** @param {number} a @param {number} b */
export const sameDay = (a, b) => new Date(a).toDateString() === new Date(b).toDateString();

/** @param {number} ms @param {Intl.DateTimeFormatOptions} options */
function formatted(ms, options) {
  const name = JSON.stringify(options);
  const formatter = formatters.get(name) ?? new Intl.DateTimeFormat(language, options);
  formatters.set(name, formatter);
  return formatter.format(ms);
}

/** @param {number} ms @param {Intl.DateTimeFormatOptions} [more] */
export function date(ms, more = {}) {
  const thisYear = new Date(ms).getFullYear() === new Date(wall()).getFullYear();
  return formatted(ms, { day: "numeric", month: "long", ...(thisYear ? {} : { year: "numeric" }), ...more });
}

/** @param {number} ms */
export const moment = (ms) => date(ms, hours);

/** @param {number} ms */
export const clock = (ms) => formatted(ms, hours);

/** When a chat was: the hour today, the weekday this week, else the date. @param {number} ms */
export function when(ms) {
  if (sameDay(ms, wall())) return clock(ms);
  if (wall() - ms < 6 * DAY_MS) return formatted(ms, { weekday: "long" });
  return date(ms);
}

/**
 * The day of a message; "" where it is that of the one before, or, of the first, today.
 * @param {number} ms @param {number} [before]
 */
export const newDay = (ms, before = wall()) =>
  sameDay(ms, before) ? "" : formatted(ms, { weekday: "long", day: "numeric", month: "long" });

/**
 * From when to when, with the day of the week; by the clock of a zone, or by that of this machine.
 * @param {number} begin @param {number} end @param {string} [zone]
 */
export function inHours(begin, end, zone) {
  const options = { weekday: /** @type {const} */ ("long"), ...hours };
  try {
    return new Intl.DateTimeFormat(language, { ...options, timeZone: zone }).formatRange(begin, end);
  } catch { // a zone that this browser does not know
    return new Intl.DateTimeFormat(language, options).formatRange(begin, end);
  }
}

/** @param {number} ms */
const midnight = (ms) => new Date(ms).setHours(0, 0, 0, 0);

/** "in 40 minutes", "in 5 hours", "tomorrow", "in 2 days". @param {number} at @param {number} now */
export function soon(at, now) {
  const minutes = Math.max(1, Math.ceil((at - now) / 60_000));
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  if (minutes < 120) return format.format(minutes, "minute");
  if (minutes < 720 || midnight(at) === midnight(now)) return format.format(Math.round(minutes / 60), "hour");
  return format.format(Math.round((midnight(at) - midnight(now)) / DAY_MS), "day");
}

/** The name of a country in the page's language, or another. @param {string} code @param {string} [lang] */
export const country = (code, lang = language) =>
  (/^[A-Z]{2}$/.test(code) && new Intl.DisplayNames([lang], { type: "region" }).of(code)) || code;

/** The name of a language in the page's, or its code. @param {string} code */
export const languageName = (code) => new Intl.DisplayNames([language], { type: "language" }).of(code) ?? code;

/** The sentence of that name about a time that has passed. @param {string} name @param {number} ms */
export function lasting(name, ms) {
  const minutes = Math.floor(ms / 60_000);
  return minutes < 120 ? t(`${name}.minutes`, { n: minutes }) : t(`${name}.hours`, { n: Math.floor(minutes / 60) });
}
