"""Push services, over real sockets: which are asked, what is sent, and what is made of each answer."""

import asyncio
import io
import stat
from pathlib import Path

import pytest

from citychat.model import BadPayload
from citychat.ports import Carried
from citychat.push import KeysUnreadable, PushKeys, PushServices, load_push_keys, main
from tests.support.patience import PATIENCE_S
from tests.support.push_service import PushService

CONTACT = "mailto:host@example.org"


def services(*origins: str) -> PushServices:
    return PushServices(PushKeys(7, origins), CONTACT)


def made(data: Path, *words: str) -> tuple[int, str, str]:
    """What the command answers."""
    out, errors = io.StringIO(), io.StringIO()
    return main(words, data=data, out=out, errors=errors), out.getvalue(), errors.getvalue()


async def test_a_sign_is_a_signed_request_without_content_that_a_push_service_takes() -> None:
    async with PushService().listening() as service:
        one = services(service.origin)
        assert await one.carry(service.endpoint(), 900) == "told"
    (post,) = service.taken
    assert (service.wrong, post.body, post.path) == ([], b"", "/push/anna?v=1")
    assert (post.head["ttl"], service.keys) == ("900", {one.public_key})


@pytest.mark.parametrize(
    ("status", "carried"),
    [(200, "told"), (201, "told"), (202, "told"), (404, "gone"), (410, "gone"), (429, "again"), (500, "again"),
     (503, "again"), (400, "refused"), (403, "refused"), (413, "refused"), (301, "refused"), (307, "refused")],
)  # fmt: skip
async def test_each_answer_means_told_over_again_or_never_and_nothing_is_followed(
    status: int, carried: Carried, caplog: pytest.LogCaptureFixture
) -> None:
    async with PushService().listening() as service:
        service.status = status
        assert await services(service.origin).carry(service.endpoint("secret-address"), 900) == carried
    assert [post.path for post in service.taken] == ["/push/secret-address?v=1"]
    assert "secret-address" not in caplog.text


async def test_a_service_that_is_not_reached_or_says_nothing_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("citychat.push.services.ALTOGETHER_S", 0.2)
    monkeypatch.setattr("citychat.push.services.WITHIN_S", 10 * PATIENCE_S)
    async with PushService().listening() as service:
        service.silent = True
        async with asyncio.timeout(PATIENCE_S):
            assert await services(service.origin).carry(service.endpoint("secret-address"), 900) == "again"
    assert await services(service.origin).carry(service.endpoint("secret-address"), 900) == "again"
    assert caplog.text.count("The push service 127.0.0.1 was not reached") == 2
    assert "secret-address" not in caplog.text


@pytest.mark.parametrize(
    "endpoint",
    ["https://fcm.googleapis.com/fcm/send/abc:APA91", "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
     "https://web.push.apple.com/QGuQ", "https://wns2-par02p.notify.windows.com/w/?token=BQYA"],
)  # fmt: skip
def test_the_services_of_the_browsers_are_known(endpoint: str) -> None:
    services().check(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    ["", "fcm.googleapis.com/x", "http://fcm.googleapis.com/x", "https://fcm.googleapis.com:8443/x",
     "https://fcm.googleapis.com@evil.example/x", "https://evil.example/fcm.googleapis.com",
     "https://fcm.googleapis.com.evil.example/x", "https://evilfcm.googleapis.com/x", "https://xnotify.windows.com/x",
     "https://notify.windows.com/x", "https://evil.example#.notify.windows.com/x", "https://127.0.0.1/x",
     "https://evil.example\\@web.push.apple.com/x", "https://web.push.apple.com/x y", "https://web.push.apple.com/é",
     "https://web.push.apple.com/x\r\nX: y", "https://[::1/x", "https://a/b.notify.windows.com/x",
     "https://web.push.apple.com/" + "x" * 1000, "http://push.example/x", "https://push.example/x"],
)  # fmt: skip
async def test_nobody_else_is_ever_asked(endpoint: str) -> None:
    """Else a guest had this server call whom it wants."""
    known = services("https://push.example:444")
    with pytest.raises(BadPayload, match="endpoint: expected"):
        known.check(endpoint)
    assert await known.carry(endpoint, 900) == "refused"


def test_a_further_service_is_known_by_its_whole_origin() -> None:
    services("https://push.example").check("https://push.example/x")


def test_keys_are_made_once_and_read_by_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "push.keys"
    with pytest.raises(KeysUnreadable, match="No such file"):
        load_push_keys(path)
    assert made(tmp_path / "data", "https://push.example")[0] == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept, keys = path.read_bytes(), load_push_keys(path)
    assert keys.services == ("https://push.example",)
    assert made(tmp_path / "data")[0] == 1 and path.read_bytes() == kept
    path.chmod(0o644)
    with pytest.raises(KeysUnreadable, match="run chmod 600"):
        load_push_keys(path)


def test_what_is_no_origin_or_no_file_of_keys_is_refused_with_what_was_expected(tmp_path: Path) -> None:
    status, _, errors = made(tmp_path, "push.example")
    assert (status, list(tmp_path.iterdir())) == (2, [])
    assert "push.example: expected nothing, or origins such as https://push.example" in errors
    path = tmp_path / "push.keys"
    for wrong in ('{"key": ""}', "{", '{"key": "AQ", "more": 1}', '{"key": "' + "_" * 43 + '"}'):
        path.write_text(wrong)
        path.chmod(0o600)
        with pytest.raises(KeysUnreadable, match="is no file of push keys"):
            load_push_keys(path)
