"""The door of the console: a link that works once, a cookie, forms of ours alone, and no name but this machine's."""

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest

from citychat.adapters.sqlite import Database, SqliteHistory
from citychat.console.doorway import AT_ONCE, IDLE_S, LINK_S, VISIT_S
from citychat.limits import bound
from tests.support.console_visitor import Visitor, console_over
from tests.support.stores import StoreClock

NOW = 1_900_000_000_000
PAGES = ("/", "/cases", "/cases/AAAAAAAAAA", "/paused", "/house", "/trail", "/nothing")


class Steady:
    """Time as it passes, moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def ms(self) -> int:
        return round(self.now_s * 1_000)


@pytest.fixture
def steady() -> Steady:
    return Steady()


@pytest.fixture
async def visitor(tmp_path: Path, steady: Steady) -> AsyncIterator[Visitor]:
    """Somebody who has not come in."""
    clock = StoreClock(lambda: NOW, steady.ms)
    async with Database(tmp_path / "citychat.db") as database, SqliteHistory(database) as history:
        async with console_over(history, clock) as one:
            yield one


def entry(visitor: Visitor, who: str = "ada") -> str:
    return f"/enter/{visitor.room.doorway.new_link(who)}"


async def test_a_link_works_once_and_a_look_at_it_uses_nothing_up(visitor: Visitor) -> None:
    link = entry(visitor)
    for _ in range(3):
        assert "Open the console" in await visitor.sees(link)
        assert visitor.cookie == ""
    assert (await visitor.asks(link, "")).code == 303
    await visitor.sees("/")
    for body in (None, ""):
        assert (await visitor.asks(link, body)).code == 403
        assert "This link was used" in visitor.page
    trail = await visitor.room.history.cases.trail()
    assert [(row.act.who, row.act.act) for row in trail] == [("ada", "enter the console")]


async def test_a_link_waits_for_five_minutes(visitor: Visitor, steady: Steady) -> None:
    link = entry(visitor)
    steady.now_s += LINK_S - 1
    await visitor.sees(link)
    steady.now_s += 1
    assert (await visitor.asks(link, "")).code == 403
    assert visitor.cookie == ""


async def test_wrong_links_are_counted_and_none_is_looked_at_for_a_while(visitor: Visitor, steady: Steady) -> None:
    link = entry(visitor)
    for _ in range(bound("console links")):
        assert (await visitor.asks("/enter/" + "x" * 43)).code == 403
    assert (await visitor.asks(link)).code == (await visitor.asks(link, "")).code == 429
    steady.now_s += 12
    assert (await visitor.asks(link, "")).code == 303


async def test_the_cookie_is_of_this_page_alone_and_cannot_be_guessed(visitor: Visitor) -> None:
    seen = set[str]()
    for _ in range(2):
        answer = await visitor.asks(entry(visitor), "")
        (said,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
        assert said["httponly"] and (said["samesite"], said["path"], said["domain"]) == ("Strict", "/", "")
        assert said["max-age"] == str(VISIT_S)
        assert len(said.value) >= 43, "256 bits"
        seen.add(said.value)
    assert len(seen) == 2


async def test_who_has_not_come_in_is_shown_nothing_and_told_how(visitor: Visitor) -> None:
    for cookie in ("", "citychat_console=", "citychat_console=" + "x" * 43):
        visitor.cookie = cookie
        for path in PAGES:
            answer = await visitor.asks(path)
            assert answer.code == 403 and "citychat console" in visitor.page
        assert (await visitor.asks("/house", urlencode({"do": "close", "text": "x"}))).code == 403
    assert await visitor.room.history.cases.trail() == []


async def test_a_visit_ends_after_an_hour_without_a_press_and_after_twelve_in_any_case(
    visitor: Visitor, steady: Steady
) -> None:
    await visitor.comes_in()
    while steady.now_s < 1_000 + VISIT_S - IDLE_S:
        steady.now_s += IDLE_S - 1
        await visitor.sees("/house")
    steady.now_s = 1_000 + VISIT_S
    assert (await visitor.asks("/house")).code == 403
    await visitor.comes_in()
    steady.now_s += IDLE_S
    assert (await visitor.asks("/house")).code == 403


async def test_who_signs_out_is_out(visitor: Visitor) -> None:
    await visitor.comes_in()
    kept = visitor.cookie
    await visitor.sees("/house")
    assert (await visitor.sends("/leave")).code == 200 and "Signed out." in visitor.page
    assert visitor.cookie != kept
    visitor.cookie = kept
    assert (await visitor.asks("/house")).code == 403


async def test_there_are_few_visits_at_once_and_the_oldest_goes_first(visitor: Visitor) -> None:
    await visitor.comes_in()
    first = visitor.cookie
    for _ in range(AT_ONCE):
        await visitor.comes_in()
    await visitor.sees("/house")
    visitor.cookie = first
    assert (await visitor.asks("/house")).code == 403


async def test_a_form_without_the_key_of_its_visit_is_not_taken(visitor: Visitor) -> None:
    await visitor.comes_in("eve")
    await visitor.sees("/house")
    of_another = visitor.page
    await visitor.comes_in()
    for form_key in ("", "x", None):
        fields = {"do": "close", "text": "x"} | ({} if form_key is None else {"form_key": form_key})
        assert (await visitor.asks("/house", urlencode(fields))).code == 403
    visitor.page = of_another
    assert (await visitor.sends("/house", do="close", text="x")).code == 403
    assert await visitor.room.history.house.closure(NOW) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
)
async def test_a_form_of_another_page_is_not_taken_though_it_has_cookie_and_key(
    visitor: Visitor, headers: dict[str, str]
) -> None:
    await visitor.comes_in()
    visit = visitor.room.doorway.visit(visitor.cookie.partition("=")[2])
    assert visit is not None
    body = urlencode({"form_key": visit.form_key, "do": "close", "text": "x"})
    assert (await visitor.asks("/house", body, **headers)).code == 403
    assert await visitor.room.history.house.closure(NOW) is None
    own = {"Origin": visitor.url, "Sec_Fetch_Site": "same-origin"}
    assert (await visitor.asks("/house", body, **own)).code == 303


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("evil.example", 421),
        ("evil.example:8889", 421),
        ("localhost.evil.example", 421),
        ("192.168.1.5:8889", 421),
        ("localhost:9999", 200),
        ("LOCALHOST", 200),
        ("[::1]:8889", 200),
        ("127.0.0.2:80", 200),
    ],
)
async def test_it_goes_by_the_names_of_this_machine_alone(visitor: Visitor, name: str, code: int) -> None:
    await visitor.comes_in()
    for path in ("/house", "/console.css", entry(visitor)):
        assert (await visitor.asks(path, Host=name)).code == code
    if code == 421:
        assert (await visitor.asks(entry(visitor), "", Host=name)).code == code


async def test_every_answer_is_kept_nowhere_and_loads_from_here_alone(visitor: Visitor) -> None:
    await visitor.comes_in()
    for path in (*PAGES, "/console.css", "/enter/x"):
        headers = (await visitor.asks(path)).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'; ")
        assert "script" not in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
        assert "Server" not in headers and "Etag" not in headers
        assert not any(inline in visitor.page for inline in ("<script", "<style", "style=", "onclick="))


async def test_it_has_the_sites_own_face(visitor: Visitor) -> None:
    await visitor.comes_in()
    assert "Lyon parle console" in await visitor.sees("/house")
    assert "#0b6e4f" in await visitor.sees("/console.css")
    assert (await visitor.asks("/logo.svg")).headers["Content-Type"] == "image/svg+xml"
