"""Retention in MongoDB: erased texts, and what has expired. Every step can be broken off and done again."""

from collections.abc import Sequence
from contextlib import aclosing

from citychat.adapters.mongo.cases import prune_cases
from citychat.adapters.mongo.connection import Document, Mongo, date
from citychat.adapters.mongo.documents import (
    SLICE_ROWS,
    BlockedPairDocument,
    DocumentReader,
    IdDocument,
    MarkedSessionDocument,
    MembersDocument,
    StartedDocument,
    id_of,
    pair_id,
)
from citychat.rules import FOR_GOOD_MS, bar_goes, expires, held_until, retention

SETTLED_MS = 600_000  # an ``add`` that had begun before an erase is over by then, with its process or without


async def empty(mongo: Mongo, reader: DocumentReader, session_id: str, side: int, at: int) -> None:
    """Copy the texts of that side, erased ``at``, then empty them. Two at once copy the same texts, and none is emptied
    before its copy is durable."""
    where: Document = {"s": session_id, "side": side, "x": {"$gt": ""}}
    async with aclosing(mongo.each("messages", where, SLICE_ROWS)) as parts:
        async for documents in parts:
            dates = {"since": at, "gone": date(held_until("erased text", at))}
            copies = [{"_id": id_of(m), "s": session_id, "x": m.text} | dates for m in reader.messages(documents)]
            await mongo.insert("erased", copies)
            ids = [document["_id"] for document in documents if "_id" in document]
            await mongo.update("messages", {"_id": {"$in": ids}}, {"$set": {"x": ""}})


async def prune(mongo: Mongo, reader: DocumentReader, now: int, history_ms: int) -> None:
    """A session's row goes after all that belongs to it: a prune that was broken off finds it again. Several processes
    may prune at once."""
    mongo = mongo.unhurried()
    goes = retention(now, history_ms)
    await _complete_erases(mongo, reader, now)
    going = True
    while going:
        expired = await _ids(mongo, "sessions", {"expires": {"$lte": goes.due}})
        going = any([await _delete_session(mongo, session_id) for session_id in expired])
    blamed: Document = {"at": {"$lte": goes.blamed_networks}, "networks": {"$ne": []}}
    await mongo.update("erased_guests", blamed, {"$set": {"networks": []}})
    for collection in ("erased", "shuns", "wishes", "pauses", "erased_guests", "house", "signs"):
        await _delete(mongo, collection, {"gone": {"$lte": date(goes.due)}})
    await prune_cases(mongo, reader, goes.due)
    await _forget_guests(mongo, reader, goes.guests, now)
    await _prune_bars(mongo, reader, now)


async def shorten(mongo: Mongo, reader: DocumentReader, now: int, history_ms: int) -> None:
    """Let the sessions that began while their host kept chats for longer expire as those that begin now."""
    mongo = mongo.unhurried()
    over = {"started": {"$lte": retention(now, history_ms).guests}}
    too_late: Document = {"$or": [{"expires": {"$gt": expires(now, history_ms)}}, over]}
    async with aclosing(mongo.each("sessions", too_late, SLICE_ROWS, fields=["started"])) as parts:
        async for documents in parts:
            for session in reader.read("sessions", documents, StartedDocument):
                at = expires(session.started, history_ms)
                where: Document = {"_id": session.id, "expires": {"$gt": at}}
                await mongo.update("sessions", where, {"$set": {"expires": at}})


async def _complete_erases(mongo: Mongo, reader: DocumentReader, now: int) -> None:
    """Complete what a killed process has left, or one that inserted a text before it could see the mark. An erase that
    runs now is left alone, and a mark newer than the one looked at stays."""
    where: Document = {"erasing": {"$lte": now - SETTLED_MS}}
    async with aclosing(mongo.each("sessions", where, SLICE_ROWS, fields=["erased", "erasing"])) as parts:
        async for documents in parts:
            for session in reader.read("sessions", documents, MarkedSessionDocument):
                for side in session.erased:
                    await empty(mongo, reader, session.id, side, session.erasing)
                await mongo.update("sessions", where | {"_id": session.id}, {"$unset": {"erasing": ""}})


async def let_bars_go(mongo: Mongo, guests: Sequence[str], now: int) -> None:
    """Have the pairs of guests whose rows are about to go looked at once nobody can be one of these guests again."""
    await mongo.update("barred", {"pair": {"$in": list(guests)}}, {"$set": {"goes": bar_goes(now)}})


async def _prune_bars(mongo: Mongo, reader: DocumentReader, now: int) -> None:
    """Look at the pairs whose time has come. One that another process has put off meanwhile is left alone."""
    while ids := await _ids(mongo, "barred", {"goes": None}):  # of 0.2.0
        await mongo.update("barred", {"_id": {"$in": ids}, "goes": None}, {"$set": {"goes": bar_goes(now)}})
    due: Document = {"goes": {"$lte": now}}
    async with aclosing(mongo.each("barred", due, SLICE_ROWS, fields=["pair"])) as parts:
        async for documents in parts:
            pairs = [bar.pair for bar in reader.read("barred", documents, BlockedPairDocument)]
            known = {"_id": {"$in": [guest for pair in pairs for guest in pair]}}
            rows = reader.read("guests", await mongo.find("guests", known, fields=["_id"]), IdDocument)
            there = {row.id for row in rows}
            stays = [pair_id(*pair) for pair in pairs if there.issuperset(pair)]
            goes = [pair_id(*pair) for pair in pairs if not there.issuperset(pair)]
            await mongo.update("barred", due | {"_id": {"$in": stays}}, {"$set": {"goes": FOR_GOOD_MS}})
            await mongo.delete("barred", due | {"_id": {"$in": goes}})


async def _forget_guests(mongo: Mongo, reader: DocumentReader, unseen_since: int, now: int) -> None:
    """Never before their history: a guest of a session that is kept stays. Who comes back meanwhile was seen."""
    unseen: Document = {"seen": {"$lte": unseen_since}}
    async with aclosing(mongo.each("guests", unseen, SLICE_ROWS, fields=["_id"])) as parts:
        async for documents in parts:
            ids = [known.id for known in reader.read("guests", documents, IdDocument)]
            kept = await mongo.find("sessions", {"members": {"$in": ids}}, fields=["members"])
            members = {member for row in reader.read("sessions", kept, MembersDocument) for member in row.members}
            gone = [guest for guest in ids if guest not in members]
            await let_bars_go(mongo, gone, now)
            await mongo.delete("guests", {**unseen, "_id": {"$in": gone}})


async def _delete_session(mongo: Mongo, session_id: object) -> bool:
    """Delete it; return whether this call has. Its messages once more after the row: an ``add`` that has seen the row
    may have come in between, and one that comes later sees that there is none."""
    if isinstance(session_id, str):
        for collection in ("messages", "erased", "wishes"):
            if not await _delete(mongo, collection, {"s": session_id}):
                return False
    deleted = await mongo.delete("sessions", {"_id": {"$in": [session_id]}}) > 0
    if isinstance(session_id, str):
        await _delete(mongo, "messages", {"s": session_id})
    return deleted


async def _delete(mongo: Mongo, collection: str, where: Document) -> bool:
    """All that match, a slice at a time, and still match then: a pause may be prolonged meanwhile, and a server may do
    it minutes later. False when some did not go: they are left to the process that is at them, or to the next prune."""
    while ids := await _ids(mongo, collection, where):
        if not await mongo.delete(collection, where | {"_id": {"$in": ids}}):
            return False
    return True


async def _ids(mongo: Mongo, collection: str, where: Document) -> list[object]:
    found = await mongo.find(collection, where, fields=["_id"], limit=SLICE_ROWS)
    return [document["_id"] for document in found if "_id" in document]
