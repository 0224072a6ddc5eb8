"""Conflicts of settings that are right one by one: what one of them asks of another."""

from collections.abc import Container, Iterator, Mapping
from typing import Any

from citychat.hours import overlap
from citychat.setting_types import EMBEDDED, is_open


def conflicts(values: Mapping[str, Any], given: Container[str]) -> Iterator[str]:
    """Yield a sentence for each. ``values``: all settings by name; ``given``: the names of those that are no
    defaults."""
    if values["bus"] != EMBEDDED and "secret_file" not in given:
        yield (
            "bus is a Redis and secret_file is not given: expected --secret-file FILE, because every process needs the "
            "same keys"
        )
    for name in ("bus", "mailbox", "history"):
        if is_open(values[name]) and not values["allow_open_services"]:
            yield (
                f"{name} is on another host and its URL has no password: expected one in it, or "
                "--allow-open-services yes if nobody else can reach that host"
            )
    for name in ("meeting_hours", "quiet_hours"):
        if values[name] and not (values["home_city"] or values["time_zone"]):
            yield f"{name} is given and no city whose clock it goes by: expected --home-city, or --time-zone"
    if both := overlap(values["meeting_hours"], values["quiet_hours"]):
        yield f"meeting_hours has {both[0]} while quiet_hours has {both[1]}: expected hours that do not overlap"
