"""The acks of what was drawn of the partners' messages: one for many, a few times a second (protocol §2.3).

The twin of ``static/acks.js``.
"""

from citychat.client.calls import Calls

ACK_MS, ACK_MESSAGES = 50, 8


class Acks:
    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.waiting: dict[str, tuple[str, int]] = {}  # by stream, its session and the last number drawn
        self._messages = 0  # that they are for
        self._sent_at = -1.0e12

    def add(self, session: str, stream: str, number: int, now: float) -> None:
        self.waiting[stream] = (session, number)
        self._messages += 1
        if now - self._sent_at >= ACK_MS or self._messages >= ACK_MESSAGES:
            self._send(now)
        else:
            self.calls.alarm(self._sent_at + ACK_MS)

    def drop(self) -> None:
        """Forget them: the next link begins with a join, which says what was drawn."""
        self.waiting, self._messages = {}, 0

    def tick(self, now: float) -> None:
        if self.waiting and now - self._sent_at >= ACK_MS:
            self._send(now)
        elif self.waiting:  # woken by an earlier alarm: this one is still to come
            self.calls.alarm(self._sent_at + ACK_MS)

    def _send(self, now: float) -> None:
        for stream, (session, number) in self.waiting.items():
            self.calls.emit("chat-ack", {"session": session, "stream": stream, "number": number})
        self.drop()
        self._sent_at = now
