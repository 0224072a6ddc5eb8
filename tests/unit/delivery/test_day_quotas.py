"""What a guest and a network may write in a day, in bytes."""

from citychat.limits import DAY_S, ROW_BYTES, DayQuotas, bound, site
from citychat.networks import network
from citychat.rules import DAY_MS
from tests.support.stage import LYON, Stage, on_stage

AT_ONCE, OF_A_NETWORK = bound("guest's day") // 2, bound("network's day") // 2
WHOLE = "x" * (AT_ONCE - ROW_BYTES)


class Day:
    """Quotas over a clock that the test sets."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.quotas = DayQuotas(lambda: self.now_s)

    def takes(self, guest: str, text: str, address: str = "203.0.113.7") -> bool:
        return self.quotas.charge(guest, site(network(address)), text)


def test_a_guest_writes_half_of_a_days_bytes_at_once_and_a_day_later_again() -> None:
    day = Day()
    assert day.takes("anna", "é" * (AT_ONCE // 2 - 2 * ROW_BYTES))
    assert day.takes("anna", "") and not day.takes("anna", "é" * ROW_BYTES)
    assert day.takes("anna", "") and day.takes("anna", ""), "what was refused does not count"
    assert not day.takes("anna", "") and day.takes("ben", WHOLE), "an empty text is a row as well"
    day.now_s += DAY_S / 10
    assert day.takes("anna", WHOLE[: AT_ONCE // 10 - ROW_BYTES]) and not day.takes("anna", "")
    day.now_s += DAY_S
    assert day.takes("anna", WHOLE) and not day.takes("anna", "")


def test_in_no_24_hours_fits_more_than_a_day() -> None:
    """Whenever a day begins: who waits for it has not two of them around midnight."""
    day, written = Day(), list[tuple[float, int]]()
    for _ in range(600):
        size = 40_000
        while size > ROW_BYTES:
            if day.takes("anna", "x" * (size - ROW_BYTES)):
                written.append((day.now_s, size))
            else:
                size //= 2
        day.now_s += DAY_S / 200
    for from_s, _ in written:
        assert sum(size for at_s, size in written if from_s <= at_s < from_s + DAY_S) <= 2 * AT_ONCE
    assert sum(size for _, size in written) > 3.8 * AT_ONCE, "and what it allows is there to be used"


def test_the_guests_of_a_network_share_its_day_and_loopback_has_none() -> None:
    day, guests = Day(), OF_A_NETWORK // AT_ONCE
    assert all(day.takes(f"guest{n}", WHOLE, f"2001:db8:0:{n:x}::1") for n in range(guests))
    assert not day.takes("one more", "", "2001:db8::ffff") and not day.takes("one more", "", "2001:db8:0:ffff::1")
    assert day.takes("one more", "", "2001:db8:1:1::1")
    assert all(day.takes(f"here{n}", WHOLE, "127.0.0.1") for n in range(guests + 1))


def test_the_memory_for_it_is_bounded() -> None:
    day = Day()
    day.quotas._guests._max_keys = 3
    assert all(day.takes(f"guest{n}", WHOLE, "127.0.0.1") for n in range(5))
    assert not day.takes("guest4", "", "127.0.0.1") and day.takes("guest1", WHOLE, "127.0.0.1")


@on_stage
async def test_a_message_beyond_the_day_is_refused_by_its_code_and_later_it_goes_on(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    assert stage.p.process.delivery.quotas.charge("anna", network(anna.address), WHOLE[: -2 * ROW_BYTES])
    await anna.say(s, 1)
    await anna.say(s, 1)  # once more, while it is on its way
    await anna.say(s, 2)
    await stage.after(1)
    refused = anna.last("chat-status")
    assert (refused["state"], refused["error"], refused["ranges"]) == ("refused", "day-full", [[2, 2]])
    await ben.ack(s, 1)
    await stage.skip(DAY_MS // 2)
    await anna.say(s, 2)
    await stage.after(1)
    assert ben.texts() == ["text 1", "text 2"]


@on_stage
async def test_what_one_64_of_a_48_has_written_another_cannot_write(stage: Stage) -> None:
    quotas = stage.p.process.delivery.quotas
    for n in range(OF_A_NETWORK // AT_ONCE):
        assert quotas.charge(f"guest{n}", site(network("2001:db8:0:1::1")), WHOLE)
    anna, ben = await stage.p.join(address="2001:db8:0:2::1", position=LYON), await stage.q.join("ben")
    await anna.say(await stage.meet(anna, ben), 1)
    await stage.after(0.1)
    assert anna.last("chat-status")["error"] == "day-full"
