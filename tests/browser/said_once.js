// In every page of the tests: complains on the console when two live regions say the same at one time, or one says what
// describes the element that has the focus. A screen reader would read it twice.

const LIVE = "[role=status], [role=alert], [aria-live]:not([role=log])"; // people may write the same line twice
const complained = new Set();

function spoken() {
  const regions = [...document.querySelectorAll(LIVE)].filter((region) => region.checkVisibility());
  const described = (document.activeElement?.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean)
    .map((id) => document.getElementById(id)).filter((element) => element?.matches(LIVE));
  return [...regions, ...described].map((element) => element.textContent.trim()).filter(Boolean);
}

function check() {
  const texts = spoken();
  for (const text of texts.filter((one, i) => texts.indexOf(one) < i)) {
    if (!complained.has(text)) console.error(`said twice: ${text}`);
    complained.add(text);
  }
}

document.addEventListener("DOMContentLoaded", () => {
  const changes = { childList: true, subtree: true, characterData: true, attributes: true };
  new MutationObserver(check).observe(document.body, changes);
  document.addEventListener("focusin", check);
});
