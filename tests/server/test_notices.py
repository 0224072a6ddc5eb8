"""Somebody who is no guest says what is unlawful: by a form without a script, into the list of the host."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlencode

import pytest

from tests.server.host import Host, run

WHOLE = {
    "reason": "threat", "what": "A threat <b>to me</b>\nAccused: nobody", "where": "Lyon,  yesterday\n at eight",
    "name": "Ada", "mail": "ada@example.org", "faith": "yes",
}  # fmt: skip


class Page(NamedTuple):
    status: int
    head: dict[str, str]
    text: str

    @property
    def code(self) -> str:
        found = re.search(r'<p class="code">([A-Z2-7]{10})</p>', self.text)
        assert found is not None, self.text
        return found[1]


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    async with Host(tmp_path) as running:
        yield running


async def ask(host: Host, method: str, body: str = "", **head: str) -> Page:
    """One request as a browser sends it from our own page, unless ``head`` says otherwise."""
    ours = {"Origin": f"http://localhost:{host.port}", "Sec-Fetch-Site": "same-origin"}
    given = {name.replace("_", "-"): value for name, value in head.items()}
    sent = {"Host": f"localhost:{host.port}", "Content-Type": "application/x-www-form-urlencoded"} | ours | given

    def asked() -> Page:
        connection = HTTPConnection("127.0.0.1", host.port, timeout=60)
        connection.request(method, "/notice", body.encode(), {name: value for name, value in sent.items() if value})
        answer = connection.getresponse()
        found = Page(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())
        connection.close()
        return found

    return await asyncio.to_thread(asked)


async def send(host: Host, changes: Mapping[str, str] = MappingProxyType({}), /, **head: str) -> Page:
    fields = {name: value for name, value in {**WHOLE, **changes}.items() if value}
    return await ask(host, "POST", urlencode(fields), **head)


def multipart(fields: Mapping[str, str]) -> str:
    """As a browser writes the form."""
    head = 'Content-Disposition: form-data; name="{}"'
    parts = (f"--parts\r\n{head.format(name)}\r\n\r\n{value}\r\n" for name, value in fields.items())
    return "".join(parts) + "--parts--\r\n"


async def cases(tmp_path: Path, *words: str) -> str:
    ended = await run("cases", *words, "--data", str(tmp_path))
    assert (ended.status, ended.err) == (0, []), ended
    return "\n".join(ended.out)


async def test_a_notice_gets_a_code_and_is_listed_shown_and_closed_like_a_report(host: Host, tmp_path: Path) -> None:
    form = await ask(host, "GET")
    assert (form.status, form.text.count("<script")) == (200, 0)
    assert "form-action 'self'" in form.head["content-security-policy"]
    assert (form.head["referrer-policy"], form.head["cache-control"]) == ("same-origin", "no-store")
    assert '<a href="/notice"' in (await host.get("/"))[1]
    sent = await send(host)
    page = await host.page()
    await page.send(f'42/user,2["user-case",{{"code":"{sent.code.lower()}"}}]')
    assert (await page.packet())[1][0] == {"ok": True, "state": "received"}

    listed = await cases(tmp_path)
    assert listed.startswith("1 open report; ") and re.search(
        rf"^  {sent.code}  Threat.* open, a notice$", listed, re.M
    )
    shown = await cases(tmp_path, "show", sent.code)
    assert "Where: Lyon, yesterday at eight\n" in shown and "From: Ada, ada@example.org\n" in shown
    assert "A threat <b>to me</b>\n          Accused: nobody" in shown, "no line of it can look like one of ours"
    assert "Reference" not in shown and '"reference": null' in await cases(tmp_path, "list", "--json")
    for act in (("pause", "--for", "1d", "--rule", "1"), ("warn", "--rule", "1"), ("lift", "--note", "why")):
        ended = await run("guests", act[0], sent.code, *act[1:], "--data", str(tmp_path))
        assert ended.status == 1 and "names none" in ended.err[0]
    assert "acted, rule 1, deleted on" in await cases(tmp_path, "close", sent.code, "--acted", "--rule", "1")
    await page.send(f'42/user,3["user-case",{{"code":"{sent.code}"}}]')
    assert (await page.packet())[1][0]["state"] == "acted"
    assert "Ada" not in host.err and "threat" not in host.err


async def test_name_and_mail_may_be_left_out_where_a_child_is_concerned_and_nowhere_else(host: Host) -> None:
    for left_out in ({"name": ""}, {"mail": ""}, {"mail": "nobody"}):
        refused = await send(host, left_out)
        assert refused.status == 400 and "Please give your name and your mail address." in refused.text
    assert "A threat &lt;b&gt;to me&lt;/b&gt;" in refused.text, "what was typed is not lost"
    assert (await send(host, {"reason": "minor", "name": "", "mail": ""})).code


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"what": " \u200b "}, "Please say what happened"),
        ({"where": ""}, "Please say what happened"),
        ({"reason": "boredom"}, "Please say what happened"),
        ({"faith": ""}, "tick the box"),
        ({"what": "x" * 2_001}, "That is too long"),
        ({"name": "x" * 101}, "That is too long"),
    ],
)
async def test_a_notice_that_lacks_something_is_not_kept_and_says_what(
    host: Host, tmp_path: Path, changes: dict[str, str], why: str
) -> None:
    refused = await send(host, changes)
    assert refused.status == 400 and why in refused.text
    assert "No report." in await cases(tmp_path)


async def test_pages_of_others_cannot_have_their_visitors_send_it(host: Host, tmp_path: Path) -> None:
    for head in (
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"},
        {"Origin": "", "Sec_Fetch_Site": "same-site"},
    ):  # fmt: skip
        assert (await send(host, **head)).status == 403, head
    assert "No report." in await cases(tmp_path)
    assert (await send(host, Origin="", Sec_Fetch_Site="")).code, "no browser"


async def test_sizes_are_bounded(host: Host) -> None:
    assert (await ask(host, "POST", "what=" + "x" * 16_400)).status == 413
    assert (await ask(host, "POST", "%ff=%ff&what=%ff%fe")).status == 400
    assert (await ask(host, "POST", "x", Content_Type="multipart/form-data; boundary=")).status == 400


async def test_a_network_has_five_and_floods_of_others_leave_room_for_a_first_one(host: Host) -> None:
    async def of(address: str) -> int:
        return (await send(host, X_Forwarded_For=address)).status

    assert [await of("203.0.113.7") for _ in range(6)] == [200] * 5 + [429]
    assert (await send(host, X_Forwarded_For="203.0.113.7")).head["retry-after"] == "3600"
    assert [await of(f"198.51.100.{n}") for n in range(1, 6)] == [200] * 5
    assert [await of("192.0.2.9") for _ in range(2)] == [200, 429], "what is everybody's is used up"


async def test_a_form_that_is_full_in_any_script_is_taken_and_of_one_that_is_fuller_nothing_is_lost(host: Host) -> None:
    assert 'enctype="multipart/form-data"' in (await ask(host, "GET")).text
    kind, sign = "multipart/form-data; boundary=parts", "\U00020000"  # of four bytes
    full = WHOLE | {"what": sign * 2_000, "where": sign * 500, "name": sign * 100, "mail": sign * 199 + "@"}
    assert (await ask(host, "POST", multipart(full), Content_Type=kind)).code
    fuller = await ask(host, "POST", multipart(full | {"what": "kept" + sign * 4_000}), Content_Type=kind)
    assert fuller.status == 413 and ">kept" in fuller.text
