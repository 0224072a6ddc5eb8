// The names of what a browser keeps of ours, and the shape of each: a page reads its storage through here alone.
//
// A value may be torn, foreign or of another version. It is thrown away with one line that says its name and never what
// was in it, and the page goes on without it (protocol §2.3). The twin of citychat/client/shapes.py.

import { LANGUAGES_MAX, isLanguage } from "citychat/spoken.js";
import { LAMPORT_MAX, cleanText, fits } from "citychat/text.js";

/** @import { Kept, Left } from "citychat/types.js" */

export const CONSENT = "citychat.consent"; // the version of the rules
export const TOKEN = "citychat.token";
export const OLD_TOKEN = "citychat.token.old"; // see kept_tokens.js
export const SETTINGS = "citychat.settings";
export const LANGUAGE = "citychat.language"; // which the guest has chosen
export const SPOKEN = "citychat.spoken"; // as the guest has corrected them
export const RELOADED = "citychat.reload"; // when, because the server has a newer page
export const LIFTED = "citychat.lifted"; // when the pause was, of whose end the guest knows
export const SIGN = "citychat.sign"; // until when it is waited for
export const LOOKING = "citychat.looking"; // in the window's own storage: survives a reload and not the closing
export const WRITER = "citychat.writer"; // the page that writes
export const OUTBOX = "citychat.outbox."; // and the page whose it is
export const DECLINE = "citychat.no."; // and the offer
export const DRAFT = "citychat.draft."; // and the session
export const UNSENT = "citychat.unsent."; // and the session; this and the next two in the window's own storage
export const REPORT = "citychat.report."; // and the session: one that is being written
export const OBJECTION = "citychat.objection"; // that is being written
export const POINTED = "citychat.pointed"; // the chat in which what leads to me was pointed out
export const LEAVING = "citychat.leaving"; // the chat that is left, until the server knows
export const OLD_OUTBOX = "citychat.outbox"; // this and the next two: of pages up to 0.2.0
export const OLD_LAST = "citychat.last";
export const OLD_DECLINES = "citychat.noes";

export const UNSENT_MAX_CHARS = 20_000; // ten messages; what is longer was not typed
export const NOTE_MAX_CHARS = 500;
export const OBJECTION_MAX_CHARS = 1_000;
const ENTRIES_MAX = 2_000; // twice what pages keep; a screen draws them all
export const NUMBER_MAX = 2 ** 53;
const ID = /^[\w-]{1,43}$/;
const TAG = /^[a-z]{2,3}(-[A-Za-z]{2,8})?$/; // a language as BCP 47 names it
const TOKEN_SHAPE = /^[\x21-\x7e]{1,512}$/; // the server reads no longer ones, and a frame holds 16 KB
const SWITCHES = ["ask", "slow", "typing", "enter", "notices", "question", "towns"];
const STATES = ["waiting", "stored", "refused", "undelivered"];

/** @param {any} value @returns {value is Record<string, any>} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** @param {any} value */
const isId = (value) => typeof value === "string" && ID.test(value);

/** @param {any} value @param {number} least @param {number} most */
const isWhole = (value, least, most) => Number.isInteger(value) && least <= value && value <= most;

/** A message's name: stream and number. @param {any} value */
const isNamed = (value) =>
  Array.isArray(value) && value.length === 2 && isId(value[0]) && isWhole(value[1], 1, LAMPORT_MAX);

/** @param {string} text */
const number = (text) => (/^\d{1,16}$/.test(text) && Number(text) <= NUMBER_MAX ? Number(text) : undefined);

/** @param {string} text */
function settings(text) {
  const raw = JSON.parse(text);
  const known = SWITCHES.filter((name) => isObject(raw) && Object.hasOwn(raw, name));
  const fit = isObject(raw) && known.every((name) => typeof raw[name] === "boolean");
  return fit ? Object.fromEntries(known.map((name) => [name, raw[name]])) : undefined;
}

/** @param {string} text */
function languages(text) {
  const raw = JSON.parse(text);
  return Array.isArray(raw) && raw.length <= LANGUAGES_MAX && raw.every(isLanguage) ? raw : undefined;
}

/** A message of an outbox, of its known fields; null when one of them is not as it must be. @param {any} raw */
function entry(raw) {
  if (!isObject(raw) || typeof raw.x !== "string") return null;
  const { s, side, st, n, l, at, state, p, since } = raw;
  const text = cleanText(raw.x);
  const named = isId(s) && isNamed([st, n]) && isWhole(l, 1, LAMPORT_MAX) && isWhole(side, 0, 1);
  const timed = isWhole(at, 0, NUMBER_MAX) && (state === "waiting" || isWhole(since, 0, NUMBER_MAX));
  if (!named || !timed || !fits(text) || !STATES.includes(state) || (p !== undefined && !isNamed(p))) return null;
  return {
    session: s, side, stream: st, number: n, lamport: l, text, at, state,
    ...(p && { previous: p }), ...(state !== "waiting" && { since }),
  };
}

/** Whatever is whole in it. One message less may be the one of the link: then there is none. @param {any} raw */
function entries(raw) {
  if (!Array.isArray(raw)) return undefined;
  const whole = raw.slice(0, ENTRIES_MAX).map(entry).filter((one) => one !== null);
  return { entries: whole, last: undefined, torn: whole.length < raw.length };
}

/** @param {string} text @returns {Left | undefined} */
function outbox(text) {
  const raw = JSON.parse(text);
  const found = isObject(raw) ? entries(raw.entries) : undefined;
  if (!found || raw.last === undefined) return found;
  const [session, stream, last, lamport] = Array.isArray(raw.last) ? raw.last : [];
  const fit = isId(session) && isNamed([stream, last]) && isWhole(lamport, 0, LAMPORT_MAX);
  if (!fit || found.torn) return { ...found, torn: true };
  return { ...found, last: [session, stream, last, lamport] };
}

/** @param {string} text */
function oldLast(text) {
  const [session, ...named] = JSON.parse(text);
  return isId(session) && isNamed(named) ? [session, ...named, 0] : undefined;
}

/** @param {string} text */
function oldDeclines(text) {
  const raw = JSON.parse(text);
  return Array.isArray(raw) && raw.length <= 1_000 && raw.every(isId) ? raw : undefined;
}

/** @param {string} text */
function report(text) {
  const raw = JSON.parse(text);
  const fit = isObject(raw) && /^[a-z]{0,40}$/.test(raw.reason) && typeof raw.note === "string";
  return fit && raw.note.length <= NOTE_MAX_CHARS ? { reason: raw.reason, note: raw.note } : undefined;
}

/** A text that is no longer. @param {number} chars @returns {(text: string) => string | undefined} */
const typed = (chars) => (text) => (text.length <= chars ? text : undefined);

const id = (/** @type {string} */ text) => (ID.test(text) ? text : undefined);
const token = (/** @type {string} */ text) => (TOKEN_SHAPE.test(text) ? text : undefined);

/** @type {Record<string, (text: string) => any>} */
const SHAPES = {
  [CONSENT]: (text) => (text && text.length <= 200 ? text : undefined),
  [TOKEN]: token,
  [OLD_TOKEN]: token,
  [SETTINGS]: settings,
  [LANGUAGE]: (text) => (TAG.test(text) ? text : undefined),
  [SPOKEN]: languages,
  [RELOADED]: number,
  [LIFTED]: number,
  [SIGN]: number,
  [LOOKING]: (text) => (text === "yes" ? text : undefined),
  [WRITER]: id,
  [OUTBOX]: outbox,
  [DECLINE]: number,
  [POINTED]: id,
  [LEAVING]: id,
  [DRAFT]: typed(UNSENT_MAX_CHARS),
  [UNSENT]: typed(UNSENT_MAX_CHARS),
  [REPORT]: report,
  [OBJECTION]: typed(OBJECTION_MAX_CHARS),
  [OLD_OUTBOX]: (text) => entries(JSON.parse(text)),
  [OLD_LAST]: oldLast,
  [OLD_DECLINES]: oldDeclines,
};

/** The kind of value that has this name: `citychat.draft.` and a session is a draft. @param {string} name */
function shapeOf(name) {
  const kind = [OUTBOX, DECLINE, DRAFT, UNSENT, REPORT].find((beginning) => name.startsWith(beginning));
  if (!kind) return SHAPES[name];
  return ID.test(name.slice(kind.length)) ? SHAPES[kind] : undefined;
}

/** Read a text; undefined, with a line, where it is none of ours. @param {string} name @param {string} text */
export function parse(name, text) {
  let value;
  try {
    value = shapeOf(name)?.(text);
  } catch {
    // no JSON, or no shape that can be looked into
  }
  if (value === undefined || value.torn) console.warn(`${name}: what was stored here is torn or foreign; thrown away`);
  return value;
}

/** What is kept under that name. @param {Kept} storage @param {string} name */
export function read(storage, name) {
  const text = storage.get(name);
  const value = text === undefined ? undefined : parse(name, text);
  if (text !== undefined && value === undefined) storage.delete(name);
  return value;
}

/** What kept names have after this beginning. @param {Kept} storage @param {string} beginning */
export const restsOf = (storage, beginning) =>
  [...storage.keys()].filter((name) => name.startsWith(beginning)).map((name) => name.slice(beginning.length)).sort();
