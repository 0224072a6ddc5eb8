"""Who has asked for more time is rung for 60 s, and no seeker can tell (protocol §3: An offer)."""

from typing import Any

import pytest
from msgspec.structs import replace

from citychat.model import Busy, Gone, Offer
from tests.contract.lobby_town import CENTRE, LobbyTown
from tests.contract.redis_scripts import Scripts
from tests.contract.test_lobby_keys import KeyScene


async def rung_on(town: LobbyTown, **changes: object) -> Offer:
    """anna looks on; ben, whom she has asked 15 s ago, is rung still."""
    await town.enter("anna", available=False)
    await town.enter("ben", slow=True, **changes)
    offer = await town.ask("anna", "ben")
    await town.advance(15)
    assert await town.states("anna", "ben") == ["free", "asked"]
    return offer


async def seen_by(town: LobbyTown, seeker: str) -> list[Any]:
    """All that a process may tell a seeker, but for ids."""
    where = await town.where(seeker)
    left_ms = where.offer.ends_for(seeker) - town.clock.now_ms() if where.offer is not None else None
    seen = [where.state, where.looking, where.session, left_ms, await town.lobby.nearby(seeker)]
    try:
        await town.lobby.move(seeker, f"of {seeker}", CENTRE, "Lyon")
    except Busy as busy:
        seen.append(busy.retry_ms)
    return [*seen, (await town.seek(seeker)).state]


@pytest.mark.parametrize("looks", [False, True])
async def test_the_seeker_of_a_guest_with_more_time_sees_what_any_seeker_sees(town: LobbyTown, looks: bool) -> None:
    town.rest_ms = 7_000
    seekers = {"anna": True, "cora": False}
    for seeker, slow in seekers.items():
        await town.enter(f"asked by {seeker}", pool=f"of {seeker}", slow=slow)
        if looks:
            assert await town.waits(f"asked by {seeker}")
        await town.enter(seeker, pool=f"of {seeker}", available=False)
        await town.ask(seeker, f"asked by {seeker}")
    for passed_s in (0, 14.9, 0.1, 5, 3, 20, 16.9, 0.1, 30, 45, 470, 9, 12, 60):
        await town.advance(passed_s)
        anna, cora = [await seen_by(town, seeker) for seeker in seekers]
        assert anna == cora, passed_s
        assert (anna[-1] == "asking") == (passed_s in (0, 14.9, 12)), "their rest begins with its end for the seeker"


async def test_the_ring_goes_on_for_60_seconds_and_nobody_else_asks(town: LobbyTown) -> None:
    offer = await rung_on(town)
    assert (offer.seconds, offer.ends_for("ben") - offer.ends_for("anna")) == (60, 45_000)
    assert await town.waits("anna")
    await town.lobby.stop("anna")
    await town.enter("carl", available=False)
    for _ in range(4):
        assert (await town.where("ben")).offer == offer
        assert await town.waits("carl")
        await town.advance(11.2)
    assert (await town.where("ben")).offer == offer
    await town.advance(0.3)
    assert await town.state("ben") == "free"
    await town.advance(59.8)
    assert await town.waits("carl"), "at most one ring in 2 minutes"
    await town.advance(0.1)
    await town.ask("carl", "ben")


async def test_it_is_one_unanswered_offer(town: LobbyTown) -> None:
    await rung_on(town)
    await town.lobby.stop("anna")
    await town.advance(130)
    await town.enter("carl", "dora", available=False)
    await town.ask("carl", "ben")
    await town.advance(60)
    await town.lobby.stop("carl")
    await town.advance(130)
    assert await town.waits("dora"), "two are enough"


@pytest.mark.parametrize("meanwhile", ["waits", "rests", "was entered again", "was here again"])
async def test_a_late_yes_begins_a_chat_while_the_seeker_looks_on(town: LobbyTown, meanwhile: str) -> None:
    town.rest_ms = 15_000 if meanwhile == "rests" else 0
    offer = await rung_on(town)
    epoch = (await town.where("anna")).epoch
    match meanwhile:
        case "was entered again":
            await town.enter("anna", available=False, epoch=epoch)
        case "was here again":
            await town.lobby.leave("anna", epoch)
            await town.enter("anna", available=False)
    assert await town.waits("anna")
    await town.advance(9)
    assert await town.lobby.accept("ben", offer.id, "s") is None
    for found in await town.lobby.status(["anna", "ben"]):
        assert (found.state, found.session, found.offer, found.looking) == ("chat", "s", None, False)


@pytest.mark.parametrize("slow", [False, True])
async def test_a_late_yes_takes_back_what_the_seeker_asks_of_another(town: LobbyTown, slow: bool) -> None:
    offer = await rung_on(town)
    await town.enter("carl", slow=slow)
    other = await town.ask("anna", "carl")
    assert await town.lobby.accept("ben", offer.id, "s") == other
    assert await town.states("anna", "ben", "carl") == ["chat", "chat", "free"]
    with pytest.raises(Gone):
        await town.lobby.accept("carl", other.id, "t")
    await town.lobby.end("s", ["anna", "ben"])
    await town.advance(120)
    await town.ask("anna", "carl")  # they do not rest
    for _ in range(2):
        await town.advance(60)
        await town.lobby.stop("anna")
        await town.lobby.view("carl", True, True)
        await town.advance(600)
        await town.ask("anna", "carl")  # at once: no letdown of hers


GONE = [
    "stopped", "left", "came back", "talks", "is asked", "moved", "her network is barred", "silent", "is rung herself",
]  # fmt: skip


@pytest.mark.parametrize("why", GONE)
async def test_a_late_yes_is_gone_when_the_seeker_is_not_there_for_it(town: LobbyTown, why: str) -> None:
    await town.lobby.renew("q")
    offer = await rung_on(town, networks=("ben's",))
    epoch = (await town.where("anna")).epoch
    match why:
        case "stopped":
            await town.lobby.stop("anna")
        case "left":
            await town.lobby.leave("anna", epoch)
        case "came back":
            await town.enter("anna", available=False)
        case "talks":
            await town.enter("carl")
            await town.talk("anna", "carl", "t")
        case "is asked":
            await town.enter("carl", available=False)
            await town.ask("carl", "anna")
        case "is rung herself":
            await town.lobby.available("anna", False, True)
            await town.enter("carl", available=False)
            await town.ask("carl", "anna")
            await town.advance(15)
        case "moved":
            await town.lobby.move("anna", "paris", CENTRE, "Paris")
        case "her network is barred":
            await town.lobby.avoid_networks("anna", ["ben's"], town.clock.now_ms(), [])
        case "silent":
            await town.enter("anna", process="q", available=False, epoch=epoch)
            await town.seek("anna")
            await town.advance(20)
    before = await town.where("anna")
    with pytest.raises(Gone):
        await town.lobby.accept("ben", offer.id, "s")
    assert await town.state("ben") == "free", "and the ring is over"
    assert await town.where("anna") == before


async def test_a_late_yes_to_who_wishes_to_talk_again_needs_no_looking(town: LobbyTown) -> None:
    await town.enter("anna", available=False)
    await town.enter("ben", slow=True)
    offer = await town.lobby.ask("anna", "ben", "o")
    assert offer is not None
    await town.advance(30)
    assert await town.states("anna", "ben") == ["free", "asked"]
    await town.lobby.accept("ben", "o", "s")
    assert await town.states("anna", "ben") == ["chat", "chat"]


@pytest.mark.parametrize("answer", ["decline", "later", "leave", "stop", "enter", "block"])
async def test_whatever_else_ends_it_changes_nothing_for_the_seeker(town: LobbyTown, answer: str) -> None:
    offer = await rung_on(town)
    await town.enter("carl")
    other = await town.ask("anna", "carl")
    before, epoch = await town.where("anna"), (await town.where("ben")).epoch
    match answer:
        case "decline":
            assert await town.lobby.decline("ben", offer.id) == offer
        case "later":
            assert await town.lobby.later("ben", offer.id) == offer
        case "leave":
            assert await town.lobby.leave("ben", epoch) == offer
        case "stop":
            assert await town.lobby.stop("ben") == offer
        case "enter":
            assert (await town.enter("ben", slow=True)).over == offer
        case "block":
            assert await town.lobby.block("anna", "ben") == offer
    assert await town.where("anna") == before == replace(before, offer=other)
    assert (await town.where("ben")).offer is None
    with pytest.raises(Gone):
        await town.lobby.accept("ben", offer.id, "s")
    await town.lobby.stop("anna")
    await town.lobby.stop("ben")
    assert await town.lobby.pair("s", ["anna", "ben"]) == (answer in ("later", "stop", "enter"))


@pytest.mark.parametrize("what", ["leaves", "is back", "silent", "dropped", "candidate silent", "nothing looks"])
async def test_it_ends_at_60_seconds_whatever_becomes_of_the_seeker(town: LobbyTown, what: str) -> None:
    await town.lobby.renew("q")
    await town.enter("anna", process="q", available=False)
    await town.enter("ben", slow=True, process="r" if what == "candidate silent" else "p")
    await town.lobby.renew("r")
    await town.ask("anna", "ben")
    alive: tuple[str, ...] = ("p", "q", "r")
    await town.advance(15, alive=alive)
    match what:
        case "leaves":
            await town.lobby.leave("anna", (await town.where("anna")).epoch)
        case "is back":
            await town.enter("anna", process="q")
        case "silent":
            alive = ("p",)
        case "dropped":
            await town.lobby.drop("q")
            alive = ("p",)
        case "candidate silent":
            alive = ("p", "q")
    if what == "nothing looks":
        await town.clock.advance(45)
        await town.lobby.renew("p")
    else:
        await town.advance(44.9, alive=alive)
        assert await town.state("ben") == ("gone" if what == "candidate silent" else "asked")
        await town.advance(0.1, alive=alive)
    where = await town.where("ben")
    assert (where.state, where.offer) == ("gone" if what == "candidate silent" else "free", None)


async def test_who_is_rung_on_talks_again_with_another(town: LobbyTown) -> None:
    """As anybody could whose offer is over."""
    await rung_on(town)
    await town.enter("carl")
    assert await town.lobby.pair("s", ["carl", "ben"])
    for found in await town.lobby.status(["carl", "ben"]):
        assert (found.state, found.session, found.offer) == ("chat", "s", None)


@pytest.mark.parametrize("lost", ["endings", "v:anna", "v:ben", "o:"])
async def test_it_ends_at_60_seconds_whichever_key_is_lost(lobby_scripts: Scripts, lost: str) -> None:
    lobby_scripts.lose_everything()
    lobby_scripts.set_time(1_700_000_000_000)
    town = KeyScene(lobby_scripts).town
    await town.lobby.renew("p")
    offer = await rung_on(town)
    for name in [name for name in lobby_scripts.names() if name.startswith(lost)]:
        lobby_scripts.command("UNLINK", lobby_scripts.prefix + name)
    await town.advance(44.9)
    assert (await town.where("ben")).offer == (offer if lost in ("endings", "v:anna") else None)
    await town.advance(0.1)
    assert (await town.where("ben")).offer is (await town.where("anna")).offer is None
    with pytest.raises(Gone):
        await town.lobby.accept("ben", offer.id, "s")
