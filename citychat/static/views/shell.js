// The frame around the screens: which one is shown, the bar, the strip, the focus.

import { arrive, locating } from "citychat/views/arrive.js";
import { Bell } from "citychat/views/bell.js";
import { chats } from "citychat/views/chats.js";
import { city } from "citychat/views/city.js";
import { Dialogs } from "citychat/views/dialogs.js";
import { byId, focusNext, h, link, round, show, t, write } from "citychat/views/dom.js";
import { erased, loading, replaced } from "citychat/views/interruptions.js";
import { banned, lifted } from "citychat/views/paused.js";
import { ready } from "citychat/views/ready.js";
import { AskedOver } from "citychat/views/ring.js";
import { guardPresses } from "citychat/views/settling.js";
import { Steps } from "citychat/views/steps.js";
import { talk } from "citychat/views/talk.js";
import { readHere } from "citychat/views/texts.js";
import { trouble, troubleForWriters } from "citychat/views/trouble.js";

/** @import { Page, Screen, View } from "citychat/types.js" */

/** @type {Record<Screen, (page: Page) => View>} */
const SCREENS = { loading, arrive, locating, city, ready, talk, chats, past: talk, replaced, banned, lifted, erased };
const STORING = { "": "", none: "link.memory", full: "link.full" };
const WITHOUT_LINK = ["arrive", "locating", "replaced", "banned", "erased"];

export class Shell {
  #page;
  /** @type {View | null} */
  #view = null;
  #shown = "";
  #count = 0;
  #screen = byId("screen");
  #strip = byId("strip");
  #dialogs;
  #askedOver;
  #steps;
  #bell;
  #where;
  #more;

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
    this.#dialogs = new Dialogs(page);
    this.#askedOver = new AskedOver(page);
    this.#steps = new Steps(page);
    this.#bell = new Bell(page.state);
    const { state } = page;
    this.#where = link("", () => state.set({ screen: "city", cityBusy: "" }), "where");
    this.#more = round(t("more.open"), "more", () => state.set({ dialog: { kind: "more" } }));
    byId("bar").append(h("span", { class: "space" }), this.#where, this.#more);
  }

  start() {
    this.#page.state.addEventListener("change", () => this.#update());
    guardPresses();
    readHere(this.#page.state);
    window.visualViewport?.addEventListener("resize", fit);
    this.#update();
  }

  #update() {
    const { state, joining } = this.#page;
    const key = `${state.screen} ${state.shown?.session ?? ""} ${state.language}`;
    const other = key !== this.#shown;
    if (other) this.#mount(key);
    const held = document.activeElement;
    this.#view?.update?.();
    this.#dialogs.update();
    this.#askedOver.update();
    if (other) this.#focus();
    else this.#rescue(held);
    this.#frame();
    this.#steps.update();
    this.#bell.update();
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
    const more = t("more.open"); // the language may be another one
    this.#more.setAttribute("aria-label", more);
    this.#more.title = more;
    this.#count += 1;
  }

  #focus() {
    if (this.#count <= 2) return; // arriving: nobody has pressed anything
    const focus = this.#view?.focus;
    if (focus) focus.focus({ preventScroll: this.#page.state.screen !== "chats" }); // whose row may be far below
    else focusNext(this.#screen.querySelector("h1"));
  }

  /**
   * What had the focus may have gone, or be hidden: whoever goes on by keyboard goes on from the title.
   * @param {Element | null} held
   */
  #rescue(held) {
    const gone = held instanceof HTMLElement && (!held.isConnected || held.closest("[hidden]"));
    if (!gone || ![held, document.body].includes(/** @type {HTMLElement} */ (document.activeElement))) return;
    held.blur();
    focusNext(this.#screen.querySelector("h1"));
  }

  #frame() {
    const { state } = this.#page;
    const joined = !["loading", ...WITHOUT_LINK].includes(state.screen);
    show(this.#more, joined);
    show(this.#where, joined && state.movable && !["ready", "city"].includes(state.screen));
    write(this.#where, state.place?.city ?? "");
    const line = this.#line(joined);
    write(this.#strip, line && t(line));
  }

  /**
   * The name of the sentence above everything; what the screen says itself is not said twice.
   * @param {boolean} joined
   */
  #line(joined) {
    const { state } = this.#page;
    const writing = state.screen === "talk" && state.running; // the composer has its own strip
    const said = writing ? troubleForWriters(state.link) : state.screen === "loading" ? trouble(state.link) : "";
    const ours = state.notice.startsWith("link.") || (state.notice.startsWith("ring.") && state.screen !== "ready");
    const notice = ours && state.notice !== said ? state.notice : "";
    return notice || (joined && !writing && trouble(state.link)) || STORING[state.storing];
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
