// Puts the page together: socket → state → views, clicks → state and socket.

import { Chat } from "citychat/chat.js";
import { linkedCity } from "citychat/city_link.js";
import { Drafts } from "citychat/drafts.js";
import { hoursOf } from "citychat/hours.js";
import { learn } from "citychat/i18n.js";
import { Joining } from "citychat/joining.js";
import { Leaving } from "citychat/leaving.js";
import { Matching } from "citychat/matching.js";
import { Nudge } from "citychat/nudge.js";
import { keepOfflinePage } from "citychat/offline.js";
import { Questions } from "citychat/question.js";
import { Sign } from "citychat/sign.js";
import { Socket } from "citychat/socket.js";
import { Speaking } from "citychat/speaking.js";
import { State } from "citychat/state.js";
import { Storage } from "citychat/storage.js";
import { newId } from "citychat/text.js";
import { byId } from "citychat/views/dom.js";
import { reword } from "citychat/views/language.js";
import { Shell } from "citychat/views/shell.js";

const NOTICE_MS = 10_000; // what is good again need not be said for ever

const { lang, dir, dataset } = document.documentElement;
const consent = dataset.consent ?? "";
const now = () => Math.round(performance.now()); // in whole ms, as timers count
// The hour as the server says it, and counted on: whatever somebody does to this machine's clock changes nothing.
// Before a join has said it, the page's own answer does, where the browser hands that on and it is no old copy.
const [asked] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
const sent = asked?.transferSize ? Number(asked.serverTiming?.find(({ name }) => name === "now")?.description) : 0;
let startedAt = sent ? sent - Math.round(asked.responseStart) : 0;
const wall = () => (startedAt ? startedAt + now() : Date.now());
learn(JSON.parse(byId("catalogue").textContent), { lang, dir }, navigator.language, wall);

const state = new State();
state.language = lang;
const storage = new Storage(() => window.localStorage);
const tab = new Storage(() => window.sessionStorage);
const socket = new Socket(now, () => Date.now(), () => Math.random());
socket.on("joined", (answer) => {
  if (answer.now) startedAt = answer.now - now();
});
const questions = new Questions(dataset.questions ?? "");
const speaking = new Speaking(storage, (told) => {
  learn(told.words, { lang: told.language, dir: told.direction }, navigator.language, wall);
  reword(told);
  questions.use(told.questions);
  state.set({ language: told.language, dialog: state.dialog && { ...state.dialog } });
});
const leaving = new Leaving({ state, storage, socket });
const drafts = new Drafts(storage, tab);
const chat = new Chat({ state, storage, socket, leaving, drafts, id: newId(128), now, wall });
const { outbox } = chat;
const joining = new Joining({ state, storage, tab, socket, outbox, consent, now, wall });
const matching = new Matching({ state, storage, tab, socket, outbox, joining, leaving, now });
const hours = hoursOf(dataset.hours ?? "");
const nudge = new Nudge(storage);
const sign = new Sign({ state, storage, socket, wall });
const shell = new Shell({
  state, speaking, socket, chat, drafts, joining, matching, nudge, sign, questions, hours, now, wall,
});

// A phone's keyboard has one key for both: a new line is typed there, and the button sends.
state.settings.enter = !matchMedia("(hover: none) and (pointer: coarse)").matches;
state.storing = storage.trouble;
state.closed = dataset.closed ?? "";
state.linked = linkedCity();
addEventListener("hashchange", () => {
  state.linked = linkedCity();
  joining.propose();
});
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
  if (visible) {
    chat.read();
    socket.wake();
    joining.lookAgain();
  } else {
    leaving.finish(); // it may be frozen, or go without another word
  }
});
window.addEventListener("pagehide", () => {
  leaving.finish();
  socket.hide();
});
window.addEventListener("pageshow", () => socket.wake());
window.addEventListener("online", () => socket.wake());
document.addEventListener("pointerdown", () => matching.touched());
document.addEventListener("keydown", () => matching.touched());

keepOfflinePage(state, () => dataset.worker ?? "");
const begin = () => {
  shell.start();
  joining.begin();
};
const other = speaking.differs(lang);
if (other) speaking.change(other).then(begin);
else begin();
