// The page as a language would have it that nobody speaks: every text four tenths longer, with accents, and written
// from right to left (tests/support/pseudo.py). What people are called and have written stays as it is.

const LONGER = 1.4;
const PLAIN = "aceginorsuyACEGINORSUY";
const ACCENTS = "áçéğîñöŕšúýÁÇÉĞÎÑÖŔŠÚÝ";
const FILLER = "ōñé ţŵö ţĥŕéé ƒöûŕ ƒîṽé šîẋ šéṽéñ éîĝĥţ".split(" ");
const AS_IT_IS = "[dir=auto], .who h1, .names strong, .place h1, .disc, .mark, .clock, svg, select, script, style"
  + ", noscript";

function spoken(text) {
  let told = text.trimEnd().replace(/[a-z]/gi, (letter) => ACCENTS[PLAIN.indexOf(letter)] ?? letter);
  const wanted = Math.round(told.length * LONGER);
  for (let n = 0; told.length < wanted; n += 1) {
    told += ` ${FILLER[n % FILLER.length].slice(0, Math.max(1, wanted - told.length - 1))}`;
  }
  return told + text.slice(text.trimEnd().length);
}

let changed = [];

function speak() {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    if (!/\p{L}/u.test(node.data) || node.parentElement.closest(AS_IT_IS)) continue;
    const english = node.data;
    node.data = spoken(english);
    changed.push({ node, english, pseudo: node.data });
  }
  for (const field of document.querySelectorAll("[placeholder]")) field.placeholder = spoken(field.placeholder);
  Object.assign(document.documentElement, { lang: "en-XA", dir: "rtl" });
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
