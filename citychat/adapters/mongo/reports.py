"""Reports in MongoDB: their evidence, and the pause after three of them."""

from typing import Literal

import msgspec

from citychat.adapters.mongo.connection import Document, Mongo
from citychat.adapters.mongo.documents import (
    DocumentReader,
    ErasedTextDocument,
    ReportDocument,
    id_of,
    newest_messages,
    text,
)
from citychat.adapters.mongo.guests import keep_pause
from citychat.model import Message
from citychat.ports import Report
from citychat.rules import (
    EVIDENCE_MESSAGES,
    REPORTS_LOOKED_AT,
    Accusation,
    held_after,
    is_founded,
    is_third,
    paused_until,
    reports_around,
    reports_of_an_hour,
    sprayed,
)


class MongoReports:
    """Reports with their evidence (ports.ReportStore)."""

    def __init__(self, mongo: Mongo, reader: DocumentReader) -> None:
        self._mongo, self._reader = mongo, reader

    async def add(self, report: Report) -> str:
        """Keep a report. One without a network (loopback, private address) is kept but pauses nobody.

        It stands under (session, reporter): of two at once the first stays, with its evidence. The rule of three is
        applied once it is durable, and again for a repeated call: a crash in between loses no pause. Of three reports
        at once the last to be written sees all three.
        """
        where: Document = {"_id": f"{text(report.session)}:{text(report.reporter)}"}
        kept = msgspec.to_builtins(await self._evidence(report.session, held_after("erased text", report.at)))
        counts = await self._is_founded(report)
        document = where | msgspec.to_builtins(report) | {"state": "received", "counts": counts, "evidence": kept}
        await self._mongo.insert("reports", [document])
        found = self._reader.read("reports", await self._mongo.find("reports", where), ReportDocument)
        if not found:  # somebody has put there what nobody can read; this report is not lost to the rule
            who = report.code, report.reporter, report.accused
            found = [ReportDocument(*who, report.at, report.networks, "received", counts)]
        first = found[0]
        sprayed_now = await self._pass_over_sprayed(first)
        if first.counts and first.code not in sprayed_now and await self._is_third(first):
            await keep_pause(self._mongo, first.accused, paused_until(first.at))
        return first.code

    async def state(self, code: str) -> Literal["received", "acted", "none"] | None:
        found = self._reader.read("reports", await self._mongo.find("reports", {"code": text(code)}), ReportDocument)
        return found[0].state if found else None

    async def _evidence(self, session_id: str, erased_since: int) -> list[Message]:
        """The last messages of both sides. Their texts are read before the erased ones: an erase copies before it
        empties, so that each text is found in one of the two."""
        where: Document = {"s": session_id, "k": {"$ne": "gap"}}
        messages = await newest_messages(self._mongo, self._reader, where, EVIDENCE_MESSAGES)
        ids = [id_of(m) for m in messages if not m.text]
        since: Document = {"_id": {"$in": ids}, "since": {"$gt": erased_since}}
        copies = await self._mongo.find("erased", since) if ids else []
        texts = {copy.id: copy.text for copy in self._reader.read("erased", copies, ErasedTextDocument)}
        whole = (msgspec.structs.replace(m, text=texts.get(id_of(m), m.text)) for m in messages)
        return list(whole)[::-1]

    async def _is_founded(self, report: Report) -> bool:
        found = self._reader.sessions(await self._mongo.find("sessions", {"_id": text(report.session)}))
        if not found:  # deleted with its messages since
            return False
        side = found[0].side(report.accused)
        where: Document = {"s": found[0].id, "side": side, "k": {"$ne": "gap"}}
        wrote = await self._mongo.find("messages", where, fields=["_id"], limit=1)
        return is_founded(bool(wrote), found[0].started, found[0].ended, report.at)

    async def _pass_over_sprayed(self, report: ReportDocument) -> set[str]:
        """Let nothing count any more that is one of three of a reporter, or of a network, within an hour."""
        after, before = reports_of_an_hour(report.at)
        over = set[str]()
        for who in ({"reporter": report.reporter}, *({"networks": network} for network in report.networks)):
            where: Document = {**who, "at": {"$gt": after, "$lt": before}}
            found = await self._mongo.find("reports", where, order=[("at", -1)], limit=REPORTS_LOOKED_AT)
            over |= sprayed({each.code: each.at for each in self._reader.read("reports", found, ReportDocument)})
        if over:
            await self._mongo.update("reports", {"code": {"$in": sorted(over)}}, {"$set": {"counts": False}})
        return over

    async def _is_third(self, report: ReportDocument) -> bool:
        after, before = reports_around(report.at)
        where = {"accused": report.accused, "at": {"$gt": after, "$lt": before}, "counts": {"$ne": False}}
        found = await self._mongo.find("reports", where, order=[("at", -1)], limit=REPORTS_LOOKED_AT)
        others = self._reader.read("reports", found, ReportDocument)
        return is_third(_accusation(report), map(_accusation, others))


def _accusation(report: ReportDocument) -> Accusation:
    return Accusation(report.reporter, report.at, frozenset(report.networks), report.counts)
