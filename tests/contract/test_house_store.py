"""What every history promises of the house: the host's word for all processes, and turns that one of them has."""

import asyncio

from citychat.ports import Closure, History
from citychat.rules import FOR_GOOD_MS
from tests.contract.accusing import NOW


async def test_the_host_s_word_holds_until_its_end_or_until_the_house_is_opened(history: History) -> None:
    house = history.house
    assert await house.closure(NOW) is None
    for closure in (Closure("back at eight", NOW + 5), Closure("for now", FOR_GOOD_MS)):
        await house.close(closure)
        assert await house.closure(NOW + 4) == closure
    await house.close(Closure("for a moment", NOW + 5))
    assert await house.closure(NOW + 5) is None
    await house.close(Closure("again", NOW + 9))
    await house.open()
    assert await house.closure(NOW) is None
    await house.open()


async def test_a_turn_is_one_s_until_it_is_over_and_may_be_lengthened(history: History) -> None:
    house = history.house
    assert await house.take_turn("tell", "p", NOW, NOW + 10)
    assert not await house.take_turn("tell", "q", NOW + 9, NOW + 99)
    assert await house.take_turn("remind", "q", NOW, NOW + 10), "another turn"
    assert await house.take_turn("tell", "p", NOW + 9, NOW + 20)
    assert not await house.take_turn("tell", "q", NOW + 19, NOW + 99)
    assert await house.take_turn("tell", "q", NOW + 20, NOW + 30)
    assert not await house.take_turn("tell", "p", NOW + 20, NOW + 30)


async def test_of_many_who_take_a_turn_at_once_one_has_it(history: History) -> None:
    for at in (NOW, NOW + 10):  # nobody has had it, and it is over
        found = await asyncio.gather(*(history.house.take_turn("tell", f"{at}{n}", at, at + 10) for n in range(9)))
        assert sum(found) == 1
