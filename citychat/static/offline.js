// The worker of the browser that keeps one page, which is shown where this one cannot be had, and shows notices.

/** @import { State } from "citychat/state.js" */

const CACHES = "citychat-"; // as their names begin (offline/worker.js)

/**
 * From the first join on, because before consent nothing is stored; and gone with the guest.
 * @param {State} state @param {() => string} address the worker's, which names its version and its language
 */
export function keepOfflinePage(state, address) {
  if (!navigator.serviceWorker) return; // plain http
  let kept = "";
  state.addEventListener("change", () => {
    const wanted = state.screen !== "erased" && (kept || state.link === "on") ? address() : "";
    if (wanted === kept) return;
    kept = wanted;
    // A browser that refuses, in a private window or for want of room, shows a page of its own.
    (kept ? navigator.serviceWorker.register(kept) : forget()).catch(() => undefined);
  });
}

async function forget() {
  for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister();
  for (const name of await caches.keys()) if (name.startsWith(CACHES)) await caches.delete(name);
}
