"""CityChat with one rule left out: ``python -m tests.faults.mutant "ack before history" --port 0 …``.

For the test of the checker, which must notice each of them over the real servers.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

from tests.mutants.rows import MUTANTS as LEFT_OUT
from tests.support.mutation import Change, put_in_place

CONNECTION, INBOX = "citychat/adapters/rabbitmq/connection.py", "citychat/delivery/inbox.py"

PUT_BLINDLY = (  # what has no queue is confirmed, and gone
    Change(CONNECTION, 'self._send("queue_declare", queue, durable=True, arguments=dict(arguments))', "pass"),
    Change(CONNECTION, "properties, mandatory=True)", "properties, mandatory=False)"),
)
AT_CONNECT_ONLY = (  # for two seconds; what comes later is not taken out
    Change(INBOX, "import asyncio\n", "import asyncio\nimport time\n"),
    Change(
        INBOX, "        self.early: list[Mail] = []\n",
        "        self.early: list[Mail] = []\n        self.opened_s = time.monotonic()\n",
    ),
    Change(
        INBOX, "    def _mail(self, opening: _OpenMailbox, mail: Mail) -> None:\n",
        "    def _mail(self, opening: _OpenMailbox, mail: Mail) -> None:\n"
        "        if time.monotonic() - opening.opened_s > 2.0:\n            return\n",
    ),
)  # fmt: skip
MUTANTS: Mapping[str, Sequence[Change]] = {
    "ack before history": LEFT_OUT["the mailbox is acked before the commit"].changes,
    "receipt before commit": LEFT_OUT["a receipt before the commit"].changes,
    "put without declare and mandatory": PUT_BLINDLY,
    "mailbox read at connect only": AT_CONNECT_ONLY,
}

if __name__ == "__main__":
    put_in_place(MUTANTS[sys.argv[1]])  # before anything of the program is imported
    sys.exit(import_module("citychat.__main__").main(sys.argv[2:]))
