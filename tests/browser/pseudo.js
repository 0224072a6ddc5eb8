// The page as it is in another language, without being asked anew. One is a language that nobody speaks: every text
// four tenths longer, with accents, and written from right to left (tests/support/pseudo.py); the others are ours, of
// which every whole sentence is known. What people are called and have written stays as it is.

const LONGER = 1.4;
const PLAIN = "aceginorsuyACEGINORSUY";
const ACCENTS = "áçéğîñöŕšúýÁÇÉĞÎÑÖŔŠÚÝ";
const FILLER = "ōñé ţŵö ţĥŕéé ƒöûŕ ƒîṽé šîẋ šéṽéñ éîĝĥţ".split(" ");
const AS_IT_IS = "[dir=auto], .who h1, .names strong, .place h1, .disc, .mark, .clock, svg, select, script, style"
  + ", noscript";

function longer(text) {
  let told = text.trimEnd().replace(/[a-z]/gi, (letter) => ACCENTS[PLAIN.indexOf(letter)] ?? letter);
  const wanted = Math.round(told.length * LONGER);
  for (let n = 0; told.length < wanted; n += 1) {
    told += ` ${FILLER[n % FILLER.length].slice(0, Math.max(1, wanted - told.length - 1))}`;
  }
  return told + text.slice(text.trimEnd().length);
}

/** Answers a text in one of our languages, or as it is. `sentences`: English and the other, with values in braces. */
function translated(sentences) {
  const whole = sentences.filter(([english]) => /\p{L}/u.test(english.replace(/\{\w+\}/g, "")));
  const all = whole.map(([english, other]) => {
    const names = [...english.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const form = english.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\w+\}/g, "(.+?)");
    return { found: new RegExp(`^${form}$`), names, other };
  });
  return (text) => {
    for (const { found, names, other } of all) {
      const values = text.trim().match(found);
      if (values) return text.replace(text.trim(), () => filled(other, names, values));
    }
    return text;
  };
}

/** @param {string} sentence @param {string[]} names @param {RegExpMatchArray} values */
const filled = (sentence, names, values) =>
  sentence.replace(/\{(\w+)\}/g, (_, name) => values[names.indexOf(name) + 1] ?? "");

let changed = [];

/** Answers how many texts are other ones. `tongue`: code, direction and sentences of a language of ours. */
function speak(tongue) {
  const spoken = tongue ? translated(tongue.sentences) : longer;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    if (!/\p{L}/u.test(node.data) || node.parentElement.closest(AS_IT_IS)) continue;
    const english = node.data;
    node.data = spoken(english);
    if (node.data !== english) changed.push({ node, english, pseudo: node.data });
  }
  for (const field of document.querySelectorAll("[placeholder]")) field.placeholder = spoken(field.placeholder);
  const { code, direction } = tongue ?? { code: "en-XA", direction: "rtl" };
  Object.assign(document.documentElement, { lang: code, dir: direction });
  return changed.length;
}

/** What the page has written meanwhile stays. */
function stop() {
  for (const { node, english, pseudo } of changed) if (node.data === pseudo) node.data = english;
  for (const field of document.querySelectorAll("[placeholder]")) field.placeholder = field.ariaLabel ?? "";
  changed = [];
  Object.assign(document.documentElement, { lang: "en", dir: "ltr" });
}

window.pseudo = { speak, stop };
