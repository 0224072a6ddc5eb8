"""A replica set of MongoDB's protocol in the test's own process, whose members fail on cue.

What a member has done (``rows``) is not yet what a majority has (``committed``): read concern and write concern mean
here what they mean there. What only an old primary has is gone when it follows the new one.
"""

import asyncio
import struct
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import bson
from bson import ObjectId

from tests.support.mongo_documents import Collection, Document, changed, counted, found, fresh, matches
from tests.support.stream_server import listening

OP_REPLY, OP_QUERY, OP_MSG = 1, 2_004, 2_013
HEADER = struct.Struct("<iiii")
STATEMENTS = {"insert": "documents", "update": "updates", "delete": "deletes"}
QUESTIONS = ("find", "aggregate")
NOT_PRIMARY, INTERRUPTED, NO_MAJORITY, DUPLICATE = 10_107, 11_602, 64, 11_000
UNSURE = {"code": NO_MAJORITY, "errmsg": "waiting for replication timed out", "errInfo": {"wtimeout": True}}

Rows = dict[str, Collection]


@dataclass(frozen=True)
class Cue:
    """What goes wrong with the next command of this name ("" any), of which ``done`` statements are done (None: all).

    ``then``: "answered" (nothing is wrong with this one), "refused" (the whole command, by a member that is no longer
    primary), "refused each" (what was not done, statement by statement), "unsure" (no majority has it in time), "reset"
    (the connection ends), "late" (no answer; done when ``ReplicaSet.go_on`` is called). ``elects``: another member is
    primary from then on, and knows what was done only if it is ``kept``.
    """

    command: str
    then: str
    done: int | None = None
    elects: bool = False
    kept: bool = True


class Member:
    """One server of the set, on a port of its own."""

    def __init__(self, replicas: "ReplicaSet") -> None:
        self.replicas = replicas
        self.rows: Rows = {}
        self.committed: Rows = {}
        self.election: ObjectId | None = None  # while it takes itself for the primary
        self.follows = True  # it hears the others
        self.address = ""

    def hello(self) -> Document:
        name = self.replicas.name
        about: Document = {
            "helloOk": True, "isWritablePrimary": self.election is not None, "ismaster": self.election is not None,
            "maxBsonObjectSize": 2**24, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000,
            "minWireVersion": 0, "maxWireVersion": 21, "ok": 1.0,
        }  # fmt: skip
        if not name:
            return about
        about |= {"secondary": self.election is None, "setName": name, "setVersion": 1, "me": self.address}
        about |= {"hosts": [member.address for member in self.replicas.members]}
        return about | ({"electionId": self.election} if self.election else {})


class ReplicaSet:
    """``heard``: every command but the driver's own, in order. ``name``: "" is a single server that is in no set."""

    def __init__(self, members: int = 2, name: str = "rs") -> None:
        self.name = name
        self.members = [Member(self) for _ in range(members)]
        self.cues: list[Cue] = []
        self.heard: list[Document] = []
        self.reads_by_majority = True
        self.slow_s = 0.0  # how long each answer to a "find" takes
        self._late: list[tuple[Member, Document]] = []
        self._open = AsyncExitStack()
        self.elect(self.members[0])

    @property
    def url(self) -> str:
        options = f"?replicaSet={self.name}" if self.name else ""
        return f"mongodb://{','.join(member.address for member in self.members)}/{options}"

    @property
    def primary(self) -> Member:
        return max((m for m in self.members if m.election), key=lambda member: str(member.election))

    async def __aenter__(self) -> Self:
        for member in self.members:
            port = await self._open.enter_async_context(listening(partial(self._serve, member)))
            member.address = f"127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    # -- what happens to it -------------------------------------------------------------------------------------------

    def elect(self, member: Member) -> None:
        """It is the primary, with all that a majority has. The old one steps down, unless it hears nobody."""
        for other in self.members:
            if other.follows:
                other.election = None
        member.election = ObjectId()
        self.replicate()

    def elect_another(self) -> None:
        self.elect(next(m for m in self.members if m.follows and m is not self.primary))

    def cut_off(self, member: Member) -> None:
        """It goes on as before, alone."""
        member.follows = False

    def heal(self, member: Member) -> None:
        """It hears of the newer primary, and forgets what it alone has done."""
        member.follows, member.election = True, None
        self.replicate()

    def replicate(self) -> None:
        """A majority has all that the primary has done."""
        if self.primary.follows:
            for member in self.members:
                if member.follows:
                    member.committed = deepcopy(self.primary.rows)
                    member.rows = deepcopy(self.primary.rows)

    def go_on(self) -> None:
        """The primary does what it has been asked long ago."""
        late, self._late = self._late, []
        for member, asked in late:
            _write(member.rows, asked, None)
        self.replicate()

    def forget(self) -> None:
        """All data is gone, as in a new set."""
        for member in self.members:
            member.rows, member.committed = {}, {}
        self.heard.clear()

    # -- the protocol -------------------------------------------------------------------------------------------------

    async def _serve(self, member: Member, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length, request, _, opcode = HEADER.unpack(await reader.readexactly(HEADER.size))
                asked = _asked(opcode, await reader.readexactly(length - HEADER.size))
                if "find" in asked:
                    await asyncio.sleep(self.slow_s)
                answer = self._answer(member, asked)
                if answer is None:
                    continue
                if not answer:
                    break
                body = bson.encode(answer)
                frame = bytes(5) + body if opcode == OP_MSG else struct.pack("<iqii", 8, 0, 0, 1) + body
                code = OP_MSG if opcode == OP_MSG else OP_REPLY
                writer.write(HEADER.pack(HEADER.size + len(frame), 0, request, code) + frame)

    def _answer(self, member: Member, asked: Document) -> Document | None:
        """The answer; empty when the connection ends instead, None when none comes."""
        command = next(iter(asked))
        if command in ("hello", "ismaster", "isMaster"):
            return member.hello()
        if command not in STATEMENTS and command not in QUESTIONS:
            return {"ok": 1.0, "version": "7.0.0"}
        self.heard.append(asked)
        cue = next((cue for cue in self.cues if cue.command in ("", command)), None)
        if cue is not None:
            self.cues.remove(cue)
            return self._fail(member, asked, cue)
        if member.election is None:
            return _refused(NOT_PRIMARY)
        if command in QUESTIONS:
            return self._read(member, asked)
        answer = _write(member.rows, asked, None)
        if not member.follows:
            return answer | {"writeConcernError": UNSURE}
        self.replicate()
        return answer

    def _read(self, member: Member, asked: Document) -> Document:
        is_majority = asked.get("readConcern", {}).get("level") == "majority"
        if is_majority and not self.reads_by_majority:
            return {"ok": 0.0, "code": 148, "errmsg": "Majority read concern is not enabled"}
        command = next(iter(asked))
        rows = (member.committed if is_majority else member.rows).get(asked[command], {})
        batch = found(rows, asked) if command == "find" else counted(rows, asked["pipeline"])
        return {"cursor": {"id": 0, "ns": f"{asked['$db']}.{asked[command]}", "firstBatch": batch}, "ok": 1.0}

    def _fail(self, member: Member, asked: Document, cue: Cue) -> Document | None:
        command = next(iter(asked))
        if cue.then == "late":
            self._late.append((member, asked))
            return None
        answer: Document = _write(member.rows, asked, cue.done) if command in STATEMENTS else {"ok": 1.0}
        if cue.kept and cue.then != "unsure":
            self.replicate()
        if cue.elects:
            member.rows = deepcopy(member.committed)
            self.elect_another()
        if cue.then == "answered":
            return answer
        if cue.then == "reset":
            return {}
        if cue.then == "unsure" and command in STATEMENTS:
            return answer | {"writeConcernError": UNSURE}
        if cue.then == "refused each" and command in STATEMENTS:
            left = range(cue.done or 0, len(asked[STATEMENTS[command]]))
            wrongs = [{"index": i, "code": NOT_PRIMARY, "errmsg": "not primary"} for i in left]
            return answer | {"writeErrors": [*answer.get("writeErrors", []), *wrongs]}
        return _refused(INTERRUPTED if cue.done else NOT_PRIMARY)


def _asked(opcode: int, body: bytes) -> Document:
    if opcode == OP_QUERY:
        start = body.index(0, 4) + 9
        return bson.decode(body[start:])
    asked: Document = {}
    at = 4
    while at < len(body):
        kind, size = body[at], struct.unpack_from("<i", body, at + 1)[0]
        if kind == 0:
            asked = bson.decode(body[at + 1 : at + 1 + size]) | asked
        else:
            name_end = body.index(0, at + 5)
            asked[body[at + 5 : name_end].decode()] = list(bson.decode_all(body[name_end + 1 : at + 1 + size]))
        at += 1 + size
    return asked


def _refused(code: int) -> Document:
    return {"ok": 0.0, "code": code, "codeName": "NotWritablePrimary", "errmsg": "not primary"}


def _write(rows: Rows, asked: Mapping[str, Any], done: int | None) -> Document:
    """Do the first ``done`` statements of a command (None: all of them); the answer to those."""
    command = next(iter(asked))
    collection = rows.setdefault(asked[command], {})
    wrongs: list[Document] = []
    touched = 0
    for index, statement in enumerate(asked[STATEMENTS[command]][:done]):
        if command == "insert":
            if statement["_id"] in collection:
                wrongs.append({"index": index, "code": DUPLICATE, "errmsg": "E11000 duplicate key"})
                continue
            collection[statement["_id"]] = statement
            touched += 1
            continue
        hit = [row for row in collection.values() if matches(row, statement["q"])]
        for row in hit:
            if command == "delete":
                del collection[row["_id"]]
            else:
                collection[row["_id"]] = changed(row, statement["u"])
        if command == "update" and not hit and statement.get("upsert"):
            row = changed(fresh(statement["q"]), statement["u"])
            collection[row["_id"]] = row
        touched += len(hit)
    answer: Document = {"ok": 1.0, "n": touched} | ({"nModified": touched} if command == "update" else {})
    return answer | ({"writeErrors": wrongs} if wrongs else {})
