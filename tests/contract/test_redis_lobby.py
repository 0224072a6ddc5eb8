"""What only the Redis lobby promises: bounded steps, nothing kept for ever, rubbish in its keys, repeatable draws.

What it answers is held by the lobby's contract and by the twins.
"""

import asyncio
import logging
from math import cos, radians
from random import Random

import pytest
from redis.exceptions import ResponseError

from citychat.adapters.redis import RedisLobby
from citychat.model import District, Gone, Unavailable
from citychat.rules import COORDINATE_DEGREES
from tests.contract.lobby_town import CENTRE, LobbyTown
from tests.contract.redis_scripts import Scripts
from tests.support.redis_store import RedisError


class Watch:
    """The clock of the scripts, moved by the test."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts, self._now_ms = scripts, 1_700_000_000_000
        scripts.set_time(self._now_ms)

    def now_ms(self) -> int:
        return self._now_ms

    async def advance(self, seconds: float) -> None:
        self._now_ms += round(seconds * 1_000)
        self._scripts.set_time(self._now_ms)


@pytest.fixture
def scripts(lobby_scripts: Scripts) -> Scripts:
    return lobby_scripts


@pytest.fixture
async def town(scripts: Scripts) -> LobbyTown:
    lobby = RedisLobby(scripts.run, random=Random(7), now_ms=int, prefix=scripts.prefix)
    await lobby.renew("p")
    return LobbyTown(lobby, Watch(scripts))


@pytest.fixture(autouse=True)
def started_clock(scripts: Scripts) -> None:
    scripts.set_time(1_700_000_000_000)


async def crowd(town: LobbyTown, count: int, process: str) -> list[str]:
    await town.lobby.renew(process)
    guests = [f"guest {n:03}" for n in range(count)]
    for guest in guests:
        await town.enter(guest, process=process)
    return guests


def standing(scripts: Scripts) -> int:
    """How many the books hold as free."""
    pools = [name for name in scripts.names() if name.startswith("p:")]
    return sum(scripts.command("ZCARD", scripts.prefix + pool) for pool in pools)


def distance(a: District, b: District) -> float:
    along = abs(a.lon - b.lon)
    along = min(along, 36_000 - along)
    return float((a.lat - b.lat) ** 2 + along**2 * cos(radians(a.lat * COORDINATE_DEGREES)) ** 2)


def around(random: Random, centre: District, reach: int) -> District:
    lon = centre.lon + random.randint(-reach, reach)
    return District(centre.lat + random.randint(-reach, reach), (lon + 18_000) % 36_000 - 18_000)


@pytest.mark.parametrize("reach", [3, 40, 700])
@pytest.mark.parametrize("centre", [District(*at) for at in ((0, 0), (2_288, 242), (-907, 17_844), (-1, -17_999))])
async def test_each_claim_finds_the_nearest_who_is_left(town: LobbyTown, centre: District, reach: int) -> None:
    random = Random(reach)
    districts = {f"guest {n}": around(random, centre, reach) for n in range(150)}
    for guest, district in districts.items():
        await town.enter(guest, district=district)
    for guest in list(districts)[::3]:
        await town.lobby.available(guest, False, False)
        del districts[guest]
    for n in range(len(districts)):
        await town.enter(f"seeker {n}", district=centre, available=False)
        offer = (await town.seek(f"seeker {n}")).offer
        assert offer is not None
        nearest = min(distance(centre, district) for district in districts.values())
        assert distance(centre, districts.pop(offer.candidate)) == nearest


@pytest.mark.parametrize("unwilling, found", [(63, True), (64, False)])
async def test_a_claim_walks_64_districts(town: LobbyTown, unwilling: int, found: bool) -> None:
    for n in range(unwilling):
        await town.enter(f"guest {n}", district=District(n, 0), blocked=("anna",))
    await town.enter("ben", district=District(500, 0))
    await town.enter("anna", district=District(0, 0), available=False)
    assert (await town.seek("anna")).state == ("asking" if found else "waiting")


@pytest.mark.parametrize("unwilling, found", [(31, True), (60, False)])
async def test_a_claim_tries_32_of_a_district(town: LobbyTown, unwilling: int, found: bool) -> None:
    """One of whom is ready to be asked: among 32 always found, among 61 not always."""
    for n in range(unwilling):
        await town.enter(f"guest {n:03}", blocked=("anna",))
    await town.enter("ben")
    await town.enter("anna", available=False)
    came_to = set()
    for _ in range(20):
        came_to.add((await town.seek("anna")).state)
        await town.advance(15)
        await town.lobby.stop("anna")
        await town.lobby.view("ben", True, True)
        await town.advance(601)
    assert came_to == ({"asking"} if found else {"asking", "waiting"})


async def test_a_crowd_that_falls_silent_is_taken_out_in_pieces_and_nobody_of_it_is_asked(
    scripts: Scripts, town: LobbyTown
) -> None:
    guests = await crowd(town, 350, "q")
    await town.enter("anna", available=False)
    await town.advance(15)
    assert standing(scripts) > 200, "all were taken out in one step"
    assert set(await town.states(*guests)) == {"gone"}
    for _ in range(8):
        assert await town.waits("anna")
    assert standing(scripts) == 1


async def test_a_crowd_that_comes_back_stands_again_after_some_steps_and_can_look_at_once(
    scripts: Scripts, town: LobbyTown
) -> None:
    guests = await crowd(town, 350, "q")
    for _ in range(3):
        await town.advance(15)
    assert standing(scripts) == 0
    assert not await town.lobby.renew("q")
    assert set(await town.states(*guests)) == {"free"}
    assert (await town.seek(guests[-1])).state == "asking"
    for _ in range(4):
        await town.lobby.nearby("anna")
    assert standing(scripts) == 348


async def test_offers_of_a_silent_crowd_end_and_free_those_on_other_processes(town: LobbyTown) -> None:
    guests = await crowd(town, 250, "q")
    for n in range(5):
        await town.enter(f"seeker {n}", available=False)
        offer = (await town.seek(f"seeker {n}")).offer
        assert offer is not None and offer.candidate in guests
    await town.advance(14)
    await town.lobby.renew("p")
    await town.advance(1)
    for _ in range(3):
        await town.lobby.status([])
    assert {found.offer for found in await town.lobby.status([f"seeker {n}" for n in range(5)])} == {None}


async def test_who_is_dropped_in_the_middle_of_a_sweep_stays_out_until_entered_again(town: LobbyTown) -> None:
    guests = await crowd(town, 250, "q")
    await town.advance(15)
    await town.lobby.drop("q")
    await town.enter(guests[0], process="q")
    await town.lobby.renew("q")
    for _ in range(4):
        await town.lobby.status([])
    assert await town.states(*guests) == ["free"] + ["gone"] * 249


async def test_nothing_is_left_of_guests_and_processes_that_have_gone(scripts: Scripts, town: LobbyTown) -> None:
    await crowd(town, 250, "q")
    await town.enter("anna", blocked=("ben", "guest 001"), avoided_networks={"n": 1})
    for n in range(4):
        await town.seek(f"guest {n:03}")
    await town.lobby.block("guest 005", "guest 006")
    await town.clock.advance(15)
    await town.lobby.status([])
    for _ in range(2):  # they count as absent from the step that has seen to them
        await town.clock.advance(3_601)
        for _ in range(4):
            await town.lobby.status([])
    assert scripts.names() == ["clock"]


async def test_what_is_kept_for_late_answers_expires_by_itself_too(scripts: Scripts, town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    await town.ask("anna", "ben")
    await town.advance(15)
    await town.lobby.status([])
    for key, longest_s in (("e:offer-1", 3_600), ("r:anna", 600), ("r:ben", 600)):
        assert 0 < scripts.command("PTTL", f"{scripts.prefix}{key}") <= longest_s * 1_000


@pytest.mark.parametrize("rubbish", [b"", b"rubbish", b"\x81\xa2id\xa5other", b"\x93\x01\x02\x03"])
@pytest.mark.parametrize("how", ["value", "type"])
async def test_a_guest_whose_record_is_rubbish_is_unknown_and_enters_again(
    scripts: Scripts, town: LobbyTown, rubbish: bytes, how: str
) -> None:
    epoch = (await town.enter("ben")).epoch
    await town.enter("anna", available=False)
    key = f"{scripts.prefix}v:ben"
    scripts.command("UNLINK", key)
    if how == "value":
        scripts.command("SET", key, rubbish)
    else:
        scripts.command("SADD", key, rubbish)
    assert await town.waits("anna")
    assert (await town.where("ben")).epoch == 0
    assert await town.lobby.nearby("anna") == 0
    await town.lobby.move("anna", "lyon", District(CENTRE.lat + 1, CENTRE.lon), "Lyon")
    assert (await town.enter("ben", epoch=epoch)).epoch == epoch
    await town.ask("anna", "ben")


@pytest.mark.parametrize("lost", ["record", "rubbish"])
async def test_an_offer_whose_record_is_lost_frees_both(scripts: Scripts, town: LobbyTown, lost: str) -> None:
    await town.enter("anna", "ben", "carl")
    offer = (await town.seek("anna")).offer
    assert offer is not None
    if lost == "record":
        scripts.command("UNLINK", f"{scripts.prefix}o:{offer.id}")
    else:
        scripts.command("SET", f"{scripts.prefix}o:{offer.id}", "rubbish")
    with pytest.raises(Gone):
        await town.lobby.accept(offer.candidate, offer.id, "s")
    assert await town.states("anna", offer.candidate) == ["free", "free"]
    await town.advance(15)
    assert (await town.seek("carl")).state == "asking"


async def test_a_partner_whose_record_is_lost_frees_the_other_when_the_offer_ends(
    scripts: Scripts, town: LobbyTown
) -> None:
    await town.enter("anna", "ben")
    await town.ask("anna", "ben")
    scripts.command("UNLINK", f"{scripts.prefix}v:ben")
    await town.advance(15)
    assert await town.states("anna", "ben") == ["free", "gone"]


@pytest.mark.parametrize("book", ["leases", "endings", "absent", "sweeping"])
async def test_a_foreign_key_in_our_place_is_an_error_and_not_deleted(
    scripts: Scripts, town: LobbyTown, book: str
) -> None:
    key = f"{scripts.prefix}{book}"
    scripts.command("UNLINK", key)
    scripts.command("SET", key, "somebody else's")
    with pytest.raises((ResponseError, RedisError), match="WRONGTYPE"):
        await town.lobby.status(["anna"])
    assert scripts.command("GET", key) == b"somebody else's"


@pytest.mark.parametrize("reply", [None, 7, b"", b"\xc1", b"\xa3abc", b"\x81\xa5epoch\xa1x"])
async def test_a_nonsensical_answer_is_unavailable_and_told_without_what_it_was(
    reply: object, caplog: pytest.LogCaptureFixture
) -> None:
    async def run(script: str, args: object) -> object:
        return reply

    lobby = RedisLobby(run, random=Random(1), now_ms=int)
    with caplog.at_level(logging.ERROR), pytest.raises(Unavailable):
        await lobby.status(["anna"])
    assert "status" in caplog.text and "anna" not in caplog.text


async def test_after_everything_was_lost_answers_are_those_of_an_empty_lobby(scripts: Scripts, town: LobbyTown) -> None:
    epoch = (await town.enter("anna", "ben")).epoch
    offer = await town.ask("anna", "ben")
    scripts.lose_everything()
    lobby = town.lobby
    with pytest.raises(Gone):
        await lobby.accept("ben", offer.id, "s")
    with pytest.raises(Gone):
        await lobby.decline("ben", offer.id)
    assert await lobby.leave("anna", epoch) is None
    assert await lobby.stop("anna") is None
    assert await town.waits("anna")
    assert not await lobby.pair("s", ["anna", "ben"])
    await lobby.view("anna", True, True)
    await lobby.available("anna", True, True)
    await lobby.move("anna", "lyon", CENTRE, "Lyon")
    await lobby.end("s", ["anna", "ben"])
    await lobby.avoid_networks("anna", ["n"], 1, [])
    await lobby.drop("p")
    assert (await lobby.block("anna", "ben"), await lobby.networks("anna"), await lobby.nearby("anna")) == (None, (), 0)
    assert scripts.names() == []
    assert not await lobby.renew("p")


async def test_the_same_seed_in_the_same_state_draws_the_same(scripts: Scripts) -> None:
    drawn = []
    for _ in range(2):
        scripts.lose_everything()
        lobby = RedisLobby(scripts.run, random=Random(11), now_ms=int, prefix=scripts.prefix)
        town = LobbyTown(lobby, Watch(scripts))
        await lobby.renew("p")
        await crowd(town, 120, "p")
        offers = [(await town.seek(f"guest {n:03}")).offer for n in range(40)]
        drawn.append([offer.candidate for offer in offers if offer is not None])
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) > 25


@pytest.mark.parametrize("there", [5, 32, 33])
async def test_in_a_small_district_and_in_a_crowded_one_everybody_has_the_same_chance(
    scripts: Scripts, town: LobbyTown, there: int
) -> None:
    guests = await crowd(town, there, "p")
    times = dict.fromkeys(guests, 0)
    rounds = there * 8
    for n in range(rounds):
        epoch = (await town.enter("anna", available=False)).epoch
        offer = (await town.lobby.seek("anna", f"offer {n}", 0)).offer
        assert offer is not None
        times[offer.candidate] += 1
        await town.lobby.later(offer.candidate, offer.id)
        await town.lobby.leave("anna", epoch)
        await town.enter(offer.candidate)
        await town.clock.advance(120)
        await town.lobby.renew("p")
    assert min(times.values()) >= 1
    assert max(times.values()) <= 20  # 8 on average


def test_no_script_yields_to_the_loop(scripts: Scripts, town: LobbyTown) -> None:
    """One call a method, so one atomic step."""
    calls: list[str] = []

    async def run(script: str, args: list[object]) -> object:
        calls.append(script)
        return await scripts.run(script, args)  # type: ignore[arg-type]

    lobby = RedisLobby(run, random=Random(1), now_ms=int, prefix=scripts.prefix)  # type: ignore[arg-type]
    asyncio.run(lobby.seek("anna", "offer", 0))
    assert calls == ["seek"]
