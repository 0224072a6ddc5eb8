// Puts the page together: socket -> state -> views, clicks -> state and socket.

import { Meeting } from "citychat/matching.js";
import { Outbox } from "citychat/outbox.js";
import { Socket } from "citychat/socket.js";
import { State } from "citychat/state.js";
import { Storage } from "citychat/storage.js";
import { Talking } from "citychat/chat.js";
import { newId } from "citychat/text.js";
import { Visit } from "citychat/joining.js";
import { Shell } from "citychat/views/shell.js";
import { learn } from "citychat/i18n.js";

const { lang, dataset } = document.documentElement;
// Dates in the guest's own manner where it is a manner of the page's language.
const manner = navigator.language.startsWith(lang) ? navigator.language : lang;
learn(JSON.parse(document.getElementById("catalogue").textContent), manner);

const page = { id: newId(128), consent: dataset.consent, now: () => Date.now(), random: () => Math.random() };
page.state = new State();
page.storage = new Storage(() => window.localStorage);
page.tab = new Storage(() => window.sessionStorage);
page.socket = new Socket({ joining: () => page.visit.joining(), now: page.now, random: page.random });
page.talking = new Talking(page);
page.outbox = new Outbox(page.storage, page.id, () => newId(64), page.talking.calls());
page.visit = new Visit(page);
page.meeting = new Meeting(page, page.visit);
const shell = new Shell(page);

document.addEventListener("visibilitychange", () => {
  const visible = document.visibilityState === "visible";
  page.visit.seen(visible);
  if (!visible) return;
  page.talking.read();
  page.socket.wake();
});
window.addEventListener("pageshow", () => page.socket.wake());
window.addEventListener("online", () => page.socket.wake());
document.addEventListener("pointerdown", () => page.visit.touched());
document.addEventListener("keydown", () => page.visit.touched());

shell.start();
page.visit.begin();
