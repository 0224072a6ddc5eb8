"""deploy/Containerfile and deploy/compose.yaml: held to what the program is called, takes and needs."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from citychat.__main__ import main
from citychat.adapters.mongo import connection as mongo
from citychat.adapters.rabbitmq import mailbox as rabbitmq
from citychat.adapters.redis import connection as redis
from citychat.server.stopping import STOP_S
from citychat.settings import FIELDS, load
from tests.support.document import ROOT
from tests.support.server_process import ServerProcess
from tools.binary.__main__ import TARGET

STEPS = re.findall(
    r"^([A-Z]+) +(.*)$", (ROOT / "deploy/Containerfile").read_text("utf-8").replace("\\\n", ""), re.MULTILINE
)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text("utf-8"))
OURS = COMPOSE["services"]["citychat"]
STATE = "/var/lib/citychat"
SECRETS = {"CONTACT": "you@example.org", "REDIS_PASSWORD": "a", "RABBITMQ_PASSWORD": "b", "MONGODB_PASSWORD": "c"}
LEAST = {"redis": redis.LEAST, "rabbitmq": rabbitmq.LEAST_VERSION, "mongo": mongo.LEAST}


def step(name: str) -> str:
    """The one step of this name."""
    (found,) = (words for kind, words in STEPS if kind == name)
    return str(found)


def filled(text: str) -> str:
    """As compose fills in what stands in .env."""
    return re.sub(r"\$\{(\w+)(:\?[^}]*)?\}", lambda found: SECRETS[found[1]], text)


def environment() -> dict[str, str]:
    return {name: filled(value) for name, value in OURS["environment"].items()}


def test_the_image_is_the_one_file_for_a_user_without_rights() -> None:
    assert step("COPY").split()[-2:] == [TARGET.relative_to(ROOT).as_posix(), "/usr/local/bin/citychat"]
    user = step("USER")
    assert re.fullmatch(r"[1-9]\d{4}:[1-9]\d{4}", user) and user == OURS["user"]
    kinds = [kind for kind, _ in STEPS]
    made = next(words for kind, words in STEPS if kind == "RUN")
    assert made.startswith(f"install -d -o {user.split(':')[0]} -g {user.split(':')[1]} -m 700 ")
    folders = dict(pair.split("=") for pair in step("ENV").split())
    assert set(made.split()[-2:]) == set(folders.values()), "the user's own: what it unpacks is read by nobody else"
    unpacking = max(at for at, (kind, _) in enumerate(STEPS) if kind == "RUN")
    assert unpacking > kinds.index("USER") and unpacking > kinds.index("ENV"), "unpacked as that user, into that folder"
    assert folders["STATE_DIRECTORY"] == STATE == step("VOLUME")


def test_its_command_is_one_the_program_takes() -> None:
    assert json.loads(step("ENTRYPOINT")) == ["citychat"]
    settings = load(json.loads(step("CMD")), {"STATE_DIRECTORY": STATE})
    assert (settings.listen, settings.data) == ("0.0.0.0", Path(STATE))
    assert step("EXPOSE") == str(settings.port)


async def test_its_health_is_a_guests_way_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program, *words = json.loads(step("HEALTHCHECK").partition("CMD ")[2])
    assert program == "citychat"
    async with ServerProcess(tmp_path / "data") as server:
        here = [word.replace(":8888", f":{server.port}") for word in words]
        assert here != words
        assert await asyncio.to_thread(main, here) == 0
        assert "ok  WebSocket" in capsys.readouterr().out
    assert await asyncio.to_thread(main, here) == 1


def test_compose_closes_our_container() -> None:
    assert OURS["read_only"] is True and OURS["cap_drop"] == ["ALL"]
    assert OURS["security_opt"] == ["no-new-privileges:true"]
    assert OURS["volumes"] == [f"citychat:{STATE}"]
    assert OURS["ports"] == ["127.0.0.1:8888:8888"], "guests come through the proxy, and services have no port outside"
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["citychat"]
    assert float(OURS["stop_grace_period"].removesuffix("s")) >= 2 * STOP_S
    assert (ROOT / "deploy" / OURS["build"]["context"] / OURS["build"]["dockerfile"]).resolve() == (
        ROOT / "deploy/Containerfile"
    )


def test_compose_gives_settings_that_the_program_takes_and_services_that_are_there() -> None:
    settings = load(json.loads(step("CMD")), environment() | {"STATE_DIRECTORY": STATE})
    assert {name for name in settings.sources if name in FIELDS} >= {"bus", "mailbox", "history", "secret_file"}
    for url, password in ((settings.bus, "a"), (settings.mailbox, "b"), (settings.history, "c")):
        host = re.search(r":(\w+)@(\w+):\d+/", url)
        assert host is not None and host[1] == password and host[2] in COMPOSE["services"]
    (network,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    assert network["gateway"] in settings.trusted_proxies
    assert "".join(COMPOSE["services"]["redis"]["command"]).endswith("${REDIS_PASSWORD}")


@pytest.mark.parametrize("name", ["redis", "rabbitmq", "mongodb"])
def test_the_services_are_new_enough(name: str) -> None:
    image, _, tag = COMPOSE["services"][name]["image"].partition(":")
    version = tuple(map(int, tag.split(".")))
    assert version >= LEAST[image][: len(version)]
