"""Somebody whose browser keeps nothing: who they are and what they have written lasts as long as the page does."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.simulation.run import world
from tests.simulation.scene import Scene, told


class Forgetful(Scene):
    """A's browser has no storage."""

    async def meet(self) -> None:
        self.people[0].browser.refuses = True
        await super().meet()


@pytest.fixture
def scene() -> Iterator[Forgetful]:
    with told(Forgetful()) as scene:
        yield scene


def test_while_the_page_lives_it_is_the_same_guest_and_no_tick_lies_whatever_breaks(scene: Forgetful) -> None:
    page = scene.a.here
    for i in range(12):
        scene.say(scene.a, f"A{i}")
        scene.say(scene.b, f"B{i}")
        match i % 4:
            case 0:
                scene.do(partial(scene.cut, scene.a))
            case 1:
                scene.do(partial(scene.kill_server, i % 2, 1.0))
            case 2:
                scene.do(partial(scene.network, scene.a, False))
                scene.wait(20)
                scene.do(partial(scene.network, scene.a, True))
        scene.wait(5)
    scene.wait(60)
    assert scene.a.here is page and scene.a.storage == {} and len(scene.world.guests) == 2
    assert set(scene.states(scene.a)) == set(scene.states(scene.b)) == {"delivered"}
    assert len(scene.theirs(scene.a)) == len(scene.theirs(scene.b)) == 12


def test_after_a_reload_it_is_somebody_new_who_can_meet_again_and_the_partner_keeps_its_ticks(scene: Forgetful) -> None:
    scene.say(scene.a, "A0")
    scene.say(scene.b, "B0")
    scene.wait(5)
    scene.do(partial(scene.a.reload, 1))
    scene.wait(5)
    assert scene.a.here.joined and not scene.a.talks and scene.theirs(scene.a) == []
    scene.say(scene.b, "B1")
    scene.wait(10)
    assert scene.states(scene.b) == ["delivered", "stored"], "nobody will ever read it, and nothing says so"
    scene.do(scene.b.here.leave)
    scene.both(lambda person: person.find_someone())
    scene.wait(60)
    assert scene.a.talks and scene.b.talks and scene.a.here.outbox.running != scene.s
    scene.say(scene.a, "A1")
    scene.wait(5)
    assert scene.states(scene.a) == ["delivered"]
    assert len(scene.gone) == 1 and len(scene.world.guests) == 3


def test_two_in_a_crowd_of_four_who_come_as_somebody_new_again_and_again_break_no_promise() -> None:
    with world("few without storage") as play:
        tally, _ = play(0)
    assert tally.wrong == [] and tally.acked > 20
