"""How the program starts, what it says when it cannot, and how it stops: real processes, as a host sees them."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, Self

import pytest
from mmdb_writer import IPSet, MMDBWriter  # type: ignore[attr-defined]

import citychat
from citychat.settings import FIELDS, flag_of
from citychat.tokens import load_keys
from tests.server.rawclient import Closed, Raw
from tests.support.ending import communicated
from tests.support.patience import PATIENCE_S
from tests.support.server_process import ROOT, TETHER, ServerProcess
from tests.support.server_process import citychat as command_line

LAST_LINE = "Ctrl+C stops it."
JOIN = '42/user,1["user-join",{"v":1,"consent":"1","adult":true,"available":true,"visible":true}]'


# First steps of a child, before it becomes the program. Root, too, is held to the modes of files without these two.
AS_ANYBODY = """import ctypes, os
if os.getuid() == 0:
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP"""


def with_files(soft: int, hard: int) -> str:
    return f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))"


def command(*words: str, first: str = "") -> list[str]:
    """The command line of ``python -m citychat`` behind a first step."""
    if not first:
        return command_line(*words)
    last = TETHER if sys.platform == "linux" else f"import os, sys\n{TETHER.splitlines()[-1]}"
    return [sys.executable, "-S", "-c", f"{first}\n{last}", *words]


class Ended(NamedTuple):
    status: int
    out: list[str]
    err: list[str]


async def run(*words: str, first: str = "") -> Ended:
    """A command that ends by itself."""
    child = await asyncio.create_subprocess_exec(
        *command(*words, first=first), cwd=ROOT, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await communicated(child)
    assert child.returncode is not None
    return Ended(child.returncode, out.decode().splitlines(), err.decode().splitlines())


async def refusal(*words: str, status: int = 1, first: str = "") -> str:
    """The one line with which a start is refused."""
    ended = await run(*words, first=first)
    assert (ended.status, ended.out, len(ended.err)) == (status, [], 1), ended
    assert ended.err[0].startswith("citychat: ")
    return ended.err[0].removeprefix("citychat: ")


class Host:
    """A server that runs: ``out`` is what its start printed, ``err`` its log."""

    def __init__(self, data: Path, *flags: str, port: int = 0, first: str = "") -> None:
        self.words = ("--port", str(port), "--data", str(data), *flags)
        self.first = first
        self.out: list[str] = []
        self.err = ""
        self.child: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        self.child = await asyncio.create_subprocess_exec(
            *command(*self.words, first=self.first), cwd=ROOT, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self.child.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not self.out or self.out[-1] != LAST_LINE:
                    line = (await self.child.stdout.readline()).decode()
                    assert line, (await self._rest())[1]
                    self.out.append(line.rstrip("\n"))
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self.child.returncode is None:
            self.child.kill()
            await self._rest()

    @property
    def port(self) -> int:
        found = re.search(r"^You +http://\S+:(\d+)$", "\n".join(self.out), re.MULTILINE)
        assert found is not None
        return int(found[1])

    def signal(self, number: int) -> None:
        self.child.send_signal(number)

    async def end(self) -> tuple[int, str]:
        """Wait for its end: status, and what it printed after its start on both ways."""
        async with asyncio.timeout(PATIENCE_S):
            out, self.err = await self._rest()
        assert out == "", "nothing is printed after the start"
        assert "Traceback" not in self.err, self.err
        assert self.child.returncode is not None
        return self.child.returncode, self.err

    async def _rest(self) -> tuple[str, str]:
        out, err = await self.child.communicate()
        return out.decode(), err.decode()

    async def get(self, path: str, host: str = "127.0.0.1") -> tuple[int, str]:
        reader, writer = await asyncio.open_connection(host, self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost:{self.port}\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        return int(head.split()[1]), body

    async def refuses(self) -> None:
        """Wait until nobody can connect any more."""
        async with asyncio.timeout(PATIENCE_S):
            with contextlib.suppress(ConnectionRefusedError):
                while True:
                    await (await Raw.tcp(self.port)).close()

    async def lets_in(self) -> bool:
        """Whether somebody new is answered."""
        with contextlib.suppress(ConnectionError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                writer.write(f"GET /live HTTP/1.1\r\nHost: localhost:{self.port}\r\nConnection: close\r\n\r\n".encode())
                return bool(await reader.read())
            finally:
                writer.close()
        return False

    async def page(self) -> Raw:
        """A page that has joined."""
        page = await Raw.page(self.port)
        await page.send(JOIN)
        assert (await page.packet())[1][0]["ok"]
        return page


def texts(folder: Path) -> dict[str, bytes]:
    """Every file in the folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def lyon_database(file: Path) -> Path:
    writer = MMDBWriter(4, "city ipv4", languages=["en"])
    writer.insert_network(
        IPSet(["2.0.0.0/16"]),
        {"city": "Lyon", "country_code": "FR", "latitude": 45.76, "longitude": 4.84, "state1": ""},
    )
    writer.to_db_file(str(file))
    return file


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Path]:
    """A data folder in which a server has run once."""
    data = tmp_path / "data"
    async with Host(data) as host:
        host.signal(signal.SIGTERM)
        assert (await host.end())[0] == 0
    yield data


# -- what a start prints ---------------------------------------------------------------------------------------------


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
            "City database none: guests choose their city; get one with: python -m citychat geoip fetch",
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


# -- what keeps it from starting ---------------------------------------------------------------------------------------


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
        assert (await page.packet())[1] == [{"ok": True, "state": "waiting"}]
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


# -- questions instead of a start ------------------------------------------------------------------------------------


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


# -- open files --------------------------------------------------------------------------------------------------------


async def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one() -> None:
    ask = f"{with_files(128, 1500)}; from citychat.server.listeners import raise_file_limit; print(raise_file_limit())"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", ask, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert (await communicated(child))[0] == b"1500\n"


async def test_too_few_open_files_are_told_at_start(tmp_path: Path) -> None:
    line = await refusal("--data", str(tmp_path), first=with_files(300, 300))
    assert line == "only 300 files may be open: allow 400 or more (ulimit -n)"


async def test_connections_never_take_the_files_that_the_storage_needs(tmp_path: Path) -> None:
    async with Host(tmp_path / "data", first=with_files(420, 420)) as host:
        page = await host.page()
        crowd = [await Raw.tcp(host.port) for _ in range(600)]
        assert not await host.lets_in()
        await page.send('42/user,2["user-seek",{}]')
        assert (await page.packet())[1] == [{"ok": True, "state": "waiting"}]
        open_files = len(list(Path(f"/proc/{host.child.pid}/fd").iterdir())) if sys.platform == "linux" else 220
        assert 200 <= open_files <= 221
        for each in crowd:
            await each.close()
        async with asyncio.timeout(PATIENCE_S):
            while not await host.lets_in():  # noqa: ASYNC110  # until the server has seen them close
                await asyncio.sleep(0.05)
        host.signal(signal.SIGTERM)
        status, log = await host.end()
        await page.close()
    refused = [line for line in log.splitlines() if "open files" in line]
    assert (status, len(refused)) == (0, 1)
    assert refused[0].endswith("Refused: a connection, for there may be 420 open files: raise LimitNOFILE or ulimit -n")


# -- the end -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_with_nobody_there_it_stops_and_its_port_is_free(tmp_path: Path, number: int) -> None:
    async with Host(tmp_path / "data") as host:
        host.signal(number)
        assert (await host.end())[0] == 0
    async with Host(tmp_path / "data", port=host.port) as again:
        assert again.port == host.port


async def heard_until_closed(page: Raw, leaves: bool) -> list[Any]:
    """Every event up to the end; ``leaves``: as a page does when it is sent away."""
    heard = []
    with contextlib.suppress(Closed):
        while True:
            heard.append((await page.packet())[1])
            if leaves and heard[-1][0] == "user-drain":
                await page.close()
                return heard
    return heard


@pytest.mark.parametrize("leaves", [True, False], ids=["pages leave", "pages stay"])
async def test_twenty_pages_are_sent_away_in_waves_and_come_back_within_2_s(tmp_path: Path, leaves: bool) -> None:
    async with Host(tmp_path / "data") as host:
        pages = [await host.page() for _ in range(20)]
        hearing = [asyncio.ensure_future(heard_until_closed(page, leaves)) for page in pages]
        host.signal(signal.SIGTERM)
        await host.refuses()
        host.signal(signal.SIGTERM)  # a second one changes nothing
        status, log = await host.end()
        heard = await asyncio.gather(*hearing)
        for page in pages:
            await page.close()
    assert (status, [event for event in heard if event[-1] != ["user-drain", {"retry_ms": 2000}]]) == (0, [])
    assert "Stopping: 20 pages are sent away to come back" in log
    async with Host(tmp_path / "data", port=host.port) as again:
        await (await again.page()).close()


async def test_a_stop_in_the_middle_of_joins_answers_them_or_closes(tmp_path: Path) -> None:
    async with Host(tmp_path / "data") as host:
        pages = [await Raw.page(host.port) for _ in range(60)]
        await asyncio.gather(*(page.send(JOIN) for page in pages))
        host.signal(signal.SIGTERM)
        heard = await asyncio.gather(*(heard_until_closed(page, True) for page in pages))
        status, log = await host.end()
        for page in pages:
            await page.close()
    first = [events[0][0] for events in heard if events]
    assert all(isinstance(answer, dict) and (answer["ok"] or answer["error"] == "busy") for answer in first), first
    assert (status, "ERROR" in log, "WARNING" in log) == (0, False, False), log


async def test_what_was_drawn_when_it_stops_is_kept(tmp_path: Path) -> None:
    async with Host(tmp_path / "data") as host:
        a, b = await host.page(), await host.page()

        async def hear(page: Raw, event: str) -> Any:
            while True:
                packet = (await page.packet())[1]
                if packet and packet[0] == event:
                    return packet[1]

        await a.send('42/user,2["user-seek",{}]')
        offer = await hear(b, "user-offer")
        await b.send(f'42/user,2["user-match",{{"offer":"{offer["offer"]}","answer":"yes"}}]')
        s = (await hear(a, "user-session"))["session"]
        said = {"s": s, "st": "A" * 11, "n": 1, "l": 1, "x": "the last word"}
        await a.send(f'42/chat,["chat-message",{json.dumps(said)}]')
        await hear(b, "chat-message")
        await b.send(f'42/chat,["chat-ack",{json.dumps({"s": s, "st": "A" * 11, "n": 1})}]')
        await hear(a, "chat-status")
        host.signal(signal.SIGINT)
        assert (await host.end())[0] == 0
        for page in (a, b):
            await page.close()
    assert sorted(texts(tmp_path / "data")) == ["citychat.db", "citychat.db.lock", "secret.keys"]  # no WAL is left
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "citychat.db")) as database:
        assert database.execute("SELECT x FROM messages").fetchall() == [("the last word",)]


async def test_systemd_is_told_of_readiness_life_and_the_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(address))
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(address))
        told.setblocking(False)

        async def hear(what: str) -> None:
            async with asyncio.timeout(PATIENCE_S):
                while what not in heard:
                    heard.append((await asyncio.get_running_loop().sock_recv(told, 100)).decode())

        async with ServerProcess(tmp_path / "data") as server:
            await hear("READY=1")
            heard.clear()
            await hear("WATCHDOG=1")
            assert await server.stop() == 0
            await hear("STOPPING=1")
