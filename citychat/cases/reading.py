"""A case as its host reads it: who, what, what the machine did, earlier cases of both; the messages when wanted."""

from collections.abc import Sequence

from citychat.cases.words import age, day, indented, moment, reason, span, state, until, visible
from citychat.model import Message
from citychat.ports import Case, Pause
from citychat.rules import CLOSED_MS, DAY_MS, FOR_GOOD_MS, proposed_pause_ms, reference

NAMES = {True: "accused ", False: "reporter"}  # of one width


def facts(case: Case, others: Sequence[Case], pause: Pause | None, now: int, again: str = "") -> list[str]:
    """Return all but the messages. ``others``: all other cases; ``again``: flags for the commands that it names."""
    if not case.accused:
        return [*_received(case, now), _line("Machine", "It did nothing: a notice of somebody who is no guest."),
                _line("Deleted", deleted(case)), *_to_close(case.code, again)]  # fmt: skip
    on_accused = [other for other in others if other.accused == case.accused]
    waiting = [case, *(other for other in on_accused if other.closed is None)]
    lines = [
        *_received(case, now),
        _line("Machine", counted(case)),
        _line("", "The chat is over, and the two never meet again."),
        _line("", paused(pause)),
        *objected(case),
        *_earlier("Accused", "reported before", on_accused),
        *_earlier("", "has reported others", [other for other in others if other.reporter == case.accused]),
        *_earlier("Reporter", "was reported", [other for other in others if other.accused == case.reporter]),
        *_earlier("", "has reported others", [other for other in others if other.reporter == case.reporter]),
        _line("Deleted", deleted(case)),
        _line("Proposed", f"if you act: {_proposed(case, on_accused, now)}{again}"),
    ]  # fmt: skip
    codes = " ".join(other.code for other in waiting) if case.closed is None else case.code
    return [*lines, *_to_answer(case, again), *_to_close(codes, again)]


def _received(case: Case, now: int) -> list[str]:
    return [
        _line("Report" if case.accused else "Notice", f"{case.code}, {state(case)}"),
        *([_line("Reference", f"{reference(case.session, case.reporter)}, as the accused reads it when paused")]
          if case.accused else []),
        _line("Reason", reason(case.reason)),
        _line("Received", f"{moment(case.at)} ({age(case.at, now)} ago)"),
        _line("Note", indented(case.note, _line("", "")) or "none"),
        *([_line("Decided", f"{moment(case.closed)}: {indented(case.words, _line('', '')) or 'no word'}")]
          if case.closed is not None else []),
    ]  # fmt: skip


def _to_close(codes: str, again: str) -> list[str]:
    return [_line("To close", f'citychat cases close {codes} --acted --rule N --note "why"{again}'),
            _line("", f'citychat cases close {codes} --none --note "why"{again}')]  # fmt: skip


def objected(case: Case) -> list[str]:
    """Return what the accused has said to the pause, what was answered, and whether it was lifted."""
    said = (
        ("Objection", case.objected, case.objection),
        ("Answer", case.answered, case.answer),
        ("Lifted", case.lifted, ""),
    )
    return [
        _line(what, moment(at) + (f": {indented(text, _line('', ''))}" if text else ""))
        for what, at, text in said
        if at is not None
    ]


def _to_answer(case: Case, again: str) -> list[str]:
    if not case.awaits_answer:
        return []
    return [
        _line("To answer", f'citychat cases answer {case.code} "text"{again}'),
        _line("", f'citychat guests lift {case.code} --note "why"{again}'),
    ]


def transcript(case: Case, messages: Sequence[Message]) -> list[str]:
    """Return the messages for a terminal, each with its time and who wrote it."""
    lines = []
    for message in messages:
        who = f"side {message.side}  " if case.side is None else NAMES[message.side == case.side]
        start = f"{moment(message.at)}  {who}  "
        lines.append(start + (indented(message.text, " " * len(start)) if message.text else "(erased or not shown)"))
    return lines


def counted(case: Case) -> str:
    if case.counts:
        return "It counts: three by three guests on three networks within a day pause for a day."
    return "It does not count for a pause: a chat of less than a minute, no word of the accused, or one of many."


def paused(pause: Pause | None) -> str:
    if pause is None:
        return "The accused is not paused."
    who = f"decided by the host, rule {visible(pause.rule)}" if pause.rule else "by the machine"
    return f"The accused is paused {until(pause.until)}, {who}{f': {visible(pause.reason)}' if pause.reason else ''}."


def _earlier(who: str, what: str, cases: Sequence[Case]) -> list[str]:
    if not cases:
        return [_line(who, f"{what}: never")]
    return [_line(who, f"{what}: {len(cases)}"), *(_line("", f"  {_brief(case)}") for case in cases)]


def _brief(case: Case) -> str:
    return f"{case.code}  {day(case.at)}  {reason(case.reason)}, {state(case)}"


def proposed_ms(on_accused: Sequence[Case], now: int) -> int:
    """The next step of the ladder: by what was acted on within 30 days. The machine takes none of them."""
    return proposed_pause_ms([each.closed for each in on_accused if each.closed and each.state == "acted"], now)


def _proposed(case: Case, on_accused: Sequence[Case], now: int) -> str:
    for_ms = proposed_ms(on_accused, now)
    if not for_ms:
        return f"citychat guests warn {case.code} --rule N"
    if for_ms >= FOR_GOOD_MS:
        return f"citychat guests ban {case.code} --rule N"
    return f"citychat guests pause {case.code} --for {span(for_ms)} --rule N"


def deleted(case: Case) -> str:
    if case.goes is not None:
        return f"on {day(case.goes)}, with the messages"
    none, acted = (CLOSED_MS[outcome] // DAY_MS for outcome in ("none", "acted"))
    return f"{none} days after it is closed without action, {acted} days after action; before that never"


def _line(what: str, found: str) -> str:
    return f"{what:<9} {found}"
