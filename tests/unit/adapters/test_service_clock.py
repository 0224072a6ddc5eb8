"""A service's clock beside this process's: what is said, when, and when it ends the process."""

import logging
from random import Random

import pytest

from citychat.adapters.service_clock import ServiceClock
from citychat.adapters.service_status import ServiceStatus
from tests.support.stores import StoreClock

NOW = 1_700_000_000_000


class Two:
    """A service and a process, each with a wall; ``passed_ms`` goes on for both."""

    def __init__(self) -> None:
        self.passed_ms, self.here_ms, self.there_ms = 0, NOW, NOW
        self.ended: list[str] = []
        self.status = ServiceStatus("Redis", Random(1), self.ended.append)
        self.clock = ServiceClock(
            self.status, StoreClock(lambda: self.here_ms + self.passed_ms, lambda: self.passed_ms)
        )

    def compare(self, *, way_ms: int = 1, back_ms: int = 1) -> str:
        asked = self.clock.asked()
        self.passed_ms += way_ms
        told_ms = self.there_ms + self.passed_ms
        self.passed_ms += back_ms
        self.clock.told(asked, told_ms)
        return self.status.clock


@pytest.mark.parametrize(("there_ms", "said"), [
    (29_000, ""), (-29_000, ""), (31_000, "30 s ahead of that of this process"),
    (-299_000, "298 s behind that of this process"),
])  # fmt: skip
def test_more_than_half_a_minute_apart_is_said(there_ms: int, said: str) -> None:
    two = Two()
    two.there_ms += there_ms
    assert (two.compare(), two.ended) == (said, [])


@pytest.mark.parametrize("there_ms", [301_000, -301_000])
def test_more_than_five_minutes_apart_ends_the_process_with_a_line_that_names_both(there_ms: int) -> None:
    two = Two()
    two.there_ms += there_ms
    two.compare()
    other = "22:18:21" if there_ms > 0 else "22:08:19"
    assert two.ended == [
        f"the clock of this process (2023-11-14 22:13:20 UTC) and that of Redis (2023-11-14 {other} UTC) are more than "
        "5 minutes apart: let NTP set both"
    ]


@pytest.mark.parametrize(("way_ms", "back_ms"), [(0, 600_000), (600_000, 0), (40_000, 40_000)])
def test_a_slow_answer_is_no_wrong_clock(way_ms: int, back_ms: int) -> None:
    two = Two()
    assert (two.compare(way_ms=way_ms, back_ms=back_ms), two.ended) == ("", [])


def test_a_machine_that_slept_before_it_read_the_answer_has_no_wrong_clock() -> None:
    """Its monotonic clock stands still meanwhile, and its wall does not."""
    two = Two()
    asked = two.clock.asked()
    two.clock.told(asked, NOW)
    two.here_ms += 8 * 3_600_000
    two.clock.told(asked, NOW)
    assert (two.status.clock, two.ended) == ("", [])


def test_each_change_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    two = Two()
    with caplog.at_level(logging.INFO):
        for there_ms in (0, 40_000, 50_000, 45_000, 1_000, 0):
            two.there_ms = NOW + there_ms
            two.compare()
    assert [record.getMessage() for record in caplog.records] == [
        "The clocks of this process and of Redis are 39 s apart: let NTP set both",
        "The clocks of this process and of Redis agree again",
    ]
