"""Reports in MongoDB: their evidence, and the pause after three of them."""

from collections.abc import Sequence

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
from citychat.adapters.mongo.guests import MongoGuests
from citychat.adapters.mongo.pauses import keep_pause, of_network
from citychat.model import Message
from citychat.ports import Pause, Report, Untold
from citychat.rules import (
    EVIDENCE_MESSAGES,
    PAUSE_REASON,
    REPORTS_LOOKED_AT,
    Accusation,
    Decided,
    Told,
    held_after,
    is_founded,
    is_third,
    paused_until,
    reports_around,
    reports_of_an_hour,
    sprayed,
    told_of,
)

AWAITS_ANSWER: Document = {"objected": {"$ne": None}, "answered": None, "lifted": None}


class MongoReports:
    """Reports with their evidence (ports.ReportStore)."""

    def __init__(self, mongo: Mongo, reader: DocumentReader, guests: MongoGuests) -> None:
        self._mongo, self._reader, self._guests = mongo, reader, guests

    async def add(self, report: Report) -> str:
        """Keep a report. One without a network (loopback, private address) is kept but pauses nobody.

        It stands under (session, reporter): of two at once the first stays, with its evidence. The rule of three is
        applied once it is durable, and again for a repeated call: a crash in between loses no pause. Of three reports
        at once the last to be written sees all three. The networks are paused before the guest, so that one who is told
        does not come in anew.
        """
        where: Document = {"_id": f"{text(report.session)}:{text(report.reporter)}"}
        kept = msgspec.to_builtins(await self._evidence(report.session, held_after("erased text", report.at)))
        side, counts = await self._weighed(report)
        more = {"state": "received", "counts": counts, "side": side, "evidence": kept}
        document = where | msgspec.to_builtins(report) | more
        await self._mongo.insert("reports", [document])
        found = self._reader.read("reports", await self._mongo.find("reports", where), ReportDocument)
        if not found:  # somebody has put there what nobody can read; this report is not lost to the rule
            who = report.code, report.reporter, report.accused
            found = [ReportDocument(*who, report.at, report.networks, "received", counts)]
        first = found[0]
        sprayed_now = await self._pass_over_sprayed(first)
        if first.counts and first.code not in sprayed_now and await self._is_third(first):
            pause = Pause(paused_until(first.at), PAUSE_REASON)
            for network in await self._guests.networks(first.accused, first.at):
                await keep_pause(self._mongo, of_network(network), pause)
            await keep_pause(self._mongo, first.accused, pause, first.at, first.code)
        return first.code

    async def state(self, code: str, now: int) -> Told | None:
        found = self._reader.read("reports", await self._mongo.find("reports", {"code": text(code)}), ReportDocument)
        if not found:
            return None
        case = found[0]
        return told_of(Decided(case.state, case.closed, case.held, case.objected, case.lifted), now)

    async def untold(self) -> list[Untold]:
        where: Document = {"told": None, "closed": None}
        fields, order = ["code", "reason"], [("at", 1)]
        found = await self._mongo.find("reports", where, fields=fields, order=order, limit=REPORTS_LOOKED_AT)
        return self._reader.read("reports", found, Untold)

    async def told(self, codes: Sequence[str]) -> None:
        await self._mongo.update("reports", {"code": {"$in": [text(code) for code in codes]}}, {"$set": {"told": True}})

    async def open(self) -> int:
        return await self._count({"$or": [{"goes": None}, AWAITS_ANSWER]})

    async def objections(self) -> int:
        return await self._count(AWAITS_ANSWER)

    async def _count(self, where: Document) -> int:
        return sum((await self._mongo.counted("reports", where, "state")).values())

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

    async def _weighed(self, report: Report) -> tuple[int | None, bool]:
        """The side of the accused, and whether the report may count."""
        found = self._reader.sessions(await self._mongo.find("sessions", {"_id": text(report.session)}))
        if not found:  # deleted with its messages since
            return None, False
        side = found[0].side(report.accused)
        where: Document = {"s": found[0].id, "side": side, "k": {"$ne": "gap"}}
        wrote = await self._mongo.find("messages", where, fields=["_id"], limit=1)
        return side, is_founded(bool(wrote), found[0].started, found[0].ended, report.at)

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
