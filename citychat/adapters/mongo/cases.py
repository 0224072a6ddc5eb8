"""Cases and their trail in MongoDB."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct, field

from citychat.adapters.mongo.connection import Document, Mongo
from citychat.adapters.mongo.documents import DocumentReader, text
from citychat.adapters.mongo.pauses import keep_pause, lift, of_network, paused
from citychat.model import WIRE_LETTERS, Act, Message, TrailRow, forgetting, next_row
from citychat.ports import Case, Pause, Sanction
from citychat.rules import FOR_GOOD_MS, lifted_until, trail_goes

FIELDS = [WIRE_LETTERS.get(name, name) for name in Case.__struct_fields__]  # a report is kept by these names
DECIDED = ("state", "rule", "words", "closed", "held", "goes", "answer", "answered")  # the host's alone
NEWEST, OLDEST = [("_id", -1)], [("_id", 1)]


class EvidenceDocument(Struct, frozen=True):
    """The messages that a report has kept."""

    evidence: list[Message]


class TrailDocument(Struct, frozen=True):
    """A row of the trail."""

    id: str = field(name="_id")
    at: int
    who: str
    act: str
    code: str
    words: str
    hash: str


class MongoCases:
    """Cases and their trail (ports.CaseStore)."""

    def __init__(self, mongo: Mongo, reader: DocumentReader) -> None:
        self._mongo, self._reader = mongo, reader

    async def cases(self) -> list[Case]:
        found = await self._mongo.unhurried().find("reports", {}, fields=FIELDS, order=[("at", 1), ("code", 1)])
        return self._reader.read("reports", ({**document, "session": document.get("s")} for document in found), Case)

    async def evidence(self, code: str) -> list[Message]:
        found = await self._mongo.find("reports", {"code": text(code)}, fields=["evidence"])
        kept = self._reader.read("reports", found, EvidenceDocument)
        return kept[0].evidence if kept else []

    async def record(self, acts: Sequence[Act], decided: Sequence[Case] = ()) -> None:
        """The rows first: what was broken off in between stands in the trail, and was not done."""
        for act in acts:
            await _add(self._mongo, self._reader, act)
        for case in decided:
            change: Document = {"$set": {name: getattr(case, name) for name in DECIDED}}
            await self._mongo.update("reports", {"code": text(case.code)}, change)

    async def sanction(self, sanction: Sanction, act: Act) -> None:
        """The row first; the networks before the guest, so that one who is told does not come in anew."""
        await _add(self._mongo, self._reader, act)
        for network in sanction.networks:
            of_new = Pause(sanction.networks_until, sanction.reason, sanction.rule)
            await keep_pause(self._mongo, of_network(network), of_new)
        again: Document = {"$unset": {"lifted": ""}}
        await self._mongo.update("reports", {"code": text(act.code)}, again)
        pause = Pause(sanction.until, sanction.reason, sanction.rule)
        await self._mongo.replace("pauses", {"_id": text(sanction.guest), **paused(pause, act.at, act.code)})

    async def warn(self, warning: Sanction, act: Act) -> None:
        await _add(self._mongo, self._reader, act)
        told = Pause(lifted_until(FOR_GOOD_MS, act.at), warning.reason, warning.rule)
        row: Document = {"_id": text(warning.guest), **paused(told, None, ""), "lifted": act.at}
        await self._mongo.replace("pauses", row)

    async def lift(self, guest: str, networks: Sequence[str], act: Act) -> None:
        await _add(self._mongo, self._reader, act)
        await lift(self._mongo, self._reader, guest, act.at, act.code)
        await self._mongo.delete("pauses", {"_id": {"$in": [*map(of_network, networks)]}})

    async def trail(self) -> list[TrailRow]:
        found = await self._mongo.unhurried().find("trail", {}, order=OLDEST)
        return _rows(self._reader, found)

    async def prune(self, now: int) -> int:
        return await prune_cases(self._mongo.unhurried(), self._reader, now)


async def prune_cases(mongo: Mongo, reader: DocumentReader, now: int) -> int:
    """Delete the cases whose day has come, and what is too old of the trail; return how many cases that were. The day
    is asked once more by the server: a case may be held meanwhile."""
    for first in _rows(reader, await mongo.find("trail", {}, order=OLDEST, limit=1)):
        old: Document = {"at": {"$lte": trail_goes(first.act.at, now)}}
        for last in _rows(reader, await mongo.find("trail", old, order=NEWEST, limit=1)):
            await _add(mongo, reader, forgetting(last, now))
            await mongo.delete("trail", {"_id": {"$lte": _id(last.n)}})
    return await mongo.delete("reports", {"goes": {"$lte": now}})


async def _add(mongo: Mongo, reader: DocumentReader, act: Act) -> None:
    """Two who add at once take one number: who finds it taken takes the next."""
    is_taken = True
    while is_taken:
        newest = _rows(reader, await mongo.find("trail", {}, order=NEWEST, limit=1))
        row = next_row(newest[0] if newest else None, act)
        document: Document = {"_id": _id(row.n), **msgspec.structs.asdict(act), "hash": row.hash}
        is_taken = bool(await mongo.insert("trail", [document]))


def _id(n: int) -> str:
    return f"{n:012}"


def _rows(reader: DocumentReader, documents: Sequence[Document]) -> list[TrailRow]:
    found = reader.read("trail", documents, TrailDocument, lambda row: row.id.isdecimal())
    return [TrailRow(int(d.id), Act(d.at, d.who, d.act, d.code, d.words), d.hash) for d in found]
