"""A process whose files may not grow: prints what mailbox and history say before, during and after.

RLIMIT_FSIZE makes the system refuse writes as a full disk does, without needing one.
"""

import asyncio
import resource
import sys
from pathlib import Path

from citychat.adapters.sqlite import Database, SqliteHistory, SqliteMailbox
from citychat.model import ChatError
from citychat.ports import Committed, Mail
from tests.support.patience import PATIENCE_S
from tests.support.stores import StoreClock, make_room, message, put

ANY = resource.RLIM_INFINITY


async def main(folder: Path) -> None:
    clock = StoreClock(lambda: 1_700_000_000_000)
    heard: list[Mail] = []
    async with (
        Database(folder / "citychat.db") as database,
        SqliteMailbox(database, clock) as mailbox,
        SqliteHistory(database) as history,
    ):

        async def added(n: int) -> bool:
            done: asyncio.Future[Committed | None] = asyncio.get_running_loop().create_future()
            history.messages.add([message(n, x="x" * 4_000)], done.set_result)
            return await done is not None

        await make_room(history, message(1))
        print("before", await put(mailbox, "anna", message(1)), await added(1))
        resource.setrlimit(resource.RLIMIT_FSIZE, ((folder / "citychat.db-wal").stat().st_size, ANY))
        print("full", await put(mailbox, "anna", message(2, x="x" * 4_000)), await added(2))
        try:
            await history.relations.block("anna", "ben", 1)
        except ChatError as error:
            print(error.code, type(error.__cause__).__name__)
        print("reads", [m.number for m in await history.messages.page("s", None, 9)])
        resource.setrlimit(resource.RLIMIT_FSIZE, (ANY, ANY))
        print("after", await put(mailbox, "anna", message(3)), await added(3))
        await mailbox.open("anna", heard.append)
        async with asyncio.timeout(PATIENCE_S):
            while len(heard) < 2:
                await history.reports.state("", 1)
        page = await history.messages.page("s", None, 9)
        print("kept", [mail.message.number for mail in heard], [m.number for m in page])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
