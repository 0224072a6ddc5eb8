"""False reports in a small town (docs: SECURITY.md, False reports): the whole table is ``make silence``."""

import pytest

from tests.simulation.silence import ROWS, Row, paused


@pytest.mark.parametrize("row", ROWS[:2], ids=lambda row: row.name)
def test_three_bots_that_report_everybody_pause_nobody(row: Row) -> None:
    assert paused(row._replace(secs=15.0), people=8) == 0


def test_who_insults_everybody_is_paused() -> None:
    assert paused(ROWS[-1]._replace(secs=300.0), people=6) == 1
