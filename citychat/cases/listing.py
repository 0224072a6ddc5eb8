"""List of cases: reports on one guest joined, oldest first, what cannot wait on top."""

from collections.abc import Sequence

from citychat.cases.words import URGENT, age, day, moment, objection, reason, state
from citychat.ports import Case
from citychat.rules import reference


def joined(cases: Sequence[Case], *, only_open: bool, reasons: Sequence[str]) -> list[list[Case]]:
    """Return the cases that are asked for (all without ``reasons``; an objection that waits is open as well), those on
    one guest together: first guests of whom something urgent is open, then those of whom anything is, then the others;
    each oldest first. So it is with those on one guest."""
    by_guest: dict[str, list[Case]] = {}
    for case in cases:  # oldest first
        if (_waits(case) or not only_open) and (not reasons or case.reason in reasons):
            by_guest.setdefault(case.accused or case.code, []).append(case)  # a notice is on nobody
    return sorted((sorted(found, key=lambda case: _rank([case])) for found in by_guest.values()), key=_rank)


def _rank(cases: Sequence[Case]) -> tuple[bool, bool, int]:
    waiting = [case for case in cases if _waits(case)]
    urgent = [case for case in waiting if case.reason in URGENT]
    return not urgent, not waiting, (urgent or waiting or cases)[0].at


def _waits(case: Case) -> bool:
    return case.closed is None or case.awaits_answer


def lines(groups: Sequence[Sequence[Case]], now: int, again: str) -> list[str]:
    """Return the list for a terminal; no text of a guest is in it. ``again``: flags for the command that it names."""
    waiting = [case for group in groups for case in group if case.closed is None]
    if not groups:
        return ["No report."]
    oldest = f"; the oldest waits for {age(min(case.at for case in waiting), now)}" if waiting else ""
    unheard = sum(case.awaits_answer for group in groups for case in group)
    objections = f", {_count(unheard, 'objection')} wait{'s' if unheard == 1 else ''}" if unheard else ""
    found = [f"{_count(len(waiting), 'open report')}{_on(groups)}{objections}{oldest}"]
    for group in groups:
        for n, case in enumerate(group):
            sign = "  " if n == 0 else "+ "  # one more on the same guest
            said = (f", {objection(case)}" if objection(case) else "") if case.accused else ", a notice"
            found.append(f"{sign}{case.code}  {reason(case.reason):<28} {moment(case.at)}  {state(case)}{said}")
    return [*found, "", f"+ is one more on the guest above. Read one: citychat cases show CODE{again}"]


def _on(groups: Sequence[Sequence[Case]]) -> str:
    """On how many guests; a notice of an outsider is on none."""
    guests = sum(any(case.closed is None and case.accused for case in group) for group in groups)
    notices = any(case.closed is None and not case.accused for group in groups for case in group)
    return f" on {_count(guests, 'guest')}" if guests or not notices else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def as_values(groups: Sequence[Sequence[Case]]) -> list[dict[str, object]]:
    """Return the same for a program, in the same order; without texts of guests."""
    return [
        {
            "code": case.code,
            "reason": case.reason,
            "at": moment(case.at),
            "accused": case.accused,
            "reporter": case.reporter,
            "state": "open" if case.closed is None else case.state,
            "rule": case.rule,
            "reference": reference(case.session, case.reporter) if case.accused else None,
            "objection": objection(case).partition(" ")[2] or None,
            "held": day(case.held) if case.held else None,
            "deleted": day(case.goes) if case.goes is not None else None,
        }
        for group in groups
        for case in group
    ]
