// Node's Socket.IO with the work of a chat, and nothing around it: no store, no limit, no account.
// node relay.js PORT [REDIS_URL]; with a Redis, guests of several processes reach each other by its adapter.

import { createServer } from "node:http";

import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [port, redisUrl] = process.argv.slice(2);
const http = createServer((_request, response) => response.end());
const io = new Server(http, { pingInterval: 20_000, pingTimeout: 20_000, serveClient: false });
const here = new Map();

if (redisUrl) {
  const clients = [createClient({ url: redisUrl }), createClient({ url: redisUrl })];
  await Promise.all(clients.map((client) => client.connect()));
  io.adapter(createAdapter(...clients));
}

const reach = redisUrl ? (name) => io.to(name) : (name) => here.get(name);

io.on("connection", (socket) => {
  const { me, mate } = socket.handshake.auth;
  here.set(me, socket);
  if (redisUrl) socket.join(me);
  socket.on("message", (message) => reach(mate)?.emit("message", message));
  socket.on("ack", (ack) => reach(mate)?.emit("delivered", ack));
  socket.on("disconnect", () => here.delete(me));
});

http.listen(Number(port), "127.0.0.1");
