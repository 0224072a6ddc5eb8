// Texts and numbers as citychat/model.py has them: the same answers in both languages (protocol §2.1).

export const LAMPORT_MAX = 2 ** 52;
export const TEXT_MAX_CHARS = 2000;
const TEXT_MAX_BYTES = 4096;
const HIDDEN = /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/gu;
const INK = /[^\s]|\ufeff/u; // Python does not count U+FEFF as a space, JavaScript does

/** The text as it may be drawn: NFC, no controls but newline, no bidi overrides, no lone surrogates. */
export function cleanText(raw) {
  const kept = raw.replace(/\r\n?/g, "\n").replace(HIDDEN, (c) => (c === "\n" ? c : ""));
  return kept.normalize("NFC");
}

export const chars = (text) => [...text].length;

export const isBlank = (text) => !INK.test(text);

/** Whether a cleaned text may carry a number: not blank, at most 2,000 code points and 4 KiB. */
export function fits(text) {
  return !isBlank(text) && chars(text) <= TEXT_MAX_CHARS && new TextEncoder().encode(text).length <= TEXT_MAX_BYTES;
}

/** The exact closed ranges that hold the numbers, ascending. */
export function toRanges(numbers) {
  const ranges = [];
  for (const n of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && last[1] === n - 1) last[1] = n;
    else ranges.push([n, n]);
  }
  return ranges;
}

/** The exact ranges of every stream among [stream, n] pairs, streams in order of appearance. */
export function byStream(keys) {
  const numbers = new Map();
  for (const [st, n] of keys) numbers.set(st, [...(numbers.get(st) ?? []), n]);
  return new Map([...numbers].map(([st, ns]) => [st, toRanges(ns)]));
}

/** Random bits as base64url without padding. getRandomValues alone works in an insecure context. */
export function newId(bits) {
  const bytes = crypto.getRandomValues(new Uint8Array(bits / 8));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
