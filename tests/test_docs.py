"""What the documents tell people to type works, and what they point at is there."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from citychat.settings import FIELDS, flag_of
from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
# Commands that are run here, as they stand, on an empty data folder.
RUN = {
    "python -m citychat --help": "--listen",
    "python -m citychat --print-settings": "port = 8888",
    "python -m citychat --check": "Everything is in order.",
    "python -m citychat geoip status": "No city database.",
    "python -m citychat geoip lookup 48.85,2.35": "Paris, FR",
    ".venv/bin/python -m tests.simulation --replay 42": "Nothing is wrong.",
    ".venv/bin/python -m tests.fuzz --layer packets --frames 1000": "| packets | 1,000 |",
    '.venv/bin/python -m tests.mutants.play "no fence" --replay 0': "WRONG: ",
}
# Commands that take long, need a network or never end: the test that does the same.
ELSEWHERE = {
    "python3 -m venv venv": "tests/test_package.py::test_an_editable_install_makes_the_missing_parts_in_place",
    "venv/bin/pip install .": "tests/test_package.py::test_a_machine_without_node_gets_it_for_the_build_only",
    "dist/citychat": "tests/test_binary.py::test_it_serves_the_page_and_two_people_talk",
    "venv/bin/citychat": "tests/test_package.py::test_the_wheels_program_starts_outside_the_repository",
    "python -m citychat guest http://localhost:8888": (
        "tests/server/test_terminal.py::test_two_guests_consent_meet_talk_and_part"
    ),
    "python -m citychat geoip fetch": (
        "tests/unit/places/test_ip_database.py::test_fetch_from_the_provider_takes_this_months_file_else_the_last_months"
    ),
    ".venv/bin/python -m tests.mutants --resume --workers 1": (
        "tests/mutants/test_mutants.py::test_what_was_noticed_at_this_commit_is_not_run_again"
    ),
    ".venv/bin/python -m tests.faults.rolling": (
        "tests/faults/test_stories.py::test_a_rolling_restart_loses_repeats_and_reorders_nothing"
    ),
    ".venv/bin/python -m tests.faults.life": (
        "tests/faults/test_stories.py::test_the_engines_own_tools_see_a_message_travel_wait_and_stay"
    ),
}
# The page for hosts is one long walk: a test types it from top to bottom, but for the lines that are marked.
HOSTING = "docs/hosting.md"
NOT_RUN = "  # (not run by our tests)"
WALK = "tests/server/test_hosting.py::test_a_host_who_types_the_page_has_a_server_backups_and_two_versions"
# So is the page for who handles reports.
MODERATION = "docs/moderation.md"
DESK = "tests/server/test_cases.py::test_a_host_who_types_the_page_handles_a_first_report"
OTHER_FLAGS = {
    "--replay",
    "--language",
    "--version",
    "--help",
    "--json",
    "--support",
    "--text",
    "--network",
    "--until",
    "--open",
}
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split())
A_PATH = re.compile(r"(?:citychat|tests|docs|bench|tools)/[\w./-]+(?:::\w+)?")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def commands() -> list[tuple[str, str]]:
    """Every line of every fenced block, with its document."""
    return [
        (name_of(document), line)
        for document in DOCUMENTS
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", document.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        for line in map(str.strip, block.splitlines())
        if line and not line.startswith("#")
    ]


def words(document: Path) -> Iterator[str]:
    """What stands between backticks, outside of fenced blocks."""
    text = re.sub(r"^```.*?^```", "", document.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", text)


def slug(heading: str) -> str:
    """The anchor that renderers make of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def run(command: str, data: Path) -> str:
    program, *rest = shlex.split(command)
    environ = os.environ | {"CITYCHAT_DATA": str(data)}
    program = sys.executable if program.endswith("python") else program
    done = subprocess.run([program, *rest], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, f"{command}: {done.stderr or done.stdout}"
    return done.stdout


def test_every_command_is_run_here_or_by_a_test_named_here() -> None:
    shown = {command for _, command in commands()}
    for document, command in commands():
        known = command in RUN or command in ELSEWHERE or command.startswith("make ") or " -m pytest " in command
        known = known or document in (HOSTING, MODERATION)
        assert known, f"{document} shows a command that no test runs: {command}"
    unshown = [command for command in (*RUN, *ELSEWHERE) if command not in shown]
    assert unshown == [], "no document shows these any more"
    assert [test for test in (*ELSEWHERE.values(), WALK, DESK) if not is_there(test)] == []


@pytest.mark.parametrize("command", RUN)
def test_a_command_does_what_the_documents_say(command: str, tmp_path: Path) -> None:
    assert RUN[command] in run(command, tmp_path)


@pytest.mark.parametrize("command", sorted({command for _, command in commands() if command.startswith("make ")}))
def test_a_make_command_can_be_made(command: str, tmp_path: Path) -> None:
    target = shlex.split(command)[1]
    assert target in TARGETS
    assert run(command.replace("make", "make -n", 1), tmp_path)


def test_only_the_page_for_hosts_shows_commands_that_nobody_runs() -> None:
    marked = {document for document, command in commands() if command.endswith(NOT_RUN)}
    assert marked == {HOSTING}
    run = [command for document, command in commands() if document == HOSTING and not command.endswith(NOT_RUN)]
    assert len(run) > 25
    program = re.compile(r"(apt-get|systemctl|systemd-run|certbot|git|mongosh|nginx|for|journalctl|make|docker)\b")
    assert [command for command in run if program.match(command)] == [], "these want a machine of their own: mark them"


def test_the_lines_of_the_log_that_hosts_are_told_of_are_those_the_program_writes() -> None:
    text = (ROOT / HOSTING).read_text("utf-8").split("| The log says | Do |")[1].split("\n\n")[0]
    said = "\n".join(path.read_text("utf-8") for path in (ROOT / "citychat").rglob("*.py"))
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 5
    assert [row for row in rows if row not in said] == []


def test_pytest_commands_name_tests_and_folders_that_hold_some() -> None:
    named = [path for _, line in commands() if " -m pytest " in line for path in line.partition("pytest ")[2].split()]
    assert named
    folders = [path for path in named if not (ROOT / path).is_file()]
    assert [path for path in folders if not list((ROOT / path).rglob("test_*.py"))] == []


def test_make_targets_and_flags_in_the_text_exist() -> None:
    flags = {flag_of(name) for name in FIELDS} | OTHER_FLAGS
    for document in DOCUMENTS:
        for word in words(document):
            if target := re.match(r"make ([a-z-]+)", word):
                assert target[1] in TARGETS, f"{name_of(document)}: make {target[1]}"
            for flag in re.findall(r"(?<!\S)--[a-z-]+", word):
                assert flag in flags, f"{name_of(document)}: {flag}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_and_picture_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = document.parent / file if file else document
        assert path.exists(), f"{name_of(document)} links to {target}, which is not there"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), f"{name_of(document)} links to {target}, which has no such heading"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_file_and_test_that_is_named_exists(document: Path) -> None:
    named = [word for word in words(document) if A_PATH.fullmatch(word) and "NAME" not in word]
    assert [word for word in named if not is_there(word)] == []


def is_there(path: str) -> bool:
    """A file, a folder, or a test by its file and name."""
    file, _, test = path.partition("::")
    return (ROOT / file).exists() and (not test or f"def {test}(" in (ROOT / file).read_text("utf-8"))


def test_the_errors_with_a_cure_are_those_the_programs_give() -> None:
    text = (ROOT / "docs/hosting.md").read_text("utf-8").split("## When it does not start")[1].split("\n## ")[0]
    sources = [*(ROOT / "citychat").rglob("*.py"), ROOT / "setup.py", ROOT / "Makefile", ROOT / "tools/binary/head.sh"]
    said = "\n".join(re.sub(r'"\s*\n\s*f?"', "", path.read_text("utf-8")) for path in sources)
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ")][2:]
    assert len(rows) > 10
    for row in rows:
        pieces = [piece.strip(" :,") for piece in row.split("…")]
        assert any(pieces)
        assert [piece for piece in pieces if piece not in said] == [], f"no program says this: {row}"


def test_what_only_looks_like_a_path_or_link_is_told() -> None:
    assert not is_there("tests/test_docs.py::test_of_nothing")
    assert not is_there("citychat/nothing.py")
    assert slug("The life of a message") == "the-life-of-a-message"
