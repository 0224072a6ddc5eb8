// No press can be the second tap of another gesture: what has only just appeared, or come back from under a dialog, is
// deaf for half a second. The style sheet knows how long: a button settles whenever it begins to be drawn (base.css),
// and takes no pointer meanwhile; here keys and assistive technology learn the same.

const PRESSED = "button, .option";
const KEYS = ["Enter", " "];

/** Whether it, or something in it, has only just appeared. @param {Element} element */
export const settles = (element) =>
  element.getAnimations({ subtree: true }).some((one) => one instanceof CSSAnimation && one.animationName === "settle");

export function guardPresses() {
  document.addEventListener("click", (event) => {
    const pressed = event.target instanceof Element && event.target.closest(PRESSED);
    if (pressed && settles(pressed)) swallow(event);
  }, { capture: true });
  // A key that is held presses once.
  document.addEventListener("keydown", (event) => {
    const pressed = event.target instanceof Element && event.target.closest(PRESSED);
    if (event.repeat && pressed && KEYS.includes(event.key)) swallow(event);
  }, { capture: true });
}

/** @param {Event} event */
function swallow(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}
