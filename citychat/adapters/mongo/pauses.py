"""Pauses in MongoDB: of a guest, or of the new guests of a network."""

from msgspec import Struct, field

from citychat.adapters.mongo.connection import Document, Mongo, date
from citychat.adapters.mongo.documents import DocumentReader, text
from citychat.ports import Lifted, Pause
from citychat.rules import lifted_until, reference

OBJECTED = ["s", "reporter", "objection", "answer"]


class PausedDocument(Struct, frozen=True):
    """A guest who was paused, by the host or by a rule; ``code``: of the report it stands on."""

    id: str = field(name="_id")
    until: int
    reason: str
    rule: str = ""
    code: str = ""
    at: int | None = None
    lifted: int | None = None


class ObjectedDocument(Struct, frozen=True):
    """The part of a report that a guest is told who is paused by it."""

    session: str = field(name="s")
    reporter: str
    objection: str = ""
    answer: str = ""


async def keep_pause(mongo: Mongo, who: str, pause: Pause, at: int | None = None, code: str = "") -> None:
    """Pause a guest, since ``at`` by that report, or the new ones of a network; a pause that ends later stays as it is,
    unless it was lifted."""
    change = paused(pause, at, code)
    if await mongo.insert("pauses", [{"_id": text(who), **change}]):
        shorter: Document = {"$or": [{"until": {"$lt": pause.until}}, {"lifted": {"$gt": 0}}]}
        await mongo.update("pauses", {"_id": text(who), **shorter}, {"$set": change, "$unset": {"lifted": ""}})


def paused(pause: Pause, at: int | None, code: str) -> Document:
    """Return the fields of a pause."""
    of_guest = {} if at is None else {"at": at, "code": code}
    return {
        "until": pause.until, "gone": date(pause.until), "reason": pause.reason, "rule": pause.rule, **of_guest
    }  # fmt: skip


async def found(mongo: Mongo, reader: DocumentReader, guest: str, now: int) -> list[PausedDocument]:
    """The pause of a guest that holds, or would if it had not been lifted."""
    where: Document = {"_id": text(guest), "until": {"$gt": now}}
    return reader.read("pauses", await mongo.find("pauses", where), PausedDocument)


async def told(mongo: Mongo, reader: DocumentReader, row: PausedDocument) -> Pause:
    """A pause and what stands in its case, which may be gone."""
    for case in await _case(mongo, reader, row):
        name = reference(case.session, case.reporter)
        return Pause(row.until, row.reason, row.rule, name, case.objection, case.answer)
    return Pause(row.until, row.reason, row.rule)


async def lifted(mongo: Mongo, reader: DocumentReader, row: PausedDocument) -> Lifted | None:
    """The end of a pause, if the host has ended it."""
    if row.lifted is None:
        return None
    if row.at is None:  # it never began: a warning
        return Lifted(row.lifted, "", row.rule, row.reason)
    return Lifted(row.lifted, next((case.answer for case in await _case(mongo, reader, row)), ""))


async def lift(mongo: Mongo, reader: DocumentReader, guest: str, at: int, code: str) -> None:
    """End a pause that holds, and mark its case and the one it is lifted by; the cases first, so that whoever was told
    that it is over has reporters who are told as well."""
    for row in await found(mongo, reader, guest, at):
        if row.lifted is None:
            await mongo.update("reports", {"code": {"$in": [text(code), row.code]}}, {"$set": {"lifted": at}})
            until = lifted_until(row.until, at)
            over: Document = {"$set": {"lifted": at, "until": until, "gone": date(until)}}
            await mongo.update("pauses", {"_id": row.id, "until": row.until}, over)


def of_network(network: str) -> str:
    return f"network:{text(network)}"


async def _case(mongo: Mongo, reader: DocumentReader, row: PausedDocument) -> list[ObjectedDocument]:
    if not row.code:
        return []
    return reader.read("reports", await mongo.find("reports", {"code": row.code}, fields=OBJECTED), ObjectedDocument)
