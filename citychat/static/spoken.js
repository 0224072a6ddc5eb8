// The languages that a guest speaks, by the first part of their tags: as the browser names them, and as corrected.

export const LANGUAGES_MAX = 5;
const LANGUAGE = /^[a-z]{2,3}$/;

// Offered where the browser's own are corrected: those with most speakers, and those that are official somewhere.
export const OFFERED = (
  "af am ar az be bg bn bs ca cs cy da de el en es et eu fa fi fil fr ga gl gu ha he hi hr hu hy id ig is it ja ka " +
  "kk km kn ko ku ky lb lo lt lv mk ml mn mr ms mt my ne nl no pa pl ps pt ro ru si sk sl so sq sr sv sw ta te tg " +
  "th tk tr uk ur uz vi wo yo zh zu"
).split(" ");

// Older names, and those of a part, under that by which the others are met.
/** @type {Record<string, string>} */
const MET_AS = { in: "id", iw: "he", ji: "yi", jw: "jv", mo: "ro", nb: "no", nn: "no", sh: "sr", tl: "fil" };

/** @param {unknown} value @returns {value is string} */
export const isLanguage = (value) => typeof value === "string" && LANGUAGE.test(value);

/** The first parts of tags, each once, as many as the server takes. @param {readonly string[]} tags */
export function spoken(tags) {
  const first = tags.map((tag) => tag.split("-")[0].toLowerCase()).filter(isLanguage);
  return [...new Set(first.map((code) => MET_AS[code] ?? code))].slice(0, LANGUAGES_MAX);
}
