"""Also nearby towns, and a common language first, from the page's wish to who is met (product page, Location, Look)."""

import logging
from typing import Any

import pytest
from msgspec import json

from citychat.places import Places
from tests.support.door_page import DoorPage
from tests.support.stage import GAZETTEER, PARIS, Stage, located, on_stage

VIENNE = GAZETTEER.named("Vienne, FR").id


async def in_vienne(stage: Stage, guest: str, **changes: object) -> DoorPage:
    page = await stage.p.join(guest, **{"towns": True, **changes})  # type: ignore[arg-type]
    answer = await page.ask("user-place", {"city": VIENNE})
    assert answer["place"]["city"] == "Vienne" and answer["place"]["towns"] > 3
    return page


@on_stage
async def test_two_of_towns_nearby_meet_and_learn_each_others_city(stage: Stage) -> None:
    ben = await in_vienne(stage, "ben")
    anna = await stage.q.join("anna", available=False, towns=True)
    s = await stage.meet(anna, ben)
    assert ben.last("user-offer")["city"] == "Lyon"
    assert anna.last("user-session")["city"] == ben.last("user-session")["city"] == "Lyon – Vienne"
    assert (await stage.row(s)).city == "Lyon – Vienne"


@pytest.mark.parametrize(("anna_on", "ben_on"), [(False, True), (True, False)])
@on_stage
async def test_nobody_meets_another_town_unless_both_want_it(stage: Stage, anna_on: bool, ben_on: bool) -> None:
    ben = await in_vienne(stage, "ben", towns=ben_on)
    anna = await stage.q.join("anna", towns=anna_on)
    await anna.seek()
    await stage.after(30)
    assert not ben.events("user-offer")
    for page in (anna, ben):
        assert await page.wish("user-prefer", towns=True, languages=[]) == "ok"
    await stage.after(10)
    assert ben.events("user-offer")


@on_stage
async def test_a_host_can_forbid_it(stage: Stage) -> None:
    node = stage.node("r")
    places = Places(GAZETTEER, located, nearby=False)
    assert places.neighbours(f"c{VIENNE}") == ()
    matching = node.matching
    matching.nearby, matching.reconciler.neighbours = places.nearby, places.neighbours
    node.joining.admission.places = places
    anna = await node.join("anna", towns=True)
    assert anna.last("answer user-join")["place"]["towns"] == 0
    assert await anna.wish("user-prefer", towns=True, languages=[]) == "ok"
    assert not anna.client.match.entry.towns
    ben = await in_vienne(stage, "ben")
    assert await ben.seek() == "waiting", "nor do guests of another process meet this one's"


@on_stage
async def test_free_guests_of_towns_nearby_are_counted_for_who_may_meet_them(stage: Stage) -> None:
    anna = await stage.p.join("anna", towns=True)
    dora = await stage.p.join("dora")
    await in_vienne(stage, "ben")
    await in_vienne(stage, "carl", towns=False)
    told = [(await stage.p.matching.reconciler.nearby(page.client.match.entry)) for page in (anna, dora)]
    assert told == ["few", "few"], "each other, and ben"
    await dora.wish("user-prefer", towns=False, languages=[])
    await stage.p.lobby.move(anna.guest, "c0", anna.client.match.entry.district, "Nowhere")
    assert await stage.p.matching.reconciler.nearby(dora.client.match.entry) == "none"


@on_stage
async def test_the_wish_outlives_a_lobby_that_has_lost_everything(stage: Stage) -> None:
    ben = await in_vienne(stage, "ben", languages=["fr"])
    anna = await stage.p.join("anna", available=False, towns=True, languages=["fr", "eu"])
    stage.forget()
    await stage.p.matching.lease.reenter()
    await stage.meet(anna, ben)


@on_stage
async def test_a_common_language_comes_first_and_anybody_after_ten_seconds(stage: Stage) -> None:
    ben, carl = [await stage.p.join(name, languages=[code]) for name, code in (("ben", "de"), ("carl", "fr"))]
    anna = await stage.q.join("anna", available=False, languages=["fr"])
    assert await anna.seek() == "asking"
    await stage.after(0.1)
    assert carl.events("user-offer") and not ben.events("user-offer")
    await carl.answer("later")
    await stage.after(9)
    assert not ben.events("user-offer")
    await stage.after(6)
    assert ben.events("user-offer"), "anybody"


@on_stage
async def test_languages_are_told_again_with_the_next_search(stage: Stage) -> None:
    """The lobby forgets them when a chat begins."""
    anna, ben, _ = await stage.p.talking("anna", "ben")
    await anna.wish("user-prefer", towns=False, languages=["fr"])
    await anna.leave()
    carl = await stage.q.join("carl", languages=["de"])
    await anna.seek()
    await stage.after(5)
    assert not carl.events("user-offer")
    await stage.after(10)
    assert carl.events("user-offer") and len(ben.events("user-offer")) == 1


@on_stage
async def test_nothing_that_leaves_or_is_kept_names_a_language(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ben = await stage.q.join("ben", languages=["eu", "wo"])
    anna = await stage.p.join("anna", available=False, languages=["eu", "wo"])
    s = await stage.meet(anna, ben)
    for page in (anna, ben):
        for event, payload in page.told:
            assert not named(payload), event
    assert not named((await stage.row(s)).shown("anna"))
    assert not named([await stage.history.guests.find(guest) for guest in ("anna", "ben")])
    assert "languages" not in caplog.text and "['eu'" not in caplog.text
    stage.p.joining._remember(anna.client)
    known = stage.p.joining.recent.of("anna")
    assert known is not None and known.entry.languages == ()


def named(told: Any) -> bool:
    written = json.encode(told, enc_hook=str).decode()
    return '"eu"' in written or '"wo"' in written or "languages" in written


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("languages", ["fr-FR"], "languages"), ("languages", ["FR"], "languages"), ("languages", ["a"], "languages"),
        ("languages", ["fr", "en", "de", "it", "es", "eu"], "languages"), ("towns", "yes", "towns"),
    ],
)  # fmt: skip
@on_stage
async def test_what_is_no_wish_is_refused_by_name(stage: Stage, field: str, value: object, said: str) -> None:
    anna = await stage.p.join("anna")
    answer = await anna.ask("user-prefer", {"towns": True, "languages": [], field: value})
    assert answer["error"] == "bad-payload" and said in answer["message"]
    refused = await stage.p.page("ben").join(**{field: value})  # type: ignore[arg-type]
    assert refused["error"] == "bad-payload" and said in refused["message"]


@on_stage
async def test_another_city_has_other_neighbours(stage: Stage) -> None:
    """And nobody of the old ones is met any more."""
    await in_vienne(stage, "ben")
    anna = await stage.p.join("anna", towns=True)
    assert (await anna.ask("user-place", {"position": PARIS}))["place"]["city"] == "Paris"
    assert await anna.seek() == "waiting"
