"""`citychat poster`: a page to print, whole in itself, for the right address."""

import io
import re

import pytest

from citychat.face import Face, sanitised
from citychat.hours import Hours, weekly
from citychat.places import Gazetteer
from citychat.sharing import link_to, poster, qr_svg

LYON = Gazetteer().named("Lyon, FR")
HOURS = Hours((weekly("Thu 20:00-21:00"), weekly("09:00-10:00")), (), "Europe/Paris", "Lyon")
LOGO = sanitised(b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>')


def printed(*asked: str, origins: tuple[str, ...] = (), face: Face | None = None) -> tuple[int, str, str]:
    out, errors = io.StringIO(), io.StringIO()
    status = poster.main(
        asked, origins=origins, face=face or Face(), hours=HOURS, city=LYON, out=out, errors=errors
    )  # fmt: skip
    return status, out.getvalue(), errors.getvalue()


def test_it_has_the_name_the_hours_the_address_and_a_code_of_it_with_the_city() -> None:
    status, page, errors = printed("https://chat.example")
    assert (status, errors) == (0, "")
    for said in ("Talk with someone in Lyon.", "Thursday", "20:00–21:00", "Every day", "09:00–10:00", "chat.example"):
        assert said in page, said
    assert qr_svg("https://chat.example/#city=2996944").decode() in page
    assert "by the clock of Lyon" in page and "18" in page


def test_it_asks_nobody_for_anything_and_names_of_hosts_are_no_markup() -> None:
    page = printed("https://chat.example", face=Face("<b>Lyon", (), LOGO))[1]
    assert re.findall(r'(?:src|href)="(?!data:image/svg)', page) == [] and "@import" not in page and "url(" not in page
    assert "<script" not in page and "&lt;b&gt;Lyon" in page and "<b>" not in page


def test_the_address_is_the_one_given_else_the_first_that_the_host_has_named() -> None:
    assert "chat.example" in printed(origins=("https://chat.example", "https://other.example"))[1]
    assert "third.example" in printed("https://third.example/", origins=("https://chat.example",))[1]


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ((), "which address is the poster for?"),
        (("ftp://chat.example",), "which address is the poster for?"),
        (("https://chat.example", "xx"), "xx is no language"),
        (("https://a.example", "https://b.example"), "usage: citychat poster"),
        (("https://a.example", "en", "de"), "usage: citychat poster"),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_is_printed(asked: tuple[str, ...], problem: str) -> None:
    status, page, errors = printed(*asked)
    assert (status, page) == (2, "") and problem in errors and errors.count("\n") == 1


def test_a_link_names_the_city_behind_the_sign_that_no_server_sees() -> None:
    assert link_to("https://chat.example", LYON) == "https://chat.example/#city=2996944"
    assert link_to("https://chat.example", None) == "https://chat.example/"
