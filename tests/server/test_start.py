"""How the program starts, and what it says when it cannot: real processes, as a host sees them."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random

import pytest
from mmdb_writer import IPSet, MMDBWriter  # type: ignore[attr-defined]

import citychat
from citychat.settings import FIELDS, flag_of
from citychat.tokens import load_keys
from tests.server.host import AS_ANYBODY, JOIN, LAST_LINE, Host, command, refusal, run, texts
from tests.server.rawclient import Raw
from tests.support.patience import PATIENCE_S
from tests.support.server_process import COMMAND, ROOT
from tests.support.services import free_port


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Path]:
    """A data folder in which a server has run once."""
    data = tmp_path / "data"
    async with Host(data) as host:
        host.signal(signal.SIGTERM)
        assert (await host.end())[0] == 0
    yield data


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


FULL = "import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 1)"


def lyon_database(file: Path) -> Path:
    writer = MMDBWriter(4, "city ipv4", languages=["en"])
    writer.insert_network(
        IPSet(["2.0.0.0/16"]),
        {"city": "Lyon", "country_code": "FR", "latitude": 45.76, "longitude": 4.84, "state1": ""},
    )
    writer.to_db_file(str(file))
    return file


async def test_a_start_prints_these_lines_and_nothing_else(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with Host(data) as host:
        assert host.out == [
            f"CityChat {citychat.__version__}",
            f"Data folder   {data}",
            "Services      embedded (bus, mailbox, history)",
            "People here   meet in: This network",
            f"You           http://localhost:{host.port}",
            f"A second you  http://127.0.0.1:{host.port} (same browser, counts as another person)",
            "Phones        start with --listen 0.0.0.0 (browsers give a position to https and localhost only)",
            f"City database none: guests choose their city; get one with: {COMMAND} geoip fetch",
            LAST_LINE,
        ]
        for url in re.findall(r"http://([\w.]+):", "\n".join(host.out)):
            assert (await host.get("/live", url))[0] == 200
        host.signal(signal.SIGTERM)
        _, log = await host.end()
    assert [line.split(" ", 2)[2] for line in log.splitlines()] == [
        "INFO Stopping: 0 pages are sent away to come back",
        "INFO Stopped",
    ]
    assert sorted(texts(data)) == ["citychat.db", "citychat.db.lock", "secret.keys"]
    assert {path.stat().st_mode & 0o077 for path in data.iterdir()} == {0}


async def test_a_start_says_no_more_than_applies(tmp_path: Path) -> None:
    database = lyon_database(tmp_path / "lyon.mmdb")
    flags = ("--geoip", str(database), "--home-city", "Lyon,FR", "--listen", "0.0.0.0")
    async with Host(tmp_path / "data", *flags, "--contact", "host@example.org") as host:
        assert "People here   meet in: Lyon, FR" in host.out
        assert not [line for line in host.out if line.startswith(("City database", "Contact"))]
        phones = next(line for line in host.out if line.startswith("Phones"))
        name = re.search(r"http://(.+):\d+ \(browsers", phones)
        assert name and (await host.get("/live", name[1]))[0] == 200
        assert "host@example.org" in (await host.get("/"))[1]


async def test_variables_of_kubernetes_and_of_an_image_keep_no_server_from_starting_and_are_one_line(
    tmp_path: Path,
) -> None:
    made = {
        "CITYCHAT_PORT": "tcp://10.96.12.7:8888", "CITYCHAT_SERVICE_HOST": "10.96.12.7", "CITYCHAT_VERSION": "1.2",
        "CITYCHAT_NAME": "/web/citychat", "CITYCHAT_ENV_LANG": "C",
    }  # fmt: skip
    async with Host(tmp_path / "data", first=f"import os; os.environ.update({made})") as host:
        ignored = ", ".join(sorted(made))
        assert [line for line in host.out if "CITYCHAT_" in line] == [
            f"Ignored       {ignored}: of Kubernetes (enableServiceLinks), a link or an image, no settings"
        ]
        assert "<title>CityChat</title>" in (await host.get("/"))[1]


async def test_a_server_for_others_without_a_contact_says_so(tmp_path: Path) -> None:
    async with Host(tmp_path / "data", "--listen", "0.0.0.0") as host:
        assert host.out[-2:] == ["Contact       none: guests cannot reach you; name one with --contact", LAST_LINE]


@pytest.mark.parametrize(
    ("listen", "names"),
    [("localhost", ["localhost", "127.0.0.1"]), ("::1", ["[::1]", "localhost"]), ("::", ["localhost", "127.0.0.1"])],
)
async def test_every_name_that_a_start_prints_leads_to_it(tmp_path: Path, listen: str, names: list[str]) -> None:
    if listen != "localhost" and not has_ipv6():
        assert "cannot listen on" in await refusal("--listen", "::1", "--port", "0", "--data", str(tmp_path))
        return
    async with Host(tmp_path / "data", "--listen", listen) as host:
        printed = re.findall(r"you +http://(\S+):\d", "\n".join(host.out), re.IGNORECASE)
        assert printed == names
        # Browsers know localhost as both families, whatever the machine's table of hosts says.
        for address in ["127.0.0.1"] * (listen != "::1") + ["::1"] * has_ipv6():
            assert (await host.get("/live", address))[0] == 200


async def test_the_hosts_own_rules_are_shown_and_everybody_is_asked_again(made: Path) -> None:
    (made / "rules.md").write_text("# House rules\n\nBe kind to <penguins>.\n", "utf-8")
    async with Host(made) as host:
        assert "Be kind to &lt;penguins&gt;." in (await host.get("/rules"))[1]
        version = re.search(r'data-consent="([^"]+)"', (await host.get("/"))[1])
        assert version and version[1] != "1"
        page = await Raw.page(host.port)
        await page.send(JOIN)
        answer = (await page.packet())[1][0]
        assert (answer["error"], answer["consent"]) == ("refused-consent", version[1])
        await page.send(JOIN.replace('"consent":"1"', f'"consent":"{version[1]}"'))
        assert (await page.packet())[1][0]["ok"]
        await page.close()


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = await refusal("--port", str(port), "--data", str(tmp_path))
    assert line == (
        f"cannot listen on 127.0.0.1 port {port}: Address already in use; "
        "another program has it, choose another with --port"
    )


async def test_an_address_that_is_not_this_machines(tmp_path: Path) -> None:
    line = await refusal("--listen", "203.0.113.1", "--data", str(tmp_path))
    assert line.startswith("cannot listen on 203.0.113.1 port 8888: ")


async def test_a_data_folder_that_is_a_file_or_under_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for data in (file, file / "below"):
        line = await refusal("--data", str(data))
        assert line == f"cannot use the data folder {data}: Not a directory; name another with --data"
    assert file.read_text() == "mine"


async def test_a_data_folder_that_may_not_be_written(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    for data in (closed, closed / "below"):
        line = await refusal("--data", str(data), first=AS_ANYBODY)
        assert line == f"cannot use the data folder {data}: Permission denied; name another with --data"
    assert texts(closed) == {}


async def test_a_database_that_another_process_has(made: Path) -> None:
    async with Host(made) as host:
        page = await host.page()
        for flags in ((), ("--check",)):
            line = await refusal("--port", "0", "--data", str(made), *flags)
            assert line.startswith(f"{made / 'citychat.db'}: in use by another process; ")
        await page.send('42/user,2["user-seek",{}]')
        assert (await page.packet())[1] == [{"ok": True, "state": "asking"}]
        await page.close()


@pytest.mark.parametrize("content", [b"not a database at all" * 300, None], ids=["no database", "damaged"])
async def test_a_corrupt_database_is_refused_as_it_is(made: Path, content: bytes | None) -> None:
    database = made / "citychat.db"
    whole = database.read_bytes()
    database.write_bytes(content or whole[:4096] + os.urandom(len(whole) - 4096))
    before = texts(made)
    for flags in ((), ("--check",)):
        line = await refusal("--port", "0", "--data", str(made), *flags)
        assert line.startswith(f"{database}: damaged; nothing was changed")
    assert texts(made).items() >= before.items()  # SQLite's own files beside it come and go


async def test_a_database_of_a_newer_version_is_refused_as_it_is(made: Path) -> None:
    with contextlib.closing(sqlite3.connect(made / "citychat.db")) as database:
        database.execute("PRAGMA user_version = 99")
    before = texts(made)
    line = await refusal("--port", "0", "--data", str(made))
    assert line.startswith(f"{made / 'citychat.db'}: made by a newer CityChat (schema 99, ")
    assert texts(made).items() >= before.items()  # SQLite's own files beside it come and go


async def test_a_city_database_that_is_none_by_flag_or_remembered(made: Path, tmp_path: Path) -> None:
    file = lyon_database(tmp_path / "lyon.mmdb")
    assert (await run("geoip", "use", str(file), "--data", str(made))).status == 0
    assert (await run("--check", "--data", str(made))).out == ["Everything is in order."]
    file.write_bytes(b"junk" * 1000)
    for flags in ((), ("--geoip", str(file))):
        line = await refusal("--port", "0", "--data", str(made), *flags)
        assert line.startswith(f"{file}: damaged, or no mmdb file; expected ")
    missing = await refusal("--geoip", str(tmp_path / "none.mmdb"), "--data", str(made))
    assert missing.startswith(f"{tmp_path / 'none.mmdb'}: No such file or directory; expected ")


async def test_a_home_city_that_nobody_knows(tmp_path: Path) -> None:
    line = await refusal("--home-city", "Nowherecity", "--data", str(tmp_path))
    assert line.startswith("home_city: 'Nowherecity' is not in the gazetteer; expected ")


async def test_a_key_file_that_others_can_read_or_that_holds_no_key(made: Path) -> None:
    keys = made / "secret.keys"
    keys.chmod(0o604)
    assert await refusal("--data", str(made)) == (
        f"the key file {keys}: others can read it (mode 604): run chmod 600 {keys}"
    )
    keys.chmod(0o600)
    keys.write_text("k changeme\n")
    assert (await refusal("--data", str(made))).startswith(f"the key file {keys} has a key that is no key: ")
    assert keys.read_text() == "k changeme\n"


async def test_a_text_of_the_hosts_that_is_no_text(made: Path) -> None:
    (made / "rules.md").write_bytes("Règles".encode("latin-1"))
    line = await refusal("--data", str(made))
    assert line == f"{made / 'rules.md'} is not UTF-8 text: save it as UTF-8, or move it away"
    (made / "rules.md").unlink()
    (made / "privacy.md").mkdir()
    assert await refusal("--data", str(made)) == f"cannot read {made / 'privacy.md'}: Is a directory"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "99999"], 'port = "99999" (from --port): expected a whole number from 0 to 65535'),
        (["--bus", "redis://me:hunter2@far/x"], 'bus = "redis://me:***@far/x" (from --bus): expected embedded, a URL'),
        (["--mailbox", "amqp://far"], "mailbox is on another host and its URL has no password: expected one in it"),
        (["--bus", "redis://me:hunter2@far/0"], "bus is a Redis and secret_file is not given: expected --secret-file"),
        (["--prot", "1"], "--prot is no flag; the nearest known one is --port"),
        (["sevre"], "sevre is no command"),
    ],
)
async def test_a_wrong_value_is_named_with_what_was_expected_and_status_2(words: Sequence[str], said: str) -> None:
    line = await refusal(*words, status=2)
    assert line.startswith(said) and "hunter2" not in line


@pytest.mark.parametrize("check", [(), ("--check",)], ids=["start", "check"])
@pytest.mark.parametrize(
    ("setting", "url"),
    [
        ("bus", "redis://127.0.0.1:1/0?protocol=3"),
        ("mailbox", "amqp://127.0.0.1:1/?foo=bar"),
        ("history", "mongodb://127.0.0.1:1/?foo=bar"),
    ],
    ids=["bus", "mailbox", "history"],
)
async def test_a_wrong_option_of_a_service_is_told_with_its_setting_and_status_2(
    tmp_path: Path, setting: str, url: str, check: Sequence[str]
) -> None:
    load_keys(tmp_path / "keys", Random(1))
    words = ("--port", "0", "--data", str(tmp_path / "data"), "--secret-file", str(tmp_path / "keys"), *check)
    assert (await refusal(f"--{setting}", url, *words, status=2)).startswith(f"{setting}: ")


async def test_check_says_that_all_is_in_order_and_print_settings_touches_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    printed = await run("--print-settings", "--data", str(data), "--contact", "me@example.org")
    assert (printed.status, printed.err, data.exists()) == (0, [], False)
    assert 'contact = "me@example.org"  # --contact' in printed.out and "port = 8888  # default" in printed.out
    assert await run("--check", "--data", str(data)) == (0, ["Everything is in order."], [])


async def test_help_names_every_setting_and_version_the_version() -> None:
    shown, version = await run("--help"), await run("--version")
    assert all(f"\n  {flag_of(name)}" in "\n".join(shown.out) for name in FIELDS)
    assert (shown.status, version) == (0, (0, [f"CityChat {citychat.__version__}"], []))


async def test_letters_that_the_output_lacks_are_written_as_escapes(tmp_path: Path) -> None:
    plain = "import os; os.environ['PYTHONIOENCODING'] = 'ascii'"
    helped = await run("--help", first=plain)
    assert (helped.status, helped.err) == (0, []) and any("redis://\\u2026" in line for line in helped.out)
    async with Host(tmp_path, "--home-city", "Łódź", first=plain) as host:
        assert any("\\u0141" in line for line in host.out)


@pytest.mark.parametrize(
    ("words", "unbuffered"),
    [
        ("--help", ""), ("--version", ""), ("--print-settings", "1"), ("geoip status", "1"),
        ("geoip lookup 48.85,2.35", "1"), ("guest --help", ""), ("guest --help", "1"),
    ],
)  # fmt: skip
async def test_an_output_that_takes_nothing_is_one_line_and_status_1(
    tmp_path: Path, words: str, unbuffered: str
) -> None:
    data = [] if words.startswith("guest") else ["--data", str(tmp_path)]
    first = f"import os; os.environ['PYTHONUNBUFFERED'] = {unbuffered!r}\n{FULL}"
    line = await refusal(*words.split(), *data, first=first)
    assert line == "what this command says cannot be written: No space left on device"


async def test_a_server_whose_start_nobody_can_read_runs_and_says_so_once(tmp_path: Path) -> None:
    port = free_port()
    child = await asyncio.create_subprocess_exec(
        *command("--port", str(port), "--data", str(tmp_path), first=FULL), cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE_S):
            assert child.stderr is not None
            assert b"What a start says cannot be written: No space left on device" in await child.stderr.readline()
            await (await Raw.tcp(port)).close()
    finally:
        child.terminate()
        _, log = await child.communicate()
    assert child.returncode == 0 and b"cannot be written" not in log
