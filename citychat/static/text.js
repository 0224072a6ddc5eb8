// Texts as citychat/model/text.py has them, and ranges: the same answers in both languages (protocol §2.1).

/** @import { Ranges } from "citychat/types.js" */

export const LAMPORT_MAX = 2 ** 52;
export const TEXT_MAX_CHARS = 2000;
const HIDDEN = /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/gu;
// Nothing is drawn for these, though Unicode takes the last for signs.
const INVISIBLE = "\\p{DI}\\u2800\\ufff9-\\ufffb\\u{13441}\\u{13442}\\u{1d159}";
const ENDS_OF_LINE = /\r\n?|[\v\f\x85\u2028\u2029]/g;
const BLANK_LINES = new RegExp(`\\n(?:(?:[^\\S\\n]|[${INVISIBLE}])*\\n){2,}`, "gu");
const INK = new RegExp(`[^\\s${INVISIBLE}]`, "u");
const ROWS = /(\p{M}{30})\p{M}+/gu; // put into order in the square of their length
const MARK = "(?!\\p{DI})[\\p{Mn}\\p{Me}]"; // over, under or around the letter before it
const MARKS = new RegExp(MARK, "gu");
// What is invisible neither counts nor begins a letter: it must not hold two piles of marks together.
const PILES = new RegExp(`((?:${MARK}[${INVISIBLE}]*){4})((?:${MARK}|[${INVISIBLE}])+)`, "gu");

/**
 * The text as it may be drawn: NFC, no controls but newline, no bidi overrides, no lone surrogates, one blank line of
 * several, a tab as a space, 4 combining marks on a letter.
 * @param {string} raw
 */
export function cleanText(raw) {
  const kept = raw.replace(ENDS_OF_LINE, "\n").replaceAll("\t", " ").replace(HIDDEN, (c) => (c === "\n" ? c : ""));
  const text = kept.replace(BLANK_LINES, "\n\n").replace(ROWS, "$1").normalize("NFC");
  return text.replace(PILES, (_, pile, more) => pile + more.replace(MARKS, "")).normalize("NFC");
}

/** @param {string} text */
export const chars = (text) => [...text].length;

/** Whether there is nothing to see in a cleaned text. @param {string} text */
export const isBlank = (text) => !INK.test(text);

/** Whether a cleaned text may carry a number: not blank, at most 2,000 code points. @param {string} text */
export const fits = (text) => !isBlank(text) && chars(text) <= TEXT_MAX_CHARS;

/** The exact closed ranges that hold the numbers, ascending. @param {number[]} numbers */
export function toRanges(numbers) {
  /** @type {Ranges} */
  const ranges = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}

/**
 * The exact ranges of every stream, streams in order of appearance.
 * @param {{stream: string, number: number}[]} messages
 */
export function byStream(messages) {
  /** @type {Map<string, number[]>} */
  const numbers = new Map();
  for (const { stream, number } of messages) numbers.set(stream, [...(numbers.get(stream) ?? []), number]);
  return new Map([...numbers].map(([stream, its]) => [stream, toRanges(its)]));
}

/**
 * Random bits as base64url without padding. getRandomValues alone works in an insecure context.
 * @param {number} bits
 */
export function newId(bits) {
  const bytes = crypto.getRandomValues(new Uint8Array(bits / 8));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
