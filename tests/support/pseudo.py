"""A language that nobody speaks: English, four tenths longer, with accents, and written from right to left.

What would break in a translation breaks in it, and what is not in the catalogue stays plain English. No guest is ever
offered it.
"""

import re

from citychat.catalogue import SENTENCES

CODE = "en-XA"
LONGER = 1.4
ACCENTS = str.maketrans("aceginorsuyACEGINORSUY", "áçéğîñöŕšúýÁÇÉĞÎÑÖŔŠÚÝ")
VALUE = re.compile(r"(\{\w+\})")
FILLER = ["ōñé", "ţŵö", "ţĥŕéé", "ƒöûŕ", "ƒîṽé", "šîẋ", "šéṽéñ", "éîĝĥţ", "ñîñé", "ţéñ", "éļéṽéñ", "ţŵéļṽé"]


def pseudo(english: str) -> str:
    """The sentence in this language, its values as they are."""
    pieces = [piece if VALUE.fullmatch(piece) else piece.translate(ACCENTS) for piece in VALUE.split(english)]
    text, wanted = "".join(pieces), round(len(english) * LONGER)
    for number in range(wanted):
        if len(text) >= wanted:
            break
        text += " " + FILLER[number % len(FILLER)][: max(1, wanted - len(text) - 1)]
    return text


def page_words() -> dict[str, str | dict[str, str]]:
    """All that the page says, as `/sentences/<code>.json` has it."""
    return {
        name: {"one": pseudo(one), "other": pseudo(text)} if one else pseudo(text)
        for name, text, one in SENTENCES.values()
    } | {"name": "CityChat"}


def told(worker: str) -> dict[str, object]:
    """What the server would say of it."""
    return {"language": CODE, "direction": "rtl", "worker": worker, "words": page_words(), "questions": ""}
