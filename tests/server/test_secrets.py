"""Passwords of services and the keys of tokens, at the program as a host runs it: nobody near it reads them."""

import contextlib
import signal
import socket
import subprocess
from pathlib import Path
from random import Random

from citychat.settings import describe, load
from citychat.tokens import load_keys
from tests.server.host import Host

PASSWORD, REDIS_PASSWORD, BROKER_PASSWORD = "canary-p4ss-5517", "canary-p4ss-8102", "canary-p4ss-3046"


def nobody_listens() -> str:
    """An address of this machine at which connections are refused."""
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


def private(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return path.as_uri()


def as_others_see_it(pid: int) -> str:
    """What the table of processes shows to every user of the machine, and to its own user the environment too."""
    shown = [["ps", "-ww", "-o", "args=", "-p", str(pid)], ["ps", "eww", "-p", str(pid)]]
    return "".join(subprocess.run(each, capture_output=True, text=True, check=True).stdout for each in shown)


async def test_no_password_or_key_is_seen_in_ps_the_log_the_pages_or_the_printed_settings(tmp_path: Path) -> None:
    address, keys = nobody_listens(), tmp_path / "secret.keys"
    flags = [
        "--bus", private(tmp_path / "bus.url", f"redis://:{REDIS_PASSWORD}@{address}/0"),
        "--mailbox", private(tmp_path / "mailbox.url", f"amqp://citychat:{BROKER_PASSWORD}@{address}/"),
        "--history", private(tmp_path / "history.url", f"mongodb://citychat:{PASSWORD}@{address}/citychat"),
        "--secret-file", str(keys), "--data", str(tmp_path / "data"),
    ]  # fmt: skip
    load_keys(keys, Random(1))
    async with Host(tmp_path / "data", *flags) as host:
        shown = as_others_see_it(host.child.pid)
        assert "history.url" in shown
        pages = [await host.get(path) for path in ("/ready", "/live", "/", "/config", "/metrics")]
        assert pages[0][0] == 503
        host.signal(signal.SIGTERM)
        status, log = await host.end()
    assert status == 0 and "Redis is away" in log
    seen = "\n".join([shown, log, *host.out, describe(load(flags, {})), *(body for _, body in pages)])
    secrets = [line.split()[1] for line in keys.read_text().splitlines()]
    for secret in (PASSWORD, REDIS_PASSWORD, BROKER_PASSWORD, *secrets):
        assert secret not in seen
