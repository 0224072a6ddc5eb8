"""How every lobby spares those who did not answer: rests, rings, silence (protocol §3: rest, M15)."""

import pytest

from tests.contract.lobby_town import LobbyTown


@pytest.mark.parametrize("how", ["expiry", "stop", "leave", "enter"])
async def test_a_pair_rests_10_minutes_after_no_answer(town: LobbyTown, how: str) -> None:
    await town.enter("ben")
    epoch = (await town.enter("anna", available=False)).epoch
    await town.ask("anna", "ben")
    match how:
        case "expiry":
            await town.advance(15)
        case "stop":
            await town.lobby.stop("anna")
        case "leave":
            await town.lobby.leave("anna", epoch)
    await town.enter("anna", available=False)
    await town.advance(599.9)
    await town.lobby.view("ben", True, True)
    assert await town.waits("anna")
    await town.advance(0.1)
    await town.ask("anna", "ben")


async def test_a_rest_ends_the_moment_both_look(town: LobbyTown) -> None:
    await town.enter("anna", "ben", available=False)
    await town.lobby.available("ben", True, False)
    await town.ask("anna", "ben")
    await town.advance(15)
    assert await town.waits("anna")
    offer = await town.ask("ben", "anna")
    assert offer.looking


async def test_a_rest_that_has_ended_does_not_come_back_when_one_stops_looking(town: LobbyTown) -> None:
    await town.enter("anna", "ben", available=False)
    await town.lobby.available("ben", True, False)
    await town.ask("anna", "ben")
    await town.advance(15)  # they rest
    await town.look("carl", blocked=("anna",))
    await town.lobby.view("anna", False, False)  # carl comes first
    await town.ask("ben", "carl")  # ben looks, and so does anna: no rest
    await town.lobby.stop("ben")
    await town.advance(121)
    await town.ask("anna", "ben")


async def test_later_leaves_no_rest(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    offer = await town.ask("anna", "ben")
    await town.lobby.later("ben", offer.id)
    await town.lobby.available("ben", True, False)
    await town.advance(120)
    await town.ask("anna", "ben")


async def test_somebody_who_does_not_look_is_asked_at_most_once_in_2_minutes(town: LobbyTown) -> None:
    await town.enter("ben")
    await town.enter("anna", "carl", available=False)
    await town.ask("anna", "ben")
    await town.lobby.stop("anna")
    await town.lobby.view("ben", True, True)
    await town.advance(119.9)
    assert await town.waits("carl")
    await town.advance(0.1)
    await town.ask("carl", "ben")


async def test_somebody_who_looks_is_asked_as_often_as_anybody_comes(town: LobbyTown) -> None:
    await town.look("ben")
    for n in range(5):
        await town.enter(f"guest {n}", available=False)
        offer = await town.ask(f"guest {n}", "ben")
        await town.lobby.decline("ben", offer.id)
        await town.lobby.stop(f"guest {n}")


async def test_after_two_unanswered_offers_nobody_is_asked_until_they_touch_the_page(town: LobbyTown) -> None:
    await town.enter("ben")
    for n in range(2):
        await town.enter(f"guest {n}", available=False)
        await town.ask(f"guest {n}", "ben")
        await town.advance(15)
        await town.lobby.stop(f"guest {n}")
        await town.advance(130)
    await town.enter("anna", available=False)
    await town.lobby.view("ben", False, False)
    await town.lobby.view("ben", True, False)
    await town.advance(3_600)
    await town.enter("ben")
    assert await town.waits("anna")
    await town.lobby.view("ben", True, True)
    await town.ask("anna", "ben")


async def test_an_answer_forgives_the_unanswered_ring_before_it(town: LobbyTown) -> None:
    await town.enter("ben")
    for n, answered in enumerate([False, True, False, False]):
        await town.enter(f"guest {n}", available=False)
        offer = await town.ask(f"guest {n}", "ben")
        if answered:
            await town.lobby.decline("ben", offer.id)
        await town.lobby.stop(f"guest {n}")
        await town.advance(130)
    await town.enter("anna", available=False)
    assert await town.waits("anna")


async def test_offers_to_a_looker_are_no_rings_and_silence_nobody(town: LobbyTown) -> None:
    for n in range(3):
        await town.look("ben")
        await town.enter(f"guest {n}", available=False)
        assert (await town.ask(f"guest {n}", "ben")).looking
        await town.advance(15)
        await town.lobby.stop(f"guest {n}")
    await town.enter("anna", available=False)
    await town.lobby.available("ben", True, False)
    await town.advance(120)
    await town.ask("anna", "ben")


async def test_a_rest_counts_from_the_end_of_the_offer_however_late_the_lobby_is_asked(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    await town.ask("anna", "ben")
    await town.clock.advance(15 + 600)
    await town.lobby.renew("p")
    await town.ask("anna", "ben")
