// What somebody has typed and not sent: in the running chat, in one that ended, in a report, in an objection. The
// running chat's draft is kept for every window of the browser, since any of them may go on with it; the rest by this
// window alone, over a reload and not over its closing.

import { DRAFT, OBJECTION, REPORT, UNSENT, UNSENT_MAX_CHARS, read, restsOf } from "citychat/shapes.js";

/**
 * @import { ReportDraft } from "citychat/types.js"
 * @import { Storage } from "citychat/storage.js"
 */

export class Drafts {
  #storage;
  #tab;

  /** @param {Storage} storage the browser's @param {Storage} tab the window's */
  constructor(storage, tab) {
    this.#storage = storage;
    this.#tab = tab;
  }

  /** What stands in the composer. @param {string} session @returns {string} */
  of(session) {
    return read(this.#storage, DRAFT + session) ?? "";
  }

  /** @param {string} session @param {string} text */
  keep(session, text) {
    keep(this.#storage, DRAFT + session, text.slice(0, UNSENT_MAX_CHARS));
  }

  /** A draft belongs to a chat and ends with it: what was typed stays below that chat. @param {string} session */
  end(session) {
    const text = this.of(session);
    this.#storage.delete(DRAFT + session);
    if (text) this.#tab.set(UNSENT + session, text);
  }

  /** Chats may have ended while this page was away. @param {string} running "" when none goes on */
  endAllBut(running) {
    for (const session of restsOf(this.#storage, DRAFT)) if (session !== running) this.end(session);
  }

  /** What was typed in it when it ended. @param {string} session @returns {string} */
  unsent(session) {
    return read(this.#tab, UNSENT + session) ?? "";
  }

  /** The report on it that was begun. @param {string} session @returns {ReportDraft} */
  report(session) {
    return read(this.#tab, REPORT + session) ?? { reason: "", note: "" };
  }

  /** @param {string} session @param {ReportDraft | null} report null: it was sent */
  keepReport(session, report) {
    keep(this.#tab, REPORT + session, report ? JSON.stringify(report) : "");
  }

  /** The objection to a pause. @returns {string} */
  get objection() {
    return read(this.#tab, OBJECTION) ?? "";
  }

  /** @param {string} text "": it was sent */
  keepObjection(text) {
    keep(this.#tab, OBJECTION, text);
  }
}

/** @param {Storage} storage @param {string} name @param {string} text */
function keep(storage, name, text) {
  if (text) storage.set(name, text);
  else storage.delete(name);
}
