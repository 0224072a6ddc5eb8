// The messages of one chat. Rows are patched by their id; nothing that is being read moves.

import { Street } from "citychat/views/street.js";
import { button, h, show, sign, t, write } from "citychat/views/dom.js";
import { clock, has } from "citychat/i18n.js";

const CLOSE_MS = 120_000; // bubbles of one speaker within it sit close, with one time
const NEAR_PX = 80; // so close to the end counts as reading the end

const tickText = (row) =>
  row.state === "refused"
    ? t("tick.refused", { why: t(has(`why.${row.why}`) ? `why.${row.why}` : "why.other") })
    : t(row.state === "undelivered" ? "tick.lost" : `tick.${row.state}`);

const failed = (row) => row.state === "refused" || row.state === "undelivered";

export class Log {
  #drawn = new Map();
  #older;
  #fresh;
  #atEnd = true;
  #top = 0;

  constructor({ talking }, chat) {
    this.chat = chat;
    this.#older = button(t("talk.older"), "older", () => this.#more(talking));
    this.#fresh = button(t("talk.new"), "fresh", () => this.toEnd());
    this.#fresh.hidden = true;
    this.head = h("div", { class: "system" }, new Street(chat.city + chat.session).light({ met: !chat.ended }),
      h("p", {}, `${t("talk.intro", { alias: chat.alias })} ${t("talk.you", { you: chat.you })}`));
    this.list = h("div", { class: "log", role: "log", "aria-label": t("talk.log"), "aria-live": "polite", "aria-relevant": "additions", tabindex: "0" });
    this.tail = h("div", { class: "system", hidden: true });
    this.dots = h("div", { class: "typing", role: "img", "aria-label": t("talk.typing", { alias: chat.alias }), hidden: true }, h("i"), h("i"), h("i"));
    this.list.append(this.#older, this.head, this.dots, this.tail);
    this.element = h("div", { class: "scroll" }, this.list, this.#fresh);
    this.element.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#atEnd && this.toEnd()).observe(this.element);
  }

  toEnd() {
    this.element.scrollTop = this.element.scrollHeight;
    this.#atEnd = true;
    show(this.#fresh, false);
  }

  update(transcript, { typing, last }) {
    const { element } = this;
    const below = element.scrollHeight - element.scrollTop;
    const firstRow = this.list.querySelector(".message");
    const rows = transcript.rows.filter((row) => row.x || row.k === "gap");
    const final = rows.findLast((row) => row.side === this.chat.side && row.k !== "gap");
    let arrived = false;
    let before = this.head;
    rows.forEach((row, i) => {
      const known = this.#drawn.get(id(row));
      const node = known ?? this.#make(row);
      if (!known && row.side !== this.chat.side) arrived = true;
      if (before.nextSibling !== node) before.after(node);
      before = node;
      this.#patch(node, row, rows[i - 1], rows[i + 1], row === final);
    });
    this.#drop(rows);
    show(this.#older, transcript.more === true);
    show(this.head, transcript.more !== true);
    show(this.dots, typing);
    const lines = [transcript.erased && t("talk.erased", { alias: this.chat.alias }), last];
    const tail = lines.filter(Boolean).join(" ") || (transcript.more === false && !rows.length && this.chat.ended ? t("chats.empty") : "");
    write(this.tail, tail);
    show(this.tail, Boolean(tail));
    if (this.#atEnd) this.toEnd();
    else if (firstRow && this.list.querySelector(".message") !== firstRow) element.scrollTop = element.scrollHeight - below;
    else if (arrived) show(this.#fresh, true);
  }

  #make(row) {
    const own = row.side === this.chat.side;
    const node = h("div", { class: row.k === "gap" ? "system" : `message${own ? " own" : ""}` });
    if (row.k === "gap") {
      node.textContent = t("talk.gap");
    } else {
      const who = h("span", { class: "unseen" }, `${own ? t("talk.mine") : this.chat.alias}: `);
      const text = h("span", { dir: "auto" }, row.x);
      node.append(h("div", { class: "bubble" }, who, text), h("div", { class: "meta" }));
    }
    this.#drawn.set(id(row), node);
    return node;
  }

  /** What depends on the neighbours and on the tick: distance, time, status. */
  #patch(node, row, previous, next, final) {
    if (row.k === "gap") return;
    const own = row.side === this.chat.side;
    const first = !near(previous, row);
    const end = !near(row, next);
    const key = `${first} ${end} ${final} ${row.state} ${row.why}`;
    if (node.dataset.key === key) return;
    node.dataset.key = key;
    node.classList.toggle("first", first);
    node.classList.toggle("unsure", row.state === "waiting");
    const bubble = node.querySelector(".bubble");
    const meta = node.querySelector(".meta");
    bubble.querySelector(".sign")?.remove();
    meta.className = failed(row) ? "meta failed" : "meta";
    meta.replaceChildren();
    const words = own && (final || failed(row));
    if (end && row.at) meta.append(h("time", { datetime: new Date(row.at).toISOString() }, clock(row.at)));
    if (words) meta.append(sign(row.state), h("span", {}, tickText(row)));
    else if (own && end) meta.append(sign(row.state, tickText(row)));
    else if (own) bubble.append(h("span", { class: "sign" }, sign(row.state, tickText(row))));
    show(meta, meta.childNodes.length > 0);
  }

  #drop(rows) {
    const alive = new Set(rows.map(id));
    for (const [key, node] of this.#drawn) {
      if (alive.has(key)) continue;
      node.remove();
      this.#drawn.delete(key);
    }
  }

  async #more(talking) {
    this.#older.disabled = true;
    this.list.setAttribute("aria-live", "off"); // old messages are not news
    await talking.older(this.chat);
    this.#older.disabled = false;
    setTimeout(() => this.list.setAttribute("aria-live", "polite"), 500);
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

const id = (row) => `${row.side} ${row.st} ${row.n}`;

const near = (a, b) => Boolean(a && b && a.side === b.side && a.k !== "gap" && b.k !== "gap" && b.at - a.at < CLOSE_MS);

