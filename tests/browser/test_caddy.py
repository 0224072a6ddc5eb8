"""The site of deploy/Caddyfile in Debian's caddy, in front of a real process: two guests in browsers."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Person
from tests.browser.serving import Served
from tests.browser.walking import bubble, enter, meet, write
from tests.support.caddy import Caddy


def test_two_guests_meet_and_talk_through_caddy(person: Person, served: Served, tmp_path: Path) -> None:
    with Caddy(tmp_path / "caddy", served.port) as caddy:
        a, b = (person(url=caddy.url, ignore_https_errors=True) for _ in "ab")
        assert a.evaluate("isSecureContext")
        for page in (a, b):
            enter(page)
        meet(a, b)
        write(a, "hello through caddy")
        expect(bubble(b, "hello through caddy")).to_be_visible()
        expect(a.get_by_text("Delivered", exact=True)).to_be_visible()
