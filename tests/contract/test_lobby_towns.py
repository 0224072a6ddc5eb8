"""Also nearby towns: who wishes it meets guests of other pools who wish it too (protocol §3, "Towns nearby")."""

import pytest

from citychat.model import District, Gone
from citychat.ports import SeekResult
from citychat.rules import ROAMERS
from tests.contract.lobby_town import LobbyTown
from tests.contract.redis_scripts import Scripts
from tests.contract.test_lobby_keys import scene

VIENNE, GIVORS = District(2276, 242), District(2279, 238)


async def in_vienne(town: LobbyTown, *guests: str, **changes: object) -> None:
    """They are free in a town near Lyon, with the switch on unless told."""
    wishes = {"pool": "vienne", "district": VIENNE, "city": "Vienne", "towns": True, **changes}
    await town.enter(*guests, **wishes)


@pytest.mark.parametrize(("anna_on", "ben_on"), [(True, False), (False, True), (False, False)])
async def test_nobody_is_led_to_another_town_without_both_switches(
    town: LobbyTown, anna_on: bool, ben_on: bool
) -> None:
    await in_vienne(town, "ben", towns=ben_on)
    await town.enter("anna", towns=anna_on)
    assert await town.waits("anna", "vienne")
    await town.lobby.prefer("anna", True, ())
    await town.lobby.prefer("ben", True, ())
    offer = await town.ask("anna", "ben", "vienne")
    assert (offer.city, offer.looking, offer.pool) == ("Lyon", False, "lyon")


async def test_who_switches_it_off_is_met_by_other_towns_no_more(town: LobbyTown) -> None:
    await in_vienne(town, "ben")
    await town.enter("anna", towns=True)
    await town.lobby.prefer("ben", False, ())
    assert await town.waits("anna", "vienne")


async def test_a_town_that_is_not_among_the_neighbours_is_not_looked_into(town: LobbyTown) -> None:
    await in_vienne(town, "ben")
    await town.enter("anna", towns=True)
    assert await town.waits("anna", "givors")
    assert await town.waits("anna")


async def test_the_own_town_comes_first_and_the_nearest_next(town: LobbyTown) -> None:
    await in_vienne(town, "ben")
    await town.enter("carl", towns=True, pool="givors", district=GIVORS, city="Givors")
    await town.enter("dora", "anna", "eve", "fay", towns=True, available=False)
    await town.lobby.available("dora", True, False)
    assert await town.waits("ben") and await town.waits("carl")
    await town.ask("anna", "dora", "vienne", "givors")  # though both others look
    await town.ask("eve", "ben", "vienne", "givors")
    await town.ask("fay", "carl", "vienne", "givors")


async def test_of_another_town_who_looks_comes_first_too(town: LobbyTown) -> None:
    barred = ("ben", "carl", "dora")
    await in_vienne(town, "ben", blocked=barred)
    await in_vienne(town, "carl", blocked=barred, visible=False)
    await in_vienne(town, "dora", blocked=barred)
    assert await town.waits("carl") and await town.waits("dora")
    for n, candidate in enumerate(("dora", "carl", "ben")):
        await town.enter(f"anna {n}", towns=True, available=False)
        await town.ask(f"anna {n}", candidate, "vienne")


async def test_two_of_two_towns_who_look_meet_whoever_comes_second(town: LobbyTown) -> None:
    await town.enter("anna", towns=True, available=False)
    await in_vienne(town, "ben", available=False)
    assert await town.waits("anna", "vienne")
    offer = await town.ask("ben", "anna", "lyon")
    assert (offer.city, offer.looking) == ("Vienne", True)
    await town.lobby.accept("anna", offer.id, "s")
    assert await town.states("anna", "ben") == ["chat", "chat"]


async def test_no_place_ranks_in_another_town(town: LobbyTown) -> None:
    """Whoever is asked there is drawn: a seeker must not learn who of a town is on which side of it."""
    asked = set()
    for n in range(12):
        await in_vienne(town, f"near {n}", f"far {n}")
        await town.lobby.move(f"far {n}", "vienne", District(2270, 242), "Vienne")
        await town.enter(f"anna {n}", towns=True, available=False)
        offer = (await town.seek(f"anna {n}", "vienne")).offer
        assert offer is not None
        asked.add(offer.candidate.split()[0])
        await town.lobby.decline(offer.candidate, offer.id)
        for guest in (f"near {n}", f"far {n}", f"anna {n}"):
            await town.lobby.leave(guest, (await town.where(guest)).epoch)
    assert asked == {"near", "far"}


async def test_a_bar_a_rest_and_a_pause_hold_over_towns(town: LobbyTown) -> None:
    await in_vienne(town, "ben", "carl", "dora")
    await town.lobby.available("carl", False, False)
    await town.lobby.available("dora", False, False)
    await town.enter("anna", "eve", "fay", towns=True, available=False)
    await town.lobby.decline("ben", (await town.ask("anna", "ben", "vienne")).id)
    await town.advance(121)
    assert await town.waits("anna", "vienne"), "barred"
    await town.lobby.stop("anna")
    await town.ask("eve", "ben", "vienne")
    await town.advance(15)
    await town.lobby.stop("eve")
    assert await town.waits("fay", "vienne"), "asked within two minutes"
    await town.lobby.stop("fay")
    await town.advance(121)
    assert await town.waits("eve", "vienne"), "the pair rests"
    await town.lobby.stop("eve")
    await town.ask("fay", "ben", "vienne")


async def test_a_blocked_network_is_kept_away_over_towns(town: LobbyTown) -> None:
    await in_vienne(town, "ben", networks=("bad",), network="other")
    await town.enter("anna", towns=True, avoided_networks={"bad": town.clock.now_ms()})
    assert await town.waits("anna", "vienne")


async def test_who_ranks_behind_everybody_does_so_in_all_towns(town: LobbyTown) -> None:
    await town.enter("ben", "anna", towns=True, available=False)
    await town.lobby.available("ben", True, False)
    for partner in ("x", "y"):
        await town.lobby.let_down("ben", partner, 13_000)
    await in_vienne(town, "carl")
    await town.lobby.view("carl", False, False)
    assert await town.waits("anna", "vienne")
    await town.advance(10)
    await town.lobby.view("carl", True, False)
    await town.ask("anna", "carl", "vienne")


async def test_who_is_led_to_nobody_is_so_in_no_town(town: LobbyTown) -> None:
    await in_vienne(town, "ben")
    await town.enter("anna", towns=True)
    for n in range(5):
        await town.lobby.let_down("anna", f"partner {n}", 13_000)
        await town.lobby.let_down("ben", f"other {n}", 13_000)
    assert await town.waits("anna", "vienne") and await town.waits("ben", "lyon")


async def test_who_rests_asks_nobody_of_another_town_who_does_not_look(town: LobbyTown) -> None:
    town.rest_ms = 8_000
    await in_vienne(town, "ben", "carl")
    await town.enter("anna", towns=True, available=False)
    offer = (await town.seek("anna", "vienne")).offer
    assert offer is not None
    await town.lobby.later(offer.candidate, offer.id)
    assert await town.waits("anna", "vienne")
    await town.advance(8)
    assert (await town.seek("anna", "vienne")).state == "asking"


async def test_of_a_network_three_meet_other_towns_wherever_they_are(town: LobbyTown) -> None:
    """A share of each town would let one address be three in each of thirty."""
    for n in range(5):
        pool = f"town {n}"
        await town.enter(f"bot {n}", pool=pool, city=pool, towns=True, networks=("farm",), available=False)
        assert await town.waits(f"bot {n}")
    neighbours = [f"town {n}" for n in range(5)]
    asked, annas = [], tuple(f"anna {n}" for n in range(5))
    for n in range(5):
        await town.enter(f"anna {n}", networks=(f"anna's {n}",), towns=True, available=False, blocked=annas)
        offer = (await town.seek(f"anna {n}", *neighbours)).offer
        asked += [offer.candidate] if offer else []
    assert len(asked) == ROAMERS
    left = next(f"bot {n}" for n in range(5) if f"bot {n}" not in asked)
    await town.enter("ben", networks=("ben's",), towns=True)
    assert await town.waits(left, "lyon"), "nor do more of them ask"


async def test_who_is_over_the_share_of_the_own_town_hides_nobody_there(town: LobbyTown) -> None:
    crowd = tuple(f"bot {n:02}" for n in range(60))
    await in_vienne(town, "zoe", networks=("zoe's",), available=False, blocked=crowd)
    assert await town.waits("zoe")
    for guest in crowd:
        await in_vienne(town, guest, networks=("farm",), blocked=(*crowd, "zoe"), available=False)
        assert await town.waits(guest)
    asked = []
    for n in range(4):
        await town.enter(f"anna {n}", networks=(f"anna's {n}",), towns=True, available=False)
        offer = (await town.seek(f"anna {n}", "vienne")).offer
        asked += [offer.candidate] if offer else []
    assert len(asked) == ROAMERS + 1 and "zoe" in asked


async def test_free_guests_of_towns_are_counted_for_who_may_meet_them(town: LobbyTown) -> None:
    await in_vienne(town, "ben", "carl")
    await in_vienne(town, "dora", towns=False)
    await town.enter("anna", "eve", towns=True)
    assert await town.lobby.nearby("anna", ["vienne", "givors"]) == 3
    assert await town.lobby.nearby("anna") == 1
    await town.lobby.prefer("anna", False, ())
    assert await town.lobby.nearby("anna", ["vienne"]) == 1
    await in_vienne(town, *(f"more {n}" for n in range(8)))
    assert await town.lobby.nearby("eve", ["vienne"]) == 6


async def test_more_time_holds_over_towns_while_the_seeker_stays(town: LobbyTown) -> None:
    await in_vienne(town, "ben", "carl", slow=True)
    await town.enter("anna", "eve", towns=True, available=False)
    offers = []
    for guest in ("anna", "eve"):
        offer = (await town.seek(guest, "vienne")).offer
        assert offer is not None
        offers.append(offer)
    await town.advance(20)
    await town.lobby.accept(offers[0].candidate, offers[0].id, "s")
    assert await town.state("anna") == "chat"
    await town.lobby.move("eve", "paris", District(2443, 117), "Paris")
    with pytest.raises(Gone):
        await town.lobby.accept(offers[1].candidate, offers[1].id, "t")


async def test_whoever_has_switched_it_off_is_gone_for_a_late_yes_from_another_town(town: LobbyTown) -> None:
    await in_vienne(town, "ben", slow=True)
    await town.enter("anna", towns=True, available=False)
    offer = await town.ask("anna", "ben", "vienne")
    await town.advance(20)
    await town.lobby.prefer("anna", False, ())
    with pytest.raises(Gone):
        await town.lobby.accept("ben", offer.id, "s")


@pytest.mark.parametrize("lost", ["p:~", "c:2:", "a:2:~"])
async def test_a_lost_key_of_a_town_heals(lobby_scripts: Scripts, lost: str) -> None:
    async with scene(lobby_scripts) as played:
        town = played.town
        await town.enter("bea", pool="vienne", towns=True, city="Vienne")
        names = [name for name in lobby_scripts.names() if name.startswith(lost) and "~" in name]
        assert names
        for name in names:
            lobby_scripts.command("UNLINK", lobby_scripts.prefix + name)
        await played.lobby.mend(["bea"])
        await town.enter("jo", pool="only jo", towns=True, available=False)
        assert await played.lobby.nearby("jo", ["vienne"]) == 1
        assert (await town.seek("jo", "vienne")).state == "asking"


async def test_who_has_the_share_of_roamers_is_looked_at(lobby_scripts: Scripts) -> None:
    """It must not be kept by guests whose records were lost."""
    async with scene(lobby_scripts) as played:
        town = played.town
        for n in range(4):
            await town.enter(f"bot {n}", pool=f"town {n}", towns=True, networks=("farm",), available=False)
            assert await town.waits(f"bot {n}")
        for n in range(3):
            lobby_scripts.command("UNLINK", f"{lobby_scripts.prefix}v:bot {n}")
        await town.enter("jo", pool="only jo", towns=True, networks=("jo's",), available=False)
        found = await town.seek("jo", *(f"town {n}" for n in range(4)))
        assert found != SeekResult("waiting") and found.offer and found.offer.candidate == "bot 3"
