"""Whom every lobby asks, and whom never (protocol §3: Candidates, M5, M14)."""

import pytest

from citychat.model import District, Session
from citychat.rules import DAY_MS
from tests.contract.lobby_town import CENTRE, LobbyTown


async def test_lookers_in_view_come_first_then_hidden_ones_then_idle_guests_however_far(town: LobbyTown) -> None:
    await town.look("looks, in view")
    await town.look("looks, hidden", visible=False)
    await town.lobby.move("looks, in view", "lyon", District(CENTRE.lat + 9, CENTRE.lon), "Lyon")
    await town.lobby.move("looks, hidden", "lyon", District(CENTRE.lat + 5, CENTRE.lon), "Lyon")
    await town.enter("idle, in view")
    for n, expected in enumerate(["looks, in view", "looks, hidden", "idle, in view"]):
        await town.enter(f"seeker {n}", available=False)
        await town.ask(f"seeker {n}", expected)


async def test_a_guest_changes_class_with_the_view(town: LobbyTown) -> None:
    await town.look("ben")
    await town.look("carl")
    await town.lobby.move("carl", "lyon", District(CENTRE.lat + 9, CENTRE.lon), "Lyon")
    await town.lobby.view("ben", False, False)
    await town.enter("anna", available=False)
    await town.ask("anna", "carl")


@pytest.mark.parametrize(
    "why", ["hidden", "does not want", "later hidden", "later does not want", "other pool", "gone"]
)
async def test_an_idle_guest_is_not_asked_who_is(town: LobbyTown, why: str) -> None:
    entered = await town.enter(
        "ben",
        visible=why != "hidden",
        available=why != "does not want",
        pool="paris" if why == "other pool" else "lyon",
    )
    match why:
        case "later hidden":
            await town.lobby.view("ben", False, False)
        case "later does not want":
            await town.lobby.available("ben", False, False)
        case "gone":
            await town.lobby.leave("ben", entered.epoch)
    await town.enter("anna")
    assert await town.waits("anna")


async def test_an_idle_guest_is_asked_again_when_back_in_view(town: LobbyTown) -> None:
    await town.enter("ben", visible=False)
    await town.enter("anna", available=False)
    assert await town.waits("anna")
    await town.lobby.view("ben", True, False)
    await town.ask("anna", "ben")


NEAREST_FIRST = [(0, 0), (0, 1), (1, 0), (-2, 1), (2, -3), (5, 5), (0, -12), (40, 3), (-100, 90), (900, -500)]


async def test_the_nearest_district_comes_first(town: LobbyTown) -> None:
    for up, along in reversed(NEAREST_FIRST):
        await town.enter(f"{up} {along}", district=District(CENTRE.lat + up, CENTRE.lon + along))
    for n, (up, along) in enumerate(NEAREST_FIRST):
        await town.enter(f"seeker {n}", available=False)
        await town.ask(f"seeker {n}", f"{up} {along}")


@pytest.mark.parametrize("here, near, far", [(17_999, -18_000, 17_990), (-18_000, 17_998, -17_990)])
async def test_nearness_does_not_stop_at_the_180th_meridian(town: LobbyTown, here: int, near: int, far: int) -> None:
    await town.enter("far", district=District(-850, far))
    await town.enter("near", district=District(-850, near))
    await town.enter("anna", district=District(-850, here))
    await town.ask("anna", "near")


async def test_a_district_of_longitude_is_narrower_in_the_north(town: LobbyTown) -> None:
    oslo = District(5990, 1074)
    await town.enter("three up", district=District(oslo.lat + 3, oslo.lon))
    await town.enter("five along", district=District(oslo.lat, oslo.lon + 5))
    await town.enter("anna", district=oslo, available=False)
    await town.ask("anna", "five along")


async def test_who_is_kept_apart_from_somebody_of_the_pool_asks_blindly(town: LobbyTown) -> None:
    """Else whom they never come upon would be where others come upon somebody."""
    asked = set()
    for n in range(40):
        far, near, blocker, seeker = (f"{who} {n}" for who in ("far", "near", "blocker", "seeker"))
        await town.enter(near, blocker)
        await town.enter(far, district=District(CENTRE.lat + 900, CENTRE.lon))
        await town.enter(seeker, available=False, blocked=(blocker,))
        offer = (await town.seek(seeker)).offer
        assert offer is not None
        asked.add(offer.candidate.split()[0])
        for guest in (near, far, blocker, seeker):
            await town.lobby.leave(guest, (await town.where(guest)).epoch)
    assert asked == {"near", "far"}


async def asked_of_two(town: LobbyTown, when: str, networks: tuple[str, ...], avoided: dict[str, int]) -> set[str]:
    """Whether new guests like this ask the one near them or the one far away."""
    asked = set()
    for n in range(30):
        far, near, seeker = (f"{who} {n} {when}" for who in ("far", "near", "seeker"))
        await town.enter(near)
        await town.enter(far, district=District(CENTRE.lat + 900, CENTRE.lon))
        await town.enter(seeker, available=False, networks=networks, avoided_networks=avoided)
        offer = (await town.seek(seeker)).offer
        assert offer is not None
        asked.add(offer.candidate.split()[0])
        for guest in (near, far, seeker):
            await town.lobby.leave(guest, (await town.where(guest)).epoch)
    return asked


@pytest.mark.parametrize("how", ["entered", "blocks", "moved", "has gone"])
async def test_whose_network_somebody_of_the_pool_keeps_away_asks_blindly(town: LobbyTown, how: str) -> None:
    now = town.clock.now_ms()
    avoided = {} if how == "blocks" else {"theirs": now}
    epoch = (await town.enter("ben", available=False, avoided_networks=avoided, pool="paris")).epoch
    assert await asked_of_two(town, "before", ("today's", "theirs"), {}) == {"near"}
    if how in ("entered", "has gone"):
        await town.enter("ben", available=False, avoided_networks=avoided, epoch=epoch)
    else:
        await town.lobby.move("ben", "lyon", CENTRE, "Lyon")
    if how == "blocks":
        await town.lobby.avoid_networks("ben", ["theirs"], now, [])
    if how == "has gone":
        await town.lobby.leave("ben", epoch)
    assert await asked_of_two(town, "then", ("today's", "theirs"), {}) == {"near", "far"}
    assert await asked_of_two(town, "others", ("another",), {}) == {"near"}
    await town.clock.advance(DAY_MS / 1000)
    await town.lobby.renew("p")
    assert await asked_of_two(town, "after a day", ("theirs",), {}) == {"near"}


async def test_who_keeps_a_network_away_asks_blindly(town: LobbyTown) -> None:
    now = town.clock.now_ms()
    assert await asked_of_two(town, "new", (), {"theirs": now}) == {"near", "far"}
    assert await asked_of_two(town, "old", (), {"theirs": now - DAY_MS}) == {"near"}


async def test_who_is_kept_apart_from_somebody_elsewhere_asks_the_nearest(town: LobbyTown) -> None:
    for n in range(8):
        await town.enter(f"far {n}", district=District(CENTRE.lat + 900, CENTRE.lon))
        await town.enter(f"near {n}")
        await town.enter("blocker", pool="paris")
        await town.enter(f"seeker {n}", available=False, blocked=("blocker",))
        await town.ask(f"seeker {n}", f"near {n}")


async def test_inside_a_district_everybody_has_a_chance(town: LobbyTown) -> None:
    guests = [f"guest {n}" for n in range(5)]
    await town.enter(*guests)
    asked = set()
    for _ in range(200):
        epoch = (await town.enter("anna", available=False)).epoch
        offer = (await town.seek("anna")).offer
        assert offer is not None
        asked.add(offer.candidate)
        await town.advance(15)
        await town.lobby.leave("anna", epoch)
        await town.lobby.view(offer.candidate, True, True)
        await town.advance(601)
        if len(asked) == len(guests):
            return
    raise AssertionError(f"never asked: {set(guests) - asked}")


async def test_who_looks_is_met_at_random_however_near(town: LobbyTown) -> None:
    """So that nobody learns by trying where somebody looks."""
    met = set()
    for n in range(40):
        near, far, seeker = f"near {n}", f"far {n}", f"seeker {n}"
        await town.look(near)
        await town.look(far)
        await town.lobby.move(far, "lyon", District(CENTRE.lat + 900, CENTRE.lon), "Lyon")
        await town.enter(seeker, available=False)
        offer = (await town.seek(seeker)).offer
        assert offer is not None
        met.add(offer.candidate.split()[0])
        for guest in (near, far, seeker):
            await town.lobby.leave(guest, (await town.where(guest)).epoch)
    assert met == {"near", "far"}


@pytest.mark.parametrize("what", ["decline", "later", "expire", "stop"])
async def test_a_seeker_rests_before_the_next_is_asked(town: LobbyTown, what: str) -> None:
    """So that nobody sees in which order guests are asked for somebody."""
    town.rest_ms = 9_000
    epoch = (await town.enter("anna", available=False)).epoch
    await town.enter("ben")
    await town.end_offer(what, (await town.ask("anna", "ben")).id, epoch)
    await town.enter("carl")
    assert await town.waits("anna")
    await town.advance(8.999)
    assert await town.waits("anna")
    await town.advance(0.001)
    await town.ask("anna", "carl")


@pytest.mark.parametrize("who_asks", ["anna", "carl"])
async def test_a_seeker_who_rests_and_somebody_who_looks_meet_at_once(town: LobbyTown, who_asks: str) -> None:
    town.rest_ms = 9_000
    await town.enter("anna", available=False)
    await town.enter("ben")
    await town.lobby.later("ben", (await town.ask("anna", "ben")).id)
    if who_asks == "anna":
        await town.look("carl")
        await town.ask("anna", "carl")
    else:
        await town.enter("carl", available=False)
        await town.ask("carl", "anna")


async def test_two_free_lookers_of_one_pool_find_each_other(town: LobbyTown) -> None:
    await town.look("anna", visible=False)
    await town.enter("ben", visible=False, available=False, district=District(-100, 7_000))
    await town.ask("ben", "anna")


async def test_those_blocked_for_a_guest_hide_nobody_behind_them(town: LobbyTown) -> None:
    """Neither 40 in one district, of which a claim draws 32, nor those of 70 districts, of which it walks 64."""
    crowded = [f"here {n}" for n in range(40)]
    around = [f"ring {n}" for n in range(70)]
    await town.enter(*crowded, "somebody")
    await town.lobby.move("somebody", "lyon", District(CENTRE.lat + 200, CENTRE.lon), "Lyon")
    for n, guest in enumerate(around):
        await town.enter(guest, district=District(CENTRE.lat + 1 + n, CENTRE.lon))
    await town.enter("anna", blocked=(*crowded, *around))
    await town.ask("anna", "somebody")


@pytest.mark.parametrize("end", ["no", "block"])
async def test_a_no_is_for_ever_in_both_directions(town: LobbyTown, end: str) -> None:
    await town.enter("anna", "ben")
    offer = await town.ask("anna", "ben")
    if end == "no":
        await town.lobby.decline("ben", offer.id)
    else:
        assert await town.lobby.block("anna", "ben") == offer
    assert await town.states("anna", "ben") == ["free", "free"]
    assert await town.waits("anna")
    assert await town.waits("ben")
    await town.enter("anna", "ben")
    await town.advance(700)
    assert await town.waits("ben")
    assert await town.waits("anna")


async def test_a_bar_of_two_without_an_offer_ends_no_other_offer(town: LobbyTown) -> None:
    await town.enter("anna", "ben")
    offer = await town.ask("anna", "ben")
    assert await town.lobby.block("ben", "carl") is None
    assert (await town.where("ben")).offer == offer


@pytest.mark.parametrize("who", ["anna", "ben"])
async def test_pairs_blocked_earlier_enter_with_the_guest(town: LobbyTown, who: str) -> None:
    await town.enter("anna", blocked=("ben",) if who == "anna" else ())
    await town.enter("ben", blocked=("anna",) if who == "ben" else ())
    assert await town.waits("anna")
    assert await town.waits("ben")


@pytest.mark.parametrize("who", ["anna", "ben"])
async def test_a_no_that_history_does_not_have_yet_survives_a_new_page_and_an_absence(
    town: LobbyTown, who: str
) -> None:
    await town.enter("anna", "ben")
    offer = await town.ask("anna", "ben")
    await town.lobby.decline("ben", offer.id)
    await town.lobby.leave(who, (await town.enter(who)).epoch)
    await town.advance(3_600)
    await town.enter(who)
    assert await town.waits("anna")
    assert await town.waits("ben")


@pytest.mark.parametrize("seeker, candidate, told", [("anna", "new", "at once"), ("new", "anna", "on entering")])
async def test_a_stranger_from_the_network_of_a_block_stays_away_for_24_hours(
    town: LobbyTown, seeker: str, candidate: str, told: str
) -> None:
    at = town.clock.now_ms()
    await town.enter("anna", **({"avoided_networks": {"n1": at}, "met": ("ben",)} if told == "on entering" else {}))
    if told == "at once":
        await town.lobby.avoid_networks("anna", ["n0", "n1"], at, ["ben"])
    await town.enter("new", networks=("n1", "n2"))
    assert await town.waits(seeker)
    await town.advance(DAY_MS / 1_000 - 1)
    assert await town.waits(seeker)
    await town.lobby.stop(seeker)
    await town.advance(1)
    await town.ask(seeker, candidate)


async def test_a_block_reaches_who_was_here_before_it_and_rests_of_an_earlier_one_go_on(town: LobbyTown) -> None:
    await town.enter("old", networks=("n1",))
    await town.enter("anna")
    first = town.clock.now_ms()
    await town.lobby.avoid_networks("anna", ["n1"], first, [])
    await town.advance(3_600)
    await town.lobby.avoid_networks("anna", ["n1"], town.clock.now_ms(), [])
    await town.lobby.avoid_networks("anna", ["n1"], first, [])  # told late
    await town.advance(DAY_MS / 1_000 - 3_600)
    assert await town.waits("anna")
    await town.advance(3_600)
    await town.ask("anna", "old")


@pytest.mark.parametrize("met, networks", [(("old",), ("n1",)), ((), ("n2",)), ((), ())])
@pytest.mark.parametrize("told", ["at once", "on entering"])
async def test_who_has_talked_with_the_blocker_and_other_networks_are_not_avoided(
    town: LobbyTown, met: tuple[str, ...], networks: tuple[str, ...], told: str
) -> None:
    at = town.clock.now_ms()
    await town.enter("anna", **({"avoided_networks": {"n1": at}, "met": met} if told == "on entering" else {}))
    if told == "at once":
        await town.lobby.avoid_networks("anna", ["n1"], at, met)
    await town.enter("old", networks=networks)
    await town.ask("anna", "old")


@pytest.mark.parametrize("begun", ["accepted", "paired", "resumed"])
async def test_who_talks_with_the_blocker_after_the_block_has_talked_with_them(town: LobbyTown, begun: str) -> None:
    """Whoever comes back from the network of somebody blocked meanwhile."""
    await town.enter("anna", "ben")
    await town.lobby.avoid_networks("anna", ["n1"], town.clock.now_ms(), [])
    if begun == "accepted":
        await town.lobby.accept("ben", (await town.ask("anna", "ben")).id, "s")
    elif begun == "paired":
        assert await town.lobby.pair("s", ["ben", "anna"])
    else:
        await town.enter("ben", session=Session("s", ("anna", "ben"), ("Teal Owl", "Red Fox"), "Lyon", 1, 2))
    await town.lobby.end("s", ["anna", "ben"])
    await town.advance(121)
    await town.enter("ben", networks=("n1",))
    await town.ask("anna", "ben")


async def test_the_networks_a_guest_entered_with_can_be_asked_for(town: LobbyTown) -> None:
    await town.enter("anna", networks=("n1", "n2"))
    assert await town.lobby.networks("anna") == ("n1", "n2")
    assert await town.lobby.networks("nobody") == ()
