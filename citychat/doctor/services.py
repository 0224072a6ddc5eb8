"""Checks of Redis, RabbitMQ and MongoDB, as a process that connects now finds them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

from citychat.adapters import ServiceStatus
from citychat.doctor.finding import Finding, wrong
from citychat.setting_types import EMBEDDED, place_of
from citychat.settings import Settings, SettingsError
from citychat.tokens import KeyFileError, SigningKeys, shared_keys

Ask = Callable[[Settings, SigningKeys | None], Awaitable[tuple[Mapping[str, ServiceStatus], Sequence[str]]]]
"""Reaches every service once: how each stands, by its setting, and what would end a process."""


def findings(settings: Settings, ask: Ask) -> Iterator[Finding]:
    """Reach every service that the settings name."""
    if all(url == EMBEDDED for url in (settings.bus, settings.mailbox, settings.history)):
        yield Finding("Services", "embedded (bus, mailbox, history)")
        return
    try:
        statuses, troubles = asyncio.run(_asked(settings, ask))
    except SettingsError as error:
        yield wrong("Services", f"{error}.")
        return
    for setting, status in statuses.items():
        yield of_service(status, place_of(getattr(settings, setting)))
    known = {status.trouble for status in statuses.values()}
    yield from (wrong("Services", f"{trouble}.") for trouble in troubles if trouble not in known)


async def _asked(settings: Settings, ask: Ask) -> tuple[Mapping[str, ServiceStatus], Sequence[str]]:
    return await ask(settings, _keys(settings))


def _keys(settings: Settings) -> SigningKeys | None:
    """The keys, for comparison with those of other processes; another line says why there are none."""
    try:
        return shared_keys(settings.secret_file)
    except KeyFileError:
        return None


def of_service(status: ServiceStatus, place: str) -> Finding:
    """Say how one service stands: whether it answers and does what guests need, its clock, its host's settings."""
    if status.state:
        return wrong(status.service, f"{place}: {status.state}. Is it running, and are address and password right?")
    if status.clock:
        return wrong(status.service, f"Its clock is {status.clock}: let NTP set both.")
    if status.advice:
        return wrong(status.service, f"It is not set as it should be: {status.advice}. See docs/hosting.md.")
    return Finding(status.service, f"{status.version} at {place}")
