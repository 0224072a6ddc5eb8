// What a browser may be able to do for somebody who waits: share the address, keep the screen on.

import { button, h, link, t, write } from "citychat/views/dom.js";

/** Shares, else copies, else shows the address: the last works in every browser and on plain http. */
export function shareThis() {
  const url = `${location.origin}/`;
  const told = h("p", { class: "hint", role: "status" });
  const press = async () => {
    try {
      if (navigator.share) {
        await navigator.share({ title: t("name"), text: t("look.share.text"), url });
        return;
      }
      await navigator.clipboard.writeText(url);
      write(told, t("look.share.copied"));
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return;
      told.replaceChildren(t("look.share.copy"), " ", h("span", { class: "url", dir: "ltr" }, url));
    }
  };
  return h("div", { class: "share" }, button(t("look.share"), "wide", press), told);
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
