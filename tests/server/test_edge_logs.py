"""What is written about people: never a text, address, id or position, and never much."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from citychat.edge import Connection, Edge, Reply
from citychat.edge.redaction import RefusalLog
from tests.server.conftest import LOG, Open
from tests.server.rawclient import SOCKETIO, Raw, Refused


def test_one_line_a_minute_and_source(caplog: pytest.LogCaptureFixture) -> None:
    now_s = [0.0]
    refusals = RefusalLog(LOG, lambda: now_s[0])
    for at_s in (0.0, 1.0, 59.0):
        now_s[0] = at_s
        for source in ("203.0.113.7", "203.0.113.8"):
            refusals.note(source, "a malformed frame")
    assert len(caplog.records) == 2
    now_s[0] = 61.0
    refusals.note("203.0.113.7", "a malformed frame")
    assert caplog.records[-1].message == "Refused: a malformed frame (2 more since the last line about this source)"
    for number in range(5000):
        refusals.note(str(number), "a malformed frame")
    assert len(caplog.records) <= 1030 and len(refusals._sources._since) <= 1024
    assert "203.0" not in caplog.text


async def test_the_same_error_of_a_library_is_one_line_a_minute(site: Open, caplog: pytest.LogCaptureFixture) -> None:
    now_s = [0.0]
    site(now_s=lambda: now_s[0])
    for at_s in (0.0, 1.0, 59.0, 61.0):
        now_s[0] = at_s
        for name, error in (("asyncio", OSError()), ("asyncio", ValueError()), ("tornado.application", OSError())):
            logging.getLogger(name).error("again", exc_info=error)
    first = ["asyncio: OSError", "asyncio: ValueError", "tornado.application: OSError"]
    assert caplog.messages == first + [f"{kind} (2 more since the last line about this error)" for kind in first]


CANARY, ADDRESS, PLACE = "canary-text-8711", "203.0.113.77", "48.858370"


@pytest.fixture
def every_line() -> Iterator[list[str]]:
    """All that any logger lets out with every level at DEBUG."""
    lines: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Collect()
    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.Logger.manager.loggerDict))]
    before = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        if not logger.name.endswith((".client", "aiohttp")):
            logger.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)
    for logger, level in before:
        logger.setLevel(level)


async def test_no_text_address_id_or_position_is_ever_logged(site: Open, every_line: list[str]) -> None:
    at = site()
    for name in ("tornado.general", "tornado.access", "tornado.application", "engineio.server", "socketio.server"):
        logging.getLogger(name).setLevel(logging.DEBUG)

    async def fail(connection: Connection, payload: Any, reply: Reply | None) -> None:
        raise ValueError(str(payload))

    at.on["chat-fail"] = fail
    headers = {"X-Forwarded-For": ADDRESS}
    page = await at.page(headers)
    await page.send(f'42/user,0["user-join",{{"position":{{"lat":{PLACE}}}}}]')
    await page.packet()
    sids = {at.events[0][0].eio_sid, *at.events[0][0].sids.values()}
    await page.send(f'42/chat,1["chat-message",{{"x":"{CANARY}"}}]')
    await page.packet()
    at.events[0][0].emit("chat-message", {"x": CANARY})
    at.events[0][0].close("over")
    for last in (f'42/chat,["chat-fail","{CANARY}"]', f"42/chat,{CANARY}", f'42/{CANARY},["a"]', f"{CANARY}"):
        page = await at.page(headers)
        await page.send(last)
        if not last.startswith(f"42/{CANARY}"):
            await page.until_closed()
    for origin, path in ((f"http://{CANARY}", SOCKETIO), ("", f"/socket.io/?{CANARY}"), ("", f"/{CANARY}")):
        with pytest.raises(Refused):
            await at.connect({**headers, "Origin": origin}, path)
    broken = await Raw.tcp(at.port)
    await broken.raw(f"GET /{CANARY} HTTP/9\r\n{CANARY}\r\n\r\n".encode())
    await broken.close()
    asyncio.get_running_loop().call_exception_handler({"message": CANARY, "exception": ValueError(CANARY)})
    text = "\n".join(every_line)
    assert "ValueError at" in text and "Refused: a malformed frame" in text
    for secret in (CANARY, ADDRESS, PLACE, *sids):
        assert secret not in text


async def test_an_edge_pins_the_loggers_of_its_libraries(site: Open, every_line: list[str]) -> None:
    site()
    for name in ("engineio", "engineio.server", "socketio.server", "tornado.access", "tornado.general"):
        logging.getLogger(name).setLevel(logging.DEBUG)
        logging.getLogger(name).warning("%s", CANARY)
        logging.getLogger(name).error("%s", CANARY, exc_info=ValueError(CANARY), stack_info=True)
    assert CANARY not in "\n".join(every_line) and Edge.__doc__
    assert sum("ValueError" in line for line in every_line) == 5


async def test_a_page_that_fails_leaves_no_access_line_and_no_address(site: Open, every_line: list[str]) -> None:
    class Broken(RequestHandler):
        def get(self) -> None:
            raise ValueError(CANARY)

    edge = site().edge
    server = edge.http_server(Application([("/broken", Broken)]))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    with pytest.raises(Refused) as refused:
        await Raw.connect(sockets[0].getsockname()[1], path=f"/broken?{CANARY}")
    server.stop()
    await server.close_all_connections()
    assert refused.value.status == 500
    assert [line for line in every_line if "tornado" in line] == [
        line for line in every_line if line.startswith("tornado.application: ValueError at ")
    ]
    assert CANARY not in "\n".join(every_line)
