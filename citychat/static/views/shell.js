// The frame around the screens: which one is shown, the bar, the strip, the title of the tab, the focus.

import { arrive, locating } from "citychat/views/arrive.js";
import { chats } from "citychat/views/chats.js";
import { city } from "citychat/views/city.js";
import { Dialogs } from "citychat/views/dialogs.js";
import { byId, h, link, round, show, t, write } from "citychat/views/dom.js";
import { banned, erased, loading, replaced } from "citychat/views/interruptions.js";
import { ready } from "citychat/views/ready.js";
import { chime } from "citychat/views/sound.js";
import { talk } from "citychat/views/talk.js";
import { trouble, troubleForWriters } from "citychat/views/trouble.js";

/** @import { Page, Screen, View } from "citychat/types.js" */

/** @type {Record<Screen, (page: Page) => View>} */
const SCREENS = { loading, arrive, locating, city, ready, talk, chats, past: talk, replaced, banned, erased };
const STORING = { "": "", none: "link.memory", full: "link.full" };
const WITHOUT_LINK = ["arrive", "locating", "replaced", "banned", "erased"];

export class Shell {
  #page;
  /** @type {View | null} */
  #view = null;
  #shown = "";
  #rang = "";
  #count = 0;
  #screen = byId("screen");
  #strip = byId("strip");
  #dialogs;
  #where;
  #more;

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
    this.#dialogs = new Dialogs(page);
    const { state } = page;
    this.#where = link("", () => state.set({ screen: "city", cityBusy: "" }), "where");
    this.#more = round(t("more.open"), "more", () => state.set({ dialog: { kind: "more" } }));
    byId("bar").append(h("span", { class: "space" }), this.#where, this.#more);
  }

  start() {
    this.#page.state.addEventListener("change", () => this.#update());
    document.addEventListener("visibilitychange", () => this.#title());
    window.visualViewport?.addEventListener("resize", fit);
    this.#update();
  }

  #update() {
    const { state, joining } = this.#page;
    const key = `${state.screen} ${state.shown?.session ?? ""}`;
    const other = key !== this.#shown;
    if (other) this.#mount(key);
    this.#view?.update?.();
    if (other) this.#focus();
    this.#frame();
    this.#dialogs.update();
    this.#title();
    joining.tellAskable();
  }

  /** @param {string} key */
  #mount(key) {
    const { state } = this.#page;
    this.#view?.close?.();
    this.#shown = key;
    const view = SCREENS[state.screen](this.#page);
    this.#view = view;
    document.body.className = view.kind ?? "";
    this.#screen.replaceChildren(...[view.root].flat());
    window.scrollTo(0, 0);
    this.#count += 1;
  }

  #focus() {
    if (this.#count <= 2) return; // arriving: nobody has pressed anything
    const target = this.#view?.focus ?? this.#screen.querySelector("h1");
    target?.focus({ preventScroll: true });
  }

  #frame() {
    const { state } = this.#page;
    const joined = !["loading", ...WITHOUT_LINK].includes(state.screen);
    show(this.#more, joined);
    show(this.#where, joined && state.movable && !["ready", "city"].includes(state.screen));
    write(this.#where, state.place?.city ?? "");
    const line = this.#line(joined);
    write(this.#strip, line && t(line));
    show(this.#strip, Boolean(line));
  }

  /**
   * The name of the sentence above everything; what the screen says itself is not said twice.
   * @param {boolean} joined
   */
  #line(joined) {
    const { state } = this.#page;
    const writing = state.screen === "talk" && state.running; // the composer has its own strip
    const said = writing ? troubleForWriters(state.link) : state.screen === "loading" ? trouble(state.link) : "";
    const notice = state.notice.startsWith("link.") && state.notice !== said ? state.notice : "";
    return notice || (joined && !writing && trouble(state.link)) || STORING[state.storing];
  }

  /** Hidden page: the title and a sound tell. */
  #title() {
    const { state } = this.#page;
    const hidden = document.visibilityState === "hidden";
    const calls = hidden && (state.offer || state.unread.size);
    const name = state.running ? `${state.running.alias} · ${t("name")}` : t("name");
    document.title = calls ? `● ${t(state.offer ? "ring.tab" : "talk.new")}` : name;
    if (state.offer && state.offer.offer !== this.#rang) {
      this.#rang = state.offer.offer;
      if (hidden) chime();
    }
  }
}

/** Where the keyboard covers the page instead of resizing it (Safari), the page gets the height that is left. */
function fit() {
  const { height, scale } = window.visualViewport ?? { height: window.innerHeight, scale: 1 };
  const covered = Math.abs(scale - 1) < 0.01 && height < window.innerHeight - 1;
  const { style } = document.documentElement;
  if (covered) style.setProperty("--height", `${height}px`);
  else style.removeProperty("--height");
  if (covered && document.body.className === "talking") window.scrollTo(0, 0);
}
