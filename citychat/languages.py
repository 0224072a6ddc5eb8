"""The catalogue's sentences in other languages, as the build has compiled them with Babel (docs/languages.md).

A language whose file is not there is not offered, and a sentence that is missing stays English.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache, reduce
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Final, NamedTuple

from citychat.catalogue import ENGLISH, NAME, PAGE, SENTENCES, Sentence

COMPILED = Path(__file__).parent / "sentences"
READ_CHARS = 200  # of an Accept-Language; browsers send less
RANGE = re.compile(r"\s*(\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?")
ONE_OR_OTHER: Final = {"one": 1, "other": 2}
AND_MILLIONS: Final = {"one": 1, "many": 1_000_000, "other": 2}


class Language(NamedTuple):
    """A language under its BCP 47 code. ``counts``: for each plural form a number that has it, by the names that
    browsers give the forms, and in the order of gettext (both are CLDR's)."""

    code: str
    own_name: str
    counts: Mapping[str, int] = ONE_OR_OTHER
    direction: str = "ltr"

    @property
    def file(self) -> str:
        """The language's name among files, as gettext has it."""
        return self.code.replace("-", "_")


LANGUAGES: Final = {
    language.code: language
    for language in (
        Language("en", "English"),
        Language("es", "Español", AND_MILLIONS),
        Language("pt-BR", "Português (Brasil)", AND_MILLIONS),
        Language("fr", "Français", AND_MILLIONS),
        Language("de", "Deutsch"),
        Language(
            "ar", "العربية", {"zero": 0, "one": 1, "two": 2, "few": 3, "many": 11, "other": 100}, direction="rtl"
        ),
        Language("tr", "Türkçe"),
        Language("it", "Italiano", AND_MILLIONS),
        Language("pl", "Polski", {"one": 1, "few": 2, "many": 5}),
        Language("uk", "Українська", {"one": 1, "few": 2, "many": 5}),
        Language("ja", "日本語", {"other": 2}),
    )
}
ENGLISH_CODE: Final = "en"


class Spoken(NamedTuple):
    """A language of ours for one answer, and whether it was asked for by its name."""

    language: str
    chosen: bool = False

    @property
    def query(self) -> str:
        """The end of addresses of ours, so that what is opened next speaks the same."""
        return f"?language={self.language}" if self.chosen else ""


class Words:
    """All sentences in one language."""

    def __init__(self, language: Language, translations: NullTranslations) -> None:
        self.language = language
        self._translations = translations

    def __call__(self, name: str, /, **values: object) -> str:
        """The sentence of that name with its values; in the form for the number ``n`` where it counts.

        Raises KeyError for a name that there is not, or a value that is not given.
        """
        text = self._formed(name, values.get("n", self.language.counts.get("other", 5)))
        return text.format(**{key: self._shown(value) for key, value in values.items()})

    def plain(self, name: str) -> str:
        """The sentence of that name as it stands, with its values open."""
        return self._formed(name, self.language.counts.get("other", 5))

    def two(self, *names: str, **values: object) -> str:
        """Whole sentences, one behind the other."""
        said = (self(name, **values) for name in names)
        return reduce(lambda first, second: self("sentences.two", first=first, second=second), said)

    def day(self, at: date) -> str:
        """A day for a terminal: without a library only English has names of months here."""
        return f"{at:%d %B %Y}" if self.language.code == ENGLISH_CODE else f"{at:%Y-%m-%d}"

    def moment(self, at: datetime) -> str:
        return f"{self.day(at)} {at:%H:%M}"

    def text(self, context: str, english: str) -> str:
        """A piece of one of the longer texts."""
        return self._translations.pgettext(context, english)

    def page(self) -> dict[str, str | dict[str, str]]:
        """All that a page's script may say: a text, or one for each form of a number."""
        return {NAME: ENGLISH[NAME]} | {one.name: self._forms(one) for one in PAGE}

    def _shown(self, value: object) -> str:
        return f"{value:,}" if isinstance(value, int) and self.language.code == ENGLISH_CODE else str(value)

    def _forms(self, sentence: Sentence) -> str | dict[str, str]:
        if not sentence.one:
            return self.plain(sentence.name)
        return {form: self._formed(sentence.name, n) for form, n in self.language.counts.items()}

    def _formed(self, name: str, n: object) -> str:
        if name == NAME:
            return ENGLISH[NAME]
        _, english, one = SENTENCES[name]
        if not one:
            return self._translations.pgettext(name, english)
        return self._translations.npgettext(name, one, english, int(str(n)))



def languages() -> list[str]:
    """Codes of the languages there are, English first."""
    return [code for code, one in LANGUAGES.items() if code == ENGLISH_CODE or _compiled(one).is_file()]


@cache
def words(code: str) -> Words:
    """Return all sentences in one of ``languages()``. Raises KeyError for another."""
    language = LANGUAGES[code]
    if code == ENGLISH_CODE:
        return Words(language, NullTranslations())
    with _compiled(language).open("rb") as file:
        return Words(language, GNUTranslations(file))


def direction(code: str) -> str:
    """The direction of writing, as HTML names it."""
    return LANGUAGES[code].direction


def best(accepted: str, offered: Iterable[str]) -> str:
    """The offered language that an ``Accept-Language`` wants most, else English (RFC 4647 §3.4).

    A wish for ``es-MX`` is met by ``es``, one for ``pt`` or ``pt-PT`` by ``pt-BR``.
    """
    known = list(offered)
    wanted = [found for part in accepted[:READ_CHARS].lower().split(",") if (found := RANGE.fullmatch(part))]
    weighed = [(float(found[2] or 1), found[1]) for found in wanted]
    refused = {tag for weight, tag in weighed if not weight}
    for weight, tag in sorted(weighed, key=lambda one: -one[0]):  # stable: of equals the first
        if weight and (code := nearest(tag, known)) and code.lower() not in refused:
            return code
    return ENGLISH_CODE


def nearest(tag: str, offered: list[str]) -> str | None:
    """The code nearest to a tag: itself, else what is left of it from the end on, else its other region."""
    if tag == "*":
        return ENGLISH_CODE
    parts = tag.split("-")
    for length in range(len(parts), 0, -1):
        beginning = "-".join(parts[:length])
        for code in offered:
            if code.lower() == beginning:
                return code
    return next((code for code in offered if code.lower().startswith(f"{parts[0]}-")), None)


def _compiled(language: Language) -> Path:
    return COMPILED / f"{language.file}.mo"
