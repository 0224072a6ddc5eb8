"""The command ``citychat push-keys``: make the host's keys for push services, with which "Tell me once" is on."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from citychat.push.keys import make_push_keys
from citychat.secret_files import PUSH_KEYS

ORIGIN = re.compile(r"https://[a-z0-9.-]+(:\d{1,5})?|http://(127\.0\.0\.1|localhost)(:\d{1,5})?")


def main(words: Sequence[str], *, data: Path, out: TextIO, errors: TextIO) -> int:
    """Exit status: 0 made, 1 not, 2 a word that is no origin of a further push service."""
    for word in words:
        if not ORIGIN.fullmatch(word):
            print(f"citychat push-keys: {word}: expected nothing, or origins such as https://push.example", file=errors)
            return 2
    path = data / PUSH_KEYS
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_push_keys(path, words)
    except FileExistsError:
        print(f"citychat push-keys: {path} is there already, and stays; who waits for a sign needs it", file=errors)
        return 1
    except OSError as error:
        print(f"citychat push-keys: cannot write {path}: {error.strerror}", file=errors)
        return 1
    print(f"Made {path}. “Tell me once” is offered from the next start on, if --contact names an address.", file=out)
    return 0
