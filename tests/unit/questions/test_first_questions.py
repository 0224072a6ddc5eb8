"""First questions: sixty a language, the same for both, and the host's own in their place."""

from pathlib import Path
from random import Random

import pytest

from citychat.languages import LANGUAGES
from citychat.model import new_id
from citychat.questions import FILE, questions_in, questions_of_host, read_questions, which
from citychat.questions.first_questions import LISTS
from tests.support import node

TWIN = Path(__file__).with_name("question_twin.js")


def test_every_language_has_the_same_sixty() -> None:
    lists = sorted(LISTS.glob("*.txt"))
    assert {path.stem for path in lists} <= LANGUAGES.keys() and LISTS / "en.txt" in lists
    for path in lists:
        found = read_questions(path.read_text("utf-8"))
        assert len(found) == len(set(found)) == 60, path.name
        assert max(map(len, found)) <= 90, path.name
    assert all(one.endswith("?") for one in questions_in("en"))


def test_a_language_without_a_list_has_the_english_one() -> None:
    assert questions_in("xx") == questions_in("en")


def test_both_pages_and_the_terminal_show_the_same_one_and_all_are_shown() -> None:
    random, questions = Random(1), questions_in("en")
    sessions = [new_id(random) for _ in range(2_000)]
    shown = [which(session, questions) for session in sessions]
    assert node.answer(TWIN, [sessions, questions]) == shown
    counts = [shown.count(question) for question in questions]
    assert min(counts) >= 10 and max(counts) <= 70
    assert which("any", []) == ""


def test_the_hosts_own_replace_ours(tmp_path: Path) -> None:
    assert questions_of_host(tmp_path) == []
    (tmp_path / FILE).write_text("# of our café\n\nTea,   or coffee?\n\ufeffCake?\n", "utf-8-sig")
    assert questions_of_host(tmp_path)[0] == "Tea, or coffee?"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\n# nothing\n", "has 0 questions: expected 1 to 500, one a line"),
        (b"Why?\n" * 501, "has 501 questions"),
        (b"Yes?\n" + b"x" * 201, "question 2 has more than 200 characters"),
        (b"Caf\xe9?\n", "is not UTF-8 text"),
    ],
)
def test_what_is_wrong_with_the_hosts_own_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ValueError, match=problem) as caught:
        questions_of_host(tmp_path)
    assert FILE in str(caught.value)
