"""The catalogue's sentences in other languages: a file ``locale/<code>/LC_MESSAGES/citychat.po`` each.

It is read as text at start, so nothing has to be compiled. What a file does not translate stays English.
"""

import re
from ast import literal_eval
from pathlib import Path
from typing import Final

from citychat.catalogue import ENGLISH

LOCALE = Path(__file__).parent / "locale"
RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ps", "ur", "yi"})


def languages() -> list[str]:
    """Codes of the languages there are, English first."""
    return ["en", *sorted(path.parents[1].name for path in LOCALE.glob("*/LC_MESSAGES/citychat.po"))]


def catalogue(language: str) -> dict[str, str]:
    """Return all sentences in ``language``, by name. Raises FileNotFoundError for a language there is no file for."""
    if language == "en":
        return dict(ENGLISH)
    translated = read_po((LOCALE / language / "LC_MESSAGES" / "citychat.po").read_text("utf-8-sig"))
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
    """The ``.pot`` file a translator starts from: ``python -m citychat.languages > citychat/locale/citychat.pot``."""
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
