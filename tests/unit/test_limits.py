"""Limits: a bucket gives what it promises, says how long to wait, and forgets before it grows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citychat import model
from citychat.adapters.sqlite import mailbox as sqlite_mailbox
from citychat.client import outbox
from citychat.delivery import history_writer as ledger
from citychat.delivery import receiver as receiving
from citychat.delivery import sender as sending
from citychat.edge import Bounds
from citychat.limits import LIMITS, Buckets, buckets
from citychat.settings import FIELDS


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_the_burst_goes_at_once_and_then_the_rate() -> None:
    clock = Clock()
    taken = Buckets(40, 5, clock)
    assert [taken.take("a") for _ in range(40)] == [0.0] * 40
    assert taken.take("a") == pytest.approx(0.2)
    clock.now_s += 0.2
    assert taken.take("a") == 0.0
    assert taken.take("a") == pytest.approx(0.2)


def test_a_refused_try_costs_nothing() -> None:
    clock = Clock()
    taken = Buckets(1, 1, clock)
    taken.take("a")
    for _ in range(100):
        assert taken.take("a") == pytest.approx(1.0)
    clock.now_s += 1
    assert taken.take("a") == 0.0


def test_an_untouched_bucket_fills_up_and_no_further() -> None:
    clock = Clock()
    taken = Buckets(3, 1, clock)
    for _ in range(3):
        taken.take("a")
    clock.now_s += 1_000_000
    assert [taken.take("a") for _ in range(3)] == [0.0] * 3
    assert taken.take("a") > 0


def test_keys_do_not_share_a_bucket() -> None:
    taken = Buckets(1, 1, Clock())
    assert taken.take("a") == taken.take("b") == 0.0
    assert taken.take("a") > 0


def test_a_flood_of_keys_does_not_grow_the_memory_and_spares_those_in_use() -> None:
    taken = Buckets(1, 1, Clock(), max_keys=100)
    taken.take("mine")
    for i in range(100_000):
        taken.take(str(i))
        if i % 50 == 0:
            assert taken.take("mine") > 0
    assert len(taken) <= 100


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    clock = Clock()
    taken = Buckets(1, 1, clock)
    taken.take("a")
    clock.now_s -= 5
    assert taken.take("a") == pytest.approx(6.0)


@given(
    burst=st.integers(1, 50),
    per_s=st.floats(0.01, 200),
    pauses=st.lists(st.floats(0, 5), max_size=200),
)
def test_no_pattern_of_tries_gets_more_than_burst_plus_rate(burst: int, per_s: float, pauses: list[float]) -> None:
    clock = Clock()
    taken, passed = Buckets(burst, per_s, clock), 0
    for pause in pauses:
        clock.now_s += pause
        wait = taken.take("a")
        passed += wait == 0.0
        assert passed <= burst + (clock.now_s - 1000) * per_s + 1e-3
        if wait:
            clock.now_s += wait  # who waits as told is let through
            assert taken.take("a") == 0.0
            passed += 1


@pytest.mark.parametrize(
    ("burst", "per_s", "max_keys"), [(0, 1, 1), (1, 0, 1), (1, -1, 1), (1, 1, 0), (1, float("inf"), 1)]
)
def test_a_bucket_that_could_never_give_is_refused(burst: float, per_s: float, max_keys: int) -> None:
    with pytest.raises(ValueError, match="a bucket needs"):
        Buckets(burst, per_s, Clock(), max_keys)


def test_buckets_are_made_as_the_table_says() -> None:
    clock = Clock()
    taken = buckets("cases", clock)
    assert [taken.take("a") for _ in range(5)] == [0.0] * 5
    assert taken.take("a") == pytest.approx(12.0)
    with pytest.raises(ValueError, match="pending is a bound"):
        buckets("pending", clock)


def test_the_table_says_what_the_code_does() -> None:
    said = {name: limit.value for name, limit in LIMITS.items()}
    assert said["text"] == model.TEXT_MAX_CHARS
    assert said["text size"] == model.TEXT_MAX_BYTES
    assert said["pending"] == sending.PENDING_MAX
    assert said["held"] == receiving.HELD_MAX
    assert said["uncommitted texts"] == ledger.BODIES_MAX_BYTES
    assert said["outbox unsent"] == outbox.WAITING_MAX
    assert said["outbox"] == outbox.STORED_MAX
    assert said["mailbox"] == sqlite_mailbox.READY_MAX
    assert said["frame size"] == Bounds().frame_bytes
    assert said["frames"] == Bounds().frames_burst
    assert said["outgoing queue"] == Bounds().unsent_frames
    assert said["outgoing size"] == Bounds().unsent_bytes


def test_the_table_says_what_the_settings_start_with() -> None:
    assert FIELDS["message_burst"].default == LIMITS["messages"].value
    assert FIELDS["message_rate"].default == LIMITS["messages"].per_s
    assert FIELDS["connections_per_address"].default == LIMITS["connections"].value
    assert FIELDS["guests_per_hour"].default == LIMITS["new guests"].value
    for limit in LIMITS.values():
        assert limit.reason and limit.unit and limit.each
        assert all(name in FIELDS for name in limit.setting.split())
