"""Every sentence that guests read, in English, under the name by which page, server and terminal know it.

English is the source; ``languages`` reads others. A value in braces is filled in; ``{site}`` by the server that sends
the sentence. Babel reads the sources here, with the note above each sentence (docs/languages.md).
"""

from collections.abc import Mapping
from typing import Final

from citychat.catalogue.arriving import ARRIVING
from citychat.catalogue.gathering import GATHERING
from citychat.catalogue.meeting import MEETING
from citychat.catalogue.owning import OWNING
from citychat.catalogue.pieces import Piece, blocks
from citychat.catalogue.sentence import Sentence
from citychat.catalogue.serving import SERVING
from citychat.catalogue.sharing import SHARING
from citychat.catalogue.talking import TALKING
from citychat.catalogue.terminal import TERMINAL

NAME: Final = "name"  # of the site: the one that is the same in every language
PAGE: Final = (*ARRIVING, *MEETING, *GATHERING, *TALKING, *OWNING)  # what a page's script may say
SENTENCES: Final[Mapping[str, Sentence]] = {one.name: one for one in (*PAGE, *SERVING, *SHARING, *TERMINAL)}
ENGLISH: Final[Mapping[str, str]] = {NAME: "{site}"} | {name: one.english for name, one in SENTENCES.items()}

REPORT_REASONS = tuple(name.removeprefix("report.reason.") for name in ENGLISH if name.startswith("report.reason."))

__all__ = [
    "ENGLISH",
    "NAME",
    "PAGE",
    "REPORT_REASONS",
    "SENTENCES",
    "SERVING",
    "TERMINAL",
    "Piece",
    "Sentence",
    "blocks",
]
