"""SIGHUP: what is taken up without a restart, what only a restart can change, and what is wrong."""

import asyncio
import os
import pty
import re
import signal
from pathlib import Path

from tests.server.host import JOIN, Host
from tests.server.rawclient import Raw
from tests.server.test_start import lyon_database
from tests.support.patience import PATIENCE_S

DETACHED = "import os; os.setsid()"  # as under systemd: no terminal whose end it could be
UNCHANGED = "INFO Reloaded: own texts none; city database none"


class ReloadingHost(Host):
    """A server without a terminal, whose log is read as it comes."""

    def __init__(self, data: Path, *flags: str) -> None:
        super().__init__(data, *flags, first=DETACHED)
        self.log: list[str] = []

    async def reload(self, until: str = "INFO Reloaded: ") -> list[str]:
        """What it logs of a reload, up to a line that begins so."""
        assert self.child.stderr is not None
        self.signal(signal.SIGHUP)
        lines: list[str] = []
        async with asyncio.timeout(PATIENCE_S):
            while not lines or not lines[-1].startswith(until):
                line = (await self.child.stderr.readline()).decode()
                assert line, "it has ended"
                lines.append(line.rstrip("\n").split(" ", 2)[2])
        return lines


async def consent(host: Host) -> str:
    found = re.search(r'data-consent="([^"]+)"', (await host.get("/"))[1])
    assert found is not None
    return found[1]


async def test_the_hosts_own_texts_are_shown_and_who_joins_is_asked_anew(tmp_path: Path) -> None:
    async with ReloadingHost(tmp_path) as host:
        page = await host.page()
        before = await consent(host)
        (tmp_path / "rules.md").write_text("# House rules\n\nBe kind to <penguins>.\n", "utf-8")
        (tmp_path / "imprint.md").write_text("Me.\n", "utf-8")
        assert await consent(host) == before
        assert await host.reload() == ["INFO Reloaded: own texts rules, imprint; city database none"]
        assert "Be kind to &lt;penguins&gt;." in (await host.get("/rules"))[1]
        assert await consent(host) != before
        newer = await Raw.page(host.port)
        host.pages.append(newer)
        await newer.send(JOIN)
        answer = (await newer.packet())[1][0]
        assert (answer["error"], answer["consent"]) == ("refused-consent", await consent(host))
        await page.send('42/user,2["user-seek",{}]')
        assert (await page.packet())[1][0]["ok"], "who is in goes on"
        (tmp_path / "rules.md").unlink()
        assert await host.reload() == ["INFO Reloaded: own texts imprint; city database none"]
        assert await consent(host) == before


async def test_a_wrong_text_is_named_in_one_line_and_what_was_shown_stays(tmp_path: Path) -> None:
    rules = tmp_path / "rules.md"
    rules.write_text("Be kind.\n", "utf-8")
    async with ReloadingHost(tmp_path) as host:
        before = await consent(host)
        rules.write_bytes("Règles".encode("latin-1"))
        (tmp_path / "imprint.md").write_text("Me.\n", "utf-8")
        assert await host.reload() == [
            f"ERROR Not reloaded: {rules} is not UTF-8 text: save it as UTF-8, or move it away; "
            "what was there stays in use",
            "INFO Reloaded: own texts rules; city database none",
        ]
        rules.unlink()
        rules.mkdir()
        assert await host.reload() == [
            f"ERROR Not reloaded: cannot read {rules}: Is a directory; what was there stays in use",
            "INFO Reloaded: own texts rules; city database none",
        ]
        assert "Be kind." in (await host.get("/rules"))[1]
        assert await consent(host) == before


async def test_hours_and_first_questions_are_taken_up_and_wrong_ones_are_not(tmp_path: Path) -> None:
    config, data = tmp_path / "citychat.toml", tmp_path / "data"
    config.write_text('home_city = "Lyon"\nmeeting_hours = ["Thu 20:00-21:00"]\n')
    async with ReloadingHost(data, "--config", str(config)) as host:
        assert "BYDAY=TH" in (await host.get("/meeting.ics"))[1]
        assert "/questions/en.txt" in (await host.get("/"))[1]
        config.write_text('home_city = "Lyon"\nmeeting_hours = ["Fri 20:00-21:00"]\nquiet_hours = "00:00-20:00"\n')
        (data / "questions.txt").write_text("Tea, or coffee?\n")
        await host.reload()
        assert "BYDAY=FR" in (await host.get("/meeting.ics"))[1]
        assert "/questions/own.txt" in (await host.get("/"))[1]
        assert (await host.get("/questions/own.txt"))[1] == "Tea, or coffee?"
        config.write_text('home_city = "Lyon"\nmeeting_hours = ["Fri 20-21"]\n')
        (data / "questions.txt").write_text("\n")
        wrong, empty, _ = await host.reload()
        assert 'meeting_hours = ["Fri 20-21"]' in wrong and "the settings stay as they are" in wrong
        assert "has 0 questions" in empty and "what was there stays in use" in empty
        assert "BYDAY=FR" in (await host.get("/meeting.ics"))[1]
        assert "/questions/own.txt" in (await host.get("/"))[1]


async def test_a_city_database_is_taken_up_with_its_credit_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    database = lyon_database(tmp_path / "dbip-lyon.mmdb")
    data = tmp_path / "data"
    async with ReloadingHost(data) as host:
        assert "DB-IP" not in (await host.get("/"))[1]
        (data / "geoip").mkdir()
        note = data / "geoip" / "in-use.txt"
        note.write_text(f"{database}\n")
        (line,) = await host.reload()
        assert re.fullmatch(rf"INFO Reloaded: own texts none; city database {database}: .*, built [\d-]+", line)
        assert "DB-IP" in (await host.get("/"))[1]
        damaged = tmp_path / "damaged.mmdb"
        damaged.write_bytes(b"junk" * 1_000)
        note.write_text(f"{damaged}\n")
        wrong, kept = await host.reload()
        assert wrong.startswith(f"ERROR Not reloaded: {damaged}: damaged, or no mmdb file; expected ")
        assert kept == line
        assert "DB-IP" in (await host.get("/"))[1]


async def test_a_guest_who_comes_after_a_reload_is_placed_by_the_new_database(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with ReloadingHost(data) as host:

        async def place() -> object:
            page = await Raw.page(host.port, {"X-Forwarded-For": "2.0.0.7"})
            host.pages.append(page)
            await page.send(JOIN)
            return (await page.packet())[1][0]["place"]

        assert await place() is None
        (data / "geoip").mkdir()
        (data / "geoip" / "in-use.txt").write_text(f"{lyon_database(tmp_path / 'lyon.mmdb')}\n")
        await host.reload()
        found = await place()
        assert isinstance(found, dict) and found["city"] == "Lyon"


async def test_the_level_of_the_log_changes_and_what_needs_a_restart_is_named(tmp_path: Path) -> None:
    config = tmp_path / "citychat.toml"
    config.write_text('contact = "one@example.org"\n')
    async with ReloadingHost(tmp_path / "data", "--config", str(config)) as host:
        config.write_text('contact = "two@example.org"\nring_s = 20\nlog_level = "warning"\n')
        named = "WARNING Changed, and not in use before a restart: contact, ring_s"
        assert await host.reload(until=named) == [named]
        assert "one@example.org" in (await host.get("/"))[1]
        config.write_text('contact = "one@example.org"\nringg_s = 20\n')
        (line,) = await host.reload(until="ERROR")
        assert line.startswith("ERROR Not reloaded: ringg_s in ")
        assert line.endswith("; the settings stay as they are")
        config.write_text('contact = "one@example.org"\n')
        assert await host.reload() == [UNCHANGED], "and what is less grave was left out until now"


async def test_a_server_in_a_terminal_ends_with_it_and_one_under_nohup_does_not(tmp_path: Path) -> None:
    for ignored in (False, True):
        ours, theirs = pty.openpty()
        first = f"""import fcntl, os, signal, termios
os.setsid()
fcntl.ioctl(os.open({os.ttyname(theirs)!r}, os.O_RDWR), termios.TIOCSCTTY, 0)
if {ignored}: signal.signal(signal.SIGHUP, signal.SIG_IGN)"""
        async with Host(tmp_path / str(ignored), first=first) as host:
            os.close(theirs)
            os.close(ours)  # the window is closed
            if ignored:
                assert host.child.stderr is not None
                async with asyncio.timeout(PATIENCE_S):
                    assert UNCHANGED in (await host.child.stderr.readline()).decode()
                assert (await host.get("/ready"))[0] == 200
            else:
                status, log = await host.end()
                assert status == 0 and "INFO Stopped" in log
