"""The parts of documents that programmes of the tests make: figures, with the commit they are of."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def commit() -> str:
    """What is checked out, with a word when files differ from it."""
    described = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(described, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def fill(document: Path, maker: str, lines: Sequence[str]) -> None:
    """Put the lines between the two marks of their maker. Raises ValueError without them."""
    begin, end = f"<!-- made by {maker} -->", f"<!-- end of what {maker} has made -->"
    text = document.read_text("utf-8")
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{document} has no place for the table: expected {begin} and {end}")
    document.write_text("\n".join([before + begin, "", *lines, "", end + after]), "utf-8")
