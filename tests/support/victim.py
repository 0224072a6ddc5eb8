"""A process to be killed: ``victim mailbox|history ADAPTER FOLDER`` writes for ever and prints what is durable."""

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from citychat.ports import Committed
from tests.support.stores import HISTORIES, MAILBOXES, StoreClock, make_room, message

PER_STREAM = 400  # below what one mailbox holds
IN_FLIGHT = 8  # several batches wait when the kill comes


async def main(port: str, adapter: str, folder: Path) -> None:
    room = asyncio.Semaphore(IN_FLIGHT)

    def durable(numbers: list[int], yes: bool) -> None:
        assert yes
        for n in numbers:
            print(n, flush=True)
        room.release()

    async with AsyncExitStack() as stack:
        if port == "mailbox":
            mailbox = await stack.enter_async_context(MAILBOXES[adapter](folder, StoreClock(lambda: 1_700_000_000_000)))
        else:
            history = await stack.enter_async_context(HISTORIES[adapter](folder, StoreClock(lambda: 1_700_000_000_000)))
            await make_room(history, message(1))
        n = 0
        while True:
            await room.acquire()
            numbers = list(range(n + 1, n + 6))
            n += 5
            stream = f"st{(n - 1) // PER_STREAM}"
            messages = [message(number, st=stream) for number in numbers]
            if port == "mailbox":
                mailbox.put(stream, messages, lambda kept, numbers=numbers: durable(numbers, kept))  # type: ignore[misc]
            else:

                def done(committed: Committed | None, numbers: list[int] = numbers) -> None:
                    durable(numbers, committed is not None)

                history.messages.add(messages, done)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
