"""The history in MongoDB, shared by many processes: its stores over one connection.

A standalone server has no transactions. So every rule over several documents is a row of steps, each atomic and
harmless when done twice, in an order in which a crash or another process between two of them breaks no promise; where
a step may be left out by a crash, who repeats the call or ``prune`` makes up for it. The docstrings say how.
"""

from typing import Self

from citychat.adapters.mongo.cases import MongoCases
from citychat.adapters.mongo.connection import Mongo
from citychat.adapters.mongo.documents import INDEXES, OBSOLETE, DocumentReader
from citychat.adapters.mongo.guests import MongoGuests
from citychat.adapters.mongo.house import MongoHouse
from citychat.adapters.mongo.messages import MongoMessages
from citychat.adapters.mongo.relations import MongoRelations
from citychat.adapters.mongo.reports import MongoReports
from citychat.adapters.mongo.sessions import MongoSessions
from citychat.adapters.mongo.signs import MongoSigns
from citychat.adapters.service_status import ServiceStatus
from citychat.ports import Clock


class MongoHistory:
    """The history in MongoDB (``ports.History``), and the cases for its host's commands; one per process. ``dropped``
    counts what was found in our collections and is not ours."""

    def __init__(self, url: str, *, status: ServiceStatus, clock: Clock, database: str = "") -> None:
        self._mongo = Mongo(url, status=status, clock=clock, indexes=INDEXES, obsolete=OBSOLETE, database=database)
        self._reader = DocumentReader()
        self.messages = MongoMessages(self._mongo, self._reader, status)
        self.sessions = MongoSessions(self._mongo, self._reader)
        self.relations = MongoRelations(self._mongo, self._reader)
        self.guests = MongoGuests(self._mongo, self._reader, self.sessions, self.relations)
        self.reports = MongoReports(self._mongo, self._reader, self.guests)
        self.house = MongoHouse(self._mongo, self._reader)
        self.signs = MongoSigns(self._mongo, self._reader)
        self.cases = MongoCases(self._mongo, self._reader)

    @property
    def dropped(self) -> dict[str, int]:
        return self._reader.dropped

    async def __aenter__(self) -> Self:
        await self._mongo.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.messages.finish()
        await self._mongo.__aexit__(*error)
