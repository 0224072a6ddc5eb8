"""“Tell me once”: who is told, by whom, how often, and when nobody is."""

from collections.abc import Mapping

from citychat.model import BadPayload
from citychat.ports import Carried, Closure
from citychat.rules import DAY_MS
from tests.support.door_page import DoorPage
from tests.support.stage import Node, Stage, on_stage

HOUR_MS = 3_600_000
LOOKS_S = 46.0  # three looks
SECOND = "https://push.example/second"


class SignsSent:
    """A carrier that notes what it is given. ``answers``: of each in turn, then "told"."""

    def __init__(self, *answers: Carried) -> None:
        self.public_key, self.mark = "public", "mark"
        self.sent: list[str] = []
        self.answers = list(answers)

    def check(self, endpoint: str) -> None:
        if not endpoint.startswith("https://push.example/"):
            raise BadPayload("endpoint: expected another.")

    async def carry(self, endpoint: str, lives_s: int) -> Carried:
        self.sent.append(endpoint.removeprefix("https://push.example/"))
        return self.answers.pop(0) if self.answers else "told"


def two(stage: Stage, carrier: SignsSent) -> tuple[Node, Node]:
    """Two processes that send signs, by the same keys."""
    nodes = stage.node("s", carrier=carrier), stage.node("t", carrier=carrier)
    for node in nodes:
        node.process.start()
    return nodes


async def ask(page: DoorPage, left_ms: int = HOUR_MS) -> Mapping[str, object]:
    return await page.ask(
        "user-sign", {"want": "ask", "endpoint": f"https://push.example/{page.guest}", "left_ms": left_ms}
    )


async def waits(node: Node, guest: str = "anna", **joined: object) -> DoorPage:
    """A guest who has asked, and has gone a while ago."""
    page = await node.join(guest, **joined)  # type: ignore[arg-type]
    assert (await ask(page))["ok"]
    page.leaves()
    await node.stage.after(61)
    return page


async def asked(stage: Stage, guest: str = "anna") -> bool:
    return await stage.history.signs.find(guest, stage.clock.wall_ms()) is not None


@on_stage
async def test_who_is_away_is_told_once_by_one_process_when_somebody_stays(stage: Stage) -> None:
    carrier = SignsSent()
    s, t = two(stage, carrier)
    await waits(s)
    await s.join("ben")
    await t.join("cleo")
    await stage.after(LOOKS_S)
    assert carrier.sent == ["anna"]
    assert not await asked(stage)
    await t.join("dan")
    await stage.after(10 * LOOKS_S)
    assert carrier.sent == ["anna"]


@on_stage
async def test_nobody_is_told_while_the_host_has_made_no_keys(stage: Stage) -> None:
    page = await stage.p.join("anna")
    for want in ("ask", "look", "stop"):
        assert await page.wish("user-sign", want=want, endpoint="https://push.example/anna") == "unknown-event"


@on_stage
async def test_who_passes_by_wakes_nobody(stage: Stage) -> None:
    carrier = SignsSent()
    s, _ = two(stage, carrier)
    await waits(s)
    before = await s.join("ben")
    for name in ("cleo", "dan", "eve", "finn", "gus"):  # somebody is always there, and nobody at two looks
        await stage.after(13)
        page = await s.join(name)
        await stage.after(1)
        before.leaves()
        before = page
    before.leaves()
    assert carrier.sent == [] and await asked(stage)


@on_stage
async def test_who_may_not_be_asked_and_does_not_look_is_nobody_to_come_for(stage: Stage) -> None:
    carrier = SignsSent()
    s, _ = two(stage, carrier)
    await waits(s)
    busy = await s.join("ben", available=False)
    await s.join("hidden", visible=False)
    await stage.after(LOOKS_S)
    assert carrier.sent == []
    await busy.seek()
    await stage.after(LOOKS_S)
    assert carrier.sent == ["anna"]


@on_stage
async def test_two_who_talk_are_nobody_to_come_for(stage: Stage) -> None:
    carrier = SignsSent()
    s, _ = two(stage, carrier)
    await waits(s)
    await s.talking("ben", "cleo")
    await stage.after(LOOKS_S)
    assert carrier.sent == [] and await asked(stage)


@on_stage
async def test_somebody_elsewhere_wakes_nobody_and_the_wish_moves_with_its_guest(stage: Stage) -> None:
    carrier = SignsSent()
    s, _ = two(stage, carrier)
    await waits(s)
    await s.join("ben", stage.address("198.51"))
    await stage.after(LOOKS_S)
    assert carrier.sent == []
    anna = await s.join("anna")
    assert (await anna.ask("user-sign", {"want": "look"}))["until"]
    found = await anna.ask("user-cities", {"q": "Paris"})
    assert (await anna.ask("user-place", {"city": found["cities"][0]["id"]}))["ok"]
    anna.leaves()
    await stage.after(LOOKS_S)
    assert carrier.sent == ["anna"]


@on_stage
async def test_who_is_here_is_not_told_and_who_looks_elsewhere_is(stage: Stage) -> None:
    carrier = SignsSent()
    s, t = two(stage, carrier)
    anna = await s.join("anna")
    await ask(anna)
    await t.join("ben")
    await stage.after(120)
    assert carrier.sent == [] and await asked(stage)
    assert await anna.wish("user-view", visible=False) == "ok"
    await stage.after(LOOKS_S)
    assert carrier.sent == ["anna"]


@on_stage
async def test_a_reload_is_no_absence(stage: Stage) -> None:
    carrier = SignsSent()
    s, _ = two(stage, carrier)
    anna = await s.join("anna")
    await ask(anna)
    await s.join("ben")
    await stage.after(120)
    for _ in range(20):
        anna = await anna.reload()
        await stage.after(7.5)
    assert carrier.sent == [] and await asked(stage)


@on_stage
async def test_who_asks_and_turns_away_is_told_a_minute_later_at_the_earliest(stage: Stage) -> None:
    carrier = SignsSent()
    s, _ = two(stage, carrier)
    anna = await s.join("anna")
    await s.join("ben")
    await stage.after(LOOKS_S)
    await ask(anna)
    anna.leaves()
    await stage.after(58)
    assert carrier.sent == []
    await stage.after(20)
    assert carrier.sent == ["anna"]


@on_stage
async def test_two_who_are_kept_apart_tell_nothing_of_each_other(stage: Stage) -> None:
    carrier = SignsSent()
    s, _ = two(stage, carrier)
    await waits(s)
    await stage.history.relations.block("ben", "anna", stage.clock.wall_ms())
    await s.join("ben")
    await stage.after(LOOKS_S)
    assert carrier.sent == [] and await asked(stage)
    await s.join("cleo")
    await stage.after(LOOKS_S)
    assert carrier.sent == ["anna"]


@on_stage
async def test_a_network_that_is_avoided_tells_nothing_either(stage: Stage) -> None:
    carrier = SignsSent()
    s, _ = two(stage, carrier)
    await waits(s, "anna", address="203.0.7.7")
    await waits(s, "cleo", address="203.0.7.8")
    ben = await s.join("ben", "203.0.9.9")
    now = stage.clock.wall_ms()
    await stage.history.relations.avoid_networks("anna", ben.client.match.entry.networks, now)
    cleo = await stage.history.guests.find("cleo")
    assert cleo is not None
    await stage.history.relations.avoid_networks("ben", cleo.networks, now)
    await stage.after(LOOKS_S)
    assert carrier.sent == [] and await asked(stage) and await asked(stage, "cleo")


@on_stage
async def test_while_the_house_is_closed_nobody_is_called(stage: Stage) -> None:
    carrier = SignsSent()
    s, _ = two(stage, carrier)
    await waits(s)
    await stage.history.house.close(Closure("back soon", stage.clock.wall_ms() + HOUR_MS // 2))
    await stage.after(11)
    await s.join("ben")
    await stage.after(LOOKS_S)
    assert carrier.sent == [] and await asked(stage)


@on_stage
async def test_a_wish_goes_at_midnight_and_after_a_day_whatever_the_page_says(stage: Stage) -> None:
    carrier = SignsSent()
    s, _ = two(stage, carrier)
    anna = await s.join("anna")
    now = stage.clock.wall_ms()
    assert now < int(str((await ask(anna, 120_000))["until"])) <= now + 121_000
    anna.leaves()
    await stage.after(140)
    assert await stage.history.signs.waiting("mark", 0) == [], "it is deleted, not only passed over"
    await s.join("ben")
    await stage.after(LOOKS_S)
    assert carrier.sent == []
    again = await s.join("anna")
    assert int(str((await ask(again, 99 * DAY_MS))["until"])) <= stage.clock.wall_ms() + DAY_MS


@on_stage
async def test_a_wish_is_taken_back_and_a_page_knows_how_it_stands(stage: Stage) -> None:
    s, t = two(stage, SignsSent())
    anna = await s.join("anna")
    assert (await anna.ask("user-sign", {"want": "look"}))["until"] is None
    until = (await ask(anna))["until"]
    anna = await anna.reload(t)
    assert (await anna.ask("user-sign", {"want": "look"}))["until"] == until
    assert (await anna.ask("user-sign", {"want": "stop"}))["until"] is None
    assert (await anna.ask("user-sign", {"want": "look"}))["until"] is None
    assert not await asked(stage)


@on_stage
async def test_a_guest_asks_three_times_and_then_once_an_hour_and_only_known_services_are_noted(stage: Stage) -> None:
    s, _ = two(stage, SignsSent())
    anna = await s.join("anna")
    assert await anna.wish("user-sign", want="ask", endpoint="https://evil.example/x") == "bad-payload"
    assert await anna.wish("user-sign", want="ask") == "bad-payload"
    assert [(await ask(anna))["ok"] for _ in range(4)] == [True, True, True, False]
    assert await anna.wish("user-sign", want="ask", endpoint=SECOND) == "busy"
    nowhere = await s.join("nobody", "192.0.2.9")
    assert (await ask(nowhere))["error"] == "no-place"


@on_stage
async def test_a_service_that_is_busy_is_asked_three_times_and_no_more(stage: Stage) -> None:
    carrier = SignsSent("again", "again", "again", "again")
    s, _ = two(stage, carrier)
    await waits(s)
    await s.join("ben")
    await stage.after(LOOKS_S + 100)
    assert carrier.sent == ["anna"] * 3
    assert s.process.odd()["signs not sent (gave up)"] == 1
    assert not await asked(stage), "what may have been told is never told again"


@on_stage
async def test_a_browser_that_is_gone_is_asked_once(stage: Stage) -> None:
    carrier = SignsSent("gone")
    s, _ = two(stage, carrier)
    await waits(s)
    await s.join("ben")
    await stage.after(LOOKS_S + 100)
    assert carrier.sent == ["anna"]
    assert s.process.odd()["signs not sent (gone)"] == 1


@on_stage
async def test_who_is_erased_is_told_nothing(stage: Stage) -> None:
    carrier = SignsSent()
    s, _ = two(stage, carrier)
    anna = await s.join("anna")
    await ask(anna)
    assert await anna.wish("user-erase", confirm=True) == "ok"
    await s.join("ben")
    await stage.after(120)
    assert carrier.sent == [] and not await asked(stage)


@on_stage
async def test_a_process_that_dies_before_it_has_sent_leaves_nothing_to_send_twice(stage: Stage) -> None:
    carrier = SignsSent("again")
    s, t = two(stage, carrier)
    await waits(s)
    await s.join("ben")
    await stage.after(LOOKS_S)
    assert carrier.sent == ["anna"]
    s.die()
    await t.join("cleo")
    await stage.after(10 * LOOKS_S)
    assert carrier.sent == ["anna"]
