"""Reports as a store keeps them, without two guests who meet first."""

import asyncio

from citychat.model import Message, Session
from citychat.ports import History, Report
from citychat.rules import DAY_MS

CANARY = "the canary sings at dawn"


async def make_case(
    history: History,
    code: str,
    at: int,
    *,
    reason: str = "hate",
    accused: str = "ben",
    reporter: str = "anna",
    text: str = CANARY,
    note: str = "a note",
) -> None:
    """Keep a report of that time, of a chat in which the accused has written ``text``."""
    s, names = f"s{code}", ("Amber Fox", "Teal Owl")
    await history.sessions.begin(Session(s, (reporter, accused), names, "Lyon", at - 60_000, at + 30 * DAY_MS))
    kept: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    rows = [Message(s, 0, "a", 1, 1, "hello", at - 9_000), Message(s, 1, "b", 1, 2, text, at - 8_000)]
    history.messages.add(rows, kept.set_result)
    await kept
    await history.reports.add(Report(code, s, reporter, accused, reason, note, at, (f"of {reporter}",)))
