// Two guests on the official Socket.IO client, from the join to the history. Prints a line of JSON: what each was told.
// Usage: node client.mjs URL CONSENT; socket.io-client is found beside this file's copy.

import { Manager } from "socket.io-client";

const [url, consent] = process.argv.slice(2);
const PATIENCE_MS = 15_000;

class Guest {
  constructor() {
    this.told = [];
    this.waiting = [];
    const manager = new Manager(url, { transports: ["websocket"], reconnection: false });
    this.sockets = { user: manager.socket("/user"), chat: manager.socket("/chat") };
    for (const socket of Object.values(this.sockets)) {
      socket.onAny((event, payload) => {
        this.told.push([event, payload]);
        this.waiting = this.waiting.filter((wait) => !wait());
      });
    }
    this.manager = manager;
  }

  connected() {
    const both = Object.values(this.sockets).map((socket) => new Promise((resolve, reject) => {
      socket.on("connect", resolve);
      socket.on("connect_error", reject);
    }));
    return Promise.all(both);
  }

  ask(event, payload) {
    return this.sockets[event.split("-")[0]].timeout(PATIENCE_MS).emitWithAck(event, payload);
  }

  tell(event, payload) {
    this.sockets[event.split("-")[0]].emit(event, payload);
  }

  /** The first payload of `event` for which `fits`, told already or still to come. */
  hear(event, fits = () => true) {
    const found = () => this.told.find(([name, payload]) => name === event && fits(payload))?.[1];
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`never heard ${event}`)), PATIENCE_MS);
      const look = () => {
        const payload = found();
        if (payload === undefined) return false;
        clearTimeout(late);
        resolve(payload);
        return true;
      };
      if (!look()) this.waiting.push(look);
    });
  }
}

const stream = (letter) => letter.repeat(11);

async function talk() {
  const [a, b] = [new Guest(), new Guest()];
  await Promise.all([a.connected(), b.connected()]);
  const join = { v: 1, consent, adult: true, available: true, visible: true };
  const joined = [await a.ask("user-join", join), await b.ask("user-join", join)];
  const sought = await a.ask("user-seek", {});
  const offer = await b.hear("user-offer");
  const matched = await b.ask("user-match", { offer: offer.offer, answer: "yes" });
  const sessions = [await a.hear("user-session"), await b.hear("user-session")];
  const s = sessions[0].session;
  const messages = [];
  for (const [from, to, st, l, x] of [[a, b, stream("A"), 1, "Salut ✓"], [b, a, stream("B"), 2, "Bonsoir 👋"]]) {
    from.tell("chat-message", { s, st, n: 1, l, x });
    messages.push(await to.hear("chat-message", (row) => row.st === st));
    to.tell("chat-ack", { s, st, n: 1 });
    await from.hear("chat-status", (status) => status.st === st && status.state === "delivered");
  }
  const histories = [await a.ask("chat-history", { s, limit: 100 }), await b.ask("chat-history", { s, limit: 100 })];
  const left = await a.ask("user-leave", { session: s });
  const parted = await b.hear("user-left", (told) => told.how === "left");
  for (const guest of [a, b]) guest.manager._close();
  return { joined, sought, offer, matched, sessions, messages, histories, left, parted };
}

console.log(JSON.stringify(await talk()));
