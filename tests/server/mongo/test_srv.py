"""An address that leaves the names of the servers to the DNS (mongodb+srv://)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import dns.asyncresolver
import dns.message
import dns.rcode
import dns.rrset
import pytest

from tests.server.mongo.conftest import new_history, new_status, session
from tests.support.mongo_set import ReplicaSet
from tests.support.patience import until

NAME = "db.0.0.1"  # its servers must be in its domain, and 127.0.0.1 is one by the rules of names


class NameServer(asyncio.DatagramProtocol):
    """Knows ``records``: by name and type, what stands in one."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], str] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # in Python 3.11 it does not say that it is one

    def datagram_received(self, data: bytes, address: tuple[Any, ...]) -> None:
        query = dns.message.from_wire(data)
        (question,) = query.question
        answer = dns.message.make_response(query)
        kind = dns.rdatatype.to_text(question.rdtype)
        record = self.records.get((question.name.to_text(omit_final_dot=True), kind))
        if record is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, record))
        self._transport.sendto(answer.to_wire(), address)


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NameServer]:
    """The name server that this process asks."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], transport.get_extra_info("sockname")[1]
    monkeypatch.setattr(dns.asyncresolver, "default_resolver", resolver)
    yield server
    transport.close()


async def test_the_servers_are_found_in_the_dns_as_soon_as_they_are_there(
    names: NameServer, caplog: pytest.LogCaptureFixture
) -> None:
    link = new_status()
    url = f"mongodb+srv://{NAME}/citychat?tls=false"
    async with ReplicaSet() as replicas, new_history(url, link) as history:
        await until(lambda: link.trouble == "the DNS does not name its servers as mongodb+srv:// asks for")
        host, port = replicas.members[0].address.split(":")
        names.records[NAME, "TXT"] = '"replicaSet=rs"'
        names.records[f"_mongodb._tcp.{NAME}", "SRV"] = f"0 0 {port} {host}."
        await until(lambda: link.up)
        await history.sessions.begin(session())
        assert await history.sessions.find("s") == session()
    assert NAME not in caplog.text


async def test_names_outside_the_domain_are_told_in_words(names: NameServer, caplog: pytest.LogCaptureFixture) -> None:
    names.records[f"_mongodb._tcp.{NAME}", "SRV"] = "0 0 1 elsewhere.example."
    link = new_status()
    async with new_history(f"mongodb+srv://ada:hunter2@{NAME}/", link):
        await until(lambda: "the DNS" in link.trouble)
    assert "hunter2" not in caplog.text and "elsewhere" not in caplog.text
