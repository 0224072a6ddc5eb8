"""One line of what the doctor says."""

from typing import NamedTuple


class Finding(NamedTuple):
    """The state of one thing that was looked at. Not ``well``: ``text`` says what to do."""

    topic: str
    text: str
    well: bool = True

    def __str__(self) -> str:
        return f"{'ok' if self.well else 'DO':<3} {self.topic:<14} {self.text}"


def wrong(topic: str, text: str) -> Finding:
    """Return a finding that the host should act on."""
    return Finding(topic, text, well=False)
