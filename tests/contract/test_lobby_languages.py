"""A common language first, anybody after 10 s (protocol §3, "Languages"), on every lobby."""

import pytest
from msgspec import Struct

from citychat.model import Offer
from tests.contract.lobby_town import LobbyTown


async def test_a_common_language_comes_first(town: LobbyTown) -> None:
    await town.enter("ben", languages=("de",))
    await town.enter("carl", languages=("eu", "fr"))
    for n in range(6):
        await town.enter(f"anna {n}", languages=("fr", "es"), available=False)
    await town.ask("anna 0", "carl")
    assert await town.waits("anna 1")


async def test_anybody_after_ten_seconds(town: LobbyTown) -> None:
    await town.enter("ben", languages=("de",))
    await town.enter("anna", languages=("fr",), available=False)
    assert await town.waits("anna")
    await town.advance(9.9)
    assert await town.waits("anna")
    await town.advance(0.1)
    await town.ask("anna", "ben")


async def test_who_looks_is_held_for_its_own_ten_seconds_too(town: LobbyTown) -> None:
    """Somebody who has waited long is not put before somebody who has just begun to look for a language."""
    await town.enter("anna", languages=("fr",), available=False)
    assert await town.waits("anna")
    await town.advance(12)
    await town.enter("ben", languages=("de",), available=False)
    assert await town.waits("ben")
    assert await town.waits("anna")
    await town.advance(9.9)
    assert await town.waits("anna")
    await town.advance(0.1)
    await town.ask("anna", "ben")


@pytest.mark.parametrize("mine", [(), ("fr",)])
async def test_who_names_no_language_speaks_any(town: LobbyTown, mine: tuple[str, ...]) -> None:
    await town.enter("ben", languages=() if mine else ("de",))
    await town.enter("anna", languages=mine, available=False)
    await town.ask("anna", "ben")


async def test_ten_seconds_count_from_when_the_search_began(town: LobbyTown) -> None:
    """Another language does not begin them anew, and another search does."""
    await town.enter("ben", languages=("de",))
    await town.enter("anna", languages=("fr",), available=False)
    assert await town.waits("anna")
    await town.advance(10)
    await town.lobby.stop("anna")
    assert await town.waits("anna")
    await town.advance(6)
    await town.lobby.prefer("anna", False, ("eu",))
    assert await town.waits("anna")
    await town.advance(4)
    await town.ask("anna", "ben")


async def test_a_language_that_is_corrected_counts_at_once(town: LobbyTown) -> None:
    await town.enter("ben", languages=("de",))
    await town.enter("anna", languages=("fr",), available=False)
    assert await town.waits("anna")
    await town.lobby.prefer("anna", False, ("fr", "de"))
    await town.ask("anna", "ben")


async def test_a_chat_ends_what_the_lobby_knew_of_languages(town: LobbyTown) -> None:
    """They are kept while a guest is free or looks, and told again when it looks again."""
    await town.enter("ben", languages=("de",))
    await town.enter("anna", languages=("fr",), available=False)
    assert await town.waits("anna")
    await town.advance(10)
    offer = await town.ask("anna", "ben")
    await town.lobby.accept("ben", offer.id, "s")
    await town.lobby.prefer("anna", False, ("fr",))
    await town.lobby.end("s", ("anna", "ben"))
    await town.advance(121)
    await town.lobby.available("ben", True, False)
    await town.enter("carl", languages=("eu",), available=False)
    assert (await town.seek("carl")).offer is not None, "as of anybody"


async def test_a_page_that_is_gone_leaves_no_language(town: LobbyTown) -> None:
    entered = await town.enter("ben", languages=("de",))
    await town.lobby.leave("ben", entered.epoch)
    await town.lobby.prefer("ben", False, ("de",))
    await town.enter("ben", epoch=0)
    await town.enter("anna", languages=("fr",), available=False)
    await town.ask("anna", "ben")


async def test_no_answer_of_the_lobby_names_a_language(town: LobbyTown) -> None:
    await town.enter("ben", languages=("de",))
    await town.enter("anna", languages=("de",), available=False)
    offer = await town.ask("anna", "ben")
    assert not [name for name in Offer.__struct_fields__ if "lang" in name]
    assert "de" not in {str(value) for value in (*vars_of(offer), *vars_of(await town.where("ben")))}


def vars_of(struct: Struct) -> list[object]:
    return [getattr(struct, name) for name in struct.__struct_fields__]


async def test_a_language_counts_over_towns(town: LobbyTown) -> None:
    await town.enter("ben", pool="vienne", towns=True, languages=("de",))
    await town.enter("carl", pool="givors", towns=True, languages=("fr",))
    await town.enter("anna", towns=True, languages=("fr",), available=False)
    await town.ask("anna", "carl", "vienne", "givors")


async def test_in_a_school_that_is_over_its_share_a_language_counts_too(town: LobbyTown) -> None:
    pupils = tuple(f"pupil {n}" for n in range(5))
    await town.enter("zoe", networks=("zoe's",), available=False, blocked=pupils)
    assert await town.waits("zoe")
    for n, guest in enumerate(pupils):
        others = tuple(other for other in pupils[:4] if other != guest) if n < 4 else ()
        language = "fr" if n == 4 else "de"
        await town.enter(guest, networks=("school",), blocked=(*others, "zoe"), available=False, languages=(language,))
        assert await town.waits(guest), guest
    await town.advance(10)
    assert (await town.seek("pupil 4")).state == "asking"
