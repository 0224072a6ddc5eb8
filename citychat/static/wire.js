// Messages have names in the code, and letters on the wire and in the outbox that the browser keeps (protocol §2.1).

const LETTERS = new Map([
  ["session", "s"], ["stream", "st"], ["number", "n"], ["lamport", "l"], ["text", "x"], ["previous", "p"],
  ["kind", "k"],
]);
const NAMES = new Map([...LETTERS].map(([name, letter]) => [letter, name]));

/** @param {object} fields @param {Map<string, string>} other @returns {any} */
const renamed = (fields, other) =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [other.get(name) ?? name, value]));

/** With letters; what has none (side, at, state, ranges) keeps its name. @param {object} fields */
export const toWire = (fields) => renamed(fields, LETTERS);

/** With names. @param {object} fields */
export const fromWire = (fields) => renamed(fields, NAMES);
