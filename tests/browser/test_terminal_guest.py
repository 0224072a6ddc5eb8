"""A browser and a guest in the terminal talk with each other."""

import re
import subprocess
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Person
from tests.browser.serving import Served
from tests.browser.walking import bubble, composer, enter, seek, until, write
from tests.support.server_process import citychat


class Terminal:
    """The guest's process; ``lines`` is what it has printed."""

    def __init__(self, url: str) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            citychat("guest", url, "--yes"), stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def sees(self, part: str) -> str:
        until(lambda: any(part in line for line in self.lines))
        return next(line for line in self.lines if part in line)


@pytest.fixture
def terminal(served: Served) -> Iterator[Terminal]:
    one = Terminal(served.twin)
    yield one
    one.process.kill()
    one.process.communicate()


def test_a_terminal_guest_and_a_browser_meet_talk_lose_the_server_and_part(
    person: Person, terminal: Terminal, served: Served
) -> None:
    page = person()
    enter(page)
    terminal.sees("You are in Lyon. This is the host's own network.")
    seek(page)
    terminal.sees("Someone in Lyon would like to talk")
    terminal.type("yes")
    alias = re.findall("talking with (.+?)\\.", terminal.sees("You are talking with"))[0]
    expect(composer(page)).to_be_visible()
    expect(page.locator("#question")).to_have_text(re.compile(r"^To begin with: .+\?$"))
    terminal.sees(page.locator("#question").inner_text())
    write(page, "from a window")
    terminal.sees(f"{alias}: from a window")
    terminal.type("from a terminal")
    expect(bubble(page, "from a terminal", exact=True)).to_be_visible()
    terminal.sees("* ✓✓ Delivered")
    served.kill()
    terminal.sees("Reconnecting. You can keep typing.")
    terminal.type("typed while the server was down")
    served.start()
    expect(bubble(page, "typed while the server was down", exact=True)).to_be_visible()
    terminal.type("/leave")
    terminal.type("yes")
    terminal.sees("You have left this chat.")
    expect(page.get_by_text("has left").first).to_be_visible()
