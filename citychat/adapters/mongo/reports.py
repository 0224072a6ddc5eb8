"""Reports in MongoDB: their evidence, and the pause after three of them."""

from typing import Literal

import msgspec

from citychat.adapters.mongo.connection import Document, Mongo, date
from citychat.adapters.mongo.documents import (
    DocumentReader,
    ErasedTextDocument,
    ReportDocument,
    id_of,
    newest_messages,
    text,
)
from citychat.model import Message
from citychat.ports import Pause, Report
from citychat.rules import (
    ERASED_MS,
    EVIDENCE_MESSAGES,
    PAUSE_MS,
    PAUSE_REASON,
    REPORTS_LOOKED_AT,
    REPORTS_WITHIN_MS,
    Accusation,
    is_third,
)


async def keep_report(mongo: Mongo, reader: DocumentReader, report: Report) -> str:
    """``report`` or the earlier one of this reporter in this session; its code.

    It stands under (session, reporter): of two at once the first stays, with its evidence. The rule of three is applied
    once it is durable, and again for a repeated call: a crash in between loses no pause. Of three reports at once the
    last to be written sees all three.
    """
    where: Document = {"_id": f"{text(report.session)}:{text(report.reporter)}"}
    kept = msgspec.to_builtins(await _evidence(mongo, report.session, reader, report.at - ERASED_MS))
    await mongo.insert("reports", [where | msgspec.to_builtins(report) | {"state": "received", "evidence": kept}])
    found = reader.read("reports", await mongo.find("reports", where), ReportDocument)
    if not found:  # somebody has put there what nobody can read; this report is not lost to the rule
        found = [ReportDocument(report.code, report.reporter, report.accused, report.at, report.networks, "received")]
    first = found[0]
    if await _pauses(mongo, reader, first):
        until = first.at + PAUSE_MS
        change = {"$max": {"until": until, "gone": date(until)}, "$set": {"reason": PAUSE_REASON}}
        await mongo.update("pauses", {"_id": first.accused}, change, upsert=True)
    return first.code


async def _evidence(mongo: Mongo, s: str, reader: DocumentReader, erased_since: int) -> list[Message]:
    """The last messages of both sides. Their texts are read before the erased ones: an erase copies before it empties,
    so that each text is found in one of the two."""
    messages = await newest_messages(mongo, reader, {"s": s, "k": {"$ne": "gap"}}, EVIDENCE_MESSAGES)
    ids = [id_of(m) for m in messages if not m.text]
    copies = await mongo.find("erased", {"_id": {"$in": ids}, "since": {"$gt": erased_since}}) if ids else []
    texts = {copy.id: copy.x for copy in reader.read("erased", copies, ErasedTextDocument)}
    whole = (msgspec.structs.replace(m, text=texts.get(id_of(m), m.text)) for m in messages)
    return list(whole)[::-1]


async def _pauses(mongo: Mongo, reader: DocumentReader, report: ReportDocument) -> bool:
    """Whether it is the third within 24 h."""
    where = {
        "accused": report.accused,
        "at": {"$gt": report.at - REPORTS_WITHIN_MS, "$lt": report.at + REPORTS_WITHIN_MS},
    }
    found = await mongo.find("reports", where, order=[("at", -1)], limit=REPORTS_LOOKED_AT)
    others = reader.read("reports", found, ReportDocument)
    return is_third(_accusation(report), map(_accusation, others))


def _accusation(report: ReportDocument) -> Accusation:
    return Accusation(report.reporter, report.at, frozenset(report.networks))


async def case(mongo: Mongo, reader: DocumentReader, code: str) -> Literal["received", "acted", "none"] | None:
    """As the port says."""
    found = reader.read("reports", await mongo.find("reports", {"code": text(code)}), ReportDocument)
    return found[0].state if found else None


async def pause(mongo: Mongo, reader: DocumentReader, guest: str, now: int) -> Pause | None:
    """As the port says."""
    found = reader.read("pauses", await mongo.find("pauses", {"_id": text(guest), "until": {"$gt": now}}), Pause)
    return found[0] if found else None
