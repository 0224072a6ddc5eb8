// Measures a page as somebody sees and uses it; what is wrong is told as a list of sentences.

const BOXES = "button, dialog, .card, .bubble, .choice, .ring, .strip, .notice, .option, .field, .names, .presence"
  + ", .foot, .screen";
const TEXTS = "button, button span, a, a span, h1, h2, h3, label span, p, .small";
const CONTROLS = "button, a[href], input, textarea, [role=option]";

const named = (element) =>
  `${element.localName}.${element.className} "${(element.textContent || element.ariaLabel || "").trim().slice(0, 40)}"`;

const drawn = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest(".unseen, svg");

/** Of everything that is drawn: nothing beyond the window's sides, no text beyond its own box. */
function outside() {
  const wide = document.documentElement.clientWidth;
  const wrong = [];
  for (const element of [...document.body.querySelectorAll("*")].filter(drawn)) {
    const { left, right, width } = element.getBoundingClientRect();
    if (width && (left < -1 || right > wide + 1)) wrong.push(`outside: ${named(element)} ${left}..${right} of ${wide}`);
    const full = element.matches(BOXES) && element.scrollWidth > element.clientWidth + 1;
    if (full) wrong.push(`too narrow: ${named(element)}`);
  }
  if (document.documentElement.scrollWidth > wide) wrong.push("the page scrolls sideways");
  return wrong;
}

/** No word that is not longer than others is broken. */
function broken() {
  const words = document.createRange();
  const wrong = [];
  for (const element of [...document.body.querySelectorAll(TEXTS)].filter(drawn)) {
    for (const text of [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)) {
      for (const { 0: word, index } of text.data.matchAll(/(?<![\p{L}\p{P}])\p{L}{2,12}(?![\p{L}\p{P}])/gu)) {
        words.setStart(text, index);
        words.setEnd(text, index + word.length);
        const tops = new Set([...words.getClientRects()].map(({ top }) => Math.round(top)));
        if (tops.size > 1) wrong.push(`broken: ${word} in ${named(element)}`);
      }
    }
  }
  return wrong;
}

/** Each control can be brought into the window and pressed there. */
function unreachable() {
  const over = document.querySelector("dialog[open]") ?? document.body;
  const scrolled = [document.scrollingElement, ...document.querySelectorAll(".scroll, dialog, .below, .rail")];
  const tops = scrolled.map((one) => one.scrollTop);
  const wrong = [];
  for (const control of [...over.querySelectorAll(CONTROLS)].filter(drawn)) {
    control.scrollIntoView({ block: "center" });
    const boxes = [...control.getClientRects()];
    const { left, top, width, height } = boxes[0];
    const hit = document.elementFromPoint(left + width / 2, top + height / 2);
    const same = hit && (control.contains(hit) || hit.closest("label")?.contains(control));
    if (!same) wrong.push(`cannot be pressed: ${named(control)}${hit ? `, but ${named(hit)}` : ""}`);
  }
  scrolled.forEach((one, i) => { one.scrollTop = tops[i]; });
  return wrong;
}

/** A status that is not there before its words is not heard of. */
const mute = () => [...document.querySelectorAll("[role=status], [aria-live]:not([role])")]
  .filter((one) => !one.checkVisibility()).map((one) => `cannot be heard: ${named(one)}`);

/** In a chat: its name has two lines at most, the messages a third of the window, and where one writes is in sight. */
function cramped() {
  const wrong = [];
  const name = document.querySelector(".who h1");
  if (name) {
    const lines = Math.round(name.offsetHeight / parseFloat(getComputedStyle(name).lineHeight));
    if (lines > 2) wrong.push(`the alias has ${lines} lines`);
  }
  const messages = document.querySelector(".scroll");
  const part = messages ? messages.clientHeight / innerHeight : 1;
  if (part < 1 / 3) wrong.push(`messages have ${Math.round(part * 100)} % of the height`);
  const field = document.querySelector(".composer textarea")?.getBoundingClientRect();
  const below = document.querySelector(".below")?.getBoundingClientRect();
  if (field && (field.top < below.top - 1 || field.bottom > below.bottom + 1)) wrong.push("the field is out of sight");
  return wrong;
}

/** Boxes that do not follow the letters; what has a direction of its own keeps it. */
const places = () => [...document.body.querySelectorAll("*")]
  .filter((one) => drawn(one) && !one.closest("[dir]:not(html)"))
  .filter((one) => !/^(inline|contents)/.test(getComputedStyle(one).display))
  .map((one) => ({ one, box: one.getBoundingClientRect() }));

/** Written from right to left the page is its own mirror. */
function unmirrored() {
  const wide = document.documentElement.clientWidth;
  const before = places();
  document.documentElement.dir = "rtl";
  const wrong = outside().map((one) => `right to left: ${one}`);
  for (const { one, box } of before) {
    const now = one.getBoundingClientRect();
    const off = Math.max(Math.abs(now.left - (wide - box.right)), Math.abs(now.top - box.top));
    const is = `${box.left}..${box.right} is at ${now.left}..${now.right} of ${wide}`;
    if (off > 4) wrong.push(`not mirrored: ${named(one)} ${is}`);
  }
  document.documentElement.dir = "ltr";
  return wrong;
}

/** Gives the other one in a chat this alias in the bar; answers the one before. */
function rename(alias) {
  const name = document.querySelector(".who h1");
  const before = name?.textContent;
  if (name && alias) name.textContent = alias;
  return before;
}

window.look = { rename, outside, broken, unreachable, cramped, unmirrored, mute };
