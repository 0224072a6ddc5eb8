"""Sentences as they stand in the catalogue. Babel reads both names in the sources, with the note above each."""

from typing import NamedTuple


class Sentence(NamedTuple):
    """A sentence: the name that page, server and terminal know it by, and its English. ``one``: the English of the
    number one, where the sentence counts ``{n}``; else ""."""

    name: str
    english: str
    one: str = ""


def sentence(name: str, english: str) -> Sentence:
    return Sentence(name, english)


def plural(name: str, one: str, other: str) -> Sentence:
    """A sentence that counts ``{n}``: a language has as many forms of it as it needs."""
    return Sentence(name, other, one)
