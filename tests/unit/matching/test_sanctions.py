"""A pause that the host has decided reaches the guest wherever they are, and lasts as long as it says."""

from citychat.model import Act
from citychat.ports import GuestPaused, Pause, Sanction
from citychat.rules import DAY_MS, FOR_GOOD_MS
from tests.support.stage import Stage, on_stage
from tests.support.stores import cases_of

REASON = "rule 3, decided by the host"


async def decide(stage: Stage, until: int, *networks: str, ahead_ms: int = 0) -> None:
    """What the host's command writes; it has no bus. ``ahead_ms``: of the servers' clock before the command's."""
    now = stage.clock.wall_ms() - ahead_ms
    act = Act(now, "ada", "pause", "CODE")
    await cases_of(stage.history).sanction(Sanction("ben", until, REASON, networks, now + 86_400_000), act)


@on_stage
async def test_a_guest_whom_the_host_pauses_is_out_of_the_chat_on_another_process_and_the_partner_goes_on(
    stage: Stage,
) -> None:
    anna, ben = await stage.talking()
    until = stage.clock.wall_ms() + 3_600_000
    await decide(stage, until)
    await stage.after(16)
    told = ben.last("user-banned")
    assert (told["until"], told["reason"], ben.closed) == (until, REASON, "paused")
    assert anna.last("user-left")["how"] == "left" and anna.open
    assert all(row.ended is not None for row in await stage.history.sessions.of("ben"))
    assert (await ben.next_page().join())["error"] == "banned"
    await stage.skip(3_600_000)
    assert (await ben.next_page().join())["ok"] is True


@on_stage
async def test_a_pause_reaches_whose_process_does_not_hear_the_bus(stage: Stage) -> None:
    """Nothing of it comes back with the bus: it may be away for longer than anything is published again."""
    anna, ben = await stage.talking()
    for node in (stage.p, stage.q):
        node.bus.lost = lambda event: isinstance(event, GuestPaused)
    await decide(stage, stage.clock.wall_ms() + 7 * DAY_MS)
    await stage.after(16)
    assert ben.events("user-banned") and ben.closed == "paused" and anna.open


@on_stage
async def test_who_was_paused_while_no_process_ran_is_out_of_the_chat_at_the_next_look(stage: Stage) -> None:
    anna, ben = await stage.talking()
    now = stage.clock.wall_ms()
    stage.p.matching.moderation._heeded = stage.q.matching.moderation._heeded = 0
    await cases_of(stage.history).sanction(Sanction("ben", now + 10**8, REASON), Act(now - 3_600_000, "ada", "pause"))
    await stage.after(16)
    assert ben.closed == "paused" and anna.open


@on_stage
async def test_a_pause_that_was_lifted_before_the_look_shuts_nobody_out(stage: Stage) -> None:
    anna, ben = await stage.talking()
    await decide(stage, FOR_GOOD_MS)
    await cases_of(stage.history).lift("ben", (), Act(stage.clock.wall_ms(), "ada", "lift", "CODE"))
    await stage.after(31)
    assert ben.open and anna.open and await stage.history.guests.pause("ben", stage.clock.wall_ms()) is None


@on_stage
async def test_a_ban_for_good_holds_though_three_report_the_guest_meanwhile(stage: Stage) -> None:
    await decide(stage, FOR_GOOD_MS)
    now = stage.clock.wall_ms()
    third = now + 86_400_000, "reported by several people", now, "", "CODE"
    await stage.database.run(lambda t: t.change("pause", "ben", *third))
    assert await stage.history.guests.pause("ben", now) == Pause(FOR_GOOD_MS, REASON)


@on_stage
async def test_who_is_paused_does_not_come_in_by_a_clock_in_doubt(stage: Stage) -> None:
    _anna, ben = await stage.talking()
    await decide(stage, stage.clock.wall_ms() + 7 * DAY_MS)
    await stage.after(31)
    stage.clock.ahead_ms = 40 * DAY_MS
    wrong = stage.node("wrong")
    wrong.process.start()
    await stage.after(1)
    assert wrong.matching.sessions.dates.doubt
    assert (await ben.next_page(wrong).join())["error"] == "banned"


@on_stage
async def test_a_pause_is_heeded_by_a_clock_in_doubt(stage: Stage) -> None:
    _anna, ben = await stage.talking()
    await stage.after(31)
    stage.clock.ahead_ms = 40 * DAY_MS
    await stage.after(61)
    assert stage.q.matching.sessions.dates.doubt
    await decide(stage, stage.clock.wall_ms() - 33 * DAY_MS, ahead_ms=40 * DAY_MS)
    await stage.after(31)
    assert ben.closed == "paused"


@on_stage
async def test_a_pause_ends_the_chat_as_soon_as_the_lobby_is_back(stage: Stage) -> None:
    anna, ben = await stage.talking()
    for node in (stage.p, stage.q):
        node.lobby.away = {"all"}
    await decide(stage, stage.clock.wall_ms() + 7 * DAY_MS)
    await stage.after(40)
    assert ben.closed == "paused"
    for node in (stage.p, stage.q):
        node.lobby.away = set()
    await stage.after(40)
    assert anna.client.session is None
    assert all(row.ended is not None for row in await stage.history.sessions.of("ben"))


@on_stage
async def test_who_was_paused_does_not_come_back_by_what_the_process_remembers(stage: Stage) -> None:
    anna, ben = await stage.talking()
    await anna.say(anna.session, 1)
    await stage.after(0.1)
    await ben.ack(anna.session, 1)
    await stage.after(1)
    for node in (stage.p, stage.q):
        node.history.away = {"sessions.of", "sessions.end", "sessions.find"}
    await decide(stage, stage.clock.wall_ms() + 7 * DAY_MS)
    await stage.after(31)
    assert ben.closed == "paused"
    for node in (stage.p, stage.q):
        node.history.away = {"all"}
    assert not (await ben.next_page().join(have={"A" * 11: 1}))["ok"]
