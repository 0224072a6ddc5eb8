"""``citychat status``: asks a running process how all of them go, and tells a person or (``--json``) a program."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO, TypeVar

import msgspec

from citychat.figures import Summary
from citychat.printing import again

T = TypeVar("T")
EACH = "status-*.sock"
PATIENCE_S = 15.0
USAGE = "usage: citychat status [--json] [--data FOLDER]"
UNITS = ((86_400, "days"), (3_600, "h"), (60, "min"), (1, "s"))
NO_DATABASE = "none: guests choose their city"
ASK_BROKER = "not told by RabbitMQ to us: rabbitmqctl list_queues name messages"


def main(
    words: Sequence[str],
    as_json: bool,
    *,
    data: Path,
    now_s: float,
    out: TextIO,
    errors: TextIO,
    flags: Sequence[str] = (),
) -> int:
    """Exit status: 0 told, 1 no process answers, 2 usage. ``flags``: those of settings, as they were typed."""
    if words:
        print(USAGE, file=errors)
        return 2
    found = next(filter(None, map(_asked, sorted(data.glob(EACH)))), None)
    if found is None:
        print(
            f"citychat status: no server answers in {data}; name the folder of one that runs with --data", file=errors
        )
        return 1
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode(), file=out)
    else:
        for name, text in lines(found, now_s, again(flags)):
            print(f"{name:<14}{text}", file=out)
    return 0


def _asked(path: Path) -> Summary | None:
    return answer_of(path, b"", Summary)


def answer_of(path: Path, question: bytes, kind: type[T]) -> T | None:
    """Return what the process behind a socket answers; None when there is none any more."""
    with suppress(OSError, msgspec.DecodeError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as there:
        there.settimeout(PATIENCE_S)
        there.connect(str(path))
        if question:  # who is asked nothing may have answered and gone
            there.sendall(question)
        return msgspec.json.decode(b"".join(iter(lambda: there.recv(65_536), b"")), type=kind)
    return None


def lines(found: Summary, now_s: float, same: str = "") -> Iterator[tuple[str, str]]:
    """Yield what a person reads, with the age of things at ``now_s``; ``same``: flags for the commands it names."""
    many = "1 process" if found.processes == 1 else f"{found.processes} processes"
    silent = f", {found.silent} of them silent" if found.silent else ""
    yield "Running", f"{many}{silent}, version {' and '.join(found.versions)}, for {_span(found.up_s)}"
    if found.wrong or found.ready < found.processes - found.silent:
        yield "Wrong", f"{', '.join(found.wrong) or 'a process is not ready'} (/ready says what)"
    if found.closed:
        ends = "until it is opened" if found.closed_until is None else f"for {_span(found.closed_until - now_s)} more"
        yield "House", f"closed {ends}: {found.closed}"
    yield "Guests", f"{found.here} here: {found.free} free, {found.looking} looking, {found.talking} in chats"
    waited = "" if found.median_wait_s is None else f", median wait {_span(found.median_wait_s)}"
    yield "Today", f"matches {found.matches:,}, searches {found.searches:,}{waited} (since 0:00 UTC, or the start)"
    p99_s = found.p99_delivery_s
    delivered = "" if p99_s is None else f", 99 % of those drawn at once within {p99_s * 1_000:,.0f} ms"
    yield "Messages", f"{found.messages:,} since then{delivered}"
    yield "Mail", ASK_BROKER if found.mail is None else f"{found.mail:,} waiting for absent guests"
    yield "Cases", _cases(found, same)
    yield "Disk", f"{found.free_disk_bytes / 1e9:,.1f} GB free of {found.disk_bytes / 1e9:,.1f} GB"
    if found.backup_at is not None:
        none = f"none yet: citychat backup{same}"
        yield "Backup", f"{_span(now_s - found.backup_at)} old" if found.backup_at else none
    built_at = found.city_database_at
    yield "City database", NO_DATABASE if built_at is None else f"{_span(now_s - built_at)} old"


def _cases(found: Summary, same: str) -> str:
    if found.reports is None:
        return "unknown while the history is away"
    objected = f", {found.objections} of them with an objection to answer" if found.objections else ""
    return f"{found.reports} open{objected}{f': citychat cases{same}' if found.reports else ''}"


def _span(seconds: float) -> str:
    """In the largest unit that fits; nothing is older than now by a clock that is behind."""
    seconds = max(seconds, 0)
    size, name = next(((size, name) for size, name in UNITS if seconds >= size), (1, "s"))
    return f"{seconds / size:.0f} {name}"
