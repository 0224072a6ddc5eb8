"""Chats in the terminal, running or over: read, report, block, talk again."""

from collections.abc import Mapping
from typing import Any

from citychat.catalogue import REPORT_REASONS
from citychat.client import Row
from citychat.terminal.page import TerminalPage

READ_MAX = 1_000  # lines on a terminal at once
Chat = Mapping[str, Any]


class PastChats:
    """Each command takes the words after its name; a leading number means that chat of the list."""

    def __init__(self, page: TerminalPage) -> None:
        self.page = page
        self.screen, self.out = page.screen, page.screen.out
        self._listed: list[Chat] = []

    def chats(self, rest: list[str]) -> None:
        known = self._listed if rest == ["more"] else []
        asked: Row = {"before": [known[-1]["started"], known[-1]["session"]]} if known else {}

        def listed(answer: Mapping[str, Any]) -> None:
            self._listed = [*known, *answer["chats"]]
            if not self._listed:
                self.out.tell("chats.none")
            for number, chat in enumerate(answer["chats"], len(known) + 1):
                row = "terminal.chat" if chat.get("ended") else "terminal.chat.now"
                self.out.tell(row, number=number, alias=chat["alias"], city=chat["city"])
            if answer.get("more"):
                self.out.tell("terminal.chats.more")

        self.page.request("user-chats", asked, listed)

    def read(self, rest: list[str]) -> None:
        chat, _ = self._meant(rest)
        if chat:
            self._older(chat, [])

    def _older(self, chat: Chat, rows: list[Row]) -> None:
        asked: Row = {"session": chat["session"], "limit": 100}
        if rows:
            asked["before"] = [rows[0][part] for part in ("lamport", "side", "stream", "number")]

        def read(answer: Mapping[str, Any]) -> None:
            more = answer["messages"] + rows
            if answer["more"] and len(more) < READ_MAX:
                self._older(chat, more)
                return
            if not answer["more"]:
                self.out.tell("terminal.begins" if more else "chats.empty")
            for row in more:
                if row.get("kind") == "gap" and row["side"] != chat["side"]:
                    self.out.tell("talk.gap")
                elif row["text"]:
                    mine = row["side"] == chat["side"]
                    self.out.said(self.out.words("talk.mine") if mine else chat["alias"], row["text"])

        self.page.request("chat-history", asked, read)

    def block(self, rest: list[str]) -> None:
        chat, _ = self._meant(rest)
        if chat:
            self.page.request("user-block", {"session": chat["session"]}, lambda _: self._gone(chat, "block.done"))

    def report(self, rest: list[str]) -> None:
        chat, rest = self._meant(rest)
        if chat is None:
            return
        if not rest or rest[0] not in REPORT_REASONS:
            self.out.tell("terminal.report", reasons=" ".join(REPORT_REASONS))
            return
        asked: Row = {"session": chat["session"], "reason": rest[0]}
        if rest[1:]:
            asked["note"] = " ".join(rest[1:])

        def reported(answer: Mapping[str, Any]) -> None:
            self._gone(chat, "report.done", code=answer["code"])
            self.out.tell("terminal.case", code=answer["code"])

        self.page.request("user-report", asked, reported)

    def _gone(self, chat: Chat, words: str, **facts: str) -> None:
        self.page.outbox.ended(chat["session"])
        self.screen.forget(chat["session"])
        self.out.tell(words, **facts)

    def case(self, rest: list[str]) -> None:
        asked = {"code": "".join(rest).upper()}
        self.page.request("user-case", asked, lambda answer: self.out.tell(f"case.{answer['state']}"))

    def again(self, rest: list[str]) -> None:
        chat, _ = self._meant(rest)
        if chat:
            said = self.out.words("talk.again.asked", alias=chat["alias"])
            self.page.request("user-again", {"session": chat["session"]}, lambda _: self.out.say(said))

    def _meant(self, rest: list[str]) -> tuple[Chat | None, list[str]]:
        """The chat meant, else the one on screen; and the words after the number."""
        if rest and rest[0].isdecimal():
            number = int(rest[0])
            if 1 <= number <= len(self._listed):
                return self._listed[number - 1], rest[1:]
            self.out.tell("terminal.number")
        elif self.screen.chat:
            return self.screen.chat, rest
        else:
            self.out.tell("terminal.which")
        return None, rest
