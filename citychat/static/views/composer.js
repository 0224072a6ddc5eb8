// Where one writes. What is typed is kept, over a reload too. Enter sends, where a setting says so (phones begin
// without), Ctrl+Enter always does, Shift+Enter makes a new line.

import { TEXT_MAX_CHARS, chars, cleanText, isBlank } from "citychat/text.js";
import { byInputMethod, h, round, t, write } from "citychat/views/dom.js";
import { troubleForWriters } from "citychat/views/trouble.js";

/** @import { Page } from "citychat/types.js" */

const HASTE_MS = 1000; // a second press so soon was none of what was pointed out

export class Composer {
  #page;
  #sent;
  #wrong = "";
  #advice = "";
  #pointedAt = -Infinity;

  /** @param {Page} page @param {() => void} sent called after each message */
  constructor(page, sent) {
    this.#page = page;
    this.#sent = sent;
    const { chat, state } = page;
    this.field = h("textarea", {
      rows: 1, "aria-label": t("talk.write"), placeholder: t("talk.write"), autocomplete: "off", dir: "auto",
      enterkeyhint: state.settings.enter ? "send" : "enter",
      on: { input: () => this.#typed(), keydown: (event) => this.#key(event), blur: () => chat.typing(false) },
    });
    this.field.value = chat.draft;
    this.strip = h("div", { class: "strip", role: "status" });
    this.tally = h("p", { class: "tally", role: "status" });
    this.button = round(t("talk.send"), "send", () => this.#send(), "send");
    const form = h("div", { class: "composer" }, this.field, this.button);
    this.element = h("div", {}, this.strip, h("div", { class: "inner" }, this.tally, form));
    requestAnimationFrame(() => this.#grow());
  }

  update() {
    const { state, now } = this.#page;
    const wait = Math.ceil((state.busyUntil - now()) / 1000);
    const wrong = troubleForWriters(state.link);
    write(this.strip, wait > 0 ? t("link.busy", { n: wait }) : wrong && t(wrong));
    if (wait > 0) setTimeout(() => state.touch(), 1000);
    this.#judge();
  }

  #send() {
    if (this.#page.now() - this.#pointedAt < HASTE_MS) return;
    const why = this.#pointOut() || this.#page.chat.write(this.field.value);
    if (why === "") {
      this.field.value = "";
      this.#wrong = this.#advice = "";
      this.#grow();
      this.#sent();
    } else if (why === "full") {
      this.#wrong = t("talk.full");
    }
    this.#judge();
    this.field.focus();
  }

  /** What is in the text that the writer is asked about, once; "" where it may go. */
  #pointOut() {
    const { chat, nudge, state, now } = this.#page;
    const { running } = state;
    const contact = running && !chat.outbox.refusal(this.field.value) && nudge.about(running.session, this.field.value);
    if (!contact) return "";
    this.#pointedAt = now();
    this.#advice = t(`nudge.${contact}`);
    return contact;
  }

  #typed() {
    this.#wrong = this.#advice = "";
    this.#grow();
    this.#judge();
    this.#page.chat.keepDraft(this.field.value);
    this.#page.chat.typing(!isBlank(this.field.value));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const meant = this.#page.state.settings.enter || event.ctrlKey || event.metaKey; // which send in every chat program
    if (!meant || event.key !== "Enter" || event.shiftKey || byInputMethod(event)) return;
    event.preventDefault();
    this.#send();
  }

  /** Say what is wrong before it is sent, not after. */
  #judge() {
    const text = cleanText(this.field.value);
    const n = chars(text);
    const long = n > TEXT_MAX_CHARS ? t("talk.long", { n, max: TEXT_MAX_CHARS }) : "";
    write(this.tally, long || this.#wrong || this.#advice);
    this.tally.classList.toggle("advice", !long && !this.#wrong);
    this.button.setAttribute("aria-disabled", String(isBlank(text) || Boolean(long)));
  }

  #grow() {
    this.field.style.blockSize = "auto";
    this.field.style.blockSize = `${this.field.scrollHeight + 2}px`;
  }
}
