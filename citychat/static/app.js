// Puts the page together: socket → state → views, clicks → state and socket.

import { Chat } from "citychat/chat.js";
import { learn } from "citychat/i18n.js";
import { Joining } from "citychat/joining.js";
import { Matching } from "citychat/matching.js";
import { Socket } from "citychat/socket.js";
import { State } from "citychat/state.js";
import { Storage } from "citychat/storage.js";
import { newId } from "citychat/text.js";
import { byId } from "citychat/views/dom.js";
import { Shell } from "citychat/views/shell.js";

const NOTICE_MS = 10_000; // what is good again need not be said for ever

const { lang, dataset } = document.documentElement;
// Dates in the guest's own manner where it is a manner of the page's language.
const manner = navigator.language.startsWith(lang) ? navigator.language : lang;
learn(JSON.parse(byId("catalogue").textContent), manner);

const consent = dataset.consent ?? "";
const wall = () => Date.now();
const now = () => Math.round(performance.now()); // in whole ms, as timers count
const state = new State();
const storage = new Storage(() => window.localStorage);
const tab = new Storage(() => window.sessionStorage);
const socket = new Socket(now, wall, () => Math.random());
const chat = new Chat({ state, storage, socket, id: newId(128), now, wall });
const { outbox } = chat;
const joining = new Joining({ state, storage, tab, socket, outbox, consent, now, wall });
const matching = new Matching({ state, storage, tab, socket, outbox, joining, now });
const shell = new Shell({ state, socket, chat, joining, matching, now, wall });

state.storing = storage.trouble;
storage.told = () => {
  const again = state.storing === "full" && !storage.trouble;
  state.set({ storing: storage.trouble, notice: again ? "link.room" : state.notice });
  if (again) setTimeout(() => state.notice === "link.room" && state.set({ notice: "" }), NOTICE_MS);
};
window.addEventListener("storage", ({ key, newValue }) => {
  if (!key || newValue === null) return;
  storage.overtaken(key);
  outbox.inherit(key, newValue, now());
});

document.addEventListener("visibilitychange", () => {
  const visible = document.visibilityState === "visible";
  socket.view(visible);
  if (!visible) return;
  chat.read();
  socket.wake();
});
window.addEventListener("pageshow", () => socket.wake());
window.addEventListener("online", () => socket.wake());
document.addEventListener("pointerdown", () => matching.touched());
document.addEventListener("keydown", () => matching.touched());

shell.start();
joining.begin();
