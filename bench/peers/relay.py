"""python-socketio on Tornado with the work of a chat, and nothing around it: ``python relay.py PORT``."""

import asyncio
import sys
from typing import Any

import socketio
import tornado.web

server = socketio.AsyncServer(async_mode="tornado", ping_interval=20, ping_timeout=20)
here: dict[str, str] = {}
mates: dict[str, str] = {}


async def connect(sid: str, _environ: object, auth: dict[str, str]) -> None:
    here[auth["me"]], mates[sid] = sid, auth["mate"]


async def message(sid: str, said: Any) -> None:
    await server.emit("message", said, to=here[mates[sid]])


async def ack(sid: str, said: Any) -> None:
    await server.emit("delivered", said, to=here[mates[sid]])


async def main() -> None:
    for handler in (connect, message, ack):
        server.on(handler.__name__, handler)
    tornado.web.Application([("/socket.io/", socketio.get_tornado_handler(server))]).listen(
        int(sys.argv[1]), "127.0.0.1"
    )
    await asyncio.Event().wait()


asyncio.run(main())
