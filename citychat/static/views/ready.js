// Ready, looking and being asked: one screen, one street. The guest who is alone is what every new host sees.

import { Ring, found } from "citychat/views/ring.js";
import { Street } from "citychat/views/street.js";
import { aloneHint, button, h, link, show, t, title, toggle, write } from "citychat/views/dom.js";
import { keepAwake, shareThis } from "citychat/views/share.js";

const ALONE_MS = 15_000;

const cityOf = ({ place }) => (place?.source === "network" ? t("ready.network.name") : (place?.city ?? ""));

/** What the screen is about now. */
function mode({ state }) {
  if (state.offer) return state.offer.looking ? "found" : "ring";
  if (state.living) return "chatting";
  if (state.looking) return "looking";
  return state.still ? "still" : "idle";
}

function news({ state }) {
  const values = { city: cityOf(state) };
  if (state.living) return t("ready.chatting", { alias: state.living.alias });
  if (state.looking) return t(`look.${state.looking}`, values);
  return state.still ? t("look.still") : t(`ready.${state.free}`, values);
}

export function ready(page) {
  const { state, visit, meeting, talking, now } = page;
  let street = null;
  let shown = "";
  const canvas = h("div", {});
  const name = title("");
  const within = h("p", { class: "in" }, t("ready.in"));
  const said = h("span", {});
  const wrong = link(t("ready.wrong"), () => state.set({ screen: "city", cityBusy: "" }), "inline");
  const place = h("div", { class: "place" }, within, name, h("p", { class: "said" }, said, " ", wrong));
  const told = h("p", { class: "hint", role: "status", hidden: true });
  const line = h("p", { class: "news", role: "status" });
  const actions = h("div", { class: "stack" });
  const waiting = h("div", { class: "stack" });
  const hint = aloneHint();
  const ask = toggle(t("ready.ask"), t("ready.ask.text"), state.settings.ask, (on) => visit.use({ ask: on }));
  const switches = h("div", { class: "card" }, ask);
  const badge = h("span", { class: "badge", hidden: true }, t("ready.unread"));
  const chats = link(t("ready.chats"), () => state.set({ screen: "chats", notice: "" }));
  chats.append(badge);
  const root = h("div", { class: "ready" }, canvas, place, told, line, actions, waiting, switches, hint, h("div", { class: "later" }, chats));

  const builders = {
    idle: () => [button(t("ready.find"), "lamp wide", () => meeting.seek())],
    still: () => [button(t("look.still.button"), "lamp wide", () => meeting.seek())],
    looking: () => [button(t("look.stop"), "wide", () => meeting.stop())],
    chatting: () => [button(t("ready.chatting.back"), "lamp wide", () => talking.open(state.living))],
    ring: () => [(ring = new Ring(page)).element],
    found: () => [(ring = found(page)).element],
  };
  let ring = null;

  /** Other buttons for another mode; the focus stays where the pressed one was. */
  function rebuild(next) {
    const held = actions.contains(document.activeElement);
    ring = null;
    shown = next;
    waiting.replaceChildren();
    actions.replaceChildren(...builders[next]());
    if (next === "looking") waiting.append(h("p", { class: "hint" }, t("look.screen"), " ", keepAwake()));
    if (next === "ring") actions.querySelector("h1").focus();
    else if (held) actions.querySelector("button")?.focus();
  }

  /** After 15 s alone: "Share this page". */
  function alone() {
    const lonely = shown === "looking" && state.looking !== "asking" && now() - state.lookingSince >= ALONE_MS;
    if (lonely && !waiting.querySelector(".share")) waiting.append(shareThis());
  }

  function update() {
    const next = mode(page);
    const asked = next === "ring" || next === "found";
    if (street?.key !== (state.place?.key ?? "")) {
      street = new Street(state.place?.key ?? "");
      canvas.replaceChildren(street.element);
    }
    street.light({ free: state.free, breathing: next === "looking", met: next === "found" || next === "chatting" });
    write(name, cityOf(state));
    show(within, state.place?.source !== "network");
    write(said, state.place ? t(`ready.${state.place.source}`) : "");
    show(wrong, state.movable && !state.living && !asked);
    if (next !== shown) rebuild(next);
    show(place, next !== "ring");
    const notice = asked || state.notice.startsWith("link.") ? "" : state.notice;
    write(told, notice && t(notice));
    show(told, Boolean(notice));
    show(line, !asked);
    write(line, asked ? "" : news(page));
    show(switches, !asked && !state.living);
    show(ask.querySelector(".small"), next !== "looking"); // a looker is asked anyway
    ask.querySelector("input").checked = state.settings.ask;
    show(chats, !asked);
    if (hint) show(hint, !asked && !state.living && state.free === "none");
    show(badge, state.unread.size > 0);
    chats.setAttribute("aria-label", state.unread.size ? `${t("ready.chats")}, ${t("ready.unread")}` : t("ready.chats"));
    ring?.update();
    alone();
  }
  const timer = setInterval(() => {
    ring?.update();
    alone();
  }, 250);
  return { root, update, close: () => clearInterval(timer) };
}
