"""A stopwatch of somebody who does a thing for the first time: of reading and pressing, and of no machine."""

READING_PER_MINUTE = 200  # words, by somebody who reads all of it and carefully
KEY_S = 0.3  # somebody who looks at the keys
THOUGHT_S = 10.0  # before something is decided, or looked for


class Stopwatch:
    """Adds up ``passed_s``."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self._read = set[str]()

    def reads(self, text: str) -> None:
        """Read each line that was not read before."""
        new = dict.fromkeys(line for line in text.splitlines() if line not in self._read)
        self._read |= new.keys()
        self.passed_s += sum(len(line.split()) for line in new) * 60 / READING_PER_MINUTE

    def types(self, keys: str) -> None:
        """These keys, and Enter."""
        self.presses(len(keys) + 1)

    def presses(self, keys: int = 1) -> None:
        self.passed_s += keys * KEY_S

    def thinks(self) -> None:
        self.passed_s += THOUGHT_S
