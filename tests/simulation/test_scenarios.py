"""Stories with an end that is known: hours pass in a blink, and at the end both sides see the same."""

from collections.abc import Callable, Sequence
from functools import partial

import pytest

from citychat.model import LAMPORT_MAX, Message
from citychat.ports import Committed
from tests.simulation.ground import CONSENT
from tests.simulation.history import SimMessages
from tests.simulation.person import Person
from tests.simulation.scene import HOUR_S, Scene
from tests.simulation.wire import SimLink

MINUTE_S = 60.0


def test_two_phones_away_for_20_minutes_that_had_both_written_offline(scene: Scene) -> None:
    scene.say(scene.a, "A0")
    scene.say(scene.b, "B0")
    scene.both(lambda person: scene.network(person, False))
    for i in range(1, 6):
        scene.say(scene.a, f"A{i}")
        scene.say(scene.b, f"B{i}")
        scene.wait(3)
    scene.both(lambda person: person.close_pages())
    scene.wait(20 * MINUTE_S)
    scene.do(lambda: scene.network(scene.a, True))
    scene.do(scene.a.open_page)
    scene.wait(2 * MINUTE_S)
    assert scene.states(scene.a)[-5:] == ["stored"] * 5
    scene.do(lambda: scene.network(scene.b, True))
    scene.do(scene.b.open_page)
    scene.wait(10)
    assert set(scene.states(scene.a)) == set(scene.states(scene.b)) == {"delivered"}
    assert len(scene.finish()) == 12


def test_after_25_hours_what_waited_is_undelivered_and_its_reader_sees_a_gap_within_seconds(scene: Scene) -> None:
    scene.strict = False
    scene.do(scene.b.close_pages)
    scene.say(scene.a, "A0", "A1", "A2")
    scene.wait(3 * HOUR_S)
    scene.say(scene.a, "A3", "A4")
    scene.wait(21.1 * HOUR_S)
    assert scene.states(scene.a) == ["stored"] * 5, "24 hours and ten minutes are not over"
    scene.wait(0.9 * HOUR_S)
    assert scene.states(scene.a) == ["undelivered"] * 3 + ["stored"] * 2
    scene.do(scene.b.open_page)
    scene.wait(7)
    assert scene.theirs(scene.b) == ["…", "A3", "A4"]
    assert scene.states(scene.a) == ["undelivered"] * 3 + ["delivered"] * 2
    scene.say(scene.b, "B0")
    scene.wait(1)
    assert scene.states(scene.b) == ["delivered"]
    scene.acked = {key: text for key, text in scene.acked.items() if text > "A2"}
    assert scene.finish() == ["", "A3", "A4", "B0"], "one row for the three"


def test_a_chat_that_both_left_alone_for_a_day_is_over(scene: Scene) -> None:
    scene.say(scene.a, "A0")
    scene.wait(1)
    scene.both(lambda person: person.close_pages())
    scene.wait(26 * HOUR_S)
    scene.both(lambda person: person.open_page())
    scene.wait(5)
    for person in scene.people:
        assert not person.talks and person.here.session is not None and person.here.session["ended"]
    assert scene.finish() == ["A0"]


def test_what_was_kept_before_the_end_is_delivered_and_drawn_in_the_ended_chat(scene: Scene) -> None:
    scene.say(scene.a, "A0")
    scene.wait(1)
    scene.do(scene.b.close_pages)
    scene.say(scene.a, "A1", "A2")
    scene.wait(1)
    scene.do(scene.a.here.leave)
    scene.wait(1)
    assert scene.states(scene.a) == ["delivered", "stored", "stored"]
    scene.do(scene.b.open_page)
    scene.wait(2)
    assert scene.b.here.session is not None and scene.b.here.session["ended"] and not scene.b.talks
    assert scene.theirs(scene.b) == ["A0", "A1", "A2"]
    assert scene.states(scene.a) == ["delivered", "stored", "stored"], "who left learns nothing of it"
    assert scene.finish() == ["A0", "A1", "A2"] and scene.states(scene.a) == ["delivered", "stored", "stored"]


def test_two_windows_that_take_over_from_each_other_while_the_partner_talks(scene: Scene) -> None:
    for i in range(40):
        scene.do(scene.a.open_page)
        scene.say(scene.b, f"B{i}")
        scene.wait(scene.random.uniform(0, 0.3))
        if scene.do(partial(scene.a.say, f"A{i}")):
            scene.wait(scene.random.uniform(0, 0.3))
    assert len(scene.a.said) > 20
    assert len(scene.finish()) == 40 + len(scene.a.said)


def test_both_leave_at_once_in_mid_flight(scene: Scene) -> None:
    for i in range(10):
        scene.say(scene.a, f"A{i}")
        scene.say(scene.b, f"B{i}")
    scene.both(lambda person: person.here.leave())
    scene.wait(5)
    assert not scene.a.talks and not scene.b.talks
    scene.finish()


@pytest.mark.parametrize("event", ["user-block", "user-report"])
def test_a_block_in_mid_flight_looks_like_leaving_and_is_for_ever(scene: Scene, event: str) -> None:
    for i in range(10):
        scene.say(scene.a, f"A{i}")
        scene.say(scene.b, f"B{i}")
    assert scene.ask(scene.a, event, session=scene.s, reason="spam")["ok"]
    scene.do(lambda: scene.a.here.outbox.ended(scene.s))  # as the page does that blocks
    assert not scene.b.talks
    scene.both(lambda person: person.find_someone())
    scene.wait(20 * MINUTE_S)
    assert not scene.a.talks and not scene.b.talks
    scene.finish()


def test_every_process_is_killed_with_everything_in_flight(scene: Scene) -> None:
    for i in range(30):
        scene.say(scene.a, f"A{i}")
        scene.say(scene.b, f"B{i}")
        if i in (5, 6, 20):
            scene.wait(0.004 * i)
            for process in (0, 1):
                scene.do(partial(scene.kill_server, process, 1.0))
    assert len(scene.finish()) == 60


def test_with_history_away_for_ten_minutes_ticks_wait_and_nothing_is_lost(scene: Scene) -> None:
    scene.wait(1)
    scene.world.history_up = False
    for i in range(50):
        scene.say(scene.a, f"A{i}")
        scene.say(scene.b, f"B{i}")
        scene.wait(12)
    assert "delivered" not in scene.states(scene.a) + scene.states(scene.b)
    assert len(scene.theirs(scene.a)) == len(scene.theirs(scene.b)) == 50, "drawn all the same"
    scene.world.history_up = True
    scene.wait(MINUTE_S)
    assert set(scene.states(scene.a)) == set(scene.states(scene.b)) == {"delivered"}
    assert len(scene.finish()) == 100


def test_a_page_that_is_refused_again_and_again_comes_back_ever_more_rarely(scene: Scene) -> None:
    def refused() -> int:
        return sum("B hears user-join False unavailable" in line for line in scene.lines)

    scene.world.history_up = False
    scene.do(scene.b.here.reconnect)
    scene.wait(MINUTE_S)
    assert refused() > 3
    scene.wait(4 * MINUTE_S)
    assert refused() < 40, "with 2 s at most each time some 300"
    scene.world.history_up = True
    scene.wait(MINUTE_S)
    assert scene.b.here.joined


def test_with_the_mailbox_away_for_ten_minutes_words_to_an_absent_partner_wait_and_then_are_kept(scene: Scene) -> None:
    scene.do(scene.b.close_pages)
    scene.wait(1)
    scene.world.mailbox_up = False
    scene.say(scene.a, *(f"A{i}" for i in range(20)))
    scene.wait(10 * MINUTE_S)
    assert scene.states(scene.a) == ["waiting"] * 20
    scene.world.mailbox_up = True
    scene.wait(35)
    assert scene.states(scene.a) == ["stored"] * 20
    scene.do(scene.b.open_page)
    scene.wait(5)
    assert scene.states(scene.a) == ["delivered"] * 20
    assert len(scene.finish()) == 20


def test_talking_again_after_leaving_is_a_new_chat_and_the_old_one_stays_as_it_was(scene: Scene) -> None:
    scene.say(scene.a, "A0", "A1")
    scene.wait(1)
    scene.do(scene.b.here.leave)
    scene.wait(1)
    for person in scene.people:
        assert scene.ask(person, "user-again", session=scene.s)["ok"]
    scene.wait(5)
    new = scene.a.here.outbox.running
    assert new == scene.b.here.outbox.running not in ("", scene.s)
    scene.say(scene.a, "A2")
    scene.say(scene.b, "B0")
    assert sorted(scene.finish(new)) == ["A2", "B0"]
    assert scene.finish(scene.s) == ["A0", "A1"]


def test_late_mail_of_the_first_chat_comes_while_the_second_has_begun(scene: Scene) -> None:
    scene.do(lambda: scene.network(scene.b, False))
    scene.say(scene.a, *(f"A{i}" for i in range(10)))
    scene.wait(5)
    scene.do(scene.a.here.leave)
    scene.do(lambda: scene.network(scene.b, True))
    scene.both(lambda person: person.find_someone())
    scene.wait(MINUTE_S)
    new = scene.a.here.outbox.running
    assert new == scene.b.here.outbox.running not in ("", scene.s)
    scene.say(scene.a, "A10")
    assert scene.finish(new) == ["A10"]
    assert scene.finish(scene.s) == [f"A{i}" for i in range(10)]


def test_erasing_in_mid_flight_leaves_nothing_of_the_text_anywhere(scene: Scene) -> None:
    scene.say(scene.b, "B0")
    scene.say(scene.a, "A0", "A1")
    scene.wait(1)
    scene.do(scene.b.close_pages)
    scene.say(scene.a, *(f"A{i}" for i in range(2, 9)))
    scene.wait(0.003)
    scene.do(lambda: scene.a.here.ask("user-erase", {"confirm": True}, lambda answer: None))
    scene.wait(2)
    scene.do(scene.a.close_pages)
    scene.wait(MINUTE_S)
    kept = [entry[2].text for queue in scene.world.queues.values() for entry in (*queue.ready, *queue.unacked.values())]
    assert set(kept) <= {""}, "in the mailbox"
    scene.do(scene.b.open_page)
    scene.wait(5)
    assert [row.text for row in scene.world.rows(scene.s) if row.text] == ["B0"], "in the history"
    assert [x for x in (row["text"] for row in scene.b.shown()) if x] == ["B0"], "on the screen"
    assert scene.waiting_mail() == set()


def test_one_of_two_processes_goes_by_sigterm_and_nobody_notices(scene: Scene) -> None:
    for i in range(2):
        going, scene.servers[i] = scene.servers[i], None
        assert going is not None
        for n in range(10):
            scene.say(scene.a, f"A{10 * i + n}")
            scene.say(scene.b, f"B{10 * i + n}")
        scene.loop.run_until_complete(going.drain())
        scene.do(partial(scene.start_server, i))
        scene.wait(3)
        assert scene.a.here.joined and scene.b.here.joined
    assert len(scene.finish()) == 40


def test_who_is_left_before_the_session_was_read_looks_on_and_is_found_at_once(scene: Scene) -> None:
    scene.do(scene.a.here.leave)
    going, scene.servers[1] = scene.servers[1], None  # both on one process
    assert going is not None
    scene.loop.run_until_complete(going.drain())
    scene.wait(3)
    scene.both(lambda person: person.find_someone())
    scene.world.read_s = 1.0
    for _ in range(10_000):
        if scene.a.talks or scene.b.talks:
            break
        scene.wait(0.001)
    hasty, other = scene.people if scene.a.talks else reversed(scene.people)
    assert hasty.talks and not other.talks, "the other side has yet to read the row"
    scene.do(hasty.here.leave)
    scene.wait(1)
    assert other.here.looking and not other.talks
    scene.do(hasty.find_someone)
    scene.wait(0.1)
    assert len(scene.stand.books.offers) == 1


# A page that lies


def lie(scene: Scene, event: str, **payload: object) -> None:
    """The page of A sends what no page of ours would."""
    scene.do(lambda: scene.a.here.link.emit(event, {"s": scene.s, **payload}))


def test_a_page_that_lies_about_numbers_harms_only_itself(scene: Scene) -> None:
    scene.strict = False
    scene.say(scene.b, "B0")
    scene.wait(1)
    for n in (0, 7, LAMPORT_MAX):
        lie(scene, "chat-ack", st="neverseen", n=n)
        lie(scene, "chat-ack", st=scene.b.here.outbox.stream, n=n)
    lie(scene, "chat-ask", st="mine", ranges=[[1, LAMPORT_MAX]] * 500)
    lie(scene, "chat-message", st="far", n=LAMPORT_MAX, l=LAMPORT_MAX, x="far")
    lie(scene, "chat-message", st="x", n=1, l=1, x="x", p=["y", 1])
    lie(scene, "chat-message", st="y", n=1, l=1, x="y", p=["x", 1])
    lie(scene, "chat-message", st="z", n=1, l=1, x="z", p=["far", LAMPORT_MAX])
    scene.wait(5 * MINUTE_S)  # one round of lies a minute
    scene.say(scene.a, "A0")
    scene.say(scene.b, "B1")
    scene.wait(5)
    assert scene.states(scene.b) == ["delivered", "delivered"] and scene.b.here.joined
    assert "A0" in scene.theirs(scene.b) and "far" not in scene.theirs(scene.b)
    assert scene.waiting_mail() == set()
    assert not any(row.kind == "gap" for row in scene.world.rows(scene.s))


def test_of_two_texts_with_one_number_both_screens_and_the_history_keep_the_first(scene: Scene) -> None:
    scene.strict = False
    for x in ("first", "second", "third"):
        lie(scene, "chat-message", st="twice", n=1, l=1, x=x)
        scene.wait(scene.random.choice([0.001, 0.01, 5]))
    scene.do(scene.b.close_pages)
    lie(scene, "chat-message", st="twice", n=2, l=2, x="A second one")
    scene.wait(1)
    lie(scene, "chat-message", st="twice", n=2, l=2, x="B second one")
    scene.do(scene.b.open_page)
    scene.wait(5)
    shown = [row["text"] for row in scene.b.shown()]
    assert shown == [row.text for row in scene.world.rows(scene.s)] == ["first", "A second one"]


def test_after_a_liar_the_same_page_talks_with_the_next_as_if_nothing_had_been(scene: Scene) -> None:
    scene.strict = False
    for i in range(30):
        lie(scene, "chat-message", st=f"lie{i}", n=600 + i, l=1, x="lie")
        scene.wait(0.3)
    scene.do(scene.a.here.leave)
    scene.wait(1)
    scene.do(scene.a.close_pages)
    honest = scene.people[0] = scene.a = Person(scene, "C", CONSENT)
    honest.looking = True
    scene.do(honest.open_page)
    scene.do(scene.b.find_someone)
    scene.wait(10)
    scene.s = honest.here.outbox.running
    assert scene.s and scene.s == scene.b.here.outbox.running
    scene.say(honest, *(f"C{i}" for i in range(5)))
    scene.say(scene.b, "B0")
    scene.wait(2)
    assert scene.theirs(scene.b)[-5:] == [f"C{i}" for i in range(5)] and scene.states(honest) == ["delivered"] * 5
    assert len(scene.finish()) == 6


# Engines in the network


def test_a_write_broken_off_between_two_streams_puts_nothing_before_what_it_links_to(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B draws the end of one stream, A1, and the next, A2, at once. Of a write with both the history keeps only A2, and
    B loads afresh before it is repeated."""
    scene.do(partial(scene.network, scene.b, False))
    scene.say(scene.a, "A0", "A1")
    scene.do(scene.a.close_pages)
    scene.do(scene.a.open_page)
    scene.wait(1)
    scene.say(scene.a, "A2")
    scene.wait(5)
    add = SimMessages.add

    def torn(self: SimMessages, rows: Sequence[Message], done: Callable[[Committed | None], None]) -> None:
        if {"A1", "A2"} <= {row.text for row in rows}:
            add(self, [row for row in rows if row.text == "A2"], lambda committed: done(None))
        else:
            add(self, rows, done)

    monkeypatch.setattr(SimMessages, "add", torn)
    scene.do(partial(scene.network, scene.b, True))
    scene.do(scene.b.return_home)
    while len(scene.theirs(scene.b)) < 3:
        scene.wait(0.1)
    scene.wait(0.5)
    scene.do(scene.b.close_pages)
    scene.do(scene.b.open_page)
    assert scene.finish() == ["A0", "A1", "A2"]


def test_mail_of_a_chat_that_cannot_be_looked_up_yet_is_not_left_behind(scene: Scene) -> None:
    """B's process hears of the new chat late, gets its first mail before, and the history does not answer."""
    scene.do(scene.a.here.leave)
    scene.wait(1)
    scene.do(scene.a.find_someone)
    scene.do(scene.b.find_someone)
    for _ in range(10_000):
        if scene.a.talks or scene.b.talks:
            break
        scene.wait(0.001)
    hasty, other = scene.people if scene.a.talks else reversed(scene.people)
    assert hasty.talks and not other.talks
    server = next(each for each in scene.servers if each and other.here in [c.link.page for c in each.connections])
    scene.do(partial(server.bus.cut, 8))
    scene.world.reads_up = False
    scene.say(hasty, f"{hasty.name}0", f"{hasty.name}1")
    scene.wait(5)
    scene.world.reads_up = True
    scene.wait(30)
    assert scene.theirs(other)[-2:] == [f"{hasty.name}0", f"{hasty.name}1"]
    assert scene.states(hasty)[-2:] == ["delivered"] * 2


@pytest.mark.parametrize("back_ms", [2_000, 60_000, 3_600_000])
def test_a_page_whose_clock_is_set_back_acks_each_message_at_once_and_keeps_its_link(
    scene: Scene, back_ms: int
) -> None:
    link = scene.b.here.link
    assert isinstance(link, SimLink)
    connection = link.connection
    for number in range(1, 13):  # over a minute: a link without acks is closed after 30 s
        if number == 3:
            scene.b.clock.ahead_ms -= back_ms
        scene.say(scene.a, f"A{number}")
        while len(scene.theirs(scene.b)) < number:
            scene.wait(0.01)
        scene.wait(0.2)
        assert scene.b.here.outbox.acks.waiting == {}, "each is acked"
        scene.wait(5)
    assert scene.states(scene.a) == ["delivered"] * 12 and link.connection is connection is not None
