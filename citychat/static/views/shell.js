// The frame around the screens: which one is shown, the bar, the strip, the title of the tab, the focus.

import { arrive, locating } from "citychat/views/arrive.js";
import { chats } from "citychat/views/chats.js";
import { city } from "citychat/views/city.js";
import { Dialogs } from "citychat/views/dialogs.js";
import { h, round, show, t, write } from "citychat/views/dom.js";
import { banned, erased, loading, replaced } from "citychat/views/interruptions.js";
import { ready } from "citychat/views/ready.js";
import { chime } from "citychat/views/sound.js";
import { talk } from "citychat/views/talk.js";

const SCREENS = { loading, arrive, locating, city, ready, talk, chats, past: talk, replaced, banned, erased };
const LINES = { cut: "link.cut.short", blocked: "link.blocked", drain: "link.drain", away: "link.unavailable" };
const WITHOUT_LINK = ["arrive", "locating", "replaced", "banned", "erased"];

export class Shell {
  #view = null;
  #shown = "";
  #rang = null;
  #count = 0;

  constructor(page) {
    this.page = page;
    this.screen = document.getElementById("screen");
    this.strip = document.getElementById("strip");
    this.dialogs = new Dialogs(page);
    const { state } = page;
    this.where = h("button", { type: "button", class: "link where", on: { click: () => state.set({ screen: "city", cityBusy: "" }) } });
    this.more = round(t("more.open"), "more", () => state.set({ dialog: { kind: "more" } }));
    document.getElementById("bar").append(h("span", { class: "space" }), this.where, this.more);
  }

  start() {
    this.page.state.addEventListener("change", () => this.#update());
    document.addEventListener("visibilitychange", () => this.#title());
    window.visualViewport?.addEventListener("resize", fit);
    this.#update();
  }

  #update() {
    const { state, visit } = this.page;
    const key = `${state.screen} ${state.shown?.session ?? ""}`;
    const other = key !== this.#shown;
    if (other) this.#mount(key);
    this.#view.update?.();
    if (other) this.#focus();
    this.#frame();
    this.dialogs.update();
    this.#title();
    visit.availability();
  }

  #mount(key) {
    const { state } = this.page;
    this.#view?.close?.();
    this.#shown = key;
    this.#view = SCREENS[state.screen](this.page);
    document.body.className = this.#view.kind ?? "";
    this.screen.replaceChildren(...[this.#view.root].flat());
    window.scrollTo(0, 0);
    this.#count += 1;
  }

  #focus() {
    if (this.#count <= 2) return; // arriving: nobody has pressed anything
    const target = this.#view.focus ?? this.screen.querySelector("h1");
    target?.focus({ preventScroll: true });
  }

  #frame() {
    const { state } = this.page;
    const joined = !["loading", ...WITHOUT_LINK].includes(state.screen);
    show(this.more, joined);
    show(this.where, joined && state.movable && !["ready", "city"].includes(state.screen));
    write(this.where, state.place?.city ?? "");
    const inside = state.screen === "talk" && state.living; // the composer has its own strip
    const link = !inside && !["loading", ...WITHOUT_LINK].includes(state.screen) && LINES[state.link];
    const notice = state.notice.startsWith("link.") ? state.notice : "";
    const line = notice || link || (state.kept ? "" : "link.memory");
    write(this.strip, line ? t(line) : "");
    show(this.strip, Boolean(line));
  }

  /** Hidden page: the title and a sound tell. */
  #title() {
    const { state } = this.page;
    const hidden = document.visibilityState === "hidden";
    const calls = hidden && (state.offer || state.unread.size);
    const name = state.living ? `${state.living.alias} · ${t("name")}` : t("name");
    document.title = calls ? `● ${t(state.offer ? "ring.tab" : "talk.new")}` : name;
    if (state.offer && state.offer.offer !== this.#rang) {
      this.#rang = state.offer.offer;
      if (hidden) chime();
    }
  }
}

/** Where the keyboard covers the page instead of resizing it (Safari), the page gets the height that is left. */
function fit() {
  const { height, scale } = window.visualViewport;
  const covered = Math.abs(scale - 1) < 0.01 && height < window.innerHeight - 1;
  const { style } = document.documentElement;
  if (covered) style.setProperty("--height", `${height}px`);
  else style.removeProperty("--height");
  if (covered && document.body.className === "talking") window.scrollTo(0, 0);
}
