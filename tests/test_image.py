"""The image of deploy/Containerfile, built by Debian's podman and run as deploy/compose.yaml and docs/hosting.md say.

It is made of the one file, so that its tests run where that was made (`make binary-tests`).
"""

import asyncio
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
import yaml

from tests.support.images import Podman
from tests.support.live_page import LivePage, meet
from tests.support.patience import until
from tests.support.server_process import PROGRAM, ROOT
from tests.support.services import free_port, listens

__test__ = bool(PROGRAM)

BASE = "docker.io/library/debian:12-slim"
IMAGE = "localhost/citychat"
OURS: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text("utf-8"))["services"]["citychat"]
STATE = "/var/lib/citychat"
CLOSED = [  # as compose closes it; the machine's own network, so that no test needs a bridge
    "--read-only", "--tmpfs", "/tmp", "--cap-drop", "all", "--security-opt", "no-new-privileges",
    "--volume", f"kept:{STATE}", "--network", "host",
]  # fmt: skip


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """With the image. Its context is a folder with nothing but the one file."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "context" / "dist").mkdir(parents=True)
    shutil.copy(PROGRAM, folder / "context" / "dist" / "citychat")
    with Podman(folder / "podman") as builder:
        builder.make_base(BASE)
        builder.run(
            "build", "--pull=never", "--format", "docker", "--file", str(ROOT / "deploy/Containerfile"), "--tag", IMAGE,
            str(folder / "context"),
        )  # fmt: skip
        yield builder


@contextmanager
def container(podman: Podman, port: int) -> Iterator[str]:
    """A container of its own over the same volume; its address. It is stopped, and gone afterwards."""
    podman.start("citychat", IMAGE, "--listen", "127.0.0.1", "--port", str(port), flags=CLOSED)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        podman.run("stop", "--time", "30", "citychat")
        ended = podman.run("inspect", "citychat", "--format", "{{.State.ExitCode}}").strip()
        said = podman.run("logs", "citychat")
        podman.run("rm", "citychat")
    assert ended == "0", said


def test_it_is_closed_as_compose_has_it_and_says_how_it_is() -> None:
    """The flags of these tests are those of the file."""
    assert OURS["read_only"] and OURS["tmpfs"] == ["/tmp"] and OURS["cap_drop"] == ["ALL"]
    assert OURS["security_opt"] == ["no-new-privileges:true"] and OURS["volumes"] == [f"citychat:{STATE}"]


def test_the_image_has_user_volume_port_and_health_check(podman: Podman) -> None:
    (found,) = json.loads(podman.run("image", "inspect", IMAGE))
    config = found["Config"]
    assert config["User"] == OURS["user"]
    assert list(config["Volumes"]) == [STATE] and list(config["ExposedPorts"]) == ["8888/tcp"]
    assert (found.get("Healthcheck") or found["HealthCheck"])["Test"][:3] == ["CMD", "citychat", "doctor"]


async def test_two_talk_through_it_and_are_the_same_in_the_next_container(podman: Podman) -> None:
    port = free_port()
    with container(podman, port) as url:
        await until(lambda: listens(port))
        pages = LivePage(url, Random(1)), LivePage(url, Random(2))
        await meet(*pages)
        pages[0].say("from a container")
        await pages[0].screen.until(lambda: list(pages[0].screen.states.values()) == ["delivered"])
        for page in pages:
            await page.done()
        ours = ["exec", "citychat"]
        doctor = ["citychat", "doctor", url, "--data", "/none"]
        assert "ok  WebSocket" in await asyncio.to_thread(podman.run, *ours, *doctor)
        assert podman.run(*ours, "id", "--user").strip() == OURS["user"].partition(":")[0]
        assert podman.run(*ours, "touch", "/here", wrong=True) == ""
        assert "here" not in podman.run(*ours, "ls", "/").split(), "nothing is written but into the volume and /tmp"
        assert "citychat.db" in podman.run(*ours, "ls", STATE)
    port = free_port()
    with container(podman, port) as url:
        await until(lambda: listens(port))
        again = LivePage(url, Random(3), storage=pages[0].storage)
        again.start()
        await again.screen.until(again.in_chat)
        assert again.outbox.running == pages[0].outbox.running, "the volume has the keys, and the chat"
        await again.done()
