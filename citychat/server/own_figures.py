"""Figures of this process, read from what it is made of when somebody asks."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import citychat
from citychat.figures import Figures, Meetings, Traffic, added, since
from citychat.handlers import Readiness
from citychat.model import Unavailable
from citychat.places import ip_database
from citychat.rules import DAY_MS, FOR_GOOD_MS
from citychat.server.process import Process

SLACK_S = 60  # between the clock of files and ours


class OwnFigures:
    """Reads the figures of ``process``, which has just started. ``data``: its folder; ``backup_at`` tells when the
    newest backup of those until a date was made, where the history lies there; ``sockets``: how many are open."""

    def __init__(
        self,
        process: Process,
        ready: Readiness,
        databases: ip_database.IpDatabases,
        *,
        data: Path,
        backup_at: Callable[[datetime], datetime | None] | None,
        sockets: Callable[[], int],
    ) -> None:
        self.process, self.sockets, self._backup_at = process, sockets, backup_at
        self._ready, self._databases, self.data = ready, databases, data
        self._clock = process.engines.clock
        self._began_s = self._clock.monotonic_s()
        self._day = self._today()
        self._until_today = Traffic(), Meetings()

    @property
    def traffic(self) -> Traffic:
        """Return what was counted of messages since the start."""
        return self.process.delivery.traffic

    @property
    def meetings(self) -> Meetings:
        """Return what was counted of searches and chats since the start."""
        return self.process.matching.sessions.meetings

    async def turn_day(self) -> None:
        """Begin to count anew for a new day (UTC; to be called every minute)."""
        if self._today() != self._day:
            self._day = self._today()
            self._until_today = added(self.traffic, Traffic()), added(self.meetings, Meetings())

    def _today(self) -> int:
        return self._clock.wall_ms() // DAY_MS

    async def now(self) -> Figures:
        """Return the figures of now. Who cannot be asked is left out."""
        await self.turn_day()
        ready, parts = self._ready()
        clients = list(self.process.registry)
        talking = sum(client.session is not None for client in clients)
        looking = sum(client.session is None and client.match.looking for client in clients)
        disk = shutil.disk_usage(self.data)
        traffic, meetings = self._until_today
        wall_s = self._clock.wall_ms() // 1_000
        mail = None
        with suppress(Unavailable):
            mail = await self.process.engines.mailbox.waiting()
        return Figures(
            process=self.process.name,
            version=citychat.__version__,
            at=wall_s,
            up_s=self._clock.monotonic_s() - self._began_s,
            ready=ready,
            wrong=tuple(name for name, state in parts.items() if _is_wrong(state)),
            free=len(clients) - talking - looking,
            looking=looking,
            talking=talking,
            traffic=since(self.traffic, traffic),
            meetings=since(self.meetings, meetings),
            mail=mail,
            disk_bytes=disk.total,
            free_disk_bytes=disk.free,
            backup_at=self._backup_at and _seconds(self._backup_at(datetime.fromtimestamp(wall_s + SLACK_S, UTC))),
            city_database_at=_built(self._databases),
            **await self._waiting(),
        )

    async def _waiting(self) -> dict[str, Any]:
        """Count what the history has for the host, and read the word of the house; without it nobody knows."""
        history, now_ms = self.process.engines.history, self._clock.wall_ms()
        try:
            closure = await history.house.closure(now_ms)
            counts = {"reports": await history.reports.open(), "objections": await history.reports.objections()}
        except Unavailable:
            return {"reports": None}
        if closure is None:
            return counts
        ends = None if closure.until == FOR_GOOD_MS else closure.until // 1_000
        return {**counts, "closed": closure.text, "closed_until": ends}


def _is_wrong(state: object) -> bool:
    """Of /ready: a part's state in words, or what is known of a service."""
    return (state.get("state") if isinstance(state, dict) else state) != "ok"


def _built(databases: ip_database.IpDatabases) -> int | None:
    """Return when the oldest of the city databases in use was made."""
    days: Sequence[datetime] = [datetime.combine(database.built, time(), UTC) for database in databases]
    return round(min(days).timestamp()) if days else None


def _seconds(at: datetime | None) -> int:
    """Since 1970; 0 for never."""
    return int(at.timestamp()) if at else 0
