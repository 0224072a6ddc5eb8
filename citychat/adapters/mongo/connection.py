"""MongoDB: the connection, what it is asked, and how its errors become ours.

Every call answers within a few seconds: at once while the server is known to be away, else within a bound of its own.
No error text of the driver is ever logged: it may quote a document, and the address holds the password.
"""

import asyncio
import logging
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from copy import copy
from typing import Any, Self, TypeVar

import bson
import pymongo
from bson import DatetimeMS
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient, IndexModel, ReadPreference, WriteConcern
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from citychat.adapters.mongo.errors import NO_LOGIN, too_old, trouble
from citychat.adapters.mongo.index import Index
from citychat.adapters.service_clock import ServiceClock
from citychat.adapters.service_status import ServiceStatus
from citychat.model import Unavailable
from citychat.ports import Clock
from citychat.tasks import described

LEAST = (4, 4)  # what the driver still speaks to
PING_S, PINGED_WITHIN_S = 1.0, 1.5  # together: an outage is known within 2.5 s
FOUND_WITHIN_S = 1.0  # a connection or a primary; less than a ping has, so that the reason is told and not the lateness
ANSWERED_WITHIN_S = 5.0  # a server that is slow answers; of one that is silent the pings tell sooner
MAJORITY_WITHIN_S = 5.0  # a replica set may be choosing a new primary; whoever asked tries again after it
UNHURRIED_WITHIN_S = 10.0  # nobody waits for a prune, and a server that is busy gets it done a little later
SILENT_WITHIN_S = 12.0  # beyond all the other bounds: for what the driver asks by itself
INDEXES_WITHIN_S = 600.0  # the first start on a large old collection
CONNECTIONS_MAX = 100  # who comes then waits its turn, which is not the server's silence; a join asks five at once
DEFAULT_DATABASE, DUPLICATE = "citychat", 11_000
FAILED_MAX = 3  # writes in a row; then one of our own shows whether it is the server that takes none
TRIAL = "trial"  # the collection of that write; empty but for that moment
# The server has no such index (FerretDB: no TTL), or the host has made another one like it: both can be lived with.
INDEX_REFUSED = {67, 85, 86, 115, 238}
# Decoded one by one: an unreadable document must not hide the others.
RAW: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)
PLAIN: CodecOptions[Any] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)

# A set takes back nothing of what is read, and is read by what was written.
WRITES_OF_A_SET = WriteConcern(w="majority", j=True, wtimeout=round(MAJORITY_WITHIN_S * 1_000))
READS_OF_A_SET = ReadConcern("majority")

Document = dict[str, Any]
Order = Sequence[tuple[str, int]]
T = TypeVar("T")
log = logging.getLogger(__name__)


def date(at_ms: int) -> object:
    """A time as the date a TTL index needs."""
    return DatetimeMS(at_ms)


class Mongo:
    """The database that ``url`` names (``database`` if given, else its path, else "citychat"), with ``indexes``, and
    without the fields of ``obsolete`` (collection, field), which an earlier version has written.

    Entering starts to connect and returns at once; raises ValueError when the address cannot be read. All methods
    raise Unavailable, with the driver's error as its cause. Documents are plain dictionaries; what cannot be decoded
    comes as an empty one.
    """

    def __init__(
        self, url: str, *, status: ServiceStatus, clock: Clock, indexes: Sequence[Index],
        obsolete: Sequence[tuple[str, str]], database: str = "",
    ) -> None:  # fmt: skip
        self._url, self._name, self._status, self._clock, self._indexes = url, database, status, clock, indexes
        self._obsolete = obsolete
        self._database: AsyncDatabase[Any] | None = None
        self._read_within_s = self._written_within_s = ANSWERED_WITHIN_S
        self._doubted, self._refused = asyncio.Event(), set[Index]()
        self._leaving, self._failed_writes = False, 0  # writes since the last that worked
        self._time, self._turns = ServiceClock(status, clock), asyncio.Semaphore(CONNECTIONS_MAX)

    async def __aenter__(self) -> Self:
        self._client = _client(self._url)
        self._watching = asyncio.create_task(self._watch(), name="watch MongoDB")
        return self

    async def __aexit__(self, *error: object) -> None:
        self._leaving = True  # the driver may take a cancellation for an error of the connection
        self._watching.cancel()
        await asyncio.wait([self._watching])
        self._database = None
        with suppress(TimeoutError, PyMongoError):  # it takes leave, which a frozen server does not answer
            async with asyncio.timeout(PINGED_WITHIN_S):
                await self._client.close()
        await self._client.close()  # the second time without taking leave; nothing if that has worked

    def unhurried(self) -> "Mongo":
        """The same connection for work in the background: it may take longer. For use at once, not to be kept."""
        same = copy(self)
        same._read_within_s = same._written_within_s = UNHURRIED_WITHIN_S
        return same

    # -- asking -------------------------------------------------------------------------------------------------------

    async def find(
        self, collection: str, where: Document, *, fields: Sequence[str] = (), order: Order = (), limit: int = 0,
        skip: int = 0,
    ) -> list[Document]:  # fmt: skip
        async with self._asked(self._read_within_s) as database:
            cursor = database[collection].find(where, fields or None, sort=order or None, limit=limit, skip=skip)
            return [_decoded(raw) for raw in await cursor.to_list()]

    async def each(
        self, collection: str, where: Document, slice_rows: int, *, fields: Sequence[str] = (), order: Order = ()
    ) -> AsyncGenerator[list[Document], None]:
        """Yield all of them, some at a time: what is done with a slice may change them."""
        async with self._asked(self._read_within_s) as database:
            cursor = database[collection].find(where, fields or None, sort=order or None, batch_size=slice_rows)
            found = await cursor.to_list(slice_rows)
        while found:
            yield [_decoded(raw) for raw in found]
            async with self._asked(self._read_within_s):
                found = await cursor.to_list(slice_rows)

    async def counted(self, collection: str, where: Document, field: str) -> dict[str, int]:
        """Count the documents for each value of ``field``; only texts are counted."""
        steps = [{"$match": where}, {"$group": {"_id": f"${field}", "rows": {"$sum": 1}}}]
        async with self._asked(self._read_within_s) as database:
            groups = [_decoded(raw) for raw in await (await database[collection].aggregate(steps)).to_list()]
        return {group["_id"]: group["rows"] for group in groups if isinstance(group.get("_id"), str)}

    async def insert(self, collection: str, documents: Sequence[Document]) -> set[str]:
        """Insert what is not there yet; the ``_id`` of what was there, which stays as it is. After Unavailable some
        may have been inserted: insert all of them again."""
        if not documents:
            return set()
        async with self._written() as database:
            try:
                await database[collection].insert_many(documents, ordered=False)
            except BulkWriteError as error:
                wrongs = error.details.get("writeErrors", [])
                codes = {wrong.get("code") for wrong in wrongs}
                if codes - {DUPLICATE} or error.details.get("writeConcernErrors"):
                    # A new error: the text of this one quotes the documents
                    raise OperationFailure(f"not written: codes {sorted(map(str, codes))}") from None
                return {documents[wrong["index"]]["_id"] for wrong in wrongs}
        return set()

    async def update(self, collection: str, where: Document, change: Document, *, upsert: bool = False) -> None:
        """Change all that match; one new one if none does and ``upsert``."""
        await self._twice(lambda database: database[collection].update_many(where, change, upsert=upsert))

    async def replace(self, collection: str, document: Document) -> None:
        """Insert or replace by ``_id``."""
        where = {"_id": document["_id"]}
        await self._twice(lambda database: database[collection].replace_one(where, document, upsert=True))

    async def delete(self, collection: str, where: Document) -> int:
        """Delete, and return how many this call has deleted: of two that delete one document at once, one is told 1."""
        async with self._written() as database:
            return (await database[collection].delete_many(where)).deleted_count

    async def _twice(self, work: Callable[[AsyncDatabase[Any]], Awaitable[T]]) -> T:
        """Two upserts of one ``_id`` at once: one is told of a duplicate, and finds it the second time."""
        async with self._written() as database:
            try:
                return await work(database)
            except DuplicateKeyError:
                return await work(database)

    @asynccontextmanager
    async def _asked(self, within_s: float) -> AsyncIterator[AsyncDatabase[Any]]:
        async with self._turns:
            if self._database is None or not self._status.up:
                raise Unavailable
            try:
                async with asyncio.timeout(within_s):
                    yield self._database
            except (PyMongoError, TimeoutError, OSError) as error:
                self._doubted.set()
                raise Unavailable from error

    @asynccontextmanager
    async def _written(self) -> AsyncIterator[AsyncDatabase[Any]]:
        try:
            async with self._asked(self._written_within_s) as database:
                yield database
        except Unavailable:
            self._failed_writes += self._status.up
            raise
        self._failed_writes = 0
        if self._status.degradation:
            self._status.degraded("")

    # -- the status ---------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Keep the status true, until it is time to leave or the server is known to be too old."""
        while not self._leaving:
            wait_s = PING_S
            try:
                if not await self._look():
                    return
            except (PyMongoError, TimeoutError, OSError) as error:
                if version := too_old(error):
                    self._status.on_up(version, LEAST)
                    return
                self._status.on_down(trouble(error, self._url))
                wait_s = self._status.wait_s(refused=getattr(error, "code", None) in NO_LOGIN)
            except Exception as error:
                log.error("watching MongoDB failed: %s", described(error))
                self._status.on_down("a fault of ours")
                wait_s = self._status.wait_s()
            self._doubted.clear()
            timer = self._clock.later(wait_s, self._doubted.set)
            await self._doubted.wait()
            timer.cancel()

    async def _look(self) -> bool:
        """Ping. When it was away: what is it, are the indexes there? False when it is too old to serve."""
        async with asyncio.timeout(PINGED_WITHIN_S):
            hello = await self._hello()
            built = {} if self._status.up else await self._client.admin.command("buildInfo")
        if self._status.up:
            if self._failed_writes >= FAILED_MAX:
                await self._try_writing()
            return True
        many = "setName" in hello or hello.get("msg") == "isdbgrid"
        self._written_within_s = MAJORITY_WITHIN_S + 1 if many else ANSWERED_WITHIN_S
        database = self._choose(many)
        for index in self._indexes:
            await self._make(database, index)
        for collection, field in self._obsolete:
            async with asyncio.timeout(UNHURRIED_WITHIN_S):
                await database[collection].update_many({field: {"$exists": True}}, {"$unset": {field: ""}})
        async with asyncio.timeout(PINGED_WITHIN_S):
            await database[TRIAL].find_one()  # a set may not let us read as we must
        self._database = database
        return self._status.on_up(str(built.get("version", "")), LEAST)

    async def _hello(self) -> Document:
        asked = self._time.asked()
        hello: Document = await self._client.admin.command("hello", codec_options=PLAIN)
        if isinstance(at := hello.get("localTime"), DatetimeMS):
            self._time.told(asked, int(at))
        return hello

    def _choose(self, many: bool) -> AsyncDatabase[Any]:
        """Return the database, whatever the options of the address say of it."""
        writes, reads = (WRITES_OF_A_SET, READS_OF_A_SET) if many else (WriteConcern(w=1, j=True), ReadConcern())
        name = self._name or self._client.get_default_database(DEFAULT_DATABASE).name
        return self._client.get_database(name, RAW, ReadPreference.PRIMARY, writes, reads)

    async def _try_writing(self) -> None:
        """A server that answers may still take no write (disk full, locked). Nobody may come to write when guests are
        sent elsewhere, so that its recovery is found by this alone."""
        try:
            await self.replace(TRIAL, {"_id": TRIAL})
            await self.delete(TRIAL, {"_id": TRIAL})
        except Unavailable:
            if self._status.up:
                self._status.degraded("does not take writes")

    async def _make(self, database: AsyncDatabase[Any], index: Index) -> None:
        """Nothing happens when it is there; several processes may do this at once."""
        model = IndexModel([(name, 1) for name in index.fields], **({"expireAfterSeconds": 0} if index.lapses else {}))
        try:
            with pymongo.timeout(INDEXES_WITHIN_S):
                await database[index.collection].create_indexes([model])
        except OperationFailure as error:
            if error.code not in INDEX_REFUSED:
                raise
            if index not in self._refused:
                self._refused.add(index)
                what = "TTL index" if index.lapses else "index"
                log.info("MongoDB does not make a %s on %s (code %s)", what, index.collection, error.code)
            if index.lapses:  # then by deletion alone, which needs an index as well
                await self._make(database, index._replace(lapses=False))


def _client(url: str) -> "AsyncMongoClient[Any]":
    """A client for ``url``; every error is a ValueError in words that do not repeat it."""
    logging.getLogger("pymongo").setLevel(logging.INFO)  # what it tells below that quotes documents
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # options it would only leave out
            return AsyncMongoClient(
                url,
                appname="citychat",
                maxPoolSize=CONNECTIONS_MAX + 1,  # and the pings
                connectTimeoutMS=round(FOUND_WITHIN_S * 1_000),
                serverSelectionTimeoutMS=round(FOUND_WITHIN_S * 1_000),
                socketTimeoutMS=round(SILENT_WITHIN_S * 1_000),
                retryReads=False,  # whoever asks tries again; a second try of the driver's has no bound
                retryWrites=False,
            )
    except UserWarning:
        raise ValueError("an option behind the question mark of the address has a wrong name or value") from None
    except OSError as error:
        file = error.filename or "a file"  # PyMongo 4.20.1 says only which option names it
        raise ValueError(f"the address of MongoDB names {file}: {error.strerror}") from None
    except (PyMongoError, ValueError, TypeError):
        raise ValueError(
            "the address of MongoDB cannot be read; expected mongodb://[user:password@]host[:port][/database][?…], "
            "with %-codes for special characters in user and password"
        ) from None


def _decoded(raw: RawBSONDocument | None) -> Document:
    """A document, or an empty one for what a foreign program has put there and nobody can read."""
    try:
        return {} if raw is None else bson.decode(raw.raw, PLAIN)
    except Exception:
        return {}
