// Whether a text holds what leads to a person: a mail address, a phone number, a street with its number.
//
// The page asks itself before it sends one, and tells nobody. It would rather miss one than point at a year, a price, a
// time or a score: dates, times, decimals and amounts are taken out before numbers are looked at.

/** @typedef {"" | "mail" | "phone" | "street"} Contact */

const MAIL = /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,}/u;

// As people write it so that no program finds it: "anna at example dot org", "anna (at) example.org"
const ENDS = "com|net|org|info|io|eu|me|app|email|at|be|br|ch|co|de|es|fr|it|nl|pl|pt|ru|tr|ua|uk|us";
const SPELLED = new RegExp(
  "[\\p{L}\\p{N}._%+-]+ ?(?: at |[([{] ?(?:at|ät|@|arroba) ?[)\\]}]) ?(?:[\\p{L}\\p{N}-]+" +
  `(?:\\.| ?[([{] ?dot ?[)\\]}] ?| (?:dot|punkt|point|punto|ponto|kropka|nokta) ))+(?:${ENDS})(?![\\p{L}\\d])`, "iu");

const UNITS = "eur|euros?|usd|gbp|chf|dollars?|pounds?|zł|pln|kr|sek|nok|dkk|tl|uah|грн|ft|kč|km|kg|people";
const NO_PHONES = [
  /(?<![\d./-])\d{1,2}([./-])\d{1,2}\1\d{2,4}(?![./-]?\d)/g, // dates
  /(?<!\d)(?:19|20)\d\d([./-])\d{1,2}\1\d{1,2}(?!\d)/g,
  /(?<!\d)\d{1,2} \d{1,2} (?:19|20)\d\d(?!\d)/g,
  /(?<!\d)\d{1,2}[:h]\d{2}(?!\d)/g, // times, scores
  /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)/g, // addresses of machines
  /(?<![\d.])[-+]?\d+\.\d+(?!\.?\d)/g, // decimals
  new RegExp(`(?:\\p{Sc}|(?<!\\p{L})(?:eur|usd|gbp|chf)) ?\\d[\\d .,']*`, "giu"), // amounts
  new RegExp(`\\d[\\d .,'-]* ?(?:\\p{Sc}|(?:${UNITS})(?!\\p{L}))`, "giu"),
];
const RUNS = /(?<![\p{L}\d])[+(]*\d(?:[ ./()-]{0,3}\d)*/gu;

/** Digits with what may stand between those of a phone number. @param {string} run */
function isPhone(run) {
  const digits = run.replace(/\D/g, "");
  const groups = run.match(/\d+/g) ?? [];
  const between = new Set(run.match(/\D+/g));
  const n = digits.length;
  if (/^\(?\+|^00[1-9]/.test(run)) return n >= 8 && n <= 17;
  if (n < 8 || n > 12 || groups.slice(1).some((one) => one.length < 2)) return false;
  if (digits.startsWith("0")) return /^0[1-9]/.test(digits);
  if (groups.length === 1) return !/^(?:19|20)\d\d[01]\d[0-3]\d$|00$/.test(digits); // a date, an amount
  return !isCounted(groups, between) && (groups.some((one) => one.length > 2) || (n === 8 && between.size === 1));
}

/** Years, thousands, round numbers, from one to another. @param {string[]} groups @param {Set<string>} between */
function isCounted(groups, between) {
  const [first, ...rest] = groups;
  const range = groups.length === 2 && between.has("-") && first.length === rest[0].length && first < rest[0];
  const thousands = rest.every((one) => one.length === 3) && (between.has(".") || rest.at(-1) === "000");
  return range || thousands || groups.every((one) => /^(?:1[0-9]|2[01])\d\d$/.test(one)) ||
    groups.every((one) => one.endsWith("0")) || (groups.length === 3 && groups.every((one) => one.length === 4));
}

const NAME = "\\p{Lu}[\\p{L}\\p{M}'’.-]*\\p{L}";
const HOUSE = ",? (?:(?:[Nn][or]|n[º°]|буд)[.:]? ?)?\\d{1,4}\\p{L}?(?![\\p{L}\\d]|[:.,]\\d)";
const BEFORE = "(?<![\\p{L}\\d])";
const AFTER_NUMBER = "street|st|road|rd|avenue|ave|lane|drive|boulevard|blvd|terrace|crescent|square";
const FRENCH = "rue|avenue|boulevard|bd|impasse|allée|chemin|quai";
const BEFORE_NAME = "calle|c/|avenida|av\\.|plaza|paseo|rua|travessa|praça|alameda|via|viale|piazza|corso|" +
  "ul\\.|ulica|al\\.|aleja|os\\.|вул\\.|вулиця|просп\\.|проспект|ул\\.|улица";
const AFTER_NAME = "straße|strasse|str\\.?|gasse|allee|weg|straat|laan|gracht|gatan|vägen|gata|vej|veien|" +
  "caddesi|cad\\.|cd\\.|sokağı|sokak|sok\\.|sk\\.|bulvarı";
const ENDINGS = "straße|strasse|str\\.?|gasse|allee|straat|laan|gracht|gatan|vägen|gata|vej|veien";
const KINDS = new RegExp(`${BEFORE}(?:${[AFTER_NUMBER, FRENCH, BEFORE_NAME, AFTER_NAME].join("|")})(?!\\p{L})`, "giu");
const STREETS = [
  `${BEFORE}\\d{1,5}\\p{L}? (?:${NAME} ){1,3}(?:${AFTER_NUMBER})(?!\\p{L})`,
  `${BEFORE}\\d{1,4} ?(?:bis|ter)?,? (?:${FRENCH}) (?:(?:de|du|des|la|le|les) |(?:de )?[ld]['’])*\\p{Lu}`,
  `${BEFORE}(?:${BEFORE_NAME}) ?(?:(?:de|del|della|dei|di|do|da|dos|das|la|las|los) )*${NAME}` +
    `(?: (?:(?:de|del|do|da|di|la) )?${NAME}){0,3}${HOUSE}`,
  `${BEFORE}${NAME} (?:${AFTER_NAME})${HOUSE}`,
  `${BEFORE}\\p{Lu}\\p{L}+(?:${ENDINGS})${HOUSE}`,
  // In small letters, where the kind of street leaves no doubt
  `${BEFORE}\\p{L}{4,}(?:straße|strasse|str\\.|gasse|allee)${HOUSE}`,
  `${BEFORE}\\d{1,4} ?(?:bis|ter)?,? (?:rue|avenue|boulevard|impasse) (?:de la|de l['’]|du|des|d['’]|de) ?\\p{L}{4,}`,
  `${BEFORE}(?:ul\\.|ulica|вул\\.|вулиця|ул\\.|улица) ?\\p{L}{3,}(?: \\p{L}{3,}){0,2}${HOUSE}`,
  `${BEFORE}\\d{1,5}\\p{L}? (?!lane|long|more|side|way)\\p{L}{4,} street(?!\\p{L})`,
  "〒 ?\\d{3}-?\\d{4}|丁目 ?\\d+|[路街] ?\\d{1,5} ?[号號]",
].map((one) => new RegExp(one, "u"));

/**
 * A digit of any script as 0 to 9: each script has its ten in a row, from a code that ends in 0 or 6.
 * @param {string} digit
 */
function western(digit) {
  const code = digit.codePointAt(0) ?? 0;
  const start = code - (code % 16);
  return String(/\p{Nd}/u.test(String.fromCodePoint(start)) ? code - start : code - start - 6);
}

/** What is in it, first of these, or "". @param {string} text @returns {Contact} */
export function contactIn(text) {
  const plain = text.normalize("NFKC").replace(/\p{Nd}/gu, western).replace(/[\u2010-\u2015\u2212]/g, "-")
    .replace(/[^\S\n]/g, " ");
  if (MAIL.test(plain) || SPELLED.test(plain)) return "mail";
  const numbers = NO_PHONES.reduce((rest, one) => rest.replace(one, " ; "), plain);
  if ((numbers.match(RUNS) ?? []).some(isPhone)) return "phone";
  const named = plain.replace(KINDS, (kind) => kind.toLowerCase());
  return STREETS.some((one) => one.test(named)) ? "street" : "";
}
