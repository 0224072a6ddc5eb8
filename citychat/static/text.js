// Texts as citychat/model/text.py has them, and ranges: the same answers in both languages (protocol §2.1).

/** @import { Ranges } from "citychat/types.js" */

export const LAMPORT_MAX = 2 ** 52;
export const TEXT_MAX_CHARS = 2000;
const TEXT_MAX_BYTES = 4096;
const HIDDEN = /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/gu;
const INK = /[^\s]|\ufeff/u; // Python does not count U+FEFF as a space, JavaScript does

/**
 * The text as it may be drawn: NFC, no controls but newline, no bidi overrides, no lone surrogates.
 * @param {string} raw
 */
export function cleanText(raw) {
  const kept = raw.replace(/\r\n?/g, "\n").replace(HIDDEN, (c) => (c === "\n" ? c : ""));
  return kept.normalize("NFC");
}

/** @param {string} text */
export const chars = (text) => [...text].length;

/** @param {string} text */
export const isBlank = (text) => !INK.test(text);

/** Whether a cleaned text may carry a number: not blank, at most 2,000 code points and 4 KiB. @param {string} text */
export function fits(text) {
  return !isBlank(text) && chars(text) <= TEXT_MAX_CHARS && new TextEncoder().encode(text).length <= TEXT_MAX_BYTES;
}

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
