"""A no that comes after its offer has ended still bars the pair (M5): it was said on a link that was dead."""

import pytest

from citychat.model import Gone
from tests.contract.lobby_town import LobbyTown


@pytest.mark.parametrize("first", ["decline", "later", "expire", "leave", "stop", "block"])
async def test_a_late_no_bars_the_pair_however_the_offer_ended(town: LobbyTown, first: str) -> None:
    await town.enter("ben")
    epoch = (await town.enter("anna")).epoch
    offer = await town.ask("anna", "ben")
    await town.end_offer(first, offer.id, epoch)
    before = await town.lobby.status(["anna", "ben"])
    assert await town.lobby.decline("ben", offer.id) == offer
    assert await town.lobby.status(["anna", "ben"]) == before
    await town.look("anna")
    await town.look("ben")  # whose rest with anna this would end
    assert await town.waits("anna") and await town.waits("ben")


async def test_a_no_after_a_yes_is_gone_and_bars_nobody(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    offer = await town.ask("anna", "ben")
    await town.lobby.accept("ben", offer.id, "s")
    with pytest.raises(Gone):
        await town.lobby.decline("ben", offer.id)
    await town.lobby.end("s", ["anna", "ben"])
    assert await town.lobby.pair("again", ["anna", "ben"])


@pytest.mark.parametrize("who", ["anna", "carl", "nobody"])
async def test_a_late_no_of_anybody_but_the_candidate_is_gone_and_bars_nobody(town: LobbyTown, who: str) -> None:
    await town.enter("anna", "ben", "carl", available=False)
    await town.lobby.available("ben", on=True, slow=False)
    offer = await town.ask("anna", "ben")
    await town.advance(15)
    with pytest.raises(Gone):
        await town.lobby.decline(who, offer.id)
    assert await town.lobby.pair("s", ["anna", "ben"])


async def test_a_late_no_ends_the_offer_by_which_the_two_are_led_together_again(town: LobbyTown) -> None:
    await town.enter("anna", "ben", available=False)
    assert await town.waits("ben")
    first = await town.ask("anna", "ben")
    await town.advance(15)
    again = (await town.seek("ben")).offer  # anna looks still, so the rest is over
    assert again is not None and again.id != first.id
    assert await town.lobby.decline("ben", first.id) == again
    assert await town.states("anna", "ben") == ["free", "free"]
    assert await town.waits("anna") and await town.waits("ben")


async def test_a_late_no_leaves_the_offer_of_somebody_else_open(town: LobbyTown) -> None:
    await town.enter("anna", "ben", available=False)
    assert await town.waits("ben")
    first = await town.ask("anna", "ben")
    await town.lobby.stop("anna")
    await town.enter("carl", available=False)
    other = await town.ask("carl", "ben")
    assert await town.lobby.decline("ben", first.id) == first
    assert (await town.where("ben")).offer == (await town.where("carl")).offer == other


async def test_a_no_counts_for_an_hour_after_the_offer_has_ended(town: LobbyTown) -> None:
    await town.enter("anna", "ben", "carl", available=False)
    await town.lobby.available("ben", on=True, slow=False)
    offer = await town.ask("anna", "ben")
    await town.advance(15)
    await town.advance(3_599)
    assert await town.lobby.decline("ben", offer.id) == offer
    await town.advance(2)
    with pytest.raises(Gone):
        await town.lobby.decline("ben", offer.id)
