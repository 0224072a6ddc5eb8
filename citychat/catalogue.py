"""Every sentence the page shows, in English, under the name the page knows it by.

English is the source. A further language is one file ``locale/<code>/LC_MESSAGES/citychat.po``: it is read as text at
start, so nothing has to be compiled. What a file does not translate stays English. ``{name}`` is filled in by the page.
"""

import re
from ast import literal_eval
from collections.abc import Mapping
from pathlib import Path
from typing import Final

LOCALE = Path(__file__).parent / "locale"
RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ps", "ur", "yi"})

ENGLISH: Final[Mapping[str, str]] = {
    # Arrive
    "name": "CityChat",
    "about": "Talk with someone in your city. No account, no name.",
    "arrive.title": "Talk with someone in your city.",
    "arrive.text": "No account, no name. You are asked about one person nearby,"
    " and you talk only if both of you say yes.",
    "arrive.rules": "Be decent. Never ask for names, numbers, addresses or money.",
    "arrive.seen": "They learn your city. Who tries hard can learn your district of about 10 km, never more.",
    "arrive.stored": "Messages are stored on this server until {date}; the host can read reported ones."
    " Not end-to-end encrypted.",
    "arrive.consent": "I am 18 or older and accept the rules",
    "arrive.read": "Read the {rules} and the {privacy}.",
    "arrive.rules.link": "rules",
    "arrive.privacy.link": "privacy notice",
    "arrive.position": "Start with my position",
    "arrive.city": "Start with my city",
    "arrive.tick": "Please tick the box first.",
    "arrive.changed": "The rules have changed. Please read them again.",
    # Position
    "locate.title": "Your browser is asking for your position.",
    "locate.text": "Only your district is kept: about 10 km, with at least 15,000 people. Others see the city.",
    "locate.wait": "This takes longer than it should.",
    "locate.city": "Go on with my city",
    "locate.denied": "Your browser gave no position. Your city comes from your internet address instead.",
    "locate.insecure": "Browsers give a position to https and localhost only."
    " Your city comes from your internet address instead.",
    # City
    "city.title": "Which city are you in?",
    "city.text": "People are matched inside one city. Type its first letters.",
    "city.label": "City",
    "city.none": "No city by that name. Try the next bigger one.",
    "city.some": "Cities found: {n}",
    "city.position": "Use my position",
    "city.position.none": "Your browser gave no position.",
    "city.back": "Back",
    "city.busy": "You have changed your city three times today. It stays {city} until tomorrow.",
    "city.asked": "You can change your city when nobody is being asked.",
    # Ready
    "ready.in": "You are in",
    "ready.position": "Your position said so.",
    "ready.ip": "Your internet address said so.",
    "ready.chosen": "You chose it.",
    "ready.home": "This is the host's own network.",
    "ready.network": "This is the host's own network.",
    "ready.network.name": "This network",
    "ready.wrong": "Not right?",
    "ready.none": "Nobody else is free in {city} right now.",
    "ready.few": "A few people are free right now.",
    "ready.many": "Many people are free right now.",
    "ready.find": "Find someone",
    "ready.ask": "Others may ask me",
    "ready.ask.text": "At most once in two minutes, and only while you look at this page.",
    "ready.chats": "My chats",
    "ready.chatting": "You are talking with {alias}.",
    "ready.chatting.back": "Back to the chat",
    "ready.unread": "new",
    # Look
    "look.asking": "Asking someone nearby…",
    "look.next": "No luck this time, still looking.",
    "look.waiting": "Nobody free in {city} right now. Keep this page open; it will start by itself.",
    "look.stop": "Stop looking",
    "look.screen": "Waiting works while this page is on the screen.",
    "look.wake": "Keep the screen on",
    "look.share": "Share this page",
    "look.share.text": "Talk with someone in your city. No account, no name.",
    "look.share.copied": "The address is copied.",
    "look.share.copy": "Copy this address:",
    "look.still": "Are you still there?",
    "look.still.button": "Keep looking",
    "look.alone": "Trying it alone? Open {url} as a second person.",
    "look.found": "Found someone.",
    "look.found.in": "Starting in {n}…",
    "look.found.stop": "Stop",
    "look.found.start": "Start now",
    # Be asked
    "ring.title": "Someone in {city} would like to talk",
    "ring.text": "You stay anonymous either way.",
    "ring.talk": "Talk",
    "ring.no": "No",
    "ring.no.text": "No means you two are never asked about each other again.",
    "ring.later": "Not now, stop asking me",
    "ring.over": "They are no longer waiting.",
    "ring.seconds": "{n} seconds left",
    "ring.tab": "Someone would like to talk",
    "ring.off": "Nobody asks you until you switch it on again.",
    # Talk
    "talk.intro": "You are talking with {alias}. Neither of you knows who the other is.",
    "talk.you": "They know you as {you}.",
    "talk.write": "Write a message",
    "talk.send": "Send",
    "talk.here": "here",
    "talk.away.short": "away",
    "talk.away": "Away for {time}, what you write waits 24 hours",
    "talk.away.now": "Just went away, what you write waits 24 hours",
    "talk.left": "has left",
    "talk.typing": "{alias} is typing",
    "talk.leave": "Leave",
    "talk.back": "Back",
    "talk.defend": "Block or report",
    "talk.log": "Messages",
    "talk.new": "New messages",
    "talk.mine": "You",
    "talk.older": "Show older messages",
    "talk.long": "Too long: {n} of 2,000 characters.",
    "talk.heavy": "Too long: shorten it a little.",
    "talk.full": "200 messages wait to be sent. You can write again when the server has some of them.",
    "talk.gap": "A message was lost on the way and will not come.",
    "talk.erased": "{alias} has erased their messages.",
    "talk.ended": "{alias} has left.",
    "talk.ended.you": "You have left this chat.",
    "talk.ended.over": "This chat has ended.",
    "talk.again": "Talk again",
    "talk.again.text": "Works only if both of you press it within 24 hours.",
    "talk.again.asked": "If {alias} presses it too, you talk again. After 10 minutes you are asked first.",
    "tick.waiting": "Waiting to be sent",
    "tick.stored": "Kept by the server",
    "tick.delivered": "Delivered",
    "tick.lost": "Not delivered: 24 hours have passed",
    "tick.refused": "Not sent: {why}",
    "why.no-session": "the chat had ended",
    "why.bad-payload": "the server did not understand it",
    "why.day-full": "you have written as much as fits into a day",
    "why.other": "the server refused it",
    # Link
    "link.cut": "Reconnecting. You can keep typing.",
    "link.cut.short": "Reconnecting.",
    "link.blocked": "Your network blocks live connections. Try mobile data or another network.",
    "link.drain": "The server is restarting. Nothing is lost.",
    "link.busy": "Too fast: wait {n} s, your text is kept.",
    "link.unavailable": "A part of the server is away. It goes on by itself.",
    "link.disk": "The disk of this server is nearly full: no new chat begins until its host has made room.",
    "link.memory": "This browser stores nothing: a reload makes you somebody new.",
    "link.full": "This browser's storage is full: a reload may lose what was just written.",
    "link.room": "This browser stores again.",
    "link.failed": "That did not work. Please try again.",
    # Second window
    "twin.title": "This chat goes on in another window.",
    "twin.use": "Use it here",
    # Leave
    "leave.title": "Really leave?",
    "leave.text": "Leaving is final. What the server has kept is still delivered, and you are not told when.",
    "leave.yes": "Leave",
    "leave.no": "Stay",
    # My chats
    "chats.title": "My chats",
    "chats.none": "No chats yet.",
    "chats.none.text": "A chat stays here for {days}, then it is deleted.",
    "chats.now": "now",
    "chats.row": "{when}, deleted {date}",
    "chats.deleted": "Deleted on {date}",
    "chats.older": "Show older chats",
    "chats.empty": "Nothing was written in this chat.",
    # Block and report
    "defend.title": "Block or report {alias}",
    "defend.text": "Both end the chat at once, and you two never meet again. They only see that you left.",
    "defend.block": "Block",
    "defend.block.text": "End it and never meet again.",
    "defend.report": "Report",
    "defend.report.text": "The host gets the last 50 messages of both of you.",
    "report.title": "What happened?",
    "report.reason.minor": "Someone under 18",
    "report.reason.threat": "Threat or danger",
    "report.reason.sexual": "Sexual content I did not want",
    "report.reason.hate": "Hate or harassment",
    "report.reason.spam": "Spam, money or selling",
    "report.reason.other": "Something else",
    "report.note": "Anything the host should know (optional)",
    "report.send": "Send the report",
    "block.done": "Gone. You will not meet again. They only see that you left.",
    "report.done": "Thank you. Your code is {code}. In danger now? Call your emergency number.",
    "report.keep": "Keep the code: with it you can look up what came of it under “More”.",
    # Cases
    "case.title": "Look up a report",
    "case.label": "Code of the report",
    "case.find": "Look up",
    "case.received": "Received. The host has not decided yet.",
    "case.acted": "Acted. The host did something about it.",
    "case.none": "No action. The host looked at it, or there is no such code.",
    "case.busy": "Only five look-ups a minute. Please wait.",
    # More
    "more.title": "More",
    "more.open": "More: settings, your data",
    "more.close": "Close",
    "more.settings": "Settings",
    "more.slow": "Give me more time",
    "more.slow.text": "Questions stay for 60 seconds.",
    "more.typing": "Show when I am typing",
    "more.data": "Your data",
    "more.download": "Download my chats",
    "more.download.wait": "Collecting your chats…",
    "more.erase": "Erase everything about me",
    "erase.title": "Erase everything about me?",
    "erase.text": "Your messages vanish from both screens and from the server, with your matches and your id."
    " A running chat ends.",
    "erase.kept": "Erased messages can still be attached to a report from that chat for 72 hours;"
    " reported ones stay until the case is closed.",
    "erase.new": "People you declined or blocked can meet you again: you will be somebody new.",
    "erase.yes": "Erase everything",
    "erase.no": "Keep it",
    "erase.done": "Everything about you is erased.",
    "erase.start": "Start again",
    # Banned
    "banned.title": "Not now",
    "banned.text": "You cannot use this server until {date}: {reason}. Object: {contact}",
    "banned.network": "New guests from your network cannot use this server until {date}: someone there was {reason}."
    " Object: {contact}",
    "banned.nobody": "the host of this server",
    # Footer and pages of text
    "foot.plain": "Not end-to-end encrypted",
    "foot.rules": "Rules",
    "foot.privacy": "Privacy",
    "foot.imprint": "Imprint",
    "foot.contact": "Contact",
    "foot.nobody": "The host gives no contact",
    "text.back": "Back to CityChat",
    "nojs": "CityChat needs JavaScript: messages arrive live. Nothing is loaded from anywhere but this server.",
    "loading": "Loading…",
    "missing.title": "There is no such page.",
}

REPORT_REASONS = tuple(name.removeprefix("report.reason.") for name in ENGLISH if name.startswith("report.reason."))


def languages() -> list[str]:
    """Codes of the languages there are, English first."""
    return ["en", *sorted(path.parents[1].name for path in LOCALE.glob("*/LC_MESSAGES/citychat.po"))]


def catalogue(language: str) -> dict[str, str]:
    """Return all sentences in ``language``, by name. Raises FileNotFoundError for a language there is no file for."""
    if language == "en":
        return dict(ENGLISH)
    translated = read_po((LOCALE / language / "LC_MESSAGES" / "citychat.po").read_text("utf-8"))
    return {name: translated.get(english) or english for name, english in ENGLISH.items()}


def direction(language: str) -> str:
    return "rtl" if language.partition("-")[0] in RIGHT_TO_LEFT else "ltr"


def read_po(text: str) -> dict[str, str]:
    """msgid → msgstr of a gettext ``.po`` file; fuzzy entries count as not translated, as gettext has it."""
    found: dict[str, str] = {}
    for entry in re.split(r"\n\s*\n", text):
        if re.search(r"^#,.*\bfuzzy\b", entry, re.MULTILINE):
            continue
        fields = {"msgid": "", "msgstr": ""}
        field = ""
        for line in entry.splitlines():
            if match := re.match(r'(msgid|msgstr)?\s*("(?:[^"\\]|\\.)*")\s*$', line):
                field = match[1] or field
                fields[field] += literal_eval(match[2])
        if fields["msgid"]:
            found[fields["msgid"]] = fields["msgstr"]
    return found


def template() -> str:
    """The ``.pot`` file a translator starts from: ``python -m citychat.catalogue > citychat/locale/citychat.pot``."""
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
    names: dict[str, list[str]] = {}
    for name, english in ENGLISH.items():
        names.setdefault(english, []).append(name)
    entries = [f'#: {" ".join(where)}\nmsgid "{_escaped(english)}"\nmsgstr ""\n' for english, where in names.items()]
    return "\n".join([head, *entries])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


if __name__ == "__main__":
    print(template(), end="")
