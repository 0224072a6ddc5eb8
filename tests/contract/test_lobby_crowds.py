"""One network takes nobody away from the others: its share of those who look in a pool (protocol §3)."""

import pytest

from tests.contract.lobby_town import CENTRE, LobbyTown


async def looks(town: LobbyTown, *guests: str, network: str, barred: bool = True) -> None:
    """They look, and have met nobody yet; ``barred``: nor will they meet each other, as in a farm of guests."""
    networks = (network,) if network else ()
    for guest in guests:
        blocked = guests if barred else ()
        await town.enter(guest, networks=networks, blocked=blocked, pool=f"only {guest}")
        assert await town.waits(guest)
        await town.enter(guest, networks=networks, blocked=blocked, epoch=(await town.where(guest)).epoch)


def farm(count: int) -> tuple[str, ...]:
    return tuple(f"bot {n:02}" for n in range(count))


async def asked_by_others(town: LobbyTown, count: int) -> list[str]:
    """Whom so many others come to who look one after the other."""
    found = []
    for n in range(count):
        await town.enter(f"other {n}", networks=(f"network {n}",), available=False)
        offer = (await town.seek(f"other {n}")).offer
        if offer is not None:
            found.append(offer.candidate)
    return found


async def test_of_a_network_three_are_led_to_others_at_a_time(town: LobbyTown) -> None:
    await looks(town, *farm(20), network="farm")
    assert sorted(await asked_by_others(town, 4)) == ["bot 00", "bot 01", "bot 02"]


async def test_who_talks_with_somebody_of_another_network_counts_for_a_minute(town: LobbyTown) -> None:
    await looks(town, *farm(20), network="farm")
    for n in range(3):
        await town.enter(f"other {n}", networks=(f"network {n}",), available=False)
        offer = (await town.seek(f"other {n}")).offer
        assert offer is not None
        await town.lobby.accept(offer.candidate, offer.id, f"s{n}")
    await town.enter("anna", networks=("anna's",), available=False)
    await town.advance(59.9)
    assert await town.waits("anna")
    await town.advance(0.1)
    assert (await town.seek("anna")).state == "asking"


async def test_who_asks_somebody_of_another_network_and_talks_counts_as_well(town: LobbyTown) -> None:
    await looks(town, *farm(20), network="farm")
    for n in range(3):
        await town.enter(f"other {n}", networks=(f"network {n}",))
        offer = await town.ask(f"bot {n:02}", f"other {n}")
        await town.lobby.accept(f"other {n}", offer.id, f"s{n}")
    await town.enter("anna", networks=("anna's",), available=False)
    assert await town.waits("anna")
    await town.advance(59.9)
    assert await town.waits("anna")
    await town.advance(0.1)
    assert (await town.seek("anna")).state == "asking"


@pytest.mark.parametrize("how", ["nothing", "later", "no", "stop", "another page", "gone"])
async def test_who_looks_and_says_no_yes_to_another_network_counts_for_a_minute_too(town: LobbyTown, how: str) -> None:
    await looks(town, *farm(20), network="farm")
    assert sorted(await asked_by_others(town, 3)) == ["bot 00", "bot 01", "bot 02"]
    await town.advance(14)
    for bot in ("bot 00", "bot 01", "bot 02"):
        where = await town.where(bot)
        assert where.offer is not None
        match how:
            case "later":
                await town.lobby.later(bot, where.offer.id)
            case "no":
                await town.lobby.decline(bot, where.offer.id)
                await town.lobby.stop(bot)  # whoever said it looks on
            case "stop":
                await town.lobby.stop(bot)
            case "another page":
                await town.enter(bot, networks=("farm",), blocked=farm(20))
            case "gone":
                await town.lobby.leave(bot, where.epoch)
        await town.lobby.available(bot, False, False)
    await town.advance(1)
    for n in range(3):
        await town.lobby.stop(f"other {n}")
    await town.enter("anna", networks=("anna's",), available=False, pool="only anna")
    assert await town.waits("anna")
    await town.lobby.move("anna", "lyon", CENTRE, "Lyon")
    assert await town.waits("anna")
    await town.advance(44.9)
    assert await town.waits("anna")
    await town.advance(0.1)
    assert (await town.seek("anna")).state == "asking"


async def test_an_offer_that_its_seeker_takes_back_costs_the_other_network_nothing(town: LobbyTown) -> None:
    await looks(town, *farm(20), network="farm")
    assert sorted(await asked_by_others(town, 3)) == ["bot 00", "bot 01", "bot 02"]
    for n in range(3):
        await town.lobby.stop(f"other {n}")
    await town.enter("anna", networks=("anna's",), available=False)
    assert (await town.seek("anna")).state == "asking"


async def test_a_crowd_has_a_tenth_where_that_is_more_than_three(town: LobbyTown) -> None:
    others = [f"person {n}" for n in range(36)]
    for n, guest in enumerate(others):
        await town.enter(guest, networks=(f"network of {guest}",), blocked=tuple(others), available=False)
        assert await town.waits(guest), n
    await looks(town, *farm(20), network="farm")
    for guest in others:
        await town.lobby.view(guest, False, False)
    assert len([bot for bot in await asked_by_others(town, 8) if bot.startswith("bot")]) == 4


async def test_who_is_over_the_share_asks_nobody_else(town: LobbyTown) -> None:
    await looks(town, *farm(4), network="farm")
    await town.enter("anna", networks=("anna's",))
    await looks(town, "ben", network="ben's")
    await town.lobby.stop("bot 03")
    assert await town.waits("bot 03")
    assert (await town.seek("bot 02")).state == "asking"


async def test_a_school_that_looks_meets_itself_while_others_look(town: LobbyTown) -> None:
    school = [f"pupil {n}" for n in range(6)]
    await looks(town, "anna", network="anna's")
    for guest in school:
        await town.enter(guest, networks=("school",), blocked=("anna",), available=False)
        await town.lobby.available(guest, False, False)
    states = [(await town.seek(guest)).state for guest in school]
    assert states == ["waiting", "asking"] * 3
    for guest in school[1::2]:
        offer = (await town.where(guest)).offer
        assert offer is not None
        await town.lobby.accept(offer.candidate, offer.id, f"s of {guest}")
    more = [f"late {n}" for n in range(4)]
    for guest in more:
        await town.enter(guest, networks=("school",), available=False)
    assert (await town.seek("late 0")).state == "asking", "who talks inside the school takes nobody's share"


async def test_those_over_the_share_meet_each_other(town: LobbyTown) -> None:
    await looks(town, *farm(3), network="school")
    await looks(town, "anna", network="anna's")
    await town.enter("anna", networks=("anna's",), blocked=farm(3), epoch=(await town.where("anna")).epoch)
    for guest in ("late 0", "late 1"):
        await town.enter(guest, networks=("school",), blocked=farm(3), available=False)
    assert await town.waits("late 0")
    await town.ask("late 1", "late 0")


@pytest.mark.parametrize("network", ["farm", ""])
async def test_a_network_alone_in_a_pool_has_no_share(town: LobbyTown, network: str) -> None:
    """Nor have guests of the host's own network, who have no mark."""
    await looks(town, *farm(5), network=network)
    met = []
    for n in range(5):
        await town.enter(f"other {n}", networks=(network,) if network else (), available=False)
        offer = (await town.seek(f"other {n}")).offer
        assert offer is not None
        met.append(offer.candidate)
    assert sorted(met) == sorted(farm(5))


async def test_a_place_change_takes_the_guest_out_of_the_share(town: LobbyTown) -> None:
    await looks(town, *farm(4), network="farm")
    await looks(town, "anna", network="anna's")
    await town.lobby.leave("bot 00", (await town.where("bot 00")).epoch)
    assert (await town.seek("bot 03")).state == "asking"
