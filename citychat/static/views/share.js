// What a browser may be able to do for somebody who waits: share the address, keep the screen on.

import { button, h, link, t, write } from "citychat/views/dom.js";

/** @import { Page } from "citychat/types.js" */

/**
 * The address, for the people of this city: behind the # it stays in the browser (city_link.js).
 * @param {Page} page
 */
function addressFor({ state: { place } }) {
  const city = place?.key.startsWith("c") ? place.key.slice(1) : "";
  return { city, url: `${location.origin}/${city && `#city=${city}`}` };
}

/**
 * Shares, else copies, else shows the address: the last works in every browser and on plain http.
 * @param {Page} page
 */
export function shareThis(page) {
  const { city, url } = addressFor(page);
  const told = h("p", { class: "hint", role: "status" });
  const text = city ? t("look.share.city", { city: page.state.place?.city ?? "" }) : t("look.share.text");
  const press = async () => {
    try {
      if (navigator.share) {
        await navigator.share({ title: t("name"), text, url });
        return;
      }
      await navigator.clipboard.writeText(`${text}\n${url}`);
      write(told, t("look.share.copied"));
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return;
      told.replaceChildren(t("look.share.copy"), " ", h("span", { class: "url", dir: "ltr" }, url));
    }
  };
  const source = `/qr.svg${city && `?city=${city}`}`;
  const code = link(t("look.share.qr"), () => {
    const alt = t("look.share.qr.text", { url });
    code.replaceWith(h("img", { class: "qr", src: source, alt, width: 220, height: 220 }));
  });
  return h("div", { class: "share" }, button(t("look.share"), "wide", press), told, code);
}

/** "Keep the screen on", where the browser can. */
export function keepAwake() {
  if (!navigator.wakeLock) return "";
  const one = link(t("look.wake"), async () => {
    try {
      await navigator.wakeLock.request("screen");
      one.hidden = true;
    } catch {
      one.hidden = true; // refused, for example on low battery: the sentence above still says what to do
    }
  }, "inline");
  return one;
}
