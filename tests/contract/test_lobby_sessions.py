"""What every lobby promises about sessions, places and the count of people nearby (protocol §3)."""

import pytest

from citychat.model import Busy, District, Gone
from tests.contract.lobby_town import CENTRE, LobbyTown, row


async def test_the_end_of_a_session_leaves_both_free_and_not_to_be_asked_until_they_say_so(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    await town.talk("anna", "ben", "s")
    await town.lobby.end("s", ["anna", "ben"])
    for found in await town.lobby.status(["anna", "ben"]):
        assert (found.state, found.session, found.looking) == ("free", None, False)
    assert await town.waits("anna")
    await town.lobby.stop("anna")
    await town.enter("carl")
    assert await town.waits("carl")
    await town.lobby.available("anna", True, False)
    await town.ask("carl", "anna")


async def test_the_end_of_a_session_touches_nobody_who_is_no_longer_in_it(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    await town.talk("anna", "ben", "s")
    await town.lobby.end("older", ["anna", "ben", "nobody"])
    assert await town.states("anna", "ben") == ["chat", "chat"]
    await town.lobby.end("s", ["anna", "ben"])
    await town.lobby.end("s", ["anna", "ben"])
    assert await town.states("anna", "ben") == ["free", "free"]


async def test_a_place_change_is_busy_during_an_offer_and_says_for_how_long(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    await town.ask("anna", "ben")
    await town.advance(5)
    for guest in ("anna", "ben"):
        with pytest.raises(Busy) as busy:
            await town.lobby.move(guest, "paris", CENTRE, "Paris")
        assert busy.value.retry_ms == 10_000


async def test_a_place_change_moves_a_looker_in_one_step(town: LobbyTown) -> None:
    await town.enter("anna", "ben", available=False)
    assert await town.waits("anna")
    await town.lobby.move("anna", "paris", District(2442, 117), "Paris")
    assert await town.waits("ben")
    await town.enter("carl", pool="paris", available=False)
    await town.ask("carl", "anna")


async def test_a_place_change_in_a_chat_counts_from_the_next_search(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    await town.talk("anna", "ben", "s")
    await town.lobby.move("anna", "paris", CENTRE, "Paris")
    assert await town.state("anna") == "chat"
    await town.lobby.end("s", ["anna", "ben"])
    await town.enter("carl", pool="paris")
    assert (await town.ask("anna", "carl")).city == "Paris"


async def test_nearby_counts_the_other_free_guests_of_the_pool_to_6(town: LobbyTown) -> None:
    await town.enter("anna")
    await town.enter("far", pool="paris")
    assert await town.lobby.nearby("anna") == 0
    for n in range(1, 9):
        await town.enter(f"guest-{n}", visible=n % 2 == 0)
        assert await town.lobby.nearby("anna") == min(n, 6)
    assert await town.lobby.nearby("far") == 0
    assert await town.lobby.nearby("nobody") == 0


async def test_nearby_tells_nobody_who_declined(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    offer = await town.ask("anna", "ben")
    assert await town.lobby.nearby("anna") == 0
    await town.lobby.decline("ben", offer.id)
    assert await town.lobby.nearby("anna") == 1


async def test_talk_again_makes_the_session_when_both_are_free(town: LobbyTown) -> None:
    await town.enter("anna", "ben", available=False)
    await town.seek("anna")
    assert await town.lobby.pair("s", ["anna", "ben"])
    for found in await town.lobby.status(["anna", "ben"]):
        assert (found.state, found.session, found.looking) == ("chat", "s", False)


async def test_talk_again_after_a_while_is_an_offer_to_that_one_alone(town: LobbyTown) -> None:
    await town.enter("anna", "ben", "carl")
    await town.lobby.available("ben", False, False)
    offer = await town.lobby.ask("anna", "ben", "o")
    assert offer is not None and (offer.id, offer.seeker, offer.candidate, offer.looking) == ("o", "anna", "ben", False)
    assert [found.offer for found in await town.lobby.status(["anna", "ben"])] == [offer, offer]
    await town.lobby.accept("ben", "o", "s")
    assert [found.session for found in await town.lobby.status(["anna", "ben"])] == ["s", "s"]


@pytest.mark.parametrize(
    "why", ["gone", "unknown", "alone", "blocked", "asking", "hidden", "rung", "rests", "unanswered"]
)
async def test_talk_again_asks_nobody_who_may_not_be_rung(town: LobbyTown, why: str) -> None:
    epoch = (await town.enter("anna", "carl", "ben")).epoch
    other = "nobody" if why == "unknown" else "anna" if why == "alone" else "ben"
    match why:
        case "gone":
            await town.lobby.leave("ben", epoch)
        case "blocked":
            await town.lobby.block("ben", "anna")
        case "hidden":
            await town.lobby.view("ben", False, False)
        case "asking":
            assert await town.lobby.ask("anna", "carl", "first")
        case "rung" | "rests" | "unanswered":
            rings = ["carl", "carl"] if why == "unanswered" else ["carl" if why == "rung" else "anna"]
            for number, seeker in enumerate(rings):
                assert await town.lobby.ask(seeker, "ben", f"ring{number}")
                await town.lobby.stop(seeker)
                await town.advance({"rung": 119, "rests": 599, "unanswered": 600}[why])
    before = await town.lobby.status(["anna", other])
    assert await town.lobby.ask("anna", other, "o") is None
    assert await town.lobby.status(["anna", other]) == before


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("why", ["gone", "unknown", "asked", "chat", "blocked", "alone"])
async def test_talk_again_happens_not_at_all_when_one_cannot(town: LobbyTown, why: str, first: int) -> None:
    epoch = (await town.enter("anna", "ben")).epoch
    pair = ["anna", "nobody" if why == "unknown" else "anna" if why == "alone" else "ben"]
    members = [pair[first], pair[1 - first]]
    match why:
        case "gone":
            await town.lobby.leave("ben", epoch)
        case "blocked":
            await town.lobby.block("ben", "anna")
        case "asked" | "chat":
            await town.lobby.available("anna", False, False)
            await town.enter("carl")
            offer = await town.ask("carl", "ben")
            if why == "chat":
                await town.lobby.accept("ben", offer.id, "other")
    before = await town.lobby.status(members)
    assert not await town.lobby.pair("s", members)
    assert await town.lobby.status(members) == before


async def test_a_reload_during_a_chat_returns_to_it(town: LobbyTown) -> None:
    epoch = (await town.enter("anna", "ben")).epoch
    await town.talk("anna", "ben", "s")
    await town.lobby.leave("ben", epoch)
    gone = await town.where("ben")
    assert (gone.state, gone.session) == ("chat", "s")
    entered = await town.enter("ben", session=row("s", "anna", "ben"))
    assert (entered.session, entered.ended) == ("s", None)
    assert await town.states("anna", "ben") == ["chat", "chat"]


async def test_a_chat_outlives_any_absence_until_it_is_ended(town: LobbyTown) -> None:
    epochs = [(await town.enter(guest)).epoch for guest in ("anna", "ben")]
    await town.talk("anna", "ben", "s")
    for guest, epoch in zip(("anna", "ben"), epochs, strict=True):
        await town.lobby.leave(guest, epoch)
    await town.clock.advance(23 * 3_600)
    assert await town.states("anna", "ben") == ["chat", "chat"]
    await town.lobby.end("s", ["anna", "ben"])
    assert await town.states("anna", "ben") == ["gone", "gone"]


async def test_entering_before_the_row_is_read_keeps_the_session_that_the_lobby_knows(town: LobbyTown) -> None:
    """An accept may fall between reading the rows and entering."""
    await town.enter("anna", "ben")
    await town.talk("anna", "ben", "s")
    assert (await town.enter("ben")).session == "s"
    assert await town.states("anna", "ben") == ["chat", "chat"]


@pytest.mark.parametrize("known", [True, False])
async def test_a_lobby_that_forgot_a_chat_resumes_it_for_both_in_one_step(town: LobbyTown, known: bool) -> None:
    if known:
        await town.enter("ben")
        assert await town.waits("ben")
    entered = await town.enter("anna", session=row("s", "anna", "ben"))
    assert (entered.session, entered.ended) == ("s", None)
    anna, ben = await town.lobby.status(["anna", "ben"])
    assert (anna.state, anna.session) == (ben.state, ben.session) == ("chat", "s")
    assert not ben.looking
    assert (ben.epoch > 0) is known
    assert (await town.enter("ben", session=row("s", "anna", "ben"))).session == "s"
    await town.lobby.end("s", ["anna", "ben"])
    assert await town.states("anna", "ben") == ["free", "free"]


async def test_a_chat_whose_other_member_is_in_another_one_is_not_resumed(town: LobbyTown) -> None:
    await town.enter("ben", "carl")
    await town.talk("ben", "carl", "other")
    before = await town.lobby.status(["ben", "carl"])
    entered = await town.enter("anna", session=row("s", "anna", "ben"))
    assert (entered.session, entered.ended) == (None, "s")
    assert await town.state("anna") == "free"
    assert await town.lobby.status(["ben", "carl"]) == before


async def test_a_chat_is_resumed_from_an_offer_of_its_other_member_and_nobody_rests(town: LobbyTown) -> None:
    await town.enter("ben", "carl")
    offer = await town.ask("ben", "carl")
    entered = await town.enter("anna", session=row("s", "anna", "ben"))
    assert (entered.session, entered.ended, entered.over) == ("s", None, None)
    assert await town.states("anna", "ben", "carl") == ["chat", "chat", "free"]
    with pytest.raises(Gone):
        await town.lobby.accept("carl", offer.id, "late")
    await town.lobby.end("s", ["anna", "ben"])
    await town.lobby.available("ben", True, False)
    assert (await town.ask("carl", "ben")).seeker == "carl"


async def test_an_older_row_than_the_session_the_guest_is_in_is_named_to_be_ended(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    await town.talk("anna", "ben", "s")
    entered = await town.enter("anna", session=row("older", "anna", "carl"))
    assert (entered.session, entered.ended) == ("s", "older")
    assert await town.state("carl") == "gone"


async def test_an_offer_ends_before_a_session_is_resumed(town: LobbyTown) -> None:
    await town.enter("anna", "carl")
    offer = await town.ask("anna", "carl")
    entered = await town.enter("anna", session=row("s", "anna", "ben"))
    assert (entered.session, entered.over) == ("s", offer)
    assert await town.states("anna", "ben", "carl") == ["chat", "chat", "free"]


@pytest.mark.parametrize("who", ["anna", "ben"])
@pytest.mark.parametrize("by", ["the lobby", "the entry"])
async def test_a_chat_of_two_who_are_kept_apart_is_not_resumed(town: LobbyTown, by: str, who: str) -> None:
    """Whichever of the two has the other among the blocked."""
    other = "ben" if who == "anna" else "anna"
    await town.enter("anna", "ben")
    if by == "the lobby":
        await town.lobby.block(who, other)
    entered = await town.enter(who, blocked=(other,) if by == "the entry" else (), session=row("s", "anna", "ben"))
    assert (entered.session, entered.ended) == (None, "s")
    entered = await town.enter(other, session=row("s", "anna", "ben"))
    assert (entered.session, entered.ended) == (None, "s")
    assert await town.states("anna", "ben") == ["free", "free"]


async def test_a_block_ends_the_session_that_the_two_are_in(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    await town.talk("anna", "ben", "s")
    await town.lobby.block("carl", "anna")
    assert await town.states("anna", "ben") == ["chat", "chat"]
    await town.lobby.block("ben", "anna")
    for found in await town.lobby.status(["anna", "ben"]):
        assert (found.state, found.session, found.looking) == ("free", None, False)
    await town.enter("dora")
    assert await town.waits("dora"), "they read an ended chat"


async def test_who_enters_with_a_block_shares_no_session_with_the_blocked_any_more(town: LobbyTown) -> None:
    """A lobby that had forgotten the block, or never heard of it."""
    await town.enter("anna", "ben")
    await town.talk("anna", "ben", "s")
    entered = await town.enter("ben", blocked=("carl", "anna"))
    assert (entered.session, entered.ended) == (None, None)
    assert await town.states("anna", "ben") == ["free", "free"]
