"""What Google's Lighthouse says of the page: ``python -m bench.lighthouse``; writes a table into docs/performance.md.

A server of its own with embedded storage, and for every run a browser of its own with nothing kept from before. Runs
take turns, so that what else the machine does meets every row. No table is written, and the exit status is 1, when a
run had an error or a warning; 1 too when a median misses its goal: then what took points is printed.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from tests.support.document import ROOT, commit, fill
from tests.support.ending import communicated
from tests.support.node import NODE
from tests.support.server_process import ServerProcess

DOCUMENT = ROOT / "docs" / "performance.md"
PROGRAM = Path(__file__).parent / "lighthouse" / "node_modules" / "lighthouse" / "cli" / "index.js"
PAGES = {"Arrive": "/", "Rules": "/rules"}
PROFILES = {"phone": (), "desktop": ("--preset=desktop",)}
CATEGORIES = {
    "performance": "Performance",
    "accessibility": "Accessibility",
    "best-practices": "Best practices",
    "seo": "SEO",
}
GOAL, PHONE_PERFORMANCE_GOAL = 95, 98
METRICS = {
    "first-contentful-paint": ("first paint, s", 1_000),
    "largest-contentful-paint": ("largest paint, s", 1_000),
    "total-blocking-time": ("blocked, ms", 1),
    "cumulative-layout-shift": ("shift", 1),
    "total-byte-weight": ("KiB", 1_024),
}
COLUMNS = (*CATEGORIES.values(), *(title for title, _ in METRICS.values()), "requests", "load")
CHROME = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage"  # as the tests start it


class Row(NamedTuple):
    """A page under a profile."""

    page: str
    profile: str


class Run(NamedTuple):
    """One run: a figure for each column; what took points, by category."""

    figures: dict[str, float]
    faults: dict[str, list[str]]


class Oddity(Exception):
    """A run after which a figure would say nothing."""


def read(report: dict[str, Any], load: float) -> Run:
    """The run that a report of Lighthouse tells of. Raises Oddity."""
    if found := list(oddities(report)):
        raise Oddity("; ".join(found))
    audits, categories = report["audits"], report["categories"]
    figures = {title: round(100 * categories[name]["score"]) for name, title in CATEGORIES.items()}
    figures |= {title: audits[name]["numericValue"] / unit for name, (title, unit) in METRICS.items()}
    figures |= {"requests": len(audits["network-requests"]["details"]["items"]), "load": load}
    return Run(figures, {title: faults(audits, categories[name]) for name, title in CATEGORIES.items()})


def oddities(report: dict[str, Any]) -> Iterator[str]:
    """What makes the figures of a report worthless."""
    if error := report.get("runtimeError"):
        yield f"{error['code']}: {error['message']}"
    yield from report["runWarnings"]
    if report.get("finalDisplayedUrl") != report["requestedUrl"]:
        yield f"looked at {report.get('finalDisplayedUrl')}, expected {report['requestedUrl']}"
    for name, audit in report["audits"].items():
        if audit["scoreDisplayMode"] == "error":
            yield f"{name}: {audit.get('errorMessage', 'error')}"
    for name in CATEGORIES:
        if report["categories"].get(name, {}).get("score") is None:
            yield f"no score for {name}"


def faults(audits: dict[str, Any], category: dict[str, Any]) -> list[str]:
    """The audits that took points of a category."""
    weighed = (part["id"] for part in category["auditRefs"] if part["weight"])
    return [name for name in weighed if (score := audits[name]["score"]) is not None and score < 1]


def missed(row: Row, runs: Sequence[Run]) -> Iterator[str]:
    """A line for each category whose median is below its goal."""
    for title in CATEGORIES.values():
        phone = row.profile == "phone" and title == "Performance"
        goal = PHONE_PERFORMANCE_GOAL if phone else GOAL
        if (found := median(run.figures[title] for run in runs)) < goal:
            why = sorted({name for run in runs for name in run.faults[title]})
            yield f"{row.page}, {row.profile}: {title} {found:g}, expected {goal} or more: {', '.join(why)}"


def shown(row: Row, runs: Sequence[Run]) -> str:
    """The row of the table: medians, with the least and the most where runs differ."""
    cells = (cell(title, [run.figures[title] for run in runs]) for title in COLUMNS)
    return f"| {row.page} | {row.profile} | {' | '.join(cells)} |"


def cell(title: str, values: Sequence[float]) -> str:
    places = {"shift": 2, "load": 1}.get(title, 1 if title.endswith(", s") else 0)
    middle, least, most = (f"{value:.{places}f}" for value in (median(values), min(values), max(values)))
    return middle if least == most else f"{middle} ({least} – {most})"


async def look(url: str, flags: Sequence[str], browser: str) -> Run:
    """One run in a browser of its own. Raises Oddity."""
    load = os.getloadavg()[0]
    words = [str(NODE), str(PROGRAM), url, "--quiet", "--output=json", f"--only-categories={','.join(CATEGORIES)}"]
    process = await asyncio.create_subprocess_exec(
        *words, f"--chrome-flags={CHROME}", "--no-enable-error-reporting", *flags,
        env=os.environ | {"CHROME_PATH": browser, "LANGUAGE": "en"},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await communicated(process)
    if process.returncode:
        raise Oddity(f"Lighthouse ended with {process.returncode}: {err.decode().strip()}")
    return read(json.loads(out), load)


async def measure(rounds: int, browser: str) -> tuple[dict[Row, list[Run]], bool]:
    """The runs of every row, and whether none was odd."""
    rows = {Row(page, profile): list[Run]() for page in PAGES for profile in PROFILES}
    well = True
    with tempfile.TemporaryDirectory(prefix="citychat-lighthouse-") as folder:
        async with ServerProcess(Path(folder) / "data") as server:
            for at in range(rounds):
                for row, runs in rows.items():
                    try:
                        runs.append(await look(server.url + PAGES[row.page], PROFILES[row.profile], browser))
                    except (Oddity, TimeoutError) as oddity:
                        well = False
                        _say(f"round {at + 1}, {row.page}, {row.profile}: no figure: {oddity!r}")
                    else:
                        _say(f"round {at + 1}: {shown(row, runs[-1:])}")
    return rows, well


def versions() -> str:
    package = json.loads((PROGRAM.parents[1] / "package.json").read_text("utf-8"))
    node, chromium = (_printed(program, "--version") for program in (str(NODE), "tools/browser"))
    chromium = chromium.partition(" built on")[0]
    return f"Lighthouse {package['version']}; {chromium}; Node {node}; {os.cpu_count()} cores"


def _printed(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.lighthouse")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each page under each profile")
    parser.add_argument("--no-table", action="store_true", help=f"leave {DOCUMENT.name} as it is")
    given = parser.parse_args(argv)
    browser = _printed("tools/browser")
    _say(with_what := versions())
    rows, well = asyncio.run(measure(given.rounds, browser))
    if not well:
        return 1
    misses = [line for row, runs in rows.items() for line in missed(row, runs)]
    begin = (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit()}. {with_what}. {given.rounds} runs a row."
        f" Missed goals: {len(misses)}."
    )
    head = [f"| Page | Profile | {' | '.join(COLUMNS)} |", "| --- " * (len(COLUMNS) + 2) + "|"]
    table = [begin, "", *head, *(shown(row, runs) for row, runs in rows.items())]
    print("\n".join([*table, *misses]))
    if not given.no_table:
        fill(DOCUMENT, "make lighthouse", table)
    return int(bool(misses))


if __name__ == "__main__":
    sys.exit(main())
