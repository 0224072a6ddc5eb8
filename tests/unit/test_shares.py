"""Shares: a guest, a network and a process have a bucket each, and who floods one of them leaves the others theirs."""

from math import inf

import pytest

from citychat.limits import CALM_BURST, CALM_PARTS, COMMON_PART, LIMITS, Buckets, Shares, bound, rate, site
from citychat.networks import network

SCHOOL, HOME = "198.51.100.1", "203.0.113.7"
KINDS = sorted(name.removesuffix(" of a network") for name in LIMITS if name.endswith(" of a network"))


class StillClock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def taken(shares: Shares, guest: str, source: str, most: int = 20_000) -> int:
    """How many are to be had at once."""
    for number in range(most):
        if shares.take(guest, source):
            return number
    return most


@pytest.mark.parametrize("name", KINDS)
def test_what_guests_do_is_bounded_for_a_network_and_for_the_process_too(name: str) -> None:
    network, process = (LIMITS[f"{name} of {of}"] for of in ("a network", "a process"))
    assert (network.each, process.each) == ("network", "process")
    assert rate(network.name) and rate(process.name) >= rate(network.name) / 2
    if name in LIMITS and LIMITS[name].each == "guest" and LIMITS[name].per_s:
        assert bound(network.name) > bound(name) and rate(network.name) > rate(name)


def test_one_guest_takes_what_is_a_guests_and_another_of_the_network_goes_on() -> None:
    shares = Shares("cities", StillClock())
    assert taken(shares, "anna", HOME) == bound("cities")
    assert taken(shares, "ben", HOME) == bound("cities")


def test_many_guests_of_one_network_take_what_is_a_networks_and_another_network_goes_on() -> None:
    clock = StillClock()
    shares = Shares("cases", clock)
    assert sum(taken(shares, f"guest {each}", SCHOOL) for each in range(100)) == bound("cases of a network")
    assert taken(shares, "anna", HOME) == bound("cases")
    clock.now_s += 60
    assert sum(taken(shares, f"guest {each}", SCHOOL) for each in range(100)) == bound("cases of a network")


def test_many_networks_take_a_quarter_of_what_is_the_process_and_a_hundredth_each() -> None:
    """So scores of networks that flood leave the others something."""
    clock = StillClock()
    shares, common = Shares("cities", clock), bound("cities of a process") * COMMON_PART
    networks = [f"192.0.2.{each}" for each in range(20)]
    assert sum(taken(shares, "", each) for each in networks) == common + len(networks) * CALM_BURST
    assert taken(shares, "anna", HOME) == CALM_BURST
    got = 0
    for _ in range(1_000):  # they go on, and take what there is for them
        clock.now_s += 0.1
        got += sum(taken(shares, "", each) for each in networks)
    part = COMMON_PART + len(networks) / CALM_PARTS
    assert got == pytest.approx(100 * part * rate("cities of a process"), rel=0.03)
    assert taken(shares, "anna", HOME) == CALM_BURST


def test_the_process_gives_no_more_than_its_row_however_many_networks_come() -> None:
    clock = StillClock()
    shares = Shares("cities", clock)
    assert sum(taken(shares, "", f"192.0.{each // 250}.{each % 250}") for each in range(1_000)) == 400
    assert shares.take("", HOME) > 0
    clock.now_s += 1
    assert sum(taken(shares, "", f"192.0.{each // 250}.{each % 250}") for each in range(1_000)) == 200


def test_all_networks_of_one_site_are_one_that_asks_for_little() -> None:
    """A household has 256 networks of IPv6, or 65,536: they had used up all that is kept for others."""
    shares, common = Shares("joins", StillClock()), bound("joins of a process") * COMMON_PART
    household = [f"2001:db8:7:{each:x}::/64" for each in range(1_000)]
    assert sum(taken(shares, "", each) for each in household) == common + CALM_BURST
    assert taken(shares, "anna", HOME) == taken(shares, "ben", "2001:db8:8:1::/64") == CALM_BURST


def test_the_site_of_a_network_is_its_48() -> None:
    named = (
        "2001:db8:7:2::1",
        "2001:db8:7::1",
        "2001:db8:0:1::1",
        "2001:db8::1",
        "2001:0:0:9::1",
        "fd00::1",
    )
    assert [site(network(address)) for address in named] == [
        "2001:db8:7", "2001:db8:7", "2001:db8:0", "2001:db8:0", "2001:0:0", "fd00:0:0",
    ]  # fmt: skip
    assert [site(each) for each in (HOME, "", "unknown")] == [HOME, "", "unknown"]


def test_loopback_is_no_network_and_has_all_of_the_process() -> None:
    assert taken(Shares("cities", StillClock()), "", "") == bound("cities of a process")


def test_a_refused_try_takes_from_nobody() -> None:
    shares = Shares("cities", StillClock())
    taken(shares, "anna", HOME)
    before = shares.wait_s("ben", HOME), taken(shares, "ben", HOME)
    assert before == (0.0, bound("cities"))
    for _ in range(1_000):
        assert shares.take("anna", HOME) > 0
    assert taken(shares, "carl", HOME) == bound("cities")


def test_who_is_patient_waits_in_turn_and_no_longer_than_he_is_patient() -> None:
    clock = StillClock()
    shares = Shares("frames", clock)
    shares.take("", SCHOOL, inf, bound("frames of a network"))
    assert [shares.take("", SCHOOL, inf) for _ in range(3)] == pytest.approx([1 / 600, 2 / 600, 3 / 600])
    assert shares.take("", SCHOOL, 4 / 600 + 1e-6) == pytest.approx(4 / 600)
    assert shares.take("", SCHOOL, 4 / 600) == shares.take("", SCHOOL, 4 / 600) == pytest.approx(5 / 600)
    assert shares.take("", HOME) == 0.0


def test_those_who_wait_in_turn_do_not_make_others_wait() -> None:
    shares = Shares("requests", StillClock(), calm=bound("requests of a visit"))
    for each in range(20):
        shares.take("", f"192.0.2.{each}", inf, 1_000)
    assert shares.take("", SCHOOL, inf) > 1
    shares = Shares("requests", StillClock(), calm=bound("requests of a visit"))
    for _ in range(5_000):
        shares.take("", SCHOOL, inf)
    assert taken(shares, "", HOME) == bound("requests of a visit")


def test_hosts_who_let_more_of_one_address_in_have_larger_buckets_of_a_network() -> None:
    room = bound("cases of a network")
    assert taken(Shares("cases", StillClock()), "", SCHOOL) == room
    assert taken(Shares("cases", StillClock(), 1.2), "", SCHOOL) == room * 1.2


def test_buckets_that_are_full_again_are_forgotten() -> None:
    clock = StillClock()
    buckets = Buckets(1, 1, clock)
    for each in range(1_000):
        buckets.take(str(each))
    assert len(buckets) == 1_000
    clock.now_s += 5
    for _ in range(1_000):
        buckets.take("mine")
    assert len(buckets) == 1
    assert buckets.take("mine") > 0
