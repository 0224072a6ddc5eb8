"""Whom no lobby leads to others for a while: who takes offers back, or never answers in a chat (protocol §3)."""

import pytest

from citychat.rules import FIRST_WORD_MS
from tests.contract.lobby_town import LobbyTown


async def taken_back(town: LobbyTown, guest: str, times: int) -> None:
    """``guest`` asks so many others, and takes each offer back."""
    for n in range(times):
        other = f"asked by {guest} {n} {town.clock.now_ms()}"
        epoch = (await town.enter(other)).epoch
        assert (await town.seek(guest)).state == "asking"
        await town.lobby.stop(guest)
        await town.lobby.leave(other, epoch)


async def never_answered(town: LobbyTown, guest: str, *partners: str, ms: int = FIRST_WORD_MS) -> None:
    for partner in partners:
        await town.lobby.let_down(guest, partner, ms)


async def is_behind(town: LobbyTown, guest: str) -> bool:
    """Let somebody come and look for whoever looks: nobody is led at once to who ranks behind everybody."""
    pool = f"pool of {guest} {town.clock.now_ms()}"
    await town.enter(guest, available=False, pool=pool)
    assert await town.waits(guest)
    await town.enter("who looks", available=False, pool=pool)
    return await town.waits("who looks")


async def test_a_pair_whose_offer_was_taken_back_rests_10_minutes_though_both_look(town: LobbyTown) -> None:
    await town.look("ben")
    await town.enter("anna", available=False)
    await town.ask("anna", "ben")
    await town.lobby.stop("anna")
    assert await town.waits("anna")
    assert await town.waits("ben")
    await town.advance(599.9)
    assert await town.waits("anna")
    await town.advance(0.1)
    await town.ask("anna", "ben")


@pytest.mark.parametrize("how", ["leave", "another page"])
async def test_a_pair_whose_seeker_lost_the_link_meets_again_as_soon_as_both_look(town: LobbyTown, how: str) -> None:
    """A pulled wire costs two who look nothing; that links cannot be cut on purpose without end, letdowns see to."""
    await town.look("ben")
    epoch = (await town.enter("anna", available=False)).epoch
    await town.ask("anna", "ben")
    if how == "leave":
        await town.lobby.leave("anna", epoch)
    await town.enter("anna", available=False)
    await town.ask("anna", "ben")


@pytest.mark.parametrize("how", ["leave", "another page"])
async def test_a_link_lost_while_asking_is_a_letdown_and_another_page_alone_is_none(town: LobbyTown, how: str) -> None:
    """Of a newer page the process of the older one tells, if it is still there."""
    await town.enter("idle 1", "idle 2")
    for _ in range(2):
        epoch = (await town.enter("anna", available=False)).epoch
        assert (await town.seek("anna")).state == "asking"
        if how == "leave":
            await town.lobby.leave("anna", epoch)
    await town.look("anna")
    await town.enter("carl", available=False)
    if how == "leave":
        assert await town.waits("carl"), "anna ranks behind everybody"
    else:
        await town.ask("carl", "anna")


@pytest.mark.parametrize("how", ["taken back", "never answered"])
async def test_after_two_letdowns_a_guest_is_asked_after_everybody_else_for_10_minutes(
    town: LobbyTown, how: str
) -> None:
    await town.enter("ben", available=False)
    await (taken_back(town, "ben", 2) if how == "taken back" else never_answered(town, "ben", "x", "y"))
    assert await town.waits("ben")
    await town.enter("idle")
    await town.enter("anna", "carl", "dora", available=False)
    await town.ask("anna", "idle")
    assert await town.waits("carl")
    await town.advance(9.9)
    assert await town.waits("carl")
    await town.advance(0.1)
    await town.ask("carl", "ben")
    await town.advance(590)
    for guest in ("anna", "carl"):
        await town.lobby.stop(guest)
    await town.lobby.available("idle", False, False)
    assert await town.waits("ben")  # who let the offer to carl pass, and looks again
    await town.lobby.available("idle", True, False)
    await town.ask("dora", "ben")


async def test_who_ranks_behind_everybody_asks_nobody_but_the_like(town: LobbyTown) -> None:
    await town.enter("ben", "carl", available=False)
    for guest in ("ben", "carl"):
        await never_answered(town, guest, "x", "y")
    await town.look("anna")
    assert await town.waits("ben")
    await town.ask("carl", "ben")


async def test_one_letdown_an_hour_costs_nothing(town: LobbyTown) -> None:
    await town.enter("idle")
    for n in range(4):
        await never_answered(town, "ben", f"guest {n}")
        await town.clock.advance(3_600)
    await town.lobby.renew("p")
    await town.look("ben")
    await never_answered(town, "ben", "somebody")
    await town.enter("anna", available=False)
    await town.ask("anna", "ben")


@pytest.mark.parametrize("then", ["stays", "is away for half an hour", "comes back on another process"])
async def test_after_five_letdowns_a_guest_is_led_to_nobody_for_an_hour(town: LobbyTown, then: str) -> None:
    await town.look("ben")
    await never_answered(town, "ben", *(f"guest {n}" for n in range(5)))
    alive: tuple[str, ...] = ("p",)
    if then != "stays":
        await town.lobby.leave("ben", (await town.where("ben")).epoch)
        await town.advance(1_799)
        alive = ("p", "q")
        await town.lobby.renew("q")
        await town.enter("ben", process="p" if then.startswith("is") else "q")
    await town.enter("anna", available=False)
    assert await town.waits("ben")
    assert await town.waits("anna")
    assert await town.lobby.nearby("anna") == 1
    await town.advance(3_599.9 if then == "stays" else 1_800.9, alive=alive)
    assert await town.waits("anna")
    await town.advance(0.1, alive=alive)
    await town.ask("ben", "anna")


async def test_guests_of_one_network_can_complain_of_somebody_once_an_hour(town: LobbyTown) -> None:
    """Else a few pages that say a word and leave would silence whoever types slowly."""
    for n in range(5):
        await town.enter(f"guest {n}", networks=("theirs",), available=False)
    await town.look("ben")
    await never_answered(town, "ben", *(f"guest {n}" for n in range(5)))
    await town.enter("anna", available=False)
    await town.ask("anna", "ben")


@pytest.mark.parametrize("complains", ["a network", "a guest without one"])
async def test_of_three_guests_an_hour_a_network_can_complain(town: LobbyTown, complains: str) -> None:
    """Else bots of two addresses, in chats of seconds, would put a whole town behind everybody."""
    networks = ("theirs",) if complains == "a network" else ()
    theirs = [f"bot {n}" if networks else "bot" for n in range(5)]
    await town.enter(*theirs, networks=networks, available=False)
    people = [f"person {n}" for n in range(5)]
    for bot, person in zip(theirs, people, strict=True):
        await never_answered(town, person, f"somebody let down by {person}", bot)
    assert [await is_behind(town, person) for person in people] == [True, True, True, False, False]
    await town.advance(3_600)
    await town.enter(*theirs, networks=networks, available=False)
    for bot, person in zip(theirs, people, strict=True):
        await never_answered(town, person, f"somebody let down by {person}", bot)
    assert [await is_behind(town, person) for person in people] == [True, True, True, False, False]


async def test_guests_of_one_address_of_the_own_network_complain_as_one(town: LobbyTown) -> None:
    for n in range(2):
        await town.enter(f"bot {n}", own_network="192.168.1.66", available=False)
    await never_answered(town, "ben", "bot 0", "bot 1")
    assert not await is_behind(town, "ben")
    await town.enter("anna", own_network="192.168.1.67", available=False)
    await never_answered(town, "ben", "anna")
    assert await is_behind(town, "ben")


async def test_guests_of_one_network_who_came_on_two_days_complain_as_one(town: LobbyTown) -> None:
    for n, day in enumerate(["yesterday", "today"]):
        await town.enter(f"bot {n}", networks=(f"mark of {day}",), network="theirs", available=False)
    await never_answered(town, "ben", "bot 0", "bot 1")
    assert not await is_behind(town, "ben")


async def test_shorter_silences_are_parts_of_letdowns(town: LobbyTown) -> None:
    """Who leaves after seconds has not waited for an answer: it takes more of them."""
    half_ms = FIRST_WORD_MS // 2
    await never_answered(town, "ben", "guest 0", "guest 1", "guest 2", ms=half_ms)
    assert not await is_behind(town, "ben")
    await never_answered(town, "ben", "guest 3", ms=half_ms)
    assert await is_behind(town, "ben")
    await never_answered(town, "ben", *(f"guest {n}" for n in range(4, 10)), ms=half_ms)
    await town.advance(600)
    assert await is_behind(town, "ben"), "led to nobody"


async def test_what_nobody_complains_of_counts_each_time(town: LobbyTown) -> None:
    """A page that is opened while asking takes an offer back."""
    await never_answered(town, "ben", "", "")
    assert await is_behind(town, "ben")


@pytest.mark.parametrize("end", ["decline", "later", "expire", "block"])
async def test_no_other_end_of_an_offer_is_a_letdown(town: LobbyTown, end: str) -> None:
    for _ in range(2):
        await town.enter("ben")
        await town.enter("anna", available=False)
        offer = await town.ask("anna", "ben")
        await town.end_offer(end, offer.id, 0)
        await town.lobby.leave("ben", (await town.where("ben")).epoch)
        if end in ("decline", "block"):
            break
        await town.advance(601)
    await town.look("anna")
    await town.enter("carl")
    await town.enter("dora", available=False)
    await town.ask("dora", "anna")


async def test_entering_again_for_the_same_page_takes_no_offer_back(town: LobbyTown) -> None:
    """A process enters its guests again when the lobby has lost them."""
    for n in range(2):
        await town.enter(f"ben {n}")
        epoch = (await town.enter("anna", available=False)).epoch
        await town.ask("anna", f"ben {n}")
        await town.enter("anna", available=False, epoch=epoch, blocked=(f"ben {n}",))
        assert await town.state("anna") == "free"
    await town.look("anna", blocked=("ben 0", "ben 1"))
    await town.enter("carl", available=False)
    await town.enter("idle")
    await town.ask("carl", "anna")
