"""Blocks and reports: what they end, whom they keep apart, and for how long."""

import asyncio

from citychat.matching.moderation import new_code
from citychat.tokens import network_marks
from tests.support.stage import KEYS, Stage, on_stage

CAFE = "203.0.113.1"


@on_stage
async def test_a_block_looks_like_leaving_and_is_for_ever(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await anna.wish("user-block", session=s)
    await stage.after(0.1)
    assert ben.told[-1] == ("user-left", {"session": s, "how": "left", "since": ben.last("user-left")["since"]})
    assert await stage.history.relations.blocked("ben") == ["anna"]
    assert [await anna.seek(), await ben.seek()] == ["waiting", "waiting"]
    await stage.after(20)
    await stage.truth(anna, ben)


@on_stage
async def test_a_block_of_a_past_chat_ends_an_offer_between_the_two(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await anna.leave()
    await ben.wish("user-available", on=True)
    await stage.after(120)  # M15: a ring in two minutes
    assert await anna.seek() == "asking"
    await anna.wish("user-block", session=s)
    await anna.wish("user-block", session=s)
    await stage.after(0.5)
    assert ben.events("user-offer-end")
    await stage.truth(anna, ben)


@on_stage
async def test_a_block_reaches_the_network_of_somebody_who_has_gone(stage: Stage) -> None:
    anna = await stage.p.join("anna")
    ben = await stage.q.join("ben", CAFE)
    await stage.meet(anna, ben)
    ben.leaves()
    await stage.after(0.1)
    stage.forget()
    await stage.after(31)
    assert (await ben.where()).session == anna.session and await stage.lobby.networks("ben") == ()
    await anna.wish("user-block", session=anna.session)
    shunned = await stage.history.relations.avoided_networks("anna", stage.clock.wall_ms())
    assert set(shunned) == set(network_marks(KEYS, CAFE, stage.clock.wall_ms()))


@on_stage
async def test_a_block_is_answered_when_durable_and_holds_at_once(stage: Stage) -> None:
    anna, ben = await stage.talking()
    stage.p.history.away = {"relations.block"}
    blocking = asyncio.ensure_future(anna.wish("user-block", session=anna.session))
    await stage.after(0.1)
    assert [await anna.seek(), await ben.seek()] == ["waiting", "waiting"]
    await stage.after(10)
    assert not blocking.done()
    await stage.truth(anna, ben)
    stage.p.history.away = set()
    await stage.after(31)
    assert blocking.done() and await stage.history.relations.blocked("anna") == ["ben"]


@on_stage
async def test_a_report_ends_the_chat_and_answers_one_code_however_often(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    code = (await anna.ask("user-report", {"session": s, "reason": "threat", "note": "frightening"}))["code"]
    assert code == (await anna.ask("user-report", {"session": s, "reason": "spam"}))["code"]
    assert len(code) == 10
    assert await ben.ask("user-case", {"code": f" {code.lower()}"}) == {"ok": True, "state": "received"}
    await stage.after(0.1)
    assert ben.last("user-left")["how"] == "left" and await stage.history.relations.blocked("anna") == ["ben"]
    assert await ben.wish("user-case", code="AAAAAAAAAA") == "bad-payload"


@on_stage
async def test_a_report_waits_for_the_history(stage: Stage) -> None:
    anna, ben = await stage.talking()
    stage.p.history.away = {"reports.add"}
    reporting = asyncio.ensure_future(anna.wish("user-report", session=anna.session, reason="hate"))
    await stage.after(5)
    assert not reporting.done() and ben.last("user-left")["how"] == "left"
    stage.p.history.away = set()
    await stage.after(31)
    assert reporting.done()


def test_codes_have_fifty_bits_in_ten_signs() -> None:
    assert new_code(0) == "A" * 10
    assert new_code(2**50 - 1) == "7" * 10
    assert new_code(1) == "AAAAAAAAAB"
