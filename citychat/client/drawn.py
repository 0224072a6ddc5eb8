"""The record of what this page has drawn, each message once: of every session, and of a partner's streams up to where.

The twin of ``static/drawn.js``.
"""

from collections.abc import Mapping

from citychat.client.calls import Calls
from citychat.client.shapes import Row

HAVE_MAX = 200  # of the longest ids 13 KB, and a frame holds 16; the history knows about the streams before them


class DrawnSession:
    """One session; ``side``: mine, ``keys``: side, stream and number of what was drawn, and whether that is a gap: what
    takes its place is drawn too."""

    def __init__(self, side: int) -> None:
        self.side, self.told = side, False  # told: the server has said how far its streams are
        self.highest_lamport = 0
        self.keys: set[tuple[int, str, int, bool]] = set()


class Drawn:
    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self._sessions: dict[str, DrawnSession] = {}
        self._seen: dict[str, int] = {}  # of each stream of a partner the last number, the one drawn last at the end

    def of(self, session: str, side: int) -> DrawnSession:
        """Return a session, begun if this page does not know it; ``side``: mine."""
        return self._sessions.setdefault(session, DrawnSession(side))

    def find(self, session: str) -> DrawnSession | None:
        return self._sessions.get(session)

    def draw(self, row: Row, state: str) -> None:
        """Draw a message of a known session, unless it was."""
        drawn = self._sessions.get(row["session"])
        key = (row["side"], row["stream"], row["number"], row.get("kind") == "gap")
        if drawn is None or key in drawn.keys:
            return
        drawn.keys.add(key)
        drawn.highest_lamport = max(drawn.highest_lamport, row["lamport"])
        self.calls.draw({name: value for name, value in row.items() if name not in ("state", "since")}, state)

    def have(self) -> dict[str, int]:
        """Return, for the next join, the last numbers of the streams drawn last."""
        return dict(list(self._seen.items())[-HAVE_MAX:])

    def last(self, stream: str) -> int:
        """Return the last number drawn of a partner's stream."""
        return self._seen.get(stream, 0)

    def learn(self, seen: Mapping[str, int]) -> None:
        """Take what earlier pages have drawn."""
        for stream, number in seen.items():
            self._seen[stream] = max(number, self.last(stream))

    def advance(self, row: Row) -> bool:
        """Tell whether a message is the next of its stream, or a gap line further on: then it, or the last one that it
        stands for, is the last."""
        stream, number = row["stream"], row["number"]
        last, to = self.last(stream), row.get("to") or number
        drawn = self._sessions.get(row["session"])
        begins = last == 0 and drawn is not None and not drawn.told  # mail of an older chat: where the server begins
        if number != last + 1 and not begins and (row.get("kind") != "gap" or to <= last):
            return False
        self._seen.pop(stream, None)
        self._seen[stream] = to
        return True
