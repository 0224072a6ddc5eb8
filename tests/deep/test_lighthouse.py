"""Google's Lighthouse gives the page what docs/performance.md promises, as a phone and as a desktop."""

from pathlib import Path

import pytest

from bench import lighthouse

ROUNDS = 3


def test_lighthouse_gives_every_category_its_goal(capfd: pytest.CaptureFixture[str]) -> None:
    assert Path(lighthouse.PROGRAM).exists(), "Lighthouse is not installed: make lighthouse does it, and make prove"
    ended = lighthouse.main(["--rounds", str(ROUNDS), "--no-table"])
    said = "".join(capfd.readouterr())
    assert ended == 0, said
    for page in lighthouse.PAGES:
        for profile in lighthouse.PROFILES:
            assert f"| {page} | {profile} |" in said
