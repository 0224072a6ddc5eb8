"""The time by which mail in the embedded mailbox grows old."""

from pathlib import Path

from citychat.adapters.sqlite import Database, SqliteMailbox
from citychat.ports import Mail
from tests.support.patience import until
from tests.support.stores import StoreClock, message, put

HOUR_MS = 3_600_000


async def test_it_is_made_of_the_hours_of_all_runs_and_of_none_between_them(tmp_path: Path) -> None:
    now_ms = 1_700_000_000_000
    clock = StoreClock(lambda: now_ms, lambda: now_ms)
    async with Database(tmp_path / "citychat.db") as database:

        async def waiting(run_h: int) -> int:
            """What a run of so many hours finds at its start."""
            nonlocal now_ms
            mail: list[Mail] = []
            async with SqliteMailbox(database, clock) as mailbox:
                await mailbox.open("anna", mail.append)
                await database.run(lambda transaction: None)
                now_ms += run_h * HOUR_MS
            return len(mail)

        async with SqliteMailbox(database, clock) as mailbox:
            assert await put(mailbox, "anna", message(1))
            now_ms += 10 * HOUR_MS
        now_ms += 1_000 * HOUR_MS
        assert await waiting(13) == 1
        now_ms -= 50_000 * HOUR_MS
        assert await waiting(1) == 1
        assert await waiting(0) == 0


async def test_a_clock_that_jumps_lets_no_marker_pass_mail_that_waits(tmp_path: Path) -> None:
    """A marker that came out before it would turn the mail, which has a tick, into a gap (protocol §2.5.2)."""
    ahead_ms = 0
    clock = StoreClock(lambda: 1_700_000_000_000 + ahead_ms, lambda: 0)
    came: list[str] = []
    async with Database(tmp_path / "citychat.db") as database, SqliteMailbox(database, clock) as mailbox:
        first = await mailbox.open("anna", lambda mail: None)
        second = await mailbox.open("anna", lambda mail: came.append(mail.message.text))
        assert await put(mailbox, "anna", message(1))
        ahead_ms = 72 * HOUR_MS
        mailbox.mark(second, lambda yes: came.append(f"read {yes}"))
        await database.run(lambda transaction: None)
        await mailbox.close(first)
        await until(lambda: len(came) == 2)
    assert came == ["text 1", "read True"]
