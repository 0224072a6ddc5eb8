"""Lists of first questions, one a line: ours in each language, or the host's own.

Which one a chat has follows from its id, so nothing is sent or kept for it. All languages have the same questions in
the same lines: two who read different languages see the same one.
"""

from collections.abc import Sequence
from pathlib import Path

LISTS = Path(__file__).parent
FILE = "questions.txt"
MOST, MAX_CHARS = 500, 200
FNV_START, FNV_PRIME = 2_166_136_261, 16_777_619


def questions_in(language: str) -> list[str]:
    """Return ours in this language, or in English where there are none."""
    path = LISTS / f"{language}.txt"
    return read_questions((path if path.is_file() else LISTS / "en.txt").read_text("utf-8"))


def questions_of_host(data: Path) -> list[str]:
    """Return the host's own, which replace ours; empty where there is no file. Raises ValueError, OSError."""
    path = data / FILE
    try:
        found = read_questions(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: save it as UTF-8, or move it away") from error
    if not 1 <= len(found) <= MOST:
        raise ValueError(f"{path} has {len(found)} questions: expected 1 to {MOST}, one a line")
    if long := next((number for number, one in enumerate(found, 1) if len(one) > MAX_CHARS), 0):
        raise ValueError(f"{path}: question {long} has more than {MAX_CHARS} characters")
    return found


def read_questions(text: str) -> list[str]:
    """Read a list: a question a line, without empty lines and those that begin with #."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def which(session: str, questions: Sequence[str]) -> str:
    """Return the question of a chat: by the hash FNV-1a of its id, as ``static/question.js`` has it; "" of none."""
    number = FNV_START
    for byte in session.encode():
        number = (number ^ byte) * FNV_PRIME & 0xFFFF_FFFF
    return questions[number % len(questions)] if questions else ""
