// The messages of one chat, a list. Rows are patched by their id; nothing that is being read moves. The list is no live
// region: what the partner writes is read out by the one element for it, and nothing else is.

import { clock, has, newDay, sameDay, together } from "citychat/i18n.js";
import { button, h, hear, show, sign, t, write } from "citychat/views/dom.js";
import { Street } from "citychat/views/street.js";

/**
 * @import { Row, Session } from "citychat/types.js"
 * @import { Chat } from "citychat/chat.js"
 * @import { Transcript } from "citychat/state.js"
 *
 * @typedef {{ node: HTMLElement, day: HTMLElement, words: HTMLElement, meta: HTMLElement, key: string }} Drawn
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
  #tail;
  #dots;
  #question = h("p", { class: "question", id: "question", dir: "auto", hidden: true });
  #begun = false;
  #atEnd = true;
  #top = 0;

  /** @param {Chat} chat @param {Session} session */
  constructor(chat, session) {
    this.#session = session;
    const { alias, you, city } = session;
    const between = city.includes(" – ") ? t("talk.cities", { cities: city }) : ""; // of two towns
    this.#older = button(t("talk.older"), "older", () => this.#more(chat));
    this.#fresh = button(t("talk.new"), "fresh", () => this.toEnd());
    this.#fresh.hidden = true;
    this.#head = h("div", { class: "system" }, new Street(city + session.session).light({ met: !session.ended }),
      h("p", {}, together(together(t("talk.intro", { alias }), t("talk.you", { you })), between)), this.#question);
    // Safari takes a list without marks for none unless it is called one.
    this.list = h("ul", { class: "messages", role: "list", "aria-label": t("talk.log"), tabindex: "0" });
    this.#tail = h("p", { class: "system" });
    setTimeout(() => this.#tail.setAttribute("role", "status")); // what stands there at first is no news
    const typing = { class: "typing", role: "img", "aria-label": t("talk.typing", { alias }), hidden: true };
    this.#dots = h("div", typing, h("i"), h("i"), h("i"));
    const log = h("div", { class: "log" }, this.#older, this.#head, this.list, this.#dots, this.#tail);
    this.element = h("div", { class: "scroll" }, log, this.#fresh);
    this.element.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#atEnd && this.toEnd()).observe(this.element);
  }

  toEnd() {
    this.element.scrollTop = this.element.scrollHeight;
    this.#atEnd = true;
    show(this.#fresh, false);
  }

  /** What both may begin with; "" for nothing. @param {string} question */
  ask(question) {
    write(this.#question, question && t("talk.question", { question }));
    show(this.#question, question !== "");
    if (this.#atEnd) this.toEnd();
  }

  /**
   * @param {Transcript} transcript
   * @param {{live: boolean, typing: boolean, last: string}} facts `last`: the line below everything
   */
  update(transcript, { live, typing, last }) {
    const { element } = this;
    const below = element.scrollHeight - element.scrollTop;
    const firstRow = this.list.querySelector(".message");
    const rows = transcript.rows.filter((row) => row.text || row.kind === "gap");
    const final = rows.findLast((row) => this.#isOwn(row) && row.kind !== "gap");
    const news = live && this.#begun ? this.#news(rows) : [];
    const arrived = rows.some((row) => !this.#drawn.has(id(row)) && !this.#isOwn(row));
    this.#drop(rows);
    /** @type {number | undefined} */
    let at;
    /** @type {ChildNode | null} */
    let there = this.list.firstChild;
    rows.forEach((row, i) => {
      const drawn = this.#drawn.get(id(row)) ?? this.#make(row);
      if (there === drawn.node) there = there.nextSibling;
      else this.list.insertBefore(drawn.node, there);
      this.#patch(drawn, row, rows[i - 1], rows[i + 1], row === final);
      if (!row.at || row.kind === "gap") return;
      write(drawn.day, newDay(row.at, at));
      show(drawn.day, drawn.day.textContent !== "");
      ({ at } = row);
    });
    show(this.#older, transcript.more === true);
    show(this.#head, transcript.more !== true);
    show(this.#dots, typing);
    const erased = transcript.erased ? t("talk.erased", { alias: this.#session.alias }) : "";
    const empty = transcript.more === false && !rows.length && this.#session.ended;
    const tail = together(erased, last) || (empty ? t("chats.empty") : "");
    write(this.#tail, tail);
    for (const { text } of news) hear(text);
    this.#begun = true;
    if (this.#atEnd) this.toEnd();
    else if (firstRow && this.list.querySelector(".message") !== firstRow) {
      element.scrollTop = element.scrollHeight - below;
    } else if (arrived) show(this.#fresh, true);
  }

  /** @param {Row} row */
  #isOwn(row) {
    return row.side === this.#session.side;
  }

  /** What the partner has written since: no older page, which comes before all that was there. @param {Row[]} rows */
  #news(rows) {
    const since = rows.slice(Math.max(0, rows.findIndex((row) => this.#drawn.has(id(row)))));
    return since.filter((row) => row.text && !this.#isOwn(row) && !this.#drawn.has(id(row)));
  }

  /** @param {Row} row */
  #make(row) {
    const own = this.#isOwn(row);
    const gap = row.kind === "gap";
    const speaker = t("talk.who", { who: own ? t("talk.mine") : this.#session.alias });
    const who = h("span", { class: "unseen" }, `${speaker} `);
    const words = h("span", { class: "words", dir: "auto" }, row.text);
    const day = h("p", { class: "day", hidden: true });
    const meta = h("div", { class: "meta" });
    const node = gap
      ? h("li", { class: "system" }, t("talk.gap"))
      : h("li", { class: `message${own ? " own" : ""}` }, day, h("div", { class: "bubble" }, who, words), meta);
    const drawn = { node, day, words, meta, key: "" };
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
    const { node, words, meta } = drawn;
    node.classList.toggle("first", first);
    node.classList.toggle("unsure", row.tick === "waiting");
    words.querySelector(".sign")?.remove();
    meta.className = failed(row) ? "meta failed" : "meta";
    meta.replaceChildren();
    const own = this.#isOwn(row);
    const told = own && (final || failed(row));
    if (end && row.at) meta.append(h("time", { datetime: new Date(row.at).toISOString() }, clock(row.at)));
    if (told) meta.append(sign(row.tick), h("span", {}, tickText(row)));
    else if (own && end) meta.append(sign(row.tick, tickText(row)));
    else if (own) words.append(h("span", { class: "sign" }, sign(row.tick, tickText(row))));
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
    await chat.older(this.#session);
    this.#older.disabled = false;
    this.list.focus();
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
  Boolean(a && b && a.side === b.side && a.kind !== "gap" && b.kind !== "gap" && b.at - a.at < CLOSE_MS &&
    sameDay(a.at, b.at));
