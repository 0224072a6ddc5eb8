// "Tell me once": one sign, by the browser's push service, that somebody is in the city. It says nothing; the worker
// shows the sentence that was laid down for it here, in the language of the page (offline/worker.js).

import { t } from "citychat/i18n.js";
import { SIGN, read } from "citychat/shapes.js";

/**
 * @import { Socket } from "citychat/socket.js"
 * @import { State } from "citychat/state.js"
 * @import { Storage } from "citychat/storage.js"
 *
 * @typedef {object} Parts
 * @property {State} state
 * @property {Storage} storage
 * @property {Socket} socket
 * @property {() => number} wall
 */

const WORDS = "citychat-sign"; // the cache, and under which address: as the worker knows them
const WORDS_AT = "/sign";

const { push = "", icon = "" } = document.documentElement.dataset;

/** Of the guest's own day. */
function untilMidnight() {
  const now = new Date();
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).getTime() - now.getTime();
}

export class Sign {
  /** Whether the host has made keys, and this browser can, on this address. */
  possible = push !== "" && "PushManager" in window && "serviceWorker" in navigator && window.isSecureContext;
  #parts;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    const { socket, storage, state } = parts;
    socket.on("joined", async () => {
      if (!this.possible || !read(storage, SIGN)) return;
      state.set({ sign: read(storage, SIGN) ?? 0 });
      const answer = await socket.sign({ want: "look" });
      if (answer.ok) this.#keep(answer.until);
    });
  }

  /** The browser is asked now, and never before. */
  async ask() {
    const { state, socket } = this.#parts;
    state.set({ notice: "" });
    if ((await Notification.requestPermission()) !== "granted") {
      state.set({ notice: "more.notices.refused" });
      return;
    }
    const endpoint = await this.#subscribe().catch(() => "");
    const answer = endpoint && (await socket.sign({ want: "ask", endpoint, left_ms: untilMidnight() }));
    if (answer && answer.ok) {
      this.#keep(answer.until);
      return;
    }
    state.set({ notice: answer && answer.error === "busy" ? "sign.busy" : "sign.failed" });
    this.#forget().catch(() => undefined);
  }

  async stop() {
    const answer = await this.#parts.socket.sign({ want: "stop" });
    if (!answer.ok) {
      this.#parts.state.set({ notice: "link.failed" });
      return;
    }
    this.#keep(null);
    this.#forget().catch(() => undefined);
  }

  /** Whether the server still keeps the wish. */
  get asked() {
    return this.#parts.state.sign > this.#parts.wall();
  }

  /** @param {number | null} until */
  #keep(until) {
    const { state, storage } = this.#parts;
    if (until) storage.set(SIGN, String(until));
    else storage.delete(SIGN);
    state.set({ sign: until ?? 0 });
  }

  /** A new address each time, which leads to this browser for one sign. */
  async #subscribe() {
    const worker = await navigator.serviceWorker.getRegistration();
    if (!worker?.active) return "";
    await (await worker.pushManager.getSubscription())?.unsubscribe();
    const words = { title: t("name"), body: t("sign.told"), icon };
    await (await caches.open(WORDS)).put(WORDS_AT, new Response(JSON.stringify(words)));
    const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: push });
    return made.endpoint;
  }

  async #forget() {
    const worker = await navigator.serviceWorker.getRegistration();
    await (await worker?.pushManager.getSubscription())?.unsubscribe();
    await caches.delete(WORDS);
  }
}
