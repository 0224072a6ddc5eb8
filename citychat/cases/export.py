"""Export of a case for the police or a hotline: a text to read, JSON, and checksums, in a folder for its owner only."""

import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec

from citychat.cases.reading import objected, transcript
from citychat.cases.words import indented, moment, reason, state
from citychat.model import Message, TrailRow
from citychat.ports import Case

CHECKSUMS = "SHA256SUMS"


def files_of(case: Case, messages: Sequence[Message], trail: Sequence[TrailRow], now: int) -> dict[str, bytes]:
    """Return the files of a case by their names."""
    files = {"case.txt": _text(case, messages, trail, now), "case.json": _json(case, messages, trail, now)}
    files[CHECKSUMS] = "".join(f"{sha256(body).hexdigest()}  {name}\n" for name, body in files.items()).encode()
    return files


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a new folder. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True)
    for name, body in files.items():
        with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(body)


def _text(case: Case, messages: Sequence[Message], trail: Sequence[TrailRow], now: int) -> bytes:
    lines = [
        f"{'Report' if case.accused else 'Notice'} {case.code} to a CityChat server, exported {moment(now)}",
        "All times are UTC. Signs that are not drawn stand as their codes.",
        "",
        f"Reason    {reason(case.reason)}",
        f"Received  {moment(case.at)}",
        f"State     {state(case)}",
        f"Note      {indented(case.note, ' ' * 10)}",
        *(_who(case) if case.accused else ["Reporter  no guest"]),
        f"Decided   {moment(case.closed)}: {indented(case.words, ' ' * 10)}"
        if case.closed is not None
        else "Not decided",
        *objected(case),
        "",
        f"Messages, the last {len(messages)} of both, as the server has kept them:",
        "",
        *transcript(case, messages),
        "",
        "Who has seen or done what, by the server's trail:",
        "",
        *(f"{row.n}  {moment(row.act.at)}  {row.act.who}  {row.act.act}  {row.hash}" for row in trail),
    ]
    return ("\n".join(lines) + "\n").encode()


def _who(case: Case) -> list[str]:
    return [f"Chat      {case.session}", f"Accused   guest {case.accused}", f"Reporter  guest {case.reporter}"]


def _json(case: Case, messages: Sequence[Message], trail: Sequence[TrailRow], now: int) -> bytes:
    whole: Mapping[str, object] = {
        "exported": moment(now),
        "times": "milliseconds since 1970, UTC",
        "case": msgspec.structs.asdict(case),
        "messages": [
            {
                "at": m.at,
                "side": m.side,
                "by_accused": None if case.side is None else m.side == case.side,
                "text": m.text,
            }
            for m in messages
        ],
        "trail": trail,
    }
    return msgspec.json.format(msgspec.json.encode(whole)) + b"\n"
