"""Who may come in, as whom, and to which place: over a real history, in virtual time."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from citychat.adapters.sqlite.database import Transaction
from citychat.joining import Admission, JoinRequest
from citychat.joining.admission import HAVE_MAX
from citychat.limits import Buckets, buckets
from citychat.model import BadPayload, Banned, Busy, Guest, NoPlace, RefusedConsent, Reload
from citychat.places import Gazetteer, IpLocation, Places
from citychat.rules import DAY_MS
from citychat.tokens import Claims, SigningKey, SigningKeys, Tokens
from tests.unit.meeting import START_MS, Town, meeting

GAZETTEER = Gazetteer()
KEYS = SigningKeys(SigningKey("k", Random(5).randbytes(32)))
OTHER_KEYS = SigningKeys(SigningKey("k", Random(6).randbytes(32)))
LYON, NEAR_LYON, PARIS = (
    {"lat": lat, "lon": lon, "accuracy": 30} for lat, lon in ((45.7640, 4.8357), (45.7953, 4.8357), (48.8566, 2.3522))
)
AT_LYON, AT_PARIS, NOWHERE, AT_HOME = "203.0.113.7", "203.0.113.8", "203.0.113.9", "127.0.0.1"
KNOWN = {
    AT_LYON: IpLocation("FR", "Lyon", (LYON["lat"], LYON["lon"])),
    AT_PARIS: IpLocation("FR", "Paris", (PARIS["lat"], PARIS["lon"])),
}
ASKED = JoinRequest(v=1, consent="2", adult=True, available=True, visible=True)


def arrival(town: Town, consent: str = "2", guests_per_hour: int = 3) -> Admission:
    now_s = town.clock.monotonic_s
    return Admission(
        consent=consent,
        contact="host@example.org",
        keys=KEYS,
        places=Places(GAZETTEER, KNOWN.get, None),
        gazetteer=GAZETTEER,
        engines=town.p.engines,
        new_guest=Buckets(guests_per_hour, guests_per_hour / 3600, now_s).take,
        again=buckets("joins", now_s).take,
    )


def city_id(name: str) -> str:
    return GAZETTEER.search(name)[0].id


def city(row: Guest) -> str:
    return row.place.city if row.place else ""


async def job(town: Town, work: Callable[[Transaction], Any]) -> None:
    await town.database.run(work)


class Comer:
    """One browser: it keeps its token and comes again and again."""

    def __init__(self, town: Town, arrival: Admission, address: str = AT_LYON) -> None:
        self.town, self.arrival, self.address = town, arrival, address
        self.token: str | None = None
        self.row: Guest

    async def comes(self, position: object = None, **changes: Any) -> Guest:
        asked = replace(ASKED, token=self.token, position=position, **changes)
        self.row, self.away_ms, _ = await self.arrival.arrive(self.address, asked)
        self.token = self.arrival.token(self.row)
        assert await self.town.history.guests.find(self.row.id) == self.row
        return self.row

    async def moves(self, city: str | None = None, position: object = None) -> Guest:
        self.row, _ = self.arrival.moved(self.row, self.address, city, position)
        await self.town.history.guests.keep(self.row)
        return self.row


@meeting
async def test_nobody_comes_in_without_the_rules_that_are_asked_for_now_and_18_years(town: Town) -> None:
    at = arrival(town)
    for asked in (replace(ASKED, consent="1"), replace(ASKED, consent=""), replace(ASKED, adult=False)):
        with pytest.raises(RefusedConsent) as refused:
            await at.arrive(AT_LYON, asked)
        assert refused.value.shown()["consent"] == "2"


@meeting
async def test_a_page_of_another_version_is_told_to_reload_whatever_else_it_says(town: Town) -> None:
    with pytest.raises(Reload):
        await arrival(town).arrive(AT_LYON, replace(ASKED, v=2, consent="9", adult=False))


@meeting
async def test_version_and_time_of_the_consent_are_kept_and_begin_anew_with_new_rules(town: Town) -> None:
    anna = Comer(town, arrival(town, consent="1"))
    first = await anna.comes(consent="1")
    assert (first.consent, first.consented) == ("1", town.clock.wall_ms())
    await town.skip(DAY_MS)
    again = await anna.comes(consent="1")
    assert (again.consent, again.consented) == ("1", first.consented)
    anna.arrival = arrival(town, consent="2")
    renewed = await anna.comes()
    assert (renewed.consent, renewed.consented, renewed.id) == ("2", town.clock.wall_ms(), first.id)
    claims = anna.arrival.tokens.read(anna.token or "")
    assert claims is not None and (claims.consent, claims.consented) == ("2", renewed.consented)


@meeting
async def test_each_join_renews_the_token_for_thirty_days(town: Town) -> None:
    anna = Comer(town, arrival(town))
    first = await anna.comes()
    for _ in range(3):
        await town.skip(29 * DAY_MS)
        assert (await anna.comes()).id == first.id
        assert anna.away_ms > 28 * DAY_MS
    await town.skip(31 * DAY_MS)
    assert (await anna.comes()).id != first.id
    assert anna.away_ms == 0


FORGED = Tokens(OTHER_KEYS, lambda: START_MS).issue(Claims("guest", "2", START_MS, True))


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "x" * 10_000, "k.é.é", FORGED])
def test_a_bad_token_counts_as_none(token: str, tmp_path: Path) -> None:
    @meeting
    async def scene(town: Town) -> None:
        row, away_ms, _ = await arrival(town).arrive(AT_LYON, replace(ASKED, token=token))
        assert (row.id != "guest", away_ms, row.made) == (True, 0, town.clock.wall_ms())

    scene(tmp_path)


@meeting
async def test_a_guest_whose_row_is_gone_keeps_id_and_consent_by_the_token(town: Town) -> None:
    anna = Comer(town, arrival(town))
    first = await anna.comes()
    await town.history.guests.erase(first.id, town.clock.wall_ms())
    await town.skip(DAY_MS)
    again = await anna.comes()
    assert (again.id, again.consented, again.made) == (first.id, first.consented, town.clock.wall_ms())


@meeting
async def test_a_paused_guest_is_told_until_when_why_and_whom_to_ask_and_comes_back_after_it(town: Town) -> None:
    anna = Comer(town, arrival(town))
    guest, until = (await anna.comes()).id, town.clock.wall_ms() + DAY_MS
    await job(town, lambda transaction: transaction.change("pause", guest, until, "three reports"))
    with pytest.raises(Banned) as banned:
        await anna.comes()
    facts = {"until": until, "reason": "three reports", "contact": "host@example.org"}
    assert facts.items() <= banned.value.shown().items()
    await town.skip(DAY_MS)
    assert (await anna.comes()).id == guest


@meeting
async def test_one_network_makes_so_many_new_guests_an_hour_and_its_old_ones_come_and_go(town: Town) -> None:
    at = arrival(town, guests_per_hour=3)
    old = Comer(town, at)
    await old.comes()
    for _ in range(2):
        await at.arrive(AT_LYON, ASKED)
    with pytest.raises(Busy) as busy:
        await at.arrive(AT_LYON, ASKED)
    assert busy.value.retry_ms is not None and 1_190_000 < busy.value.retry_ms <= 1_200_000
    await old.comes()
    await at.arrive(AT_PARIS, ASKED)  # another network
    for _ in range(10):
        await at.arrive(AT_HOME, ASKED)  # loopback has no limit
    await town.skip(busy.value.retry_ms)
    await at.arrive(AT_LYON, ASKED)


@meeting
async def test_one_network_of_ipv6_is_a_64(town: Town) -> None:
    at = arrival(town, guests_per_hour=1)
    await at.arrive("2001:db8:1:2::1", ASKED)
    with pytest.raises(Busy):
        await at.arrive("2001:db8:1:2:ffff::9", ASKED)
    await at.arrive("2001:db8:1:3::1", ASKED)


@meeting
async def test_two_windows_in_a_fight_over_one_guest_are_slowed_down(town: Town) -> None:
    anna = Comer(town, arrival(town))
    await anna.comes()
    for _ in range(20):
        await anna.comes()
    with pytest.raises(Busy) as busy:
        await anna.comes()
    assert busy.value.retry_ms is not None and 0 < busy.value.retry_ms <= 1_000
    await town.skip(1_000)
    await anna.comes()


@meeting
async def test_have_is_bounded(town: Town) -> None:
    at = arrival(town)
    await at.arrive(AT_LYON, replace(ASKED, have={str(n): 1 for n in range(HAVE_MAX)}))
    with pytest.raises(BadPayload):
        await at.arrive(AT_LYON, replace(ASKED, have={str(n): 1 for n in range(HAVE_MAX + 1)}))


@meeting
async def test_the_first_place_is_no_change_and_three_changes_a_day_are_all(town: Town) -> None:
    anna = Comer(town, arrival(town))
    await anna.comes()
    lyon, paris = city_id("Lyon"), city_id("Paris")
    await town.skip(60_000)
    first = town.clock.wall_ms()
    for chosen in (paris, lyon, paris):
        await anna.moves(city=chosen)
    with pytest.raises(Busy) as busy:
        await anna.moves(city=lyon)
    assert busy.value.retry_ms == first + DAY_MS - town.clock.wall_ms()
    assert city(await anna.moves(city=paris)) == "Paris"  # where the guest is already
    assert city(await anna.comes()) == "Paris"
    await town.skip(DAY_MS)
    assert city(await anna.moves(city=lyon)) == "Lyon"
    assert anna.row.moves == (town.clock.wall_ms(),)


@meeting
async def test_places_that_come_with_joins_count_too_and_after_the_third_the_old_one_stays(town: Town) -> None:
    anna = Comer(town, arrival(town))
    assert city(await anna.comes(LYON)) == "Lyon"
    for position, expected in ((PARIS, "Paris"), (LYON, "Lyon"), (NEAR_LYON, "Lyon")):
        assert city(await anna.comes(position)) == expected  # the last one: only the cell is another
    kept = anna.row.place
    await town.skip(60_000)
    assert (await anna.comes(PARIS)).place == kept
    assert anna.row.seen == town.clock.wall_ms()
    with pytest.raises(Busy):
        await anna.moves(position=PARIS)
    anna.address = AT_HOME  # the host's own network is never a change
    assert city(await anna.comes()) == "This network"
    anna.address = AT_LYON
    assert city(await anna.comes()) == "Lyon"
    await town.skip(DAY_MS)
    assert city(await anna.comes(PARIS)) == "Paris"


@meeting
async def test_refused_moves_do_not_hide_that_the_rules_were_accepted_anew(town: Town) -> None:
    anna = Comer(town, arrival(town, consent="1"))
    for position in (LYON, PARIS, LYON, PARIS):
        await anna.comes(position, consent="1")
    anna.arrival = arrival(town, consent="2")
    row = await anna.comes(LYON)
    assert (row.consent, city(row)) == ("2", "Paris")


@meeting
async def test_between_the_hosts_own_network_and_the_internet_one_goes_as_often_as_one_likes(town: Town) -> None:
    anna = Comer(town, arrival(town))
    for _ in range(5):
        anna.address = AT_HOME
        assert city(await anna.comes()) == "This network"
        anna.address = AT_LYON
        assert city(await anna.comes()) == "Lyon"
    assert anna.row.moves == ()


@meeting
async def test_whom_nobody_can_place_is_asked_and_what_is_chosen_stays(town: Town) -> None:
    anna = Comer(town, arrival(town), NOWHERE)
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
def test_a_wish_for_a_place_is_one_city_or_one_position(wish: dict[str, Any], tmp_path: Path) -> None:
    @meeting
    async def scene(town: Town) -> None:
        anna = Comer(town, arrival(town))
        before = await anna.comes()
        with pytest.raises(BadPayload):
            await anna.moves(**wish)
        assert await town.history.guests.find(before.id) == before

    scene(tmp_path)


@pytest.mark.parametrize("position", ["here", {"lat": "45"}, {"lat": 91, "lon": 0, "accuracy": 5}, [1, 2], 7, {}])
def test_a_position_that_is_none_keeps_nobody_out(position: object, tmp_path: Path) -> None:
    @meeting
    async def scene(town: Town) -> None:
        assert city(await Comer(town, arrival(town)).comes(position)) == "Lyon"

    scene(tmp_path)


def test_of_a_position_only_the_cell_is_kept(tmp_path: Path) -> None:
    @meeting
    async def scene(town: Town) -> None:
        await Comer(town, arrival(town)).comes({"lat": 45.76543219, "lon": 4.83219876, "accuracy": 12.3456789})

    scene(tmp_path)
    with sqlite3.connect(tmp_path / "citychat.db") as database:
        (body,) = database.execute("SELECT body FROM guests").fetchone()
    assert json.loads(body)["place"]["cell"] == [2288, 241]
    for digits in ("76543", "83219", "12.34", AT_LYON):
        assert digits not in body


def test_searching_a_city_gives_at_most_ten_with_what_tells_them_apart(tmp_path: Path) -> None:
    @meeting
    async def scene(town: Town) -> None:
        found = arrival(town).cities("San")
        assert len(found) == 10
        assert all(set(found[0]) == {"id", "name", "region", "country"} for row in found)

    scene(tmp_path)
