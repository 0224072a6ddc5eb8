// The messages of one chat. Rows are patched by their id; nothing that is being read moves.

import { clock, has } from "citychat/i18n.js";
import { button, h, show, sign, t, write } from "citychat/views/dom.js";
import { Street } from "citychat/views/street.js";

/**
 * @import { Row, Session } from "citychat/types.js"
 * @import { Chat } from "citychat/chat.js"
 * @import { Transcript } from "citychat/state.js"
 *
 * @typedef {{ node: HTMLElement, bubble: HTMLElement, meta: HTMLElement, key: string }} Drawn
 */

const CLOSE_MS = 120_000; // bubbles of one speaker within it sit close, with one time
const NEAR_PX = 80; // so close to the end counts as reading the end

/** @param {Row} row */
const tickText = (row) =>
  row.tick === "refused"
    ? t("tick.refused", { why: t(has(`why.${row.why}`) ? `why.${row.why}` : "why.other") })
    : t(row.tick === "undelivered" ? "tick.lost" : `tick.${row.tick}`);

/** @param {Row} row */
const failed = (row) => row.tick === "refused" || row.tick === "undelivered";

export class Log {
  /** @type {Map<string, Drawn>} */
  #drawn = new Map();
  #session;
  #older;
  #fresh;
  #head;
  #list;
  #tail;
  #dots;
  #atEnd = true;
  #top = 0;

  /** @param {Chat} chat @param {Session} session */
  constructor(chat, session) {
    this.#session = session;
    const { alias, you, city } = session;
    this.#older = button(t("talk.older"), "older", () => this.#more(chat));
    this.#fresh = button(t("talk.new"), "fresh", () => this.toEnd());
    this.#fresh.hidden = true;
    this.#head = h("div", { class: "system" }, new Street(city + session.session).light({ met: !session.ended }),
      h("p", {}, `${t("talk.intro", { alias })} ${t("talk.you", { you })}`));
    this.#list = h("div", {
      class: "log", role: "log", "aria-label": t("talk.log"), "aria-live": "polite", "aria-relevant": "additions",
      tabindex: "0",
    });
    this.#tail = h("div", { class: "system", hidden: true });
    const typing = { class: "typing", role: "img", "aria-label": t("talk.typing", { alias }), hidden: true };
    this.#dots = h("div", typing, h("i"), h("i"), h("i"));
    this.#list.append(this.#older, this.#head, this.#dots, this.#tail);
    this.element = h("div", { class: "scroll" }, this.#list, this.#fresh);
    this.element.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#atEnd && this.toEnd()).observe(this.element);
  }

  toEnd() {
    this.element.scrollTop = this.element.scrollHeight;
    this.#atEnd = true;
    show(this.#fresh, false);
  }

  /** @param {Transcript} transcript @param {{typing: boolean, last: string}} facts `last`: the line below everything */
  update(transcript, { typing, last }) {
    const { element } = this;
    const below = element.scrollHeight - element.scrollTop;
    const firstRow = this.#list.querySelector(".message");
    const rows = transcript.rows.filter((row) => row.text || row.kind === "gap");
    const final = rows.findLast((row) => this.#isOwn(row) && row.kind !== "gap");
    let arrived = false;
    /** @type {HTMLElement} */
    let before = this.#head;
    rows.forEach((row, i) => {
      const known = this.#drawn.get(id(row));
      const drawn = known ?? this.#make(row);
      if (!known && !this.#isOwn(row)) arrived = true;
      if (before.nextSibling !== drawn.node) before.after(drawn.node);
      before = drawn.node;
      this.#patch(drawn, row, rows[i - 1], rows[i + 1], row === final);
    });
    this.#drop(rows);
    show(this.#older, transcript.more === true);
    show(this.#head, transcript.more !== true);
    show(this.#dots, typing);
    const lines = [transcript.erased && t("talk.erased", { alias: this.#session.alias }), last].filter(Boolean);
    const empty = transcript.more === false && !rows.length && this.#session.ended;
    const tail = lines.join(" ") || (empty ? t("chats.empty") : "");
    write(this.#tail, tail);
    show(this.#tail, Boolean(tail));
    if (this.#atEnd) this.toEnd();
    else if (firstRow && this.#list.querySelector(".message") !== firstRow) {
      element.scrollTop = element.scrollHeight - below;
    } else if (arrived) show(this.#fresh, true);
  }

  /** @param {Row} row */
  #isOwn(row) {
    return row.side === this.#session.side;
  }

  /** @param {Row} row */
  #make(row) {
    const own = this.#isOwn(row);
    const gap = row.kind === "gap";
    const who = h("span", { class: "unseen" }, `${own ? t("talk.mine") : this.#session.alias}: `);
    const bubble = h("div", { class: "bubble" }, who, h("span", { dir: "auto" }, row.text));
    const meta = h("div", { class: "meta" });
    const node = gap
      ? h("div", { class: "system" }, t("talk.gap"))
      : h("div", { class: `message${own ? " own" : ""}` }, bubble, meta);
    const drawn = { node, bubble, meta, key: "" };
    this.#drawn.set(id(row), drawn);
    return drawn;
  }

  /**
   * What depends on the neighbours and on the tick: distance, time, status.
   * @param {Drawn} drawn @param {Row} row @param {Row | undefined} previous @param {Row | undefined} next
   * @param {boolean} final whether it is my last
   */
  #patch(drawn, row, previous, next, final) {
    if (row.kind === "gap") return;
    const first = !near(previous, row);
    const end = !near(row, next);
    const key = `${first} ${end} ${final} ${row.tick} ${row.why}`;
    if (drawn.key === key) return;
    drawn.key = key;
    const { node, bubble, meta } = drawn;
    node.classList.toggle("first", first);
    node.classList.toggle("unsure", row.tick === "waiting");
    bubble.querySelector(".sign")?.remove();
    meta.className = failed(row) ? "meta failed" : "meta";
    meta.replaceChildren();
    const own = this.#isOwn(row);
    const words = own && (final || failed(row));
    if (end && row.at) meta.append(h("time", { datetime: new Date(row.at).toISOString() }, clock(row.at)));
    if (words) meta.append(sign(row.tick), h("span", {}, tickText(row)));
    else if (own && end) meta.append(sign(row.tick, tickText(row)));
    else if (own) bubble.append(h("span", { class: "sign" }, sign(row.tick, tickText(row))));
    show(meta, meta.childNodes.length > 0);
  }

  /** @param {Row[]} rows */
  #drop(rows) {
    const alive = new Set(rows.map(id));
    for (const [key, { node }] of this.#drawn) {
      if (alive.has(key)) continue;
      node.remove();
      this.#drawn.delete(key);
    }
  }

  /** @param {Chat} chat */
  async #more(chat) {
    this.#older.disabled = true;
    this.#list.setAttribute("aria-live", "off"); // old messages are not news
    await chat.older(this.#session);
    this.#older.disabled = false;
    setTimeout(() => this.#list.setAttribute("aria-live", "polite"), 500);
    this.#list.focus();
  }

  /** Only a move upwards leaves the end: a composer that grows, or a bubble that came since, does not. */
  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    const near = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    this.#atEnd = near || (this.#atEnd && scrollTop >= this.#top);
    this.#top = scrollTop;
    if (this.#atEnd) show(this.#fresh, false);
  }
}

/** @param {Row} row */
const id = (row) => `${row.side} ${row.stream} ${row.number} ${row.kind === "gap"}`;

/** @param {Row | undefined} a @param {Row | undefined} b */
const near = (a, b) =>
  Boolean(a && b && a.side === b.side && a.kind !== "gap" && b.kind !== "gap" && b.at - a.at < CLOSE_MS);
