"""The keys of the Redis lobby: any one of them may be lost, hold another shape, or be of another version."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

import pytest
from msgspec import msgpack

from citychat.adapters.redis import RedisLobby
from citychat.adapters.redis.lobby import PREFIX, VERSION
from citychat.model import District, Gone, Session
from citychat.rules import KEY_MS
from tests.contract.lobby_town import CENTRE, LobbyTown
from tests.contract.redis_scripts import Scripts
from tests.contract.test_redis_lobby import Watch

ROW = Session("s", ("eve", "fay"), ("Amber Fox", "Teal Owl"), "Lyon", 0, 1)
PAGES = {"anna": "p", "ben": "q", "carl": "p", "dora": "q", "eve": "p", "fay": "q", "hal": "p"}
PARIS = District(2_443, 117)


class KeyScene:
    """anna asks ben; carl is free, dora is and may not be asked; eve and fay talk; gil has gone; hal and carl have each
    declined, and are alone with each other in Paris; four of one network look in Nice, where two others have met."""

    def __init__(self, scripts: Scripts) -> None:
        self.scripts = scripts
        self.lobby = RedisLobby(scripts.run, random=Random(7), now_ms=int, prefix=scripts.prefix)
        self.town = LobbyTown(self.lobby, Watch(scripts))
        self.entries = {guest: self.town.entry(guest, process=process) for guest, process in PAGES.items()}
        self.epochs: dict[str, int] = {}

    async def play(self) -> None:
        town, lobby = self.town, self.lobby
        for process in ("p", "q"):
            await lobby.renew(process)
        self.epochs["gil"] = (await town.enter("gil")).epoch
        await self.enter("hal")
        await lobby.decline("hal", (await town.ask("gil", "hal")).id)
        await lobby.move("hal", "paris", PARIS, "Paris")
        await self.enter("ben")
        await town.ask("gil", "ben")
        await town.advance(15, alive=("p", "q"))
        await town.enter("dora")
        await town.ask("gil", "dora")
        await lobby.stop("gil")
        await lobby.let_down("gil", "ben", 5_000)
        await town.enter("ivy", avoided_networks={"network": 1})
        await lobby.leave("gil", self.epochs["gil"])
        await town.advance(121)
        await lobby.renew("q")
        await self.crowd()
        for guest in ("anna", "carl", "dora", "eve", "fay"):
            await self.enter(guest)
        await lobby.move("carl", "paris", PARIS, "Paris")
        await lobby.available("dora", False, False)
        await lobby.block("carl", "hal")
        assert await lobby.pair("s", ["eve", "fay"])
        for guest in ("ivy", "dora"):
            await lobby.available(guest, False, False)
        await town.ask("anna", "ben")
        for process in ("p", "q"):
            await lobby.renew(process)

    async def crowd(self) -> None:
        crowd = tuple(f"lou {n}" for n in range(4))
        for guest in crowd:
            await self.town.enter(guest, pool="nice", networks=("network",), blocked=crowd)
            assert await self.town.waits(guest)
        for guest in ("max", "ned"):
            await self.town.enter(guest, pool="nice", networks=(guest,), blocked=crowd)
        await self.town.talk("max", "ned", "t")

    async def enter(self, guest: str, epoch: int = 0, session: Session | None = None) -> None:
        entry = self.entries[guest]
        changes: dict[str, Any] = {"process": entry.process, "epoch": epoch, "session": session}
        self.epochs[guest] = (await self.town.enter(guest, **changes)).epoch

    async def heal(self) -> None:
        """What processes do within five minutes: renew, look at all, mend all."""
        for process in ("p", "q"):
            mine = [guest for guest, its in PAGES.items() if its == process]
            if not await self.lobby.renew(process):
                await self.lobby.drop(process)
                for guest in mine:
                    await self.enter(guest, self.epochs[guest], ROW if guest in ROW.members else None)
                await self.lobby.renew(process)
            for guest, where in zip(mine, await self.lobby.status(mine), strict=True):
                if where.epoch < self.epochs[guest] or where.state == "gone":
                    await self.enter(guest, self.epochs[guest], ROW if guest in ROW.members else None)
            await self.lobby.mend(mine)

    async def places(self) -> None:
        """Guests whose record was lost stand again where their pages are."""
        for guest in ("carl", "hal"):
            await self.lobby.move(guest, "paris", PARIS, "Paris")
        await self.lobby.available("dora", False, False)


@asynccontextmanager
async def scene(scripts: Scripts) -> AsyncIterator[KeyScene]:
    scripts.lose_everything()
    scripts.set_time(1_700_000_000_000)
    played = KeyScene(scripts)
    await played.play()
    yield played


async def names_of(scripts: Scripts) -> list[str]:
    async with scene(scripts):
        return scripts.names()


async def check(played: KeyScene, lost: str) -> None:
    """Offers end, everybody is found and counted, and nobody meets who must not."""
    town, lobby = played.town, played.lobby
    await town.clock.advance(14)
    for _ in range(2):
        await played.heal()
        await played.places()
        await town.clock.advance(2)
    await played.heal()
    where = dict(zip(PAGES, await lobby.status(list(PAGES)), strict=True))
    assert where["anna"].offer is where["ben"].offer is None, lost
    assert {guest: at.state for guest, at in where.items()} == {
        **dict.fromkeys(PAGES, "free"), "eve": "chat", "fay": "chat"
    }, lost  # fmt: skip
    assert (where["eve"].session, where["fay"].session) == ("s", "s"), lost
    assert await town.waits("carl") and await town.waits("hal"), f"{lost}: barred"
    assert (await lobby.nearby("carl"), await lobby.nearby("anna")) in ((1, 3), (1, 2)), lost  # ivy may be forgotten
    await town.clock.advance(121)
    for process in ("p", "q"):
        await lobby.renew(process)
    for guest, pool, district in (("jo", "lyon", District(CENTRE.lat + 9, CENTRE.lon)), ("kim", "paris", PARIS)):
        await town.enter(guest, pool=pool, district=district, available=False)
        assert (await town.seek(guest)).state == "asking", f"{lost}: nobody is found"


async def test_whichever_key_is_lost_alone_everything_is_well_within_five_minutes(lobby_scripts: Scripts) -> None:
    kinds: dict[str, str] = {}
    for name in await names_of(lobby_scripts):  # one of each kind and owner
        kinds.setdefault(name.split(":")[0] + name.partition(":")[2][:3], name)
    assert {name.split(":")[0] for name in kinds.values()} == {
        "v", "b", "r", "t", "d", "w", "o", "e", "endings", "ended", "letdowns", "complaints", "leases",
        "s", "absent", "turns", "p", "c",
        "a", "l", "n", "k", "clock",
    }  # fmt: skip
    for name in ["none", *kinds.values()]:
        async with scene(lobby_scripts) as played:
            lobby_scripts.command("UNLINK", lobby_scripts.prefix + name)
            await check(played, name)


async def test_a_late_no_counts_although_the_index_of_what_has_ended_was_lost(lobby_scripts: Scripts) -> None:
    async with scene(lobby_scripts) as played:
        await played.town.clock.advance(16)
        await played.heal()
        lobby_scripts.command("UNLINK", f"{lobby_scripts.prefix}ended")
        offer = next(name for name in reversed(lobby_scripts.names()) if name.startswith("e:"))[2:]
        assert (await played.lobby.decline("ben", offer)).seeker == "anna"


async def test_what_no_index_leads_to_expires(lobby_scripts: Scripts) -> None:
    async with scene(lobby_scripts):
        books = ("endings", "ended", "letdowns", "complaints", "leases", "absent", "turns", "sweeping")
        for name in lobby_scripts.names():
            if name not in books:
                assert 0 < lobby_scripts.command("PTTL", lobby_scripts.prefix + name) <= KEY_MS, name


SPOILT: list[Callable[[Any], Any]] = [
    lambda value: None, lambda value: "text" if not isinstance(value, str) else 7, lambda value: 0.5,
    lambda value: {"strange": "map"}, lambda value: [["list"]],
]  # fmt: skip


async def test_a_record_of_another_shape_is_dropped_and_counted_and_fails_nobody(
    lobby_scripts: Scripts, caplog: pytest.LogCaptureFixture
) -> None:
    names = [name for name in await names_of(lobby_scripts) if name in ("v:ivy", "v:ben") or name[:2] in ("o:", "e:")]
    for name in names:
        at = lobby_scripts.prefix + name
        async with scene(lobby_scripts) as played:
            record = msgpack.decode(lobby_scripts.command("GET", at))
            for field in [*record, "ends", "pool"]:
                for spoil in SPOILT:
                    spoilt = {**record, field: spoil(record.get(field))}
                    lobby_scripts.command("SET", at, msgpack.encode(spoilt))
                    await played.lobby.status([*PAGES, "ivy"])
                    with suppress(Gone):
                        await played.lobby.decline("ben", name[2:])
            await played.town.clock.advance(16)
            assert len(await played.lobby.status([*PAGES, "ivy"])) == len(PAGES) + 1
            assert played.lobby.counts["records dropped"] > 0, name
    assert "of another shape" in caplog.text and "anna" not in caplog.text


async def test_an_offer_that_is_due_and_of_another_shape_stops_nobody(lobby_scripts: Scripts) -> None:
    async with scene(lobby_scripts) as played:
        (name,) = [name for name in lobby_scripts.names() if name.startswith("o:")]
        old = {"id": name[2:], "seeker": "anna", "candidate": "ben", "until": 5}
        lobby_scripts.command("SET", lobby_scripts.prefix + name, msgpack.encode(old))
        await played.town.clock.advance(16)
        await played.heal()
        assert await played.town.states("anna", "ben") == ["free", "free"]
        assert played.lobby.counts["records dropped"] == 1


@pytest.mark.parametrize("name", ["d:gil", "w:ben"])
async def test_letdowns_and_complaints_of_another_shape_are_forgotten(lobby_scripts: Scripts, name: str) -> None:
    async with scene(lobby_scripts) as played:
        at = f"{lobby_scripts.prefix}{name}"
        record = msgpack.decode(lobby_scripts.command("GET", at))
        for field in record:
            for n, spoil in enumerate(SPOILT):
                lobby_scripts.command("UNLINK", f"{lobby_scripts.prefix}d:gil", f"{lobby_scripts.prefix}w:ben")
                lobby_scripts.command("SET", at, msgpack.encode({**record, field: spoil(record[field])}))
                await played.lobby.let_down("gil", "ben", 5_000)
                assert len(msgpack.decode(lobby_scripts.command("GET", at))["at"]) == 1, (field, n)
        assert played.lobby.counts["records dropped"] == len(record) * len(SPOILT)


# What stands in the records and how the keys are called. Whoever changes it raises VERSION in adapters/redis/lobby.py.
FIELDS = {
    5: {
        "v": "absent asks_from available avoided_networks city crowd epoch id languages last_met lat lon looking "
        "looks_since network networks offer online place pool process rest_ms roam rung session town towns unanswered "
        "visible",
        "d": "at by id ms",
        "w": "at id",
        "o": "candidate city ends id looking pool rings_until seconds seeker wished",
        "e": "candidate city closed ends id looking pool rings_until seconds seeker wished",
    }
}


async def test_the_prefix_has_the_version_of_what_stands_in_the_keys(lobby_scripts: Scripts) -> None:
    assert f"citychat:{VERSION}:" == PREFIX
    async with scene(lobby_scripts) as played:
        await played.town.enter("jo", networks=("network",), towns=True, languages=("fr",), pool="nancy")
        assert await played.town.waits("jo")
        found: dict[str, set[str]] = {kind: set() for kind in FIELDS[VERSION]}
        for name in lobby_scripts.names():
            if name[1] == ":" and name[0] in found:
                found[name[0]] |= set(msgpack.decode(lobby_scripts.command("GET", lobby_scripts.prefix + name)))
    assert {kind: " ".join(sorted(fields)) for kind, fields in found.items()} == FIELDS[VERSION]


async def test_lobbies_of_two_versions_on_one_redis_do_not_meet(lobby_scripts: Scripts) -> None:
    async with scene(lobby_scripts) as played:
        before = lobby_scripts.names()
        other = RedisLobby(lobby_scripts.run, random=Random(1), now_ms=int, prefix=f"{lobby_scripts.prefix}other:")
        lobby_scripts.command("SET", f"{lobby_scripts.prefix}other:now", 1_700_000_000_000)
        await other.renew("r")
        await other.enter(played.entries["anna"])
        assert (await other.status(["ben"]))[0].epoch == 0
        assert [name for name in lobby_scripts.names() if not name.startswith("other:")] == before
