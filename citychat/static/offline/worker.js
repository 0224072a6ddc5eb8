// Keeps the one page that is shown where none can be had from the server: no code, no sheet, nothing of a chat; and
// shows the one sign that its guest has asked for. The version is in this file's address (offline.js): another one
// keeps its page anew and throws the older one away.

const worker = /** @type {any} */ (self); // the types of a page have no names for what a worker is given
const asked = new URL(worker.location.href).searchParams;
const PAGE = asked.has("language") ? `/offline?language=${asked.get("language")}` : "/offline";
const CACHES = "citychat-offline-";
const KEPT = `${CACHES}${asked.get("v")}`;
const WORDS = "citychat-sign"; // what a sign says, laid down by the page that has asked for it (sign.js)
const WORDS_AT = "/sign";

async function keep() {
  const cache = await caches.open(KEPT);
  await cache.add(new Request(PAGE, { cache: "reload" }));
  await worker.skipWaiting();
}

async function forgetOlder() {
  for (const name of await caches.keys()) if (name.startsWith(CACHES) && name !== KEPT) await caches.delete(name);
}

/** @param {Request} request */
async function pageOr(request) {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(PAGE, { ignoreVary: true })) ?? Response.error();
  }
}

/** The window that is there already, or one. */
async function show() {
  const [window] = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  await (window ? window.focus() : worker.clients.openWindow("/"));
}

/** The one sign has come: it says nothing by itself, and no other one is taken. */
async function tell() {
  const kept = await caches.match(WORDS_AT);
  const { title, ...options } = kept ? await kept.json() : { title: worker.location.host };
  await worker.registration.showNotification(title, { ...options, tag: "citychat" });
  await caches.delete(WORDS);
  await (await worker.registration.pushManager.getSubscription())?.unsubscribe();
}

worker.addEventListener("push", (/** @type {any} */ event) => event.waitUntil(tell()));
worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(keep()));
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(forgetOlder()));
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  if (event.request.mode === "navigate") event.respondWith(pageOr(event.request));
});
worker.addEventListener("notificationclick", (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil(show());
});
