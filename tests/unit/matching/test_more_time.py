"""Who has asked for more time, at the door: what the page of a seeker is told, and when, is the same (protocol §3)."""

from typing import Any

import pytest

from citychat.rules import SEEKER_RESTS_MS
from tests.support.door_page import DoorPage
from tests.support.stage import Stage, on_stage


async def rung_on(stage: Stage) -> tuple[DoorPage, DoorPage]:
    """anna has asked ben 20 s ago, and looks on; he is rung still."""
    ben = await stage.q.join("ben", slow=True)
    anna = await stage.p.join("anna", available=False)
    assert await anna.seek() == "asking"
    await stage.after(20)
    assert ben.last("user-offer")["seconds"] == 60 and not ben.events("user-offer-end")
    return anna, ben


async def told_to_a_seeker(stage: Stage, slow: bool) -> list[tuple[str, dict[str, Any], float]]:
    """Every event of anna's page and when, until two minutes after she has asked the only other one here."""
    node = stage.node("r", rests_ms=(SEEKER_RESTS_MS[0], SEEKER_RESTS_MS[0]))
    node.process.start()
    await stage.after(0.1)
    await node.join("ben", slow=slow)
    anna = await node.join("anna", available=False)
    since_s, seen = stage.clock.monotonic_s(), len(anna.told)
    await anna.seek()
    for _ in range(24):
        await stage.after(5)
        await node.matching.reconciler.refresh()
    return [(event, payload, round(at_s - since_s, 2)) for event, payload, at_s in anna.told_since(seen)]


def test_the_seekers_page_hears_the_same_at_the_same_time(tmp_path_factory: pytest.TempPathFactory) -> None:
    found: dict[bool, list[tuple[str, dict[str, Any], float]]] = {}

    @on_stage
    async def scene(stage: Stage, slow: bool) -> None:
        found[slow] = await told_to_a_seeker(stage, slow)

    for slow in (False, True):
        scene(tmp_path_factory.mktemp("stage"), slow=slow)
    assert found[True] == found[False]
    assert ("user-seek", {"state": "next"}) in [told[:2] for told in found[True]]


@on_stage
async def test_a_late_yes_begins_the_chat(stage: Stage) -> None:
    anna, ben = await rung_on(stage)
    assert {"state": "next"} in anna.events("user-seek")
    assert await ben.answer("yes") == "ok"
    await stage.after(0.1)
    assert anna.session == ben.session
    await stage.truth(anna, ben)


@on_stage
async def test_whom_the_seeker_asked_meanwhile_is_told_within_a_second(stage: Stage) -> None:
    anna, ben = await rung_on(stage)
    carl = await stage.q.join("carl")
    await stage.after(5.1)
    assert carl.events("user-offer")
    assert await ben.answer("yes") == "ok"
    await stage.after(0.1)
    assert carl.last("user-offer-end")["offer"] == carl.last("user-offer")["offer"]
    assert anna.session == ben.session
    await stage.truth(anna, ben, carl)


@on_stage
async def test_a_late_yes_is_gone_when_the_seeker_has_stopped(stage: Stage) -> None:
    anna, ben = await rung_on(stage)
    await anna.wish("user-stop")
    assert await ben.answer("yes") == "gone"
    await stage.after(0.1)
    assert ben.events("user-offer-end")
    await stage.truth(anna, ben)


@on_stage
async def test_a_late_no_bars_the_pair_and_is_not_heard_by_the_seeker(stage: Stage) -> None:
    anna, ben = await rung_on(stage)
    seen = len(anna.told)
    assert await ben.answer("no") == "ok"
    await stage.after(5)
    assert len(anna.told) == seen
    assert ben.client.guest in await stage.history.relations.blocked(anna.client.guest)


@on_stage
async def test_who_is_rung_on_and_presses_find_someone_has_accepted(stage: Stage) -> None:
    anna, ben = await rung_on(stage)
    assert await ben.seek() == "matched"
    await stage.after(0.1)
    assert anna.session == ben.session


@on_stage
async def test_who_is_rung_on_and_presses_find_someone_looks_when_the_seeker_has_gone(stage: Stage) -> None:
    anna, ben = await rung_on(stage)
    anna.leaves()
    await stage.after(0.1)
    assert await ben.seek() == "waiting"
    await stage.after(0.1)
    assert ben.events("user-offer-end") and (await ben.where()).looking
    await stage.truth(ben)


@on_stage
async def test_who_is_rung_on_and_is_led_to_somebody_else_hears_that_the_question_is_off(stage: Stage) -> None:
    anna, ben = await rung_on(stage)
    carl = await stage.q.join("carl", available=False)
    assert await carl.seek() == "asking" and await anna.answer("yes") == "ok"
    await stage.q.join("dan")
    assert await ben.seek() == "asking"
    asked = ben.last("user-offer")["offer"]
    assert [end["offer"] for end in ben.events("user-offer-end")] == [asked]
    await stage.truth(anna, ben, carl)


@on_stage
async def test_so_does_who_was_asked_and_whose_hint_was_lost(stage: Stage) -> None:
    ben = await stage.q.join("ben")
    anna = await stage.p.join("anna", available=False)
    assert await anna.seek() == "asking"
    asked = ben.last("user-offer")["offer"]
    stage.p.bus.lost = lambda event: True
    await anna.wish("user-stop")
    await stage.q.join("dan")
    assert await ben.seek() == "asking"
    assert [end["offer"] for end in ben.events("user-offer-end")] == [asked]
