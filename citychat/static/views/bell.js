// Tells a guest who looks elsewhere: the title of the tab, a sound, and a notice where the guest has asked for one.
// None of them says what was written, or by whom.

import { t } from "citychat/i18n.js";
import { chime } from "citychat/views/sound.js";
import { notify } from "citychat/views/notices.js";

/** @import { State } from "citychat/state.js" */

export class Bell {
  #state;
  #seen = 0; // messages that had come unseen when the page was looked at last
  #joined = false;
  #session = "";
  #begun = false; // the running chat, while nobody looked
  #told = "";

  /** @param {State} state */
  constructor(state) {
    this.#state = state;
    document.addEventListener("visibilitychange", () => this.update());
  }

  update() {
    const { offer, running, cameUnseen, settings, link } = this.#state;
    const hidden = document.visibilityState === "hidden";
    const session = running?.session ?? "";
    const begins = this.#joined && session !== this.#session; // one that a reload finds has begun before
    this.#begun = hidden && session !== "" && (this.#begun || begins);
    this.#session = session;
    this.#joined ||= link === "on";
    if (!hidden) this.#seen = cameUnseen;
    const [why, which] = offer ? ["ring.tab", offer.offer] : this.#why(hidden);
    const name = running ? `${running.alias} · ${t("name")}` : t("name");
    document.title = hidden && why ? `● ${t(why)}` : name;
    const told = `${why} ${which}`;
    if (hidden && why && told !== this.#told) {
      chime();
      if (settings.notices) notify(t(why));
    }
    this.#told = told; // once each, also if it came while the page was looked at
  }

  /** @param {boolean} hidden @returns {[string, string]} the name of a sentence, and what it is about */
  #why(hidden) {
    const { cameUnseen, unread } = this.#state;
    if (hidden && cameUnseen > this.#seen) return ["talk.new", String(this.#seen)];
    if (this.#begun) return ["talk.begun", this.#session];
    return unread.size ? ["talk.new", String(this.#seen)] : ["", ""];
  }
}
