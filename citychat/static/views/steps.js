// The browser's Back goes one step back inside the page, and its history has one entry a step.
//
// An entry is made when somebody goes a step further, never when they come back: browsers skip those that nobody has
// pressed for. Who goes back by a button of the page leaves the entries to be gone over (`history.go`).

/**
 * @import { Page } from "citychat/types.js"
 *
 * @typedef {"stay" | "city" | "chats" | "chat" | "dialog"} Step
 */

const PASSING = ["loading", "locating"]; // what comes after them is not known yet
const OUTSIDE = ["arrive", "replaced", "banned", "erased"]; // no chat of this window

export class Steps {
  #page;
  #depth;
  #going = false;
  #warned = false; // who goes on going back may go

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
    this.#depth = depthOf(history.state);
    history.scrollRestoration = "manual"; // a step is no place of one long page
    addEventListener("popstate", (event) => this.#popped(depthOf(event.state)));
  }

  update() {
    const { state } = this.#page;
    if (state.screen !== "ready" || !state.running) this.#warned = false;
    if (this.#going || PASSING.includes(state.screen)) return;
    const wanted = this.#path().length;
    while (this.#depth < wanted) history.pushState({ depth: (this.#depth += 1) }, "");
    if (this.#depth > wanted) this.#go(wanted - this.#depth);
  }

  /** What Back undoes, the last first. A running chat is not left without a word. @returns {Step[]} */
  #path() {
    const { screen, running, place, dialog } = this.#page.state;
    /** @type {Step[]} */
    const path = running && !this.#warned && !OUTSIDE.includes(screen) ? ["stay"] : [];
    if (screen === "chats") path.push("chats");
    if (screen === "talk" || screen === "past") path.push("chats", "chat");
    if (screen === "city" && place) path.push("city");
    if (dialog) path.push("dialog");
    return path;
  }

  /** @param {number} depth */
  #popped(depth) {
    const gone = this.#depth - depth;
    this.#depth = depth;
    if (this.#going) this.#going = false;
    else if (!this.#page.state.isAskedOver) for (let n = 0; n < gone; n += 1) this.#back(); // a ring is answered first
    this.update(); // forward, and back from where there was nothing to undo: to where the page is
  }

  #back() {
    const { state } = this.#page;
    switch (this.#path().at(-1)) {
      case "dialog": return state.set({ dialog: null });
      case "chat": return state.set({ screen: "chats", reading: null, notice: "" });
      case "chats": return state.set({ screen: state.place || state.running ? "ready" : "city", notice: "" });
      case "city": return state.set({ screen: "ready", cityBusy: "" });
      case "stay":
        this.#warned = true;
        return state.set({ notice: "ready.leaving" });
    }
  }

  /** @param {number} by */
  #go(by) {
    this.#going = true;
    history.go(by);
  }
}

/** @param {any} entry */
const depthOf = (entry) => (Number.isInteger(entry?.depth) && entry.depth > 0 ? entry.depth : 0);
