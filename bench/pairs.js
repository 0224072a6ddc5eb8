// Pairs that talk over raw WebSocket frames: node bench/pairs.js '{"speaks": "citychat", "ports": [8888], "pairs": 9}'
// The first of a pair writes at the first port, the second reads and acks at the last. Prints a line when all have met;
// then answers each line {"rate": a second, 0 for "when the last is delivered", "seconds": n} with one of figures.

import { connect } from "node:net";
import { createInterface } from "node:readline";

const ZERO_MASK = Buffer.alloc(4);
const DRAIN_MS = 10_000;
const WARM_MS = 2_000;
const TICK_MS = 2;
const MEET_MS = 120_000;
const STREAM = "A".repeat(11);
const LYON = { lat: 45.76, lon: 4.84, accuracy: 30 };
const JOIN = { v: 1, consent: "1", adult: true, visible: true, position: LYON };
const LETTERS = "a message of some eighty bytes, as people write them in a chat, number ";

const given = JSON.parse(process.argv[2]);

/** A text frame, masked with zeros: the server has to undo a mask, and this program has no work with it. */
function frame(text) {
  const payload = Buffer.from(text);
  if (payload.length < 126) return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length]), ZERO_MASK, payload]);
  return Buffer.concat([Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 0xff]), ZERO_MASK, payload]);
}

/** One WebSocket, with the address of a proxy's client; `heard(text)` is called for each frame. */
class Socket {
  constructor(port, query, address, heard) {
    this.rest = Buffer.alloc(0);
    this.open = false;
    this.heard = heard;
    this.raw = connect(port, "127.0.0.1", () =>
      this.raw.write(
        `GET /socket.io/?EIO=4&transport=websocket${query} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n` +
          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
          `X-Forwarded-For: ${address}\r\n` + // and no compression, which python-socketio would agree to
          "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36\r\n\r\n",
      ),
    );
    this.raw.setNoDelay(true);
    this.raw.on("data", (data) => this.take(data));
    this.raw.on("error", (error) => fail(`a socket: ${error.message}`));
    this.raw.on("close", () => fail("a socket was closed"));
  }

  say(text) {
    this.raw.write(frame(text));
  }

  take(data) {
    this.rest = this.rest.length ? Buffer.concat([this.rest, data]) : data;
    if (!this.open) {
      const end = this.rest.indexOf("\r\n\r\n");
      if (end < 0) return;
      if (!this.rest.toString("latin1", 0, 12).endsWith("101")) fail(this.rest.toString("latin1", 0, end));
      this.open = true;
      this.rest = this.rest.subarray(end + 4);
    }
    let at = 0;
    while (this.rest.length - at >= 2) {
      const short = this.rest[at + 1];
      const begin = at + (short === 126 ? 4 : 2);
      if (this.rest.length < begin) break;
      const end = begin + (short === 126 ? this.rest.readUInt16BE(at + 2) : short);
      if (this.rest.length < end) break;
      if (this.rest[begin] === 0x32) this.say("3");
      else this.heard(this.rest.toString("utf8", begin, end));
      at = end;
    }
    this.rest = this.rest.subarray(at);
  }
}

function fail(why) {
  console.log(JSON.stringify({ error: why }));
  process.exit(1);
}

const event = (text) => JSON.parse(text.slice(text.indexOf("[")));

const tell = (socket, name, payload, ack = "") =>
  socket.say(`42/${name.split("-")[0]},${ack}${JSON.stringify([name, payload])}`);

/** What is said to CityChat: a guest joins, one asks, the other says yes. */
async function meetInCityChat(pair, number) {
  const address = (side) => `203.${side}.${number >> 7}.${(number & 127) + 1}`;
  const met = [];
  const join = (side, port, available) =>
    new Promise((joined) => {
      const enter = () => tell(socket, "user-join", { ...JOIN, available }, "1");
      const answered = ({ ok, error, retry_ms: retryMs }) => {
        if (ok) joined(socket);
        else if (retryMs) setTimeout(enter, retryMs);
        else fail(`a join: ${error}`);
      };
      const socket = new Socket(port, "", address(side), (text) => {
        if (text.startsWith("0{")) ["40/user,", "40/chat,"].forEach((each) => socket.say(each));
        else if (text.startsWith("40/chat")) enter();
        else if (text.startsWith("43/user,1")) answered(event(text)[0]);
        else if (text.startsWith("42")) hear(side, socket, ...event(text));
      });
    });
  const hear = (side, socket, name, payload) => {
    if (name === "user-offer") tell(socket, "user-match", { offer: payload.offer, answer: "yes" });
    else if (name === "user-session") met[side](payload.session);
    else if (name === "chat-message") {
      tell(socket, "chat-ack", { s: payload.s, st: payload.st, n: payload.n });
      pair.drawn(payload.n);
    } else if (name === "chat-busy") odd.busy += 1;
    else if (name === "chat-status" && payload.state !== "delivered") odd[payload.state] += 1;
    else if (name === "chat-status") payload.ranges.forEach((range) => pair.receipts(...range));
  };
  const sessions = [0, 1].map((side) => new Promise((resolve) => (met[side] = resolve)));
  await join(1, given.ports.at(-1), true);
  const writer = await join(0, given.ports[0], false);
  tell(writer, "user-seek", {});
  const [s] = await Promise.all(sessions);
  pair.write = (n) => tell(writer, "chat-message", { s, st: STREAM, n, l: n, x: LETTERS + n });
}

/** What is said to a server of the peers: who one is, and whom one writes to. */
async function meetAtPeer(pair, number) {
  const enter = (me, mate, port) =>
    new Promise((entered) => {
      const socket = new Socket(port, `&me=${me}&mate=${mate}`, "203.0.113.1", (text) => {
        if (text.startsWith("0{")) socket.say(`40${JSON.stringify({ me, mate })}`);
        else if (text.startsWith("40")) entered(socket);
        else if (text.startsWith("42")) hear(socket, ...event(text));
      });
    });
  const hear = (socket, name, payload) => {
    if (name === "message") {
      socket.say(`42${JSON.stringify(["ack", { st: payload.st, n: payload.n }])}`);
      pair.drawn(payload.n);
    } else pair.receipt(payload.n);
  };
  await enter(`b${number}`, `a${number}`, given.ports.at(-1));
  const writer = await enter(`a${number}`, `b${number}`, given.ports[0]);
  const said = { s: STREAM, st: STREAM };
  pair.write = (n) => writer.say(`42${JSON.stringify(["message", { ...said, n, l: n, x: LETTERS + n }])}`);
}

const odd = { busy: 0, stored: 0, refused: 0, twice: 0 };
const pairs = [];
let closed = false;
let measured = { drawn: [], receipts: [] };

/** Half of a pair writes and knows when each message was drawn and when it heard so. */
class Pair {
  constructor() {
    this.written = 0;
    this.at = new Map();
    this.open = new Map();
  }

  next() {
    this.written += 1;
    const now = performance.now();
    this.at.set(this.written, now);
    this.open.set(this.written, now);
    this.write(this.written);
  }

  drawn(n) {
    const at = this.at.get(n);
    if (at === undefined) odd.twice += 1;
    else measured.drawn.push(performance.now() - at);
    this.at.delete(n);
  }

  receipts(from, to) {
    for (let n = from; n <= to; n += 1) this.receipt(n);
  }

  receipt(n) {
    const at = this.open.get(n);
    if (at === undefined) return;
    measured.receipts.push(performance.now() - at);
    this.open.delete(n);
    if (closed) this.next();
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const part = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
const halfAndMost = (all) => [0.5, 0.99].map((share) => part(all.sort((a, b) => a - b), share));
const total = () => pairs.reduce((sum, pair) => sum + pair.written, 0);

/** Lets them write for so long; what is late counts from when it was due to be written. */
async function write(rate, ms) {
  const began = performance.now();
  const first = total();
  if (rate === 0) {
    closed = true;
    for (const pair of pairs) if (!pair.open.size) pair.next();
    await pause(ms);
    closed = false;
    return total() - first;
  }
  let sent = 0;
  while (performance.now() - began < ms) {
    const due = ((performance.now() - began) / 1000) * rate;
    for (; sent < due; sent += 1) pairs[sent % pairs.length].next();
    await pause(TICK_MS);
  }
  return sent;
}

async function measure({ rate, seconds }) {
  await write(rate, WARM_MS);
  measured = { drawn: [], receipts: [] };
  console.log(JSON.stringify({ begun: true }));
  const began = performance.now();
  const sent = await write(rate, seconds * 1000);
  const tookS = (performance.now() - began) / 1000;
  console.log(JSON.stringify({ sent, tookS }));
  const { drawn, receipts } = measured;
  for (let waited = 0; waited < DRAIN_MS && pairs.some((pair) => pair.open.size); waited += 50) await pause(50);
  const lost = pairs.reduce((sum, pair) => sum + pair.at.size + pair.open.size, 0);
  console.log(JSON.stringify({ ms: { drawn: halfAndMost(drawn), receipts: halfAndMost(receipts) }, lost, odd }));
}

const late = setTimeout(() => fail("the pairs have not met"), MEET_MS);
for (let number = 0; number < given.pairs; number += 1) {
  const pair = new Pair();
  await (given.speaks === "citychat" ? meetInCityChat : meetAtPeer)(pair, number);
  pairs.push(pair);
}
clearTimeout(late);
console.log(JSON.stringify({ met: pairs.length }));
for await (const line of createInterface({ input: process.stdin })) await measure(JSON.parse(line));
process.exit(0);
