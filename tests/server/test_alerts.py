"""Alerts as a host sets them up: a trial, what `/ready` says, and no secret anywhere."""

import json
from pathlib import Path

from tests.server.host import Host, refusal, run
from tests.support.post_server import PostServer


async def test_a_trial_leaves_by_the_ways_of_the_settings_and_the_running_server_says_that_it_has_them(
    tmp_path: Path,
) -> None:
    data, secret = tmp_path / "data", tmp_path / "hook.url"
    async with PostServer().listening() as hook:
        secret.write_text(f"http://:tk@127.0.0.1:{hook.port}/nobody-knows\n")
        secret.chmod(0o600)
        ended = await run("alert", "--alert", secret.as_uri(), "--data", str(data))
        assert (ended.status, ended.out) == (0, ["Sent: webhook at 127.0.0.1"])
        assert [post.path for post in hook.taken] == ["/nobody-knows"]
        async with Host(data, "--alert", secret.as_uri()) as host:
            assert json.loads((await host.get("/ready"))[1])["alerts"] == "ok"
        shown = "\n".join((await run("--print-settings", "--alert", secret.as_uri(), "--data", str(data))).out)
        assert 'alert = ["http://127.0.0.1/***"]' in shown
    async with Host(data) as host:
        assert "alerts" not in json.loads((await host.get("/ready"))[1])


async def test_a_secret_that_others_can_read_or_that_is_no_way_is_refused_without_being_shown(tmp_path: Path) -> None:
    secret = tmp_path / "hook.url"
    secret.write_text("https://hook.example/nobody-knows\n")
    secret.chmod(0o644)
    assert "run chmod 600" in await refusal("--alert", secret.as_uri(), status=2)
    why = await refusal("--alert", "ftp://hook.example/nobody-knows", status=2)
    assert "expected smtps://user:password@host/ada@example.org" in why and "nobody-knows" not in why
