"""What the stores hold after a run, read past the program: by plain SQL, and by each server's own means."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from pymongo import MongoClient

from citychat.client.shapes import Row
from citychat.client.wire import from_wire
from tests.support.crowd import history_of
from tests.support.patience import PATIENCE_S
from tests.support.services.rabbitmq import RabbitServer

ANSWER_MS = round(PATIENCE_S * 1_000)
INBOX = "inbox."


@dataclass
class Kept:
    """``mail``: messages still in mailboxes, by guest. ``barred``: pairs of guests, and since when (ms)."""

    rows: list[Row] = field(default_factory=list)
    sessions: list[Row] = field(default_factory=list)  # id, members, started, ended
    barred: dict[tuple[str, str], int] = field(default_factory=dict)
    mail: dict[str, int] = field(default_factory=dict)


def embedded(data: Path) -> Kept:
    """Of the database in a data folder; read only, so that reading cannot mend anything."""
    with closing(sqlite3.connect(f"file:{data / 'citychat.db'}?mode=ro", uri=True)) as database:
        sessions = database.execute("SELECT id, members, started, ended FROM sessions").fetchall()
        barred = database.execute("SELECT a, b, at FROM barred").fetchall()
        mail = database.execute("SELECT guest, count(*) FROM mail GROUP BY guest").fetchall()
    return Kept(
        rows=history_of(data),
        sessions=[
            {"id": id, "members": json.loads(members), "started": started, "ended": ended}
            for id, members, started, ended in sessions
        ],
        barred={(min(a, b), max(a, b)): at for a, b, at in barred},
        mail=dict(mail),
    )


def of_servers(mongo_url: str, database: str, rabbit: RabbitServer) -> Kept:
    """Of a database in MongoDB and of every mailbox queue, ready and unacked."""
    client: MongoClient[Row] = MongoClient(mongo_url, serverSelectionTimeoutMS=ANSWER_MS, timeoutMS=ANSWER_MS)
    with client:
        found = client[database]
        kept = Kept(
            rows=[from_wire(document) for document in found["messages"].find()],
            sessions=[session | {"id": session["_id"]} for session in found["sessions"].find()],
            barred={_pair(bar["pair"]): int(str(bar["at"])) for bar in found["barred"].find()},
        )
    for line in rabbit.control("list_queues", "name", "messages").splitlines():
        queue, _, messages = line.partition("\t")
        guest = queue.removeprefix(INBOX)
        if guest != queue and "." not in guest and messages.strip() != "0":  # the others are of processes
            kept.mail[guest] = int(messages)
    return kept


def _pair(members: list[str]) -> tuple[str, str]:
    a, b = sorted(members)
    return a, b
