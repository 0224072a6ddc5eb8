"""Sentences of the guest in the terminal that the page has not. Commands are English in every language."""

from citychat.catalogue.sentence import plural, sentence

TERMINAL = (
    # NOTE: Terminal, before anything connects. The guest speaks, as on the page. Keep: yes, no
    sentence("terminal.consent", "I am 18 or older and accept the rules: yes or no?"),
    # NOTE: Terminal, below the short rules. {rules} and {privacy} are addresses of pages.
    sentence("terminal.all", "All of it: {rules} {privacy}"),
    # NOTE: Terminal, at the start.
    sentence("terminal.connecting", "Connecting…"),
    # NOTE: Terminal, after "Reconnecting."
    sentence("terminal.connected", "Connected again."),
    # NOTE: Terminal, the last line: this program is too old or too new for the server.
    sentence("terminal.update", "This program and the server do not speak the same version. Please update it."),
    # NOTE: Terminal, the last line: the same guest has come in somewhere else.
    sentence("terminal.elsewhere", "You are here in another window."),
    # NOTE: Terminal. {city} is a name and not inflected; {why} a sentence such as "You chose it."
    sentence("terminal.where", "You are in {city}. {why}"),
    # NOTE: Terminal, when a chat begins. Commands, and REASON, stay. Keep: /leave, /block, /report, /help
    sentence("terminal.talk", "A line is a message. /leave  /block  /report REASON  /help"),
    # NOTE: Terminal, what can be typed: command, colon, what it does; with " · " between. Keep: find, help
    sentence("terminal.ready", "find: Find someone · help: everything else"),
    # NOTE: Terminal, after the end of a chat: what can be typed. Keep: find, again, block, report
    sentence("terminal.ended", "find: Find someone new · again: Talk again · block · report REASON"),
    # NOTE: Terminal, being asked. {city} is a name and not inflected; {n}: seconds to answer.
    plural(
        "terminal.ring",
        "Someone in {city} would like to talk. You stay anonymous either way. {n} second left.",
        "Someone in {city} would like to talk. You stay anonymous either way. {n} seconds left.",
    ),
    # NOTE: Terminal, the same on the host's own network.
    plural(
        "terminal.ring.network",
        "Someone on this network would like to talk. You stay anonymous either way. {n} second left.",
        "Someone on this network would like to talk. You stay anonymous either way. {n} seconds left.",
    ),
    # NOTE: Terminal, below it: what can be typed. Keep: yes, no, later
    sentence("terminal.answers", "yes: Talk · no: No · later: Not now, stop asking me"),
    # NOTE: Terminal, while looking: somebody was found, and the chat begins by itself. {n}: seconds. Keep: stop
    plural(
        "terminal.found",
        "Found someone. Starting in {n}… stop: Stop",
        "Found someone. Starting in {n}… stop: Stop",
    ),
    # NOTE: Terminal, the search was stopped because nothing was typed. Keep: find
    sentence("terminal.still", "Are you still there? find: Keep looking"),
    # NOTE: Terminal, a chat began while this was typed. {text}: what was typed.
    sentence("terminal.late", "Not sent: {text}. You are in a chat now; type it again to say it."),
    # NOTE: Terminal. {word}: what was typed, in quotes. Keep: help
    sentence("terminal.unknown", "{word} is no command, and nobody is here to read it. help: what there is"),
    # NOTE: Terminal, after yes or no while there is no question.
    sentence("terminal.nobody", "Nobody is asking you."),
    # NOTE: Terminal, after "ask" alone. Keep: ask on, ask off
    sentence("terminal.ask", "ask on, or ask off?"),
    # NOTE: Terminal, after "ask on".
    sentence("terminal.ask.on", "Others may ask me: on"),
    # NOTE: Terminal, after "ask off".
    sentence("terminal.ask.off", "Others may ask me: off"),
    # NOTE: Terminal, after "towns" alone: whether to meet people of nearby towns too. Keep: towns on, towns off
    sentence("terminal.towns", "towns on, or towns off?"),
    # NOTE: Terminal, after "question" alone: whether to be shown one. Keep: question on, question off
    sentence("terminal.question", "question on, or question off?"),
    # NOTE: Terminal, after "languages" with something else than codes. {most}: 5. Keep: languages, languages fr en
    sentence("terminal.languages", "languages: expected up to {most} codes, such as: languages fr en"),
    # NOTE: Terminal, behind "Languages you speak:" when none was named: people of any language are as welcome.
    sentence("terminal.any", "any"),
    # NOTE: Terminal, after "leave" outside a chat.
    sentence("terminal.nochat", "You are in no chat."),
    # NOTE: Terminal, behind "Really leave? …" and below "Erase everything about me? …". Keep: yes, no
    sentence("terminal.sure", "yes or no?"),
    # NOTE: Terminal. {alias}: two English words that name the other person; they are back.
    sentence("terminal.here", "{alias}: here."),
    # NOTE: Terminal. {alias}: two English words. What is written now waits 24 hours for them.
    sentence("terminal.away", "{alias}: Just went away, what you write waits 24 hours."),
    # NOTE: Terminal, in place of an alias that is not known any more.
    sentence("terminal.somebody", "Somebody of an earlier chat"),
    # NOTE: Terminal, a row of the list of chats. {alias}: two English words; {city}: a name.
    sentence("terminal.chat", "{number}: {alias}, {city}"),
    # NOTE: Terminal, the same of the running chat.
    sentence("terminal.chat.now", "{number}: {alias}, {city} (now)"),
    # NOTE: Terminal, below the list of chats. Keep: chats more
    sentence("terminal.chats.more", "chats more: older ones"),
    # NOTE: Terminal, above the first message of a chat that is read again.
    sentence("terminal.begins", "The chat starts here."),
    # NOTE: Terminal, after "report" without a reason. {reasons}: English words to type. Keep: report
    sentence("terminal.report", "What happened? report REASON, one of: {reasons}"),
    # NOTE: Terminal, after a report. {code}: letters and figures. Keep: case
    sentence("terminal.case", "case {code}: what came of it"),
    # NOTE: Terminal, after a number that is not in the list. Keep: chats
    sentence("terminal.number", "There is no chat of that number. chats: which there are"),
    # NOTE: Terminal, after "block", "report", "read" or "again" outside a chat. Keep: chats
    sentence("terminal.which", "In which chat? chats: which there are"),
    # NOTE: Terminal, above a list of cities with numbers.
    sentence("terminal.cities", "Which one? Type its number."),
    # NOTE: Terminal, to a paused guest. Keep: quit
    sentence("terminal.object", "Object, once, in at most 1,000 characters: type it in one line. quit: go"),
    # NOTE: Terminal, above the guest's own words or the host's. {words}: those, in any language.
    sentence("terminal.yours", "You objected: {words}"),
    # NOTE: Terminal. {words}: the host's, in any language.
    sentence("terminal.answer", "The host answered: {words}"),
    # NOTE: Terminal, help, first line. Keep: //, /
    sentence(
        "terminal.help",
        "In a chat a line is a message (// at its start stands for one /), and commands start with /."
        " Elsewhere the / may be left out.",
    ),
    # NOTE: Terminal, help: behind the commands find and stop.
    sentence("terminal.help.find", "look for somebody; stop looking"),
    # NOTE: Terminal, help: behind the commands yes, no and later. Keep: no, later
    sentence("terminal.help.yes", "when somebody would like to talk; no is for ever, later means: stop asking me"),
    # NOTE: Terminal, help: behind the command ask on|off.
    sentence("terminal.help.ask", "whether others may ask you"),
    # NOTE: Terminal, help: behind the command towns on|off. "who want it as well": only these are met.
    sentence("terminal.help.towns", "whether to meet people of towns within 50 km too, who want it as well"),
    # NOTE: Terminal, help: behind the command languages [CODES]. Keep: fr en
    sentence("terminal.help.languages", "that you speak, such as fr en: who shares one comes first"),
    # NOTE: Terminal, help: behind the command question on|off.
    sentence("terminal.help.question", "whether a chat begins with a question for both"),
    # NOTE: Terminal, help: behind the commands where and city NAME.
    sentence("terminal.help.where", "where you are; choose your city"),
    # NOTE: Terminal, help: behind the command leave.
    sentence("terminal.help.leave", "end the chat for good"),
    # NOTE: Terminal, help: behind the command block [N].
    sentence("terminal.help.block", "end it and never meet again"),
    # NOTE: Terminal, help: behind the command report [N] REASON [note]. {reasons}: English words to type.
    sentence("terminal.help.report", "REASON is one of: {reasons}"),
    # NOTE: Terminal, help: behind the command case CODE.
    sentence("terminal.help.case", "what came of a report"),
    # NOTE: Terminal, help: behind the command chats [more].
    sentence("terminal.help.chats", "your chats, the newest first"),
    # NOTE: Terminal, help: behind the command read [N].
    sentence("terminal.help.read", "what was written in one"),
    # NOTE: Terminal, help: behind the command again [N].
    sentence("terminal.help.again", "talk again, if both want it within 24 hours"),
    # NOTE: Terminal, help: behind the command erase.
    sentence("terminal.help.erase", "erase everything about you"),
    # NOTE: Terminal, a page was fetched that is not one of this program. {url}: its address.
    sentence("terminal.site", "{url} is no CityChat server"),
    # NOTE: Terminal. {url}: an address; {status}: a number and English words, such as "404 Not Found".
    sentence("terminal.site.status", "{url} answers {status}: this is no CityChat server"),
    # NOTE: Terminal. {url}: an address; {reason}: words of the system, such as "Connection refused".
    sentence("terminal.site.cut", "cannot reach {url}: {reason}"),
    # NOTE: Terminal, the server refused: anything that is not told.
    sentence("error.internal", "Something went wrong on the server. Please try again."),
    # NOTE: Terminal, the server refused what was typed.
    sentence("error.bad-payload", "The request was not understood."),
    # NOTE: Terminal, the server refused: the guest is in no city yet.
    sentence("error.no-place", "Choose a city first."),
    # NOTE: Terminal, the server refused.
    sentence("error.no-session", "There is no such chat."),
    # NOTE: Terminal, the server refused.
    sentence("error.busy", "Too fast. Please wait a moment."),
    # NOTE: Terminal, the server refused.
    sentence("error.unavailable", "A part of the server is away. Please try again in a moment."),
    # NOTE: Terminal, the server refused.
    sentence("error.day-full", "You have written as much as fits into a day. Go on tomorrow."),
)
