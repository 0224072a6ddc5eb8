"""`make lighthouse`: which reports give a figure, and what the table says of three of them."""

from typing import Any

import pytest

from bench.lighthouse import CATEGORIES, COLUMNS, METRICS, Oddity, Row, Run, missed, read, shown

URL = "http://127.0.0.1:1/"
PHONE, DESKTOP = Row("Arrive", "phone"), Row("Arrive", "desktop")


def report(**differs: Any) -> dict[str, Any]:
    """What Lighthouse writes of a page that wants nothing, as far as it is read."""
    audits = {name: {"score": 1, "scoreDisplayMode": "numeric", "numericValue": 1_024.0} for name in METRICS}
    items: dict[str, Any] = {"score": None, "scoreDisplayMode": "informative", "details": {"items": [{}, {}]}}
    contrast = {"score": 1, "scoreDisplayMode": "binary"}
    parts = [{"id": "color-contrast", "weight": 7}, {"id": "network-requests", "weight": 0}]
    return {
        "requestedUrl": URL,
        "finalDisplayedUrl": URL,
        "runWarnings": [],
        "audits": {**audits, "network-requests": items, "color-contrast": contrast},
        "categories": {name: {"score": 1, "auditRefs": parts} for name in CATEGORIES},
    } | differs


def run(**figures: float) -> Run:
    return Run(dict.fromkeys(COLUMNS, 100.0) | figures, {title: [] for title in CATEGORIES.values()})


def test_a_report_gives_a_figure_for_every_column() -> None:
    found = read(report(), 1.5).figures
    assert set(found) == set(COLUMNS)
    assert [found[name] for name in ("SEO", "KiB", "requests", "load")] == [100, 1, 2, 1.5]


@pytest.mark.parametrize(
    ("differs", "said"),
    [
        ({"runtimeError": {"code": "NO_FCP", "message": "nothing painted"}}, "NO_FCP: nothing painted"),
        ({"runWarnings": ["The page loaded too slowly"]}, "too slowly"),
        ({"finalDisplayedUrl": "chrome-error://chromewebdata/"}, f"expected {URL}"),
        ({"audits": {"seo": {"scoreDisplayMode": "error", "errorMessage": "it broke"}}}, "seo: it broke"),
        ({"categories": {"performance": {"score": None}}}, "no score for performance"),
    ],
)
def test_a_run_with_an_error_or_a_warning_gives_no_figure(differs: dict[str, Any], said: str) -> None:
    with pytest.raises(Oddity, match=said):
        read(report(**differs), 0.0)


def test_a_row_says_the_median_and_how_far_the_runs_lie_apart() -> None:
    runs = [run(Performance=score, shift=0.011, load=1.0) for score in (99.0, 91.0, 100.0)]
    cells = shown(PHONE, runs).split(" | ")
    assert cells[:4] == ["| Arrive", "phone", "99 (91 – 100)", "100"]
    assert dict(zip(COLUMNS, cells[2:], strict=True))["shift"] == "0.01"


def test_a_median_below_its_goal_is_named_with_what_took_the_points() -> None:
    bad = report()
    bad["audits"]["color-contrast"]["score"] = 0
    bad["categories"]["accessibility"]["score"] = 0.94
    runs = [read(bad, 0.0), read(bad, 0.0), read(report(), 0.0)]
    assert list(missed(PHONE, runs)) == ["Arrive, phone: Accessibility 94, expected 95 or more: color-contrast"]
    assert list(missed(PHONE, runs[1:])) == []


def test_a_phone_is_to_perform_better_than_the_rest() -> None:
    runs = [run(Performance=97.0)] * 3
    assert [line.partition(": ")[0] for row in (PHONE, DESKTOP) for line in missed(row, runs)] == ["Arrive, phone"]
