"""“Tell me once” as a host switches it on: keys by a command, and what a start says of them."""

import re
from pathlib import Path

from tests.server.host import Host, refusal, run

CONTACT = ("--contact", "host@example.org")


async def test_it_is_off_until_the_host_has_made_keys_and_named_an_address(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with Host(data, *CONTACT) as host:
        assert 'data-push=""' in (await host.get("/"))[1]
    made = await run("push-keys", "--data", str(data))
    assert (made.status, made.err) == (0, []) and str(data / "push.keys") in made.out[0]
    async with Host(data) as host:
        assert 'data-push=""' in (await host.get("/"))[1]
        assert [line for line in host.out if line.startswith("Tell me once  off: push services want an address")]
    async with Host(data, *CONTACT) as host:
        assert re.search(r'data-push="[\w-]{87}"', (await host.get("/"))[1])
        assert "Tell me once" not in "".join(host.out)


async def test_keys_that_others_can_read_or_that_are_none_end_the_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    keys = data / "push.keys"
    keys.write_text("{}")
    keys.chmod(0o644)
    assert "run chmod 600" in await refusal("--data", str(data), *CONTACT)
    keys.chmod(0o600)
    assert "is no file of push keys" in await refusal("--data", str(data), *CONTACT)
    assert "is there already, and stays" in (await run("push-keys", "--data", str(data))).err[0]
    ended = await run("push-keys", "push.example", "--data", str(tmp_path / "other"))
    assert (ended.status, (tmp_path / "other").exists()) == (2, False)
