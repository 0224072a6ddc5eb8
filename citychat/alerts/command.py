"""The command ``citychat alert``: a trial by every way to the host, and what came of it."""

from collections.abc import Sequence
from typing import TextIO

from citychat.alerts.alert import NotSent, Way, of_trial


def main(words: Sequence[str], *, ways: Sequence[Way], out: TextIO, errors: TextIO) -> int:
    """Exit status: 0 all took it, 1 one did not, 2 wrong usage, or no way is named."""
    if words or not ways:
        why = f"{words[0]} makes no sense here" if words else "no way is named"
        print(f"citychat alert: {why}: expected only the setting alert (--alert URL)", file=errors)
        return 2
    status = 0
    for way in ways:
        try:
            way.send(of_trial())
            print(f"Sent: {way.place}", file=out)
        except NotSent as error:
            status = 1
            print(f"citychat alert: not sent: {error}", file=errors)
    return status
