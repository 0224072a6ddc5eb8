"""A terminal guest: a page, a screen of lines, and what the typed lines mean."""

import asyncio
from collections.abc import Callable, MutableMapping
from random import Random

from citychat.catalogue import REPORT_REASONS
from citychat.model import OBJECTION_MAX_CHARS, TEXT_MAX_CHARS, clean_text, is_blank
from citychat.terminal.chats import PastChats
from citychat.terminal.city import CityChoice
from citychat.terminal.console import Console, Output
from citychat.terminal.page import TerminalPage
from citychat.terminal.preferences import Preferences
from citychat.terminal.screen import Screen
from citychat.terminal.site import Site

LAST_S = 35.0  # what was typed before the end of the input may need one more reconnect, at most 30 s away
SHORT = ("y", "n", "ok", "okay", "accept", "decline")  # what else people type when somebody asks
LATE_S = 10.0  # so long may an answer have been meant for before the chat began: it would be a stranger's first line
# What there is to type, and the sentence that says what it does
HELP = {
    "find  stop": "find", "yes  no  later": "yes", "ask on|off": "ask", "towns on|off": "towns",
    "languages [CODES]": "languages", "question on|off": "question", "where  city NAME": "where", "leave": "leave",
    "block [N]": "block", "report [N] REASON [note]": "report", "case CODE": "case", "chats [more]": "chats",
    "read [N]": "read", "again [N]": "again", "erase": "erase",
}  # fmt: skip
COMMAND_CHARS = max(map(len, HELP)) + 2


class TerminalGuest:
    """A guest in the terminal. ``city``: the name of the guest's city, for when the server asks."""

    def __init__(self, site: Site, storage: MutableMapping[str, str], random: Random, out: Output, city: str) -> None:
        self.out = out
        self.over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        out.broken = lambda: self.end(1)
        self.screen = Screen(out, lambda: self.city.ask(), self.end, self._asks_objection)
        self.page = TerminalPage(site, self.screen, storage, random)
        self.city = CityChoice(self.page, city)
        past, preferences = PastChats(self.page), Preferences(self.page)
        self._confirmed: Callable[[], None] | None = None
        self._late, self._paused = "", False
        self._commands: dict[str, Callable[[list[str]], object]] = {
            "find": self._find,
            "stop": self._stop,
            "yes": lambda _: self._match("yes"),
            "talk": lambda _: self._match("yes"),  # as the page calls it
            "no": lambda _: self._match("no"),
            "later": self._later,
            "ask": self._ask,
            "towns": preferences.towns,
            "languages": preferences.languages,
            "question": preferences.question,
            "where": lambda _: self.screen.where(),
            "city": lambda rest: self.city.search(" ".join(rest)) if rest else self.city.ask(),
            "leave": self._leave,
            "block": past.block,
            "report": past.report,
            "case": past.case,
            "chats": past.chats,
            "read": past.read,
            "again": past.again,
            "erase": self._erase,
            "help": self._help,
            "quit": lambda _: self.end(0),
        }

    async def run(self, lines: Console) -> int:
        """Be a guest until the end of the input or ``quit``; the exit status."""
        self.page.start()
        reading = asyncio.create_task(self._read(lines))
        try:
            return await self.over
        finally:
            reading.cancel()
            self.page.stop()
            await self.page.link.finish()

    def end(self, status: int) -> None:
        if not self.over.done():
            self.over.set_result(status)

    async def _read(self, lines: Console) -> None:
        while (text := await lines.next()) is not None:
            self.line(text)
        if self._paused:
            return self.end(1)
        await self.screen.all_kept(LAST_S)
        self.end(0)

    def line(self, text: str) -> None:
        """Take whatever was typed."""
        if self._paused:
            return self._object(clean_text(text).strip())
        confirmed, self._confirmed = self._confirmed, None
        words = text.split()
        if confirmed and words and words[0].lower() in ("yes", "y", "no", "n"):
            if words[0].lower() in ("yes", "y"):
                confirmed()
        elif text.startswith("/") and not text.startswith("//"):
            self._command(text[1:])
        elif self.page.outbox.running:
            self._say(text.removeprefix("/"))
        elif words and not self.city.line(text.strip()):
            self._command(text)

    def _asks_objection(self) -> None:
        self._paused = True

    def _object(self, text: str) -> None:
        """Take the one objection of a paused guest."""
        if text.lower() in ("quit", "/quit"):
            self.end(1)
        elif is_blank(text) or len(text) > OBJECTION_MAX_CHARS:
            self.out.tell("banned.object")
        else:
            self._paused = False
            self.page.object(text)

    def _say(self, text: str) -> None:
        if self._is_late(text.strip()):
            self.out.tell("terminal.late", text=text.strip())
            return
        match self.screen.typed(text):
            case "too-long":
                self.out.tell("talk.long", n=len(clean_text(text)), max=TEXT_MAX_CHARS)
            case "full":
                self.out.tell("talk.full")

    def _is_late(self, word: str) -> bool:
        """Tell whether it may be an answer typed a moment too late; said a second time it is a message."""
        again, self._late = self._late == word, word
        since_s = self.page.clock.monotonic_s() - self.screen.began_s
        return self._is_answer(word.lower()) and since_s < LATE_S and not again

    def _is_answer(self, text: str) -> bool:
        """Tell whether it is a command, or an answer as people write it: "y", "Talk!"."""
        name, _, rest = text.partition(" ")
        word = text.strip(" .!?")
        return word in self._commands or word in SHORT or (name in self._commands and rest in ("on", "off", "more"))

    def _command(self, text: str) -> None:
        name, *rest = text.split() or [""]
        command = self._commands.get(name.lower())
        if command is None:
            self.out.tell("terminal.unknown", word=repr(name))
        else:
            command(rest)

    # -- commands -----------------------------------------------------------------------------------------------------

    def _find(self, rest: list[str]) -> None:
        if self.page.outbox.running:
            self.out.tell("ready.chatting", alias=self.screen.alias(self.page.outbox.running))
        else:
            self.screen.ringing = False
            self.page.seek()

    def _stop(self, rest: list[str]) -> None:
        self.page.looking = False
        self.page.request("user-stop", {}, lambda _: self.screen.stopped())

    def _later(self, rest: list[str]) -> None:
        if self._match("later"):
            self.page.available = False
            self.out.tell("ring.off")

    def _match(self, answer: str) -> bool:
        """Answer an offer; return whether there was somebody to answer."""
        if self.page.offer is None:
            self.out.tell("terminal.nobody")
            return False
        self.screen.ringing = False
        self.page.answer(answer)
        if answer != "yes":  # a yes may have to be said again, when the history was away
            self.page.offer = None
        return True

    def _ask(self, rest: list[str]) -> None:
        if rest not in (["on"], ["off"]):
            self.out.tell("terminal.ask")
            return
        self.page.available = rest == ["on"]
        said = f"terminal.ask.{rest[0]}"
        self.page.request("user-available", {"on": self.page.available}, lambda _: self.out.tell(said))

    def _leave(self, rest: list[str]) -> None:
        if not self.page.outbox.running:
            self.out.tell("terminal.nochat")
            return
        self.out.say(self.out.words.two("leave.title", "leave.text", "terminal.sure"))
        self._confirmed = self._left

    def _left(self) -> None:
        self.page.leave()
        self.screen.left()

    def _erase(self, rest: list[str]) -> None:
        for words in ("erase.title", "erase.text", "erase.kept", "erase.new"):
            self.out.tell(words)
        self.out.tell("terminal.sure")
        self._confirmed = lambda: self.page.request("user-erase", {"confirm": True}, lambda _: self._erased())

    def _erased(self) -> None:
        self.page.stop()
        self.page.storage.clear()
        self.out.tell("erase.done")
        self.end(0)

    def _help(self, rest: list[str]) -> None:
        self.out.tell("terminal.help")
        for command, name in HELP.items():
            meaning = self.out.words(f"terminal.help.{name}", reasons=" ".join(REPORT_REASONS))
            self.out.say(f"{command:{COMMAND_CHARS}}{meaning}")
        self.out.say("help  quit")
