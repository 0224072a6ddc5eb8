"""What the fault programme has found, as the tables of docs/reliability.md."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.faults.checker import PROMISES
from tests.faults.injection import Result
from tests.faults.matrix import MOMENTS
from tests.support.document import fill


class Table:
    """All results of one run of the programme. ``head``: when, of what and on what it was made."""

    def __init__(self, head: Sequence[str], results: Iterable[Result]) -> None:
        self.head = list(head)
        self.runs: Counter[tuple[str, str]] = Counter()
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.reached: Counter[tuple[str, str]] = Counter()
        self.missed: Counter[tuple[str, str]] = Counter()  # runs in which nobody was at the moment
        self.wrong: Counter[tuple[str, str]] = Counter()
        self.recovery_s: dict[str, list[float]] = defaultdict(list)
        self.counts: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self.complaints: list[str] = []
        for result in results:
            self._add(result)

    def _add(self, result: Result) -> None:
        self.counts += result.counts
        self.broken += result.broken
        self.complaints += result.complaints
        for key, cell in result.cells.items():
            self.runs[key] += 1
            self.pairs[key] += cell.pairs
            self.reached[key] += cell.reached
            self.missed[key] += cell.reached == 0
            self.wrong[key] += len(cell.findings)
            self.recovery_s[key[0]] += cell.recovery_s

    def failures(self, runs: int) -> list[str]:
        """Why this run of the programme is no proof."""
        wrong = [f"{promise}: {count}" for promise, count in self.broken.items() if count]
        for (fault, moment), count in self.runs.items():
            if count - self.missed[fault, moment] < runs:
                wrong.append(f"{fault}, {moment}: reached in {count - self.missed[fault, moment]} of {runs} runs")
        return wrong

    def lines(self) -> list[str]:
        return [*self.head, "", *self._figures(), "", *self._districts(), "", *self._recoveries()]

    def _figures(self) -> list[str]:
        rows = [
            ("messages sent", "sent"),
            ("with a tick", "acknowledged"),
            ("shown", "shown"),
            ("in the history", "history"),
        ]
        lines = ["| What | Count |", "| --- | ---: |"]
        lines += [f"| {name} | {self.counts[key]:,} |" for name, key in rows]
        lines += [f"| {promise} | {self.broken[promise]:,} |" for promise in (*PROMISES, "drain")]
        return lines

    def _districts(self) -> list[str]:
        moments = [moment for moment in MOMENTS if any(moment == known for _, known in self.runs)]
        lines = [f"| Fault | {' | '.join(moments)} |", f"| --- |{' ---: |' * len(moments)}"]
        for fault in dict.fromkeys(fault for fault, _ in self.runs):
            lines.append(f"| {fault} | {' | '.join(self._district(fault, moment) for moment in moments)} |")
        return lines

    def _district(self, fault: str, moment: str) -> str:
        key = fault, moment
        if not self.runs[key]:
            return "–"
        wrong = f", **{self.wrong[key]} wrong**" if self.wrong[key] else ""
        return f"{self.runs[key] - self.missed[key]} × {self.reached[key]}{wrong}"

    def _recoveries(self) -> list[str]:
        lines = ["| Fault | Recovery p50 | max |", "| --- | ---: | ---: |"]
        for fault, found in self.recovery_s.items():
            found.sort()
            if found:
                lines.append(f"| {fault} | {found[len(found) // 2]:.1f} s | {found[-1]:.1f} s |")
        return lines

    def write(self, document: Path) -> None:
        """Between the two marks of the document. Raises ValueError without them."""
        fill(document, "make faults", self.lines())
