"""What every lobby promises about offers, answers and sessions (protocol §3)."""

import pytest

from citychat.model import Gone
from citychat.ports import GuestStatus, SeekResult
from tests.contract.lobby_town import CENTRE, LobbyTown


async def test_a_guest_who_enters_is_free_and_does_not_look(town: LobbyTown) -> None:
    entered = await town.enter("anna")
    assert (entered.session, entered.ended, entered.over) == (None, None, None)
    assert await town.where("anna") == GuestStatus(entered.epoch, "free")


async def test_an_unknown_guest_is_gone_with_epoch_0(town: LobbyTown) -> None:
    assert await town.where("nobody") == GuestStatus(0, "gone")


async def test_status_answers_in_the_order_asked(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    await town.ask("anna", "ben")
    assert await town.states("ben", "nobody", "anna", "ben") == ["asked", "gone", "asking", "asked"]
    assert await town.lobby.status([]) == []


async def test_a_seeker_with_nobody_there_waits_and_looks(town: LobbyTown) -> None:
    await town.enter("anna")
    assert await town.waits("anna")
    found = await town.where("anna")
    assert (found.state, found.looking) == ("free", True)


async def test_somebody_unknown_or_gone_or_without_a_place_waits(town: LobbyTown) -> None:
    epoch = (await town.enter("anna", "ben")).epoch
    assert await town.waits("nobody")
    await town.lobby.leave("ben", epoch)
    assert await town.waits("ben")
    assert not (await town.where("ben")).looking
    await town.enter("carl", pool=None)
    assert await town.waits("carl")
    assert (await town.where("carl")).looking
    await town.lobby.move("carl", "lyon", CENTRE, "Lyon")
    await town.ask("carl", "anna")


async def test_an_offer_names_both_and_the_seekers_city_and_when_it_ends(town: LobbyTown) -> None:
    await town.enter("anna", city="Here")
    await town.enter("ben", city="There")
    offer = await town.ask("anna", "ben")
    assert (offer.city, offer.seconds, offer.looking) == ("Here", 15, False)
    assert offer.ends == town.clock.now_ms() + 15_000
    asking, asked = await town.lobby.status(["anna", "ben"])
    assert (asking.state, asking.looking, asking.offer) == ("asking", True, offer)
    assert (asked.state, asked.looking, asked.offer) == ("asked", False, offer)


async def test_who_asked_for_more_time_gets_60_seconds(town: LobbyTown) -> None:
    await town.enter("anna")
    await town.enter("ben", slow=True)
    assert (await town.ask("anna", "ben")).seconds == 60
    await town.advance(59.9)
    assert await town.state("ben") == "asked"
    await town.advance(0.1)
    assert await town.state("ben") == "free"


async def test_more_time_can_be_asked_for_later(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    await town.lobby.available("ben", True, True)
    assert (await town.ask("anna", "ben")).seconds == 60


async def test_a_seeker_who_seeks_again_while_asking_gets_the_same_offer(town: LobbyTown) -> None:
    await town.enter("anna", "ben", "carl")
    first = await town.seek("anna")
    assert await town.seek("anna") == first


async def test_who_is_asked_and_seeks_gets_the_open_offer(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    offer = await town.ask("anna", "ben")
    await town.enter("carl")
    assert await town.seek("ben") == SeekResult("asked", offer)
    assert await town.lobby.accept("ben", offer.id, "s") is None


async def test_who_seeks_in_a_chat_is_told_so(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    await town.talk("anna", "ben", "s")
    assert await town.seek("anna") == SeekResult("matched", session="s")
    assert not (await town.where("anna")).looking


async def test_two_who_seek_at_once_share_one_offer(town: LobbyTown) -> None:
    await town.enter("anna", "ben", available=False)
    assert await town.waits("anna")
    offer = await town.ask("ben", "anna")
    assert offer.looking
    assert await town.seek("anna") == SeekResult("asked", offer)


async def test_two_seekers_never_hold_the_same_candidate(town: LobbyTown) -> None:
    await town.enter("anna", "ben", available=False)
    await town.enter("carl")
    await town.ask("anna", "carl")
    assert await town.waits("ben")
    assert (await town.where("carl")).offer == (await town.where("anna")).offer


async def test_yes_puts_both_into_the_session_and_nobody_looks(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    offer = await town.ask("anna", "ben")
    assert await town.lobby.accept("ben", offer.id, "s") is None
    for found in await town.lobby.status(["anna", "ben"]):
        assert (found.state, found.session, found.offer, found.looking) == ("chat", "s", None, False)


@pytest.mark.parametrize("first", ["accept", "decline", "later", "expire", "leave", "stop", "block"])
@pytest.mark.parametrize("second", ["accept", "later"])
async def test_exactly_one_answer_succeeds_and_a_late_yes_or_later_is_gone(
    town: LobbyTown, first: str, second: str
) -> None:
    await town.enter("ben")
    epoch = (await town.enter("anna")).epoch
    offer = await town.ask("anna", "ben")
    await town.end_offer(first, offer.id, epoch)
    before = await town.lobby.status(["anna", "ben"])
    with pytest.raises(Gone):
        await town.end_offer(second, offer.id, epoch, s="late")
    assert await town.lobby.status(["anna", "ben"]) == before


@pytest.mark.parametrize("who", ["anna", "carl", "nobody"])
async def test_only_the_candidate_can_answer(town: LobbyTown, who: str) -> None:
    await town.enter("anna", "ben")
    offer = await town.ask("anna", "ben")
    await town.enter("carl")
    for answer in (town.lobby.accept(who, offer.id, "s"), town.lobby.decline(who, offer.id)):
        with pytest.raises(Gone):
            await answer
    with pytest.raises(Gone):
        await town.lobby.later(who, offer.id)
    assert await town.states("anna", "ben") == ["asking", "asked"]


async def test_an_answer_to_an_offer_that_never_was_is_gone(town: LobbyTown) -> None:
    await town.enter("ben")
    with pytest.raises(Gone):
        await town.lobby.accept("ben", "no such offer", "s")


async def test_an_answer_counts_until_the_last_moment(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    offer = await town.ask("anna", "ben")
    await town.advance(14.999)
    assert await town.lobby.accept("ben", offer.id, "s") is None


async def test_no_frees_both_and_the_seeker_goes_on_looking(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    offer = await town.ask("anna", "ben")
    assert await town.lobby.decline("ben", offer.id) == offer
    anna, ben = await town.lobby.status(["anna", "ben"])
    assert (anna.state, anna.looking, anna.offer) == ("free", True, None)
    assert (ben.state, ben.looking, ben.offer) == ("free", False, None)


async def test_a_looker_who_says_no_goes_on_looking(town: LobbyTown) -> None:
    await town.enter("anna", "ben", available=False)
    assert await town.waits("ben")
    offer = await town.ask("anna", "ben")
    await town.lobby.decline("ben", offer.id)
    assert (await town.where("ben")).looking


async def test_an_offer_without_an_answer_ends_by_itself_for_both_and_only_the_seeker_looks_on(town: LobbyTown) -> None:
    await town.enter("anna", "ben", available=False)
    assert await town.waits("ben")
    offer = await town.ask("anna", "ben")
    assert offer.looking
    await town.advance(14.999)
    assert await town.states("anna", "ben") == ["asking", "asked"]
    await town.advance(0.001)
    anna, ben = await town.lobby.status(["anna", "ben"])
    assert (anna.state, anna.looking, anna.offer) == ("free", True, None)
    assert (ben.state, ben.looking, ben.offer) == ("free", False, None)


async def test_later_ends_the_offer_and_asking_but_bars_nobody(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    offer = await town.ask("anna", "ben")
    assert await town.lobby.later("ben", offer.id) == offer
    assert await town.states("anna", "ben") == ["free", "free"]
    await town.advance(121)
    assert await town.waits("anna")
    await town.lobby.available("ben", True, False)
    await town.ask("anna", "ben")


async def test_a_looker_who_says_later_stops_looking(town: LobbyTown) -> None:
    await town.look("ben")
    await town.enter("anna")
    offer = await town.ask("anna", "ben")
    await town.lobby.later("ben", offer.id)
    assert not (await town.where("ben")).looking


@pytest.mark.parametrize("who", ["anna", "ben"])
async def test_a_closed_socket_frees_the_other_side_at_once(town: LobbyTown, who: str) -> None:
    epochs = {guest: (await town.enter(guest)).epoch for guest in ("anna", "ben")}
    offer = await town.ask("anna", "ben")
    assert await town.lobby.leave(who, epochs[who]) == offer
    gone, left = await town.where(who), await town.where("ben" if who == "anna" else "anna")
    assert (gone.state, gone.looking, gone.offer) == ("gone", False, None)
    assert (left.state, left.looking, left.offer) == ("free", who == "ben", None)


@pytest.mark.parametrize("who", ["anna", "ben"])
async def test_stop_ends_the_looking_and_frees_the_other_side_at_once(town: LobbyTown, who: str) -> None:
    await town.enter("anna", "ben", available=False)
    assert await town.waits("ben")
    offer = await town.ask("anna", "ben")
    assert await town.lobby.stop(who) == offer
    mine, theirs = await town.where(who), await town.where("ben" if who == "anna" else "anna")
    assert (mine.state, mine.looking, mine.offer) == ("free", False, None)
    assert (theirs.state, theirs.looking, theirs.offer) == ("free", True, None)


async def test_stop_without_an_offer_only_ends_the_looking(town: LobbyTown) -> None:
    await town.enter("anna")
    assert await town.waits("anna")
    assert await town.lobby.stop("anna") is None
    assert not (await town.where("anna")).looking
    assert await town.lobby.stop("nobody") is None


@pytest.mark.parametrize("who", ["anna", "ben"])
async def test_a_new_page_ends_the_offer_of_the_old_one(town: LobbyTown, who: str) -> None:
    await town.enter("anna", "ben")
    offer = await town.ask("anna", "ben")
    assert (await town.enter(who)).over == offer
    assert await town.states("anna", "ben") == ["free", "free"]
    assert (await town.where("anna")).looking is (who == "ben")
