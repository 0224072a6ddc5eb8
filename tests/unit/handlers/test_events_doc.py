"""docs/events.yaml is the protocol: held to the event tables, to what the server emits and to what the page names."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from citychat import model
from citychat.catalogue import ENGLISH
from citychat.client.outbox import FINAL
from citychat.handlers import AtOnce, Event
from citychat.joining import JoinRequest
from citychat.model import ChatError
from citychat.ports import Closure
from citychat.rules import FOR_GOOD_MS
from citychat.server.stopping import DRAIN_S
from tests.support.door_page import DoorPage
from tests.support.stage import Stage, on_stage

ROOT = Path(__file__).parents[3]
DOC = yaml.safe_load((ROOT / "docs" / "events.yaml").read_text("utf-8"))
NAMING = ("socket.js", "outbox.js", "acks.js")  # the modules of the page that name events
EVENT = re.compile(r"[\"'`]((?:user|chat)-[a-z]+(?:-[a-z]+)*)[\"'`]")


def resolved(value: Any) -> Any:
    """The value, with what it refers to."""
    if isinstance(value, Mapping) and "$ref" in value:
        target: Any = DOC
        for step in value["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return {**resolved(target), **{k: v for k, v in value.items() if k != "$ref"}}
    return value


def operations(action: str) -> dict[str, dict[str, Any]]:
    """Event name → operation with its channel and message resolved."""
    found = {}
    for operation in DOC["operations"].values():
        if operation["action"] == action:
            (message,) = (resolved(message) for message in operation["messages"])
            replies = operation.get("reply", {"messages": []})["messages"]
            found[message["name"]] = {
                "address": resolved(operation["channel"])["address"],
                "payload": resolved(message["payload"]),
                "reply": [resolved(resolved(reply)["payload"]) for reply in replies],
            }
    return found


def table(stage: Stage) -> dict[str, Event | AtOnce]:
    return stage.p.process.door._events


def references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "$ref" in value:
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def test_the_document_is_whole() -> None:
    assert DOC["asyncapi"] == "3.0.0"
    used = set(references(DOC))
    for reference in used:
        resolved({"$ref": reference})
    for kind in ("messages", "schemas"):
        for name in DOC["components"][kind]:
            assert f"#/components/{kind}/{name}" in used, f"{name} is used by nothing"
    for name, channel in DOC["channels"].items():
        for message in channel["messages"]:
            assert f"#/channels/{name}/messages/{message}" in used, f"{message} belongs to no operation"


def test_an_event_starts_with_the_prefix_of_the_namespace_it_is_sent_to() -> None:
    for action in ("send", "receive"):
        for name, operation in operations(action).items():
            assert operation["address"] == "/" + name.split("-")[0]


@on_stage
async def test_the_handlers_take_the_documented_events_with_the_documented_fields(stage: Stage) -> None:
    documented = operations("receive")
    assert sorted(table(stage)) == sorted(documented)
    for name, event in table(stage).items():
        payload = documented[name]["payload"]
        shape = JoinRequest if name == "user-join" else event.shape
        fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
        assert set(fields) == set(payload.get("properties", {})), name
        assert {field for field, info in fields.items() if info.required} == set(payload.get("required", [])), name


def test_the_server_emits_the_documented_events_and_no_others() -> None:
    emitted = set()
    for path in (ROOT / "citychat").rglob("*.py"):
        emitted |= set(re.findall(r"\bemit\(\s*\"((?:user|chat)-[a-z-]+)\"", path.read_text("utf-8")))
    page_side = {
        "chat-message",
        "chat-ack",
        "chat-ask",
        "user-join",
        "user-seek",
        "user-match",
        "user-leave",
        "user-view",
    }
    told = set(operations("send"))
    assert told <= emitted and emitted - told <= page_side


def test_the_page_knows_the_documented_events_and_no_others() -> None:
    static = ROOT / "citychat" / "static"
    named = {name for file in NAMING for name in EVENT.findall((static / file).read_text("utf-8"))}
    assert named == set(operations("send")) | set(operations("receive"))


def test_no_other_file_of_the_page_names_an_event() -> None:
    static = ROOT / "citychat" / "static"
    for path in static.rglob("*.js"):
        if path.name not in NAMING and not {"vendor", "bundle"} & {*path.parts}:
            known = set(operations("send")) | set(operations("receive"))
            assert not known & set(EVENT.findall(path.read_text("utf-8"))), path.name


def test_the_error_codes_are_the_documented_ones() -> None:
    kinds = [value for value in vars(model).values() if isinstance(value, type) and issubclass(value, ChatError)]
    assert sorted({kind.code for kind in kinds}) == sorted(DOC["components"]["schemas"]["Code"]["enum"])


def test_a_page_knows_the_refusals_that_are_final_by_documented_codes() -> None:
    """And both pages know the same; each has a sentence."""
    source = (ROOT / "citychat" / "static" / "outbox.js").read_text("utf-8")
    (listed,) = re.findall(r"^const FINAL = (\[.*?\]);", source, re.MULTILINE)
    assert tuple(json.loads(listed)) == FINAL
    assert set(FINAL) <= set(DOC["components"]["schemas"]["Code"]["enum"])
    assert {name for name in ENGLISH if name.startswith("why.")} == {"why.other", *(f"why.{code}" for code in FINAL)}


# -- what really travels ----------------------------------------------------------------------------------------------


KINDS: dict[str, Any] = {
    "object": Mapping,
    "array": list | tuple,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def misfit(value: Any, schema: Any, path: str = "") -> Iterator[str]:
    """Where a value differs from the part of JSON Schema that the document uses."""
    schema = resolved(schema)
    if "oneOf" in schema:
        if all(list(misfit(value, choice, path)) for choice in schema["oneOf"]):
            yield f"{path}: none of the choices"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{path}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is not one of {schema['enum']}"
    named = schema.get("type", [])
    allowed = [named] if isinstance(named, str) else named
    if allowed and not any(isinstance(value, KINDS[kind]) for kind in allowed):
        yield f"{path}: {value!r} is no {named}"
    if isinstance(value, Mapping) and "properties" in schema:
        for name in set(schema.get("required", [])) - set(value):
            yield f"{path}.{name} is missing"
        for name, part in value.items():
            if name not in schema["properties"]:
                yield f"{path}.{name} is not documented"
            else:
                yield from misfit(part, schema["properties"][name], f"{path}.{name}")
    if isinstance(value, list | tuple) and "items" in schema:
        for part in value:
            yield from misfit(part, schema["items"], f"{path}[]")


def check(page: DoorPage) -> set[str]:
    """Whatever the page was told is as documented; the names of its events."""
    sent, received = operations("send"), operations("receive")
    for event, payload in page.told:
        name = event.removeprefix("answer ")
        if event != name:
            problems = [list(misfit(payload, reply, name)) for reply in received[name]["reply"]]
            assert [] in problems, problems
        else:
            assert list(misfit(payload, sent[name]["payload"], name)) == []
    return {event for event, _ in page.told}


@on_stage
async def test_a_whole_visit_is_answered_and_told_as_documented(stage: Stage) -> None:
    anna, ben, s = await stage.p.talking()
    for n in (1, 2):
        await anna.tell("chat-message", {"s": s, "st": "stream", "n": n, "l": n, "x": "hello"})
    await stage.after(0.1)
    await ben.tell("chat-ack", {"s": s, "st": "stream", "n": 2})
    await ben.tell("chat-typing", {"s": s, "on": True})
    await stage.after(1)
    for n in range(1, 45):
        await ben.tell("chat-message", {"s": s, "st": "other", "n": n, "l": n, "x": "fast"})
    await stage.after(0.1)
    await anna.tell("chat-ack", {"s": s, "st": "other", "n": anna.last("chat-message")["n"]})
    await anna.ask("chat-history", {"s": s, "limit": 10})
    await anna.tell("chat-message", {"s": s})
    again = ben.next_page()
    await again.join()
    back = await again.reload()
    await back.ask("user-cities", {"q": "Lyon"})
    await back.ask("user-place", {"position": {"lat": 45.0, "lon": 4.0, "accuracy": 10}})
    await anna.ask("user-leave", {"session": s})
    await anna.ask("user-chats")
    code = (await anna.ask("user-report", {"session": s, "reason": "spam"}))["code"]
    await anna.ask("user-case", {"code": code})
    await anna.ask("user-available", {"on": True})
    looked = stage.p.page()
    assert (await looked.join(probe=True))["ok"]
    carl = await stage.p.join()
    await carl.ask("user-seek")
    await stage.after(40)
    await anna.ask("user-erase", {"confirm": True})
    await stage.history.house.close(Closure("back soon", FOR_GOOD_MS))
    await stage.after(11)
    await carl.ask("user-seek")
    await stage.p.process.drain(DRAIN_S)
    told = set[str]()
    for page in (anna, ben, again, back, looked, carl):
        told |= check(page)
    assert told >= set(operations("send")) - {"user-banned"}
