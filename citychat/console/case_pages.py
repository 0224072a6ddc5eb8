"""Pages of the console about cases: the list, one case, and every act on it. Whoever has closed one is led on to the
next that waits."""

import io
import zipfile
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

from citychat.cases import RULE_MAX, WORDS_MAX, Look, NotDone, desk, listing, reading
from citychat.catalogue import REPORT_REASONS
from citychat.console.handler import ConsoleHandler
from citychat.model import OBJECTION_MAX_CHARS, Message
from citychat.ports import Case
from citychat.rules import LADDER_MS, Outcome

ACT = "act"
CODE_MAX = 60  # of a code that somebody reads out letter by letter, with spaces
FIELDS = (ACT, "rule", "reason", "note", "network", "until", "answer")


class Choice(NamedTuple):
    """A way to close a case. ``for_ms``: a step of the ladder, None where nothing befalls the accused."""

    name: str
    words: str
    for_ms: int | None = None


NOTHING = (Choice("none", "No action"), Choice("acted", "The rule was broken; nothing more befalls the guest"))
STEPS = ("Warn the guest", "Keep out for 1 hour", "Keep out for 1 day", "Keep out for 7 days", "Keep out for 30 days",
         "Keep out for good")  # fmt: skip
LADDER = tuple(Choice(str(for_ms), words, for_ms) for for_ms, words in zip(LADDER_MS, STEPS, strict=True))


def choices_for(case: Case) -> Sequence[Choice]:
    """A notice is on nobody, so that nobody can be kept out by it."""
    return (*NOTHING, *LADDER) if case.accused else NOTHING


def order(groups: Sequence[Sequence[Case]]) -> list[str]:
    return [case.code for group in groups for case in group]


def next_of(cases: Sequence[Case], code: str) -> str | None:
    """Return the code of the case that waits behind this one, in the order of the list; from its end it begins anew."""
    waiting = order(listing.joined(cases, only_open=True, reasons=()))
    after = waiting.index(code) + 1 if code in waiting else 0
    return next((each for each in [*waiting[after:], *waiting[:after]] if each != code), None)


class CasesHandler(ConsoleHandler):
    """``/cases``: what waits, or (``?all``) everything; of one ``reason``, or that of a ``code``."""

    async def get(self, code: str = "", problem: str = "") -> None:
        everything = self.get_query_argument("all", None) is not None
        asked = self.get_query_argument("reason", "")
        reasons = [asked] if asked in REPORT_REASONS else []
        groups = await self.desk().groups(only_open=not everything, reasons=reasons)
        self.show(
            "cases",
            groups=groups,
            everything=everything,
            now=self.now_ms,
            reasons=REPORT_REASONS,
            reason="".join(reasons),
            code=code,
            most=CODE_MAX,
            problem=problem,
        )


class FindHandler(CasesHandler):
    """``/find``: the case of a code, or of the reference that its accused reads, as somebody has written it down."""

    async def get(self, code: str = "", problem: str = "") -> None:
        code = self.get_query_argument("code", "")[:CODE_MAX]
        try:
            case = desk.find(await self.room.history.cases.cases(), code)
        except NotDone:
            self.set_status(404)
            await super().get(code, f"No such code: {code}. Closed cases go on their day; below are those that wait.")
        else:
            self.redirect(f"/cases/{case.code}", status=303)


class PruneHandler(ConsoleHandler):
    """The deletion of what is over its day: now, and not within the hour."""

    async def post(self) -> None:
        await self.desk().prune()
        self.go_on("/cases?all")


class CaseHandler(ConsoleHandler):
    """``/cases/CODE``: one case, its messages folded."""

    async def get(self, code: str) -> None:
        await self.show_case(await self.desk().look(code))

    async def show_case(self, look: Look, *, messages: Sequence[Message] | None = None, problem: str = "") -> None:
        """Show a case: with its ``messages``, when they were asked for; with a ``problem``, what was sent stands in the
        form again."""
        case, others = look.case, look.others
        on_accused = [other for other in others if case.accused and other.accused == case.accused]
        earlier = [
            ("The accused was reported before", on_accused),
            ("The accused has reported others", [each for each in others if each.reporter == case.accused]),
            ("The reporter was reported", [each for each in others if each.accused == case.reporter]),
            ("The reporter has reported others", [each for each in others if each.reporter == case.reporter]),
        ]
        self.show(
            "case",
            case=case,
            pause=look.pause,
            count=look.messages,
            messages=messages,
            earlier=[(what, found) for what, found in earlier if case.accused and found],
            joined=[other for other in on_accused if other.closed is None] if case.closed is None else [],
            choices=choices_for(case),
            proposed=reading.proposed_ms(on_accused, self.now_ms) if case.accused else None,
            rules=self.room.numbered_rules(),
            next=next_of([*others, case], case.code),
            said={name: self.said(name) if problem else "" for name in FIELDS},
            sent=self.get_body_arguments("also") if problem else None,
            most={"rule": RULE_MAX, "reason": WORDS_MAX, "answer": OBJECTION_MAX_CHARS},
            now=self.now_ms,
            problem=problem,
        )

    async def try_act(self, act: Callable[[str], Awaitable[None]], code: str, to: str = "") -> None:
        """Do what the form asks for, and go ``to`` there; with what ``act`` finds wrong (NotDone), show the case
        again."""
        try:
            await act(code)
        except NotDone as error:
            self.visit.news.clear()
            self.set_status(400)
            await self.show_case(await self.desk().look(code), problem=str(error))
        else:
            self.go_on(to or f"/cases/{code}")


class ReadHandler(CaseHandler):
    """The messages, unfolded: each time that is a row of the trail before anything is shown."""

    async def get(self, code: str) -> None:
        self.redirect(f"/cases/{code}", status=303)  # a page that is loaded anew shows no text

    async def post(self, code: str) -> None:
        look = await self.desk().look(code)
        await self.show_case(look, messages=await self.desk().read(look.case))


class CloseHandler(CaseHandler):
    """A decision: what befalls the accused, and the case is closed, with those on the same guest that were named."""

    async def post(self, code: str) -> None:
        case = desk.find(known := await self.room.history.cases.cases(), code)
        following = next_of([each for each in known if each.code not in self._codes(case)] + [case], case.code)
        await self.try_act(self.act, case.code, f"/cases/{following}" if following else "/cases")

    async def act(self, code: str) -> None:
        case = desk.find(await self.room.history.cases.cases(), code)
        choice = next((each for each in choices_for(case) if each.name == self.said(ACT)), None)
        if choice is None:
            raise NotDone("expected one of the ways to close it")
        rule = "" if choice.name == "none" else self.said("rule").strip()
        if choice.name != "none" and not rule:
            raise NotDone("expected the rule that was broken: the guest reads it")
        if choice.for_ms == 0:
            await self.sanctions().warn(code, rule, self.said("reason").strip())
        elif choice.for_ms is not None:
            reason, network = self.said("reason").strip(), bool(self.said("network"))
            await self.sanctions().pause(code, choice.for_ms, rule, reason, network=network)
        outcome: Outcome = "none" if choice.name == "none" else "acted"
        await self.desk().close(self._codes(case), outcome, rule, self.said("note").strip())

    def _codes(self, case: Case) -> list[str]:
        return [case.code, *self.get_body_arguments("also")]


class HoldHandler(CaseHandler):
    async def post(self, code: str) -> None:
        await self.try_act(self.act, code)

    async def act(self, code: str) -> None:
        try:
            until = datetime.strptime(self.said("until"), "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            raise NotDone("expected a day, such as 2030-12-31, until which the case is kept") from None
        await self.desk().hold(code, until, self.said("note").strip())


class AnswerHandler(CaseHandler):
    async def post(self, code: str) -> None:
        await self.try_act(self.act, code)

    async def act(self, code: str) -> None:
        await self.desk().answer(code, self.said("answer"))


class LiftHandler(CaseHandler):
    async def post(self, code: str) -> None:
        await self.try_act(self.act, code, "/paused" if self.said("from") == "paused" else "")

    async def act(self, code: str) -> None:
        await self.sanctions().lift(code, self.said("note").strip())


class ExportHandler(ConsoleHandler):
    """The case as one file, for the police or a hotline."""

    async def post(self, code: str) -> None:
        case = desk.find(await self.room.history.cases.cases(), code)
        files = await self.desk().files_of(case, "a browser")
        packed, name = io.BytesIO(), f"citychat-case-{case.code}"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as folder:
            for file, content in files.items():
                folder.writestr(f"{name}/{file}", content)
        self.set_header("Content-Type", "application/zip")
        self.set_header("Content-Disposition", f'attachment; filename="{quote(name)}.zip"')
        self.finish(packed.getvalue())
