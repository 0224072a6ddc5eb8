// Notices of the browser, for whoever has switched them on: the browser is asked then, and never before.

import { t } from "citychat/i18n.js";

const TAG = "citychat"; // one at a time: a newer one takes the place of the one before

/** Whether this browser can, on this address: over plain http none does. */
export const canNotify = () => "Notification" in window && window.isSecureContext;

/** Ask the browser; answers whether it allows. */
export async function allowed() {
  return (await Notification.requestPermission()) === "granted";
}

/** @param {string} text a sentence of ours, and nothing that was written */
export async function notify(text) {
  if (!canNotify() || Notification.permission !== "granted") return;
  const options = { body: text, tag: TAG, icon: document.documentElement.dataset.icon };
  try {
    // Phones show them from the worker alone
    const worker = await navigator.serviceWorker?.getRegistration();
    if (worker?.active) return void (await worker.showNotification(t("name"), options));
    const notice = new Notification(t("name"), options);
    notice.addEventListener("click", () => {
      window.focus();
      notice.close();
    });
  } catch {
    // The title and the sound tell.
  }
}
