"""Ways to the host, over real sockets: what is sent, how it is secured, and why it failed."""

import asyncio
import base64
import io
import json
from email import message_from_string
from email.policy import default
from pathlib import Path

import pytest

from citychat.alerts import main, ways
from citychat.alerts.alert import Alert, NotSent, of_new, of_open
from citychat.ports import Untold
from tests.support.post_server import PostServer
from tests.support.smtp_server import MailServer, certificate

NEWS = of_new([Untold("ABCDEFGHIJ", "threat"), Untold("KLMNOPQRST", "threat")], 3)
ONE = of_new([Untold("ABCDEFGHIJ", "minor")], 1)


async def send(url: str, alert: Alert = NEWS) -> str:
    """Why it was not sent, or ""."""
    (way,) = ways([url])
    try:
        await asyncio.to_thread(way.send, alert)
    except NotSent as error:
        return str(error)
    return ""


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A certificate that this process believes."""
    made = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made[0]))
    return made


def test_the_text_says_how_many_and_why_and_names_nothing_but_codes() -> None:
    assert ONE.text == "1 new report, reason Someone under 18"
    assert ONE.body == "1 new report, reason Someone under 18.\n\ncitychat cases show ABCDEFGHIJ"
    assert NEWS.text == "2 new reports, reason Threat or danger"
    several = of_new([Untold(f"CODE{n}", reason) for n, reason in enumerate(("spam", "hate", "spam"))], 3)
    assert several.text == "3 new reports, reasons Spam, money or selling, Hate or harassment"
    assert of_new([Untold("A", "not ours")] * 90, 90).codes == ("A",) * 20
    assert (of_open(1).text, of_open(4).text) == ("1 report still open", "4 reports still open")


async def test_mail_goes_in_the_clear_only_on_this_machine_and_without_a_password() -> None:
    async with MailServer().listening() as server:
        assert await send(f"smtp://127.0.0.1:{server.port}/ada@example.org") == ""
        (sender, to, text) = server.taken[0]
        mail = message_from_string(text.removesuffix("\r\n.\r\n"), policy=default)
        assert (sender, to) == ("ada@example.org", ["ada@example.org"])
        assert mail["Subject"] == "CityChat: 2 new reports, reason Threat or danger"
        assert "citychat cases show KLMNOPQRST" in mail.get_content() and mail["Auto-Submitted"] == "auto-generated"
        why = await send(f"smtp://bob:secret@127.0.0.1:{server.port}/ada@example.org")
        assert why == f"mail by 127.0.0.1:{server.port}: it offers no STARTTLS, or no login"
        assert "secret" not in " ".join(server.heard)


async def test_mail_switches_to_tls_logs_in_and_is_from_its_user(tls: tuple[Path, Path]) -> None:
    async with MailServer(tls).listening() as server:
        assert await send(f"smtp://bob%40example.net:s%2Fe@localhost:{server.port}/ada@example.org") == ""
        assert server.logins == [("bob@example.net", "s/e")]
        assert server.taken[0][:2] == ("bob@example.net", ["ada@example.org"])
        assert server.heard.index("STARTTLS") < next(n for n, line in enumerate(server.heard) if "AUTH" in line)
        server.says["AUTH"] = "535 no, s/e is wrong"
        assert await send(f"smtp://bob:s%2Fe@localhost:{server.port}/ada@example.org") == (
            f"mail by localhost:{server.port}: refused with 535"
        )


async def test_mail_speaks_tls_from_the_start_and_believes_no_stranger(
    tls: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with MailServer(tls, wrapped=True).listening() as server:
        url = f"smtps://bob:secret@localhost:{server.port}/ada@example.org"
        assert await send(url) == "" and len(server.taken) == 1
        monkeypatch.delenv("SSL_CERT_FILE")
        assert await send(url) and len(server.taken) == 1


async def test_a_webhook_gets_json_and_ntfy_its_text_with_the_password_in_a_header() -> None:
    async with PostServer().listening() as server:
        assert await send(f"http://:tk@127.0.0.1:{server.port}/hook?a=1") == ""
        assert await send(f"ntfy+http://:tk@127.0.0.1:{server.port}/reports") == ""
    hook, ntfy = server.taken
    assert (hook.path, hook.head["content-type"]) == ("/hook?a=1", "application/json")
    assert json.loads(hook.body) == {
        "text": NEWS.text, "new": 2, "open": 3, "codes": ["ABCDEFGHIJ", "KLMNOPQRST"]
    }  # fmt: skip
    assert (ntfy.path, ntfy.body.decode(), ntfy.head["title"]) == ("/reports", NEWS.body, "CityChat")
    assert {post.head["authorization"] for post in (hook, ntfy)} == {f"Basic {base64.b64encode(b':tk').decode()}"}


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_any_answer_but_yes_is_a_failure_and_nothing_is_followed(status: int) -> None:
    async with PostServer().listening() as server:
        server.status = status
        url = f"http://127.0.0.1:{server.port}/secret-hook"
        assert await send(url) == f"webhook at 127.0.0.1: answered {status}"
    assert len(server.taken) == 1
    assert await send(url) == "webhook at 127.0.0.1: Connection refused"


async def test_a_trial_goes_by_every_way_and_says_what_came_of_each() -> None:
    async with PostServer().listening() as server:
        urls = [f"http://127.0.0.1:{server.port}/hook", "smtp://127.0.0.1:1/ada@example.org"]
        out, errors = io.StringIO(), io.StringIO()
        found = ways(urls)
        assert await asyncio.to_thread(lambda: main([], ways=found, out=out, errors=errors)) == 1
    assert out.getvalue() == "Sent: webhook at 127.0.0.1\n"
    assert errors.getvalue() == "citychat alert: not sent: mail by 127.0.0.1:1: Connection refused\n"
    assert json.loads(server.taken[0].body)["text"] == "A trial: this is where reports are told"
    assert main([], ways=[], out=out, errors=errors) == 2 == main(["x"], ways=found, out=out, errors=errors)
