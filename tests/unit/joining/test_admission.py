"""Who may come in, as whom, and to which place: over a real history, in virtual time."""

import json
import sqlite3
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from citychat.adapters.sqlite.database import Transaction
from citychat.joining import Admission, JoinRequest
from citychat.joining.admission import HAVE_MAX, Arrived
from citychat.limits import Shares, bound, buckets
from citychat.model import BadPayload, Banned, Busy, Guest, NoPlace, RefusedConsent, Reload
from citychat.places import Places
from citychat.rules import DAY_MS
from citychat.server.process import new_guests
from citychat.tokens import Claims, SigningKey, SigningKeys, Tokens, network_marks
from tests.support.spent import spent_by, spent_by_all
from tests.support.stage import CONTACT, GAZETTEER, KEYS, LOOPBACK, LYON, NOWHERE, PARIS, Stage, located, on_stage
from tests.support.virtual_time import START_MS

OTHER_KEYS = SigningKeys(SigningKey("k", Random(6).randbytes(32)))
NEAR_LYON = {**LYON, "lat": 45.734, "lon": 4.909}  # Bron
AT_LYON, AT_PARIS = "203.0.113.7", "198.51.100.8"
ASKED = JoinRequest(v=1, consent="2", adult=True, available=True, visible=True)


def arrival(stage: Stage, consent: str = "2", guests_per_hour: int = 3) -> Admission:
    now_s = stage.clock.monotonic_s
    return Admission(
        consent=consent,
        contact=CONTACT,
        keys=KEYS,
        places=Places(GAZETTEER, located),
        gazetteer=GAZETTEER,
        engines=stage.p.engines,
        dates=stage.p.matching.sessions.dates,
        joins=Shares("joins", now_s),
        objections=Shares("objections", now_s),
        new_guest=new_guests(guests_per_hour, now_s),
        again=buckets("joins", now_s).take,
    )


def city_id(name: str) -> str:
    return GAZETTEER.search(name)[0].id


def city(row: Guest) -> str:
    return row.place.city if row.place else ""


async def job(stage: Stage, work: Callable[[Transaction], Any]) -> None:
    await stage.database.run(work)


async def arrives(at: Admission, address: str, asked: JoinRequest) -> Arrived:
    """As a join does it."""
    at.take_join(address, asked)
    return await at.arrive(address, asked)


class KeptToken:
    """One browser: it keeps its token and comes again and again."""

    def __init__(self, stage: Stage, arrival: Admission, address: str = AT_LYON) -> None:
        self.stage, self.arrival, self.address = stage, arrival, address
        self.token: str | None = None
        self.row: Guest

    async def comes(self, position: object = None, **changes: Any) -> Guest:
        asked = replace(ASKED, token=self.token, position=position, **changes)
        self.row, self.away_ms, *_ = await arrives(self.arrival, self.address, asked)
        await self.stage.history.guests.keep(self.row)
        self.token = self.arrival.token(self.row)
        assert await self.stage.history.guests.find(self.row.id) == self.row
        return self.row

    async def moves(self, city: str | None = None, position: object = None) -> Guest:
        self.row, _ = self.arrival.moved(self.row, self.address, city, position)
        await self.stage.history.guests.keep(self.row)
        return self.row


@on_stage
async def test_nobody_comes_in_without_the_rules_that_are_asked_for_now_and_18_years(stage: Stage) -> None:
    asked = to_builtins(ASKED)
    nothing_said: list[object] = [None, [], 5, "2", {}, {"v": 1}, {"consent": "2"}, {"adult": True}]
    for changes in (
        {"consent": "1"},
        {"consent": ""},
        {"consent": None},
        {"consent": 2},
        {"adult": False},
        {"adult": 1},
    ):
        nothing_said.append(asked | changes)
    for payload in nothing_said:
        with pytest.raises(RefusedConsent) as refused:
            arrival(stage).check_agreed(payload)
        assert refused.value.shown()["consent"] == "2"
    arrival(stage).check_agreed(asked)


@on_stage
async def test_a_page_of_another_version_is_told_to_reload_whatever_else_it_says(stage: Stage) -> None:
    with pytest.raises(Reload):
        arrival(stage).check_agreed({"v": 2, "consent": "9", "adult": False})


@on_stage
async def test_version_and_time_of_the_consent_are_kept_and_begin_anew_with_new_rules(stage: Stage) -> None:
    anna = KeptToken(stage, arrival(stage, consent="1"))
    first = await anna.comes(consent="1")
    assert (first.consent, first.consented) == ("1", stage.clock.wall_ms())
    await stage.skip(DAY_MS)
    again = await anna.comes(consent="1")
    assert (again.consent, again.consented) == ("1", first.consented)
    anna.arrival = arrival(stage, consent="2")
    renewed = await anna.comes()
    assert (renewed.consent, renewed.consented, renewed.id) == ("2", stage.clock.wall_ms(), first.id)
    claims = anna.arrival.tokens.read(anna.token or "")
    assert claims is not None and (claims.consent, claims.consented) == ("2", renewed.consented)


@on_stage
async def test_each_join_renews_the_token_for_thirty_days(stage: Stage) -> None:
    anna = KeptToken(stage, arrival(stage))
    first = await anna.comes()
    for _ in range(3):
        await stage.skip(29 * DAY_MS)
        assert (await anna.comes()).id == first.id
        assert anna.away_ms > 28 * DAY_MS
    await stage.skip(31 * DAY_MS)
    assert (await anna.comes()).id != first.id
    assert anna.away_ms == 0


FORGED = Tokens(OTHER_KEYS, lambda: START_MS).issue(Claims("guest", "2", START_MS, True))


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "x" * 10_000, "k.é.é", FORGED])
@on_stage
async def test_a_bad_token_counts_as_none(stage: Stage, token: str) -> None:
    row, away_ms, *_ = await arrives(arrival(stage), AT_LYON, replace(ASKED, token=token))
    assert (row.id != "guest", away_ms, row.made) == (True, 0, stage.clock.wall_ms())


@on_stage
async def test_a_guest_whose_row_is_gone_keeps_id_and_consent_by_the_token(stage: Stage) -> None:
    anna = KeptToken(stage, arrival(stage))
    first = await anna.comes()
    await job(stage, lambda transaction: transaction.change("drop_guest", first.id))
    await stage.skip(DAY_MS)
    again = await anna.comes()
    assert (again.id, again.consented, again.made) == (first.id, first.consented, stage.clock.wall_ms())


@on_stage
async def test_the_token_of_an_erased_guest_makes_one_of_the_networks_new_guests(stage: Stage) -> None:
    """Whoever erases themselves may not move house three times again."""
    at = arrival(stage, guests_per_hour=2)
    anna = KeptToken(stage, at)
    first = await anna.comes(position=LYON)
    token = anna.token
    await stage.history.guests.erase(first.id, stage.clock.wall_ms())
    second = await anna.comes(position=NEAR_LYON)
    assert (second.id != first.id, anna.away_ms, second.made) == (True, 0, stage.clock.wall_ms())
    anna.token = token
    with pytest.raises(Busy, match="Too many new guests from your network"):
        await anna.comes()


@on_stage
async def test_of_two_tokens_that_of_an_erased_guest_counts_for_nothing(stage: Stage) -> None:
    anna, ben = KeptToken(stage, arrival(stage)), KeptToken(stage, arrival(stage))
    erased, kept = await anna.comes(), await ben.comes()
    await stage.history.guests.erase(erased.id, stage.clock.wall_ms())
    for tokens in ((anna.token, ben.token), (ben.token, anna.token)):
        row, *_ = await arrives(arrival(stage), AT_LYON, replace(ASKED, token=tokens[0], old_token=tokens[1]))
        assert row.id == kept.id


@on_stage
async def test_a_paused_network_takes_no_new_guests_and_says_so(stage: Stage) -> None:
    at = arrival(stage)
    before = KeptToken(stage, at)
    await before.comes()
    await stage.after(0.001)
    elsewhere, until = KeptToken(stage, at, AT_PARIS), stage.clock.wall_ms() + DAY_MS
    marks = network_marks(KEYS, AT_LYON, stage.clock.wall_ms())
    rows = [(f"network:{mark}", until, "reported by several people", None, "", "") for mark in marks]
    await job(stage, lambda transaction: transaction.change_each("pause", rows))
    await elsewhere.comes()
    elsewhere.address = AT_LYON  # made after it began, and moved in
    for guest in (KeptToken(stage, at), elsewhere):
        with pytest.raises(Banned) as banned:
            await guest.comes()
        assert banned.value.facts == {
            "until": until, "reason": "", "rule": "", "reference": "", "objection": "", "answer": "",
            "automatic": True, "contact": CONTACT, "network": True,
        }  # fmt: skip
    assert (await before.comes()).id == before.row.id
    await KeptToken(stage, at, AT_PARIS).comes()
    await KeptToken(stage, at, LOOPBACK).comes()
    await stage.skip(DAY_MS)
    await KeptToken(stage, at).comes()


@on_stage
async def test_a_paused_guest_is_told_until_when_why_and_whom_to_ask_and_comes_back_after_it(stage: Stage) -> None:
    anna = KeptToken(stage, arrival(stage))
    guest, until = (await anna.comes()).id, stage.clock.wall_ms() + DAY_MS
    await job(stage, lambda transaction: transaction.change("pause", guest, until, "three reports", None, "", ""))
    with pytest.raises(Banned) as banned:
        await anna.comes()
    facts = {"until": until, "reason": "three reports", "contact": CONTACT}
    assert facts.items() <= banned.value.shown().items()
    await stage.skip(DAY_MS)
    assert (await anna.comes()).id == guest


@on_stage
async def test_a_pause_outlasts_the_token_of_who_is_paused(stage: Stage) -> None:
    anna = KeptToken(stage, arrival(stage))
    guest, until = (await anna.comes()).id, stage.clock.wall_ms() + 90 * DAY_MS
    await job(stage, lambda transaction: transaction.change("pause", guest, until, "threats", None, "3", ""))
    await stage.skip(60 * DAY_MS)
    assert anna.arrival.guest_of(replace(ASKED, token=anna.token)) == "", "it has run out"
    with pytest.raises(Banned):
        await anna.comes()
    await stage.skip(30 * DAY_MS)
    assert (await anna.comes()).id != guest


@on_stage
async def test_one_network_makes_so_many_new_guests_an_hour_and_its_old_ones_come_and_go(stage: Stage) -> None:
    at = arrival(stage, guests_per_hour=3)
    old = KeptToken(stage, at)
    await old.comes()
    for _ in range(2):
        await arrives(at, AT_LYON, ASKED)
    with pytest.raises(Busy) as busy:
        await arrives(at, AT_LYON, ASKED)
    assert busy.value.retry_ms is not None and 1_190_000 < busy.value.retry_ms <= 1_200_000
    await old.comes()
    await arrives(at, AT_PARIS, ASKED)  # another network
    for _ in range(10):
        await arrives(at, LOOPBACK, ASKED)  # loopback has no limit
    await stage.skip(busy.value.retry_ms)
    await arrives(at, AT_LYON, ASKED)


@on_stage
async def test_all_networks_of_a_48_make_as_many_new_guests_as_ten(stage: Stage) -> None:
    at = arrival(stage, guests_per_hour=2)
    for n in range(20):
        await arrives(at, f"2001:db8:1:{n:x}::1", ASKED)
    with pytest.raises(Busy):
        await arrives(at, "2001:db8:1:ffff::1", ASKED)
    await arrives(at, "2001:db8:2:1::1", ASKED)
    await arrives(at, AT_LYON, ASKED)


@on_stage
async def test_one_network_of_ipv6_is_a_64(stage: Stage) -> None:
    at = arrival(stage, guests_per_hour=1)
    await arrives(at, "2001:db8:1:2::1", ASKED)
    with pytest.raises(Busy):
        await arrives(at, "2001:db8:1:2:ffff::9", ASKED)
    await arrives(at, "2001:db8:1:3::1", ASKED)


@on_stage
async def test_two_windows_in_a_fight_over_one_guest_are_slowed_down(stage: Stage) -> None:
    anna = KeptToken(stage, arrival(stage))
    await anna.comes()
    for _ in range(20):
        await anna.comes()
    with pytest.raises(Busy) as busy:
        await anna.comes()
    assert busy.value.retry_ms is not None and 0 < busy.value.retry_ms <= 1_000
    await stage.skip(1_000)
    await anna.comes()


@on_stage
async def test_joins_of_one_network_are_bounded_whoever_comes_and_another_network_is_let_in(stage: Stage) -> None:
    at = arrival(stage)
    anna, ben = KeptToken(stage, at), KeptToken(stage, at, AT_PARIS)
    await anna.comes()
    await ben.comes()
    spent_by(at.joins, AT_LYON, bound("joins of a network"))
    with pytest.raises(Busy) as busy:
        await anna.comes()
    assert busy.value.retry_ms is not None
    await ben.comes()
    await stage.skip(busy.value.retry_ms)
    await anna.comes()


@on_stage
async def test_joins_of_the_process_are_bounded_whoever_comes(stage: Stage) -> None:
    anna = KeptToken(stage, arrival(stage))
    await anna.comes()
    spent_by_all(anna.arrival.joins, bound("joins of a process"))
    with pytest.raises(Busy):
        await anna.comes()


@on_stage
async def test_have_is_bounded(stage: Stage) -> None:
    at = arrival(stage)
    await arrives(at, AT_LYON, replace(ASKED, have={str(n): 1 for n in range(HAVE_MAX)}))
    with pytest.raises(BadPayload):
        await arrives(at, AT_LYON, replace(ASKED, have={str(n): 1 for n in range(HAVE_MAX + 1)}))


@on_stage
async def test_the_first_place_is_no_change_and_three_changes_a_day_are_all(stage: Stage) -> None:
    anna = KeptToken(stage, arrival(stage))
    await anna.comes()
    lyon, paris = city_id("Lyon"), city_id("Paris")
    await stage.skip(60_000)
    first = stage.clock.wall_ms()
    for chosen in (paris, lyon, paris):
        await anna.moves(city=chosen)
    with pytest.raises(Busy) as busy:
        await anna.moves(city=lyon)
    assert busy.value.retry_ms == first + DAY_MS - stage.clock.wall_ms()
    assert city(await anna.moves(city=paris)) == "Paris"  # where the guest is already
    assert city(await anna.comes()) == "Paris"
    await stage.skip(DAY_MS)
    assert city(await anna.moves(city=lyon)) == "Lyon"
    assert anna.row.moves == (stage.clock.wall_ms(),)


@on_stage
async def test_places_that_come_with_joins_count_too_and_after_the_third_the_old_one_stays(stage: Stage) -> None:
    anna = KeptToken(stage, arrival(stage))
    assert city(await anna.comes(LYON)) == "Lyon"
    for position, expected in ((PARIS, "Paris"), (LYON, "Lyon"), (NEAR_LYON, "Lyon")):
        assert city(await anna.comes(position)) == expected  # the last one: only the district is another
    kept = anna.row.place
    await stage.skip(60_000)
    assert (await anna.comes(PARIS)).place == kept
    assert anna.row.seen == stage.clock.wall_ms()
    with pytest.raises(Busy):
        await anna.moves(position=PARIS)
    anna.address = LOOPBACK  # the host's own network is never a change
    assert city(await anna.comes()) == "This network"
    anna.address = AT_LYON
    assert city(await anna.comes()) == "Lyon"
    await stage.skip(DAY_MS)
    assert city(await anna.comes(PARIS)) == "Paris"


@on_stage
async def test_refused_moves_do_not_hide_that_the_rules_were_accepted_anew(stage: Stage) -> None:
    anna = KeptToken(stage, arrival(stage, consent="1"))
    for position in (LYON, PARIS, LYON, PARIS):
        await anna.comes(position, consent="1")
    anna.arrival = arrival(stage, consent="2")
    row = await anna.comes(LYON)
    assert (row.consent, city(row)) == ("2", "Paris")


@on_stage
async def test_between_the_hosts_own_network_and_the_internet_one_goes_as_often_as_one_likes(stage: Stage) -> None:
    anna = KeptToken(stage, arrival(stage))
    for _ in range(5):
        anna.address = LOOPBACK
        assert city(await anna.comes()) == "This network"
        anna.address = AT_LYON
        assert city(await anna.comes()) == "Lyon"
    assert anna.row.moves == ()


@on_stage
async def test_whom_nobody_can_place_is_asked_and_what_is_chosen_stays(stage: Stage) -> None:
    anna = KeptToken(stage, arrival(stage), NOWHERE)
    assert (await anna.comes()).place is None
    with pytest.raises(NoPlace):
        await anna.moves(position={**LYON, "accuracy": 100_000})
    assert city(await anna.moves(city=city_id("Lyon"))) == "Lyon"
    assert anna.row.place and anna.row.place.source == "chosen"
    assert city(await anna.comes(PARIS)) == "Lyon"


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"position": {"lat": 91, "lon": 0, "accuracy": 1}},
        {"position": "here"},
        {"city": "no such city"},
        {"city": "3", "position": LYON},
    ],
)
@on_stage
async def test_a_wish_for_a_place_is_one_city_or_one_position(stage: Stage, wish: dict[str, Any]) -> None:
    anna = KeptToken(stage, arrival(stage))
    before = await anna.comes()
    with pytest.raises(BadPayload):
        await anna.moves(**wish)
    assert await stage.history.guests.find(before.id) == before


@pytest.mark.parametrize("position", ["here", {"lat": "45"}, {"lat": 91, "lon": 0, "accuracy": 5}, [1, 2], 7, {}])
@on_stage
async def test_a_position_that_is_none_keeps_nobody_out(stage: Stage, position: object) -> None:
    assert city(await KeptToken(stage, arrival(stage)).comes(position)) == "Lyon"


@on_stage
async def test_of_a_position_only_the_district_is_kept(stage: Stage) -> None:
    """Out of town, in another square than the town that is nearest."""
    await KeptToken(stage, arrival(stage)).comes({"lat": 45.87896170, "lon": 4.80572560, "accuracy": 12.3456789})
    with sqlite3.connect(stage.folder / "citychat.db") as database:
        (body,) = database.execute("SELECT body FROM guests").fetchone()
    assert json.loads(body)["place"]["district"] == [4576, 484]
    for digits in ("87896", "80572", "4586", "478", "12.34", AT_LYON):
        assert digits not in body


@on_stage
async def test_searching_a_city_gives_at_most_ten_with_what_tells_them_apart(stage: Stage) -> None:
    found = arrival(stage).cities("San")
    assert len(found) == 10
    assert all(set(found[0]) == {"id", "name", "region", "country"} for row in found)
