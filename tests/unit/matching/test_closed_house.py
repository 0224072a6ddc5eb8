"""A house that its host has closed: nobody new is led together, those who talk go on, and every page says why."""

from citychat.ports import Closure
from citychat.rules import FOR_GOOD_MS
from tests.support.stage import Stage, on_stage

TEXT = "Back tomorrow at eight."


async def close(stage: Stage, until: int = FOR_GOOD_MS) -> None:
    """What the host's command writes; it has no bus."""
    await stage.history.house.close(Closure(TEXT, until))


@on_stage
async def test_no_search_begins_and_those_that_run_end_on_every_process_within_15_s(stage: Stage) -> None:
    anna, ben = await stage.p.join("anna", looking=True), await stage.q.join("ben")
    carl = await stage.q.join("carl", available=False)
    await stage.after(1)
    await close(stage)
    await stage.after(15)
    assert [page.last("user-closed") for page in (anna, ben, carl)] == [{"text": TEXT}] * 3
    assert not (await anna.where()).looking and not anna.client.match.looking
    assert ben.last("user-offer-end") and (await ben.where()).offer is None
    failed = await carl.ask("user-seek")
    assert (failed["error"], failed["message"]) == ("closed", TEXT)
    await stage.after(60)
    assert len(ben.events("user-offer")) == 1 == len(ben.events("user-closed"))
    await stage.truth(anna, ben, carl)


@on_stage
async def test_every_page_hears_of_it_though_the_lobby_is_away(stage: Stage) -> None:
    anna, ben = await stage.p.join("anna"), await stage.p.join("ben")
    carl = await stage.p.join("carl")
    for page in (anna, ben):
        page.client.match.looking = True
    stage.p.lobby.away = {"stop"}
    await close(stage)
    await stage.after(15)
    assert [page.last("user-closed") for page in (anna, ben, carl)] == [{"text": TEXT}] * 3


@on_stage
async def test_chats_go_on_and_may_be_left_and_none_begins_again(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await close(stage)
    await stage.after(15)
    await anna.say(s, 1)
    await stage.after(0.1)
    await ben.ack(s, 1)
    await stage.after(1)
    assert anna.ranges("delivered") == [[(1, 1)]]
    again = await ben.reload()
    assert again.client.session is not None and again.last("user-closed") == {"text": TEXT}
    assert await anna.leave() == "ok"
    assert await anna.wish("user-again", session=s) == "closed"


@on_stage
async def test_two_who_wished_to_talk_again_before_it_was_closed_wait_until_it_is_open(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await anna.leave()
    await stage.p.join("carl")
    assert await anna.wish("user-again", session=s) == "ok"
    await stage.after(121)
    assert await anna.seek() == "asking"
    assert await ben.wish("user-again", session=s) == "ok"
    await close(stage)
    await stage.after(45)
    assert await stage.history.sessions.of("anna") == await stage.history.sessions.of("ben")
    assert anna.client.session is None is ben.client.session
    await stage.history.house.open()
    await stage.after(30)
    assert anna.session == ben.session != s


@on_stage
async def test_it_opens_at_its_end_by_itself_or_by_the_host_and_every_page_hears_of_it(stage: Stage) -> None:
    anna, ben = await stage.p.join("anna"), await stage.q.join("ben", available=False)
    await close(stage, stage.clock.wall_ms() + 40_000)
    await stage.after(15)
    assert await anna.seek() == "closed"
    await stage.after(40)
    assert [page.last("user-closed") for page in (anna, ben)] == [{"text": ""}] * 2
    await close(stage)
    await stage.after(15)
    assert await anna.seek() == "closed"
    await stage.history.house.open()
    await stage.after(15)
    assert anna.last("user-closed") == {"text": ""}
    assert await ben.seek() == "asking"


@on_stage
async def test_a_process_that_starts_knows_it_before_anybody_looks(stage: Stage) -> None:
    await close(stage)
    node = stage.node("late")
    node.history.away = {"house.closure"}
    node.process.start()
    await stage.after(1)
    node.history.away = set()
    await stage.after(3)
    page = await node.join("anna")
    assert page.last("user-closed") == {"text": TEXT} and await page.seek() == "closed"


@on_stage
async def test_a_history_that_is_away_changes_nothing(stage: Stage) -> None:
    anna = await stage.p.join("anna")
    await close(stage)
    await stage.after(15)
    stage.p.history.away = {"house.closure"}
    await stage.history.house.open()
    await stage.after(60)
    assert await anna.seek() == "closed"
    stage.p.history.away = set()
    await stage.after(15)
    assert await anna.seek() == "waiting"
