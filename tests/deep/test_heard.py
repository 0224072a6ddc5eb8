"""What Debian's screen reader says on the whole path is what is kept of it (``make heard`` keeps it anew)."""

from pathlib import Path

from tests.browser.heard import walked
from tests.browser.transcript import KEPT, read


def test_the_screen_reader_says_what_is_kept_and_nothing_else(tmp_path: Path) -> None:
    kept = read(KEPT.read_text("utf-8"))
    assert len(walked(tmp_path, kept)) == len(kept)
