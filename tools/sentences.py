"""Keep the translations: ``python -m tools.sentences``, for whoever translates (docs/languages.md).

``update`` writes the template and brings every translation up to date; ``new CODE`` begins one; ``check [CODE]`` lists
what is wrong with them. Babel reads and writes the files.
"""

import io
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from build_sentences import LOCALE
from citychat.catalogue import blocks
from citychat.languages import ENGLISH_CODE, LANGUAGES

ROOT = Path(__file__).parents[1]
SOURCES, TEMPLATES = ROOT / "citychat" / "catalogue", ROOT / "citychat" / "templates"
TEMPLATE = LOCALE / "citychat.pot"
KEYWORDS = {"sentence": ((1, "c"), 2), "plural": ((1, "c"), 2, 3)}
NOTE = "NOTE:"
TEXTS = {"rules": "Rules of the site", "privacy": "Privacy notice", "imprint": "Imprint"}
PARTS = {"h": "a heading", "l": "an item of a list", "p": "a paragraph"}
HEAD = "Translations of CityChat. The context of a sentence is its name; docs/languages.md says how to translate."
VALUE = re.compile(r"\{\w*\}")
KEEP = re.compile(r"\bKeep: (.+)$")
COUNT, SAYS_TWO = "{n}", ("ar",)  # which have words for one thing and for two, without the number
BETWEEN_THOUSANDS = re.compile(r"(?<=\d)[.,٬\s](?=\d{3}(?!\d))")
WESTERN = {0x0660 + figure: str(figure) for figure in range(10)}


def path_of(code: str) -> Path:
    return LOCALE / code.replace("-", "_") / "LC_MESSAGES" / "citychat.po"


def template() -> Catalog:
    """All sentences in English, each with its note, in the order of the sources."""
    found = Catalog(project="CityChat", header_comment=f"# {HEAD}", charset="utf-8", fuzzy=False)
    for name, _, ids, notes, context in extract_from_dir(
        SOURCES, [("**.py", "python")], keywords=KEYWORDS, comment_tags=[NOTE], strip_comment_tags=True
    ):
        found.add(ids, context=context, auto_comments=[" ".join(notes)], locations=[(str(name), 0)])
    for name, title in TEXTS.items():
        for tag, text in (piece for block in blocks((TEMPLATES / f"{name}.md").read_text("utf-8")) for piece in block):
            found.add(text, context=name, auto_comments=[_note(title, tag, text)], locations=[(f"{name}.md", 0)])
    return found


def _note(title: str, tag: str, text: str) -> str:
    meant = {
        "{site}": "{site}: the name of this site.",
        "{history_days}": "{history_days}: a number of days, such as 30.",
        "{contact}": '{contact}: an address of the host, or "the host has given none" as you have translated it.',
    }
    known = [said for value, said in meant.items() if value in text]
    quoted = "Quote buttons as they are translated elsewhere." if "“" in text else ""
    return " ".join(filter(None, (f"{title}, {PARTS[tag[0]]}.", *known, quoted)))


def written(catalogue: Catalog) -> str:
    """A catalogue as its file has it; without dates, so that nothing changes where nothing has changed."""
    out = io.BytesIO()
    write_po(out, catalogue, width=100, ignore_obsolete=True, include_lineno=False)
    return re.sub(r'^"(POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator|Report-Msgid-Bugs-To|'
                  r'Language-Team): .*\n', "", out.getvalue().decode(), flags=re.MULTILINE)  # fmt: skip


def read(code: str) -> Catalog:
    """The translation that there is. Raises FileNotFoundError, and ValueError where it is no such file."""
    with path_of(code).open("rb") as file:
        return read_po(file, locale=code.replace("-", "_"), abort_invalid=True)


def translated() -> list[str]:
    """Codes of the languages that have a file."""
    return [code for code in LANGUAGES if path_of(code).is_file()]


def update(codes: Sequence[str]) -> None:
    """Write the template, and each translation anew: what is new in it is empty, what has gone is gone."""
    fresh = template()
    TEMPLATE.write_text(written(fresh), "utf-8")
    for code in codes:
        known = read(code) if path_of(code).is_file() else Catalog(locale=code.replace("-", "_"), charset="utf-8")
        known.update(fresh, no_fuzzy_matching=True)
        known.header_comment, known.fuzzy = f"# {HEAD}", False
        path_of(code).parent.mkdir(parents=True, exist_ok=True)
        path_of(code).write_text(written(known), "utf-8")


def problems(code: str) -> Iterator[str]:
    """What is wrong with a translation, a line each."""
    known = read(code)
    for fresh in template():
        if not fresh.id:
            continue
        there = known.get(_english(fresh)[0], context=fresh.context)
        name = f"{code} {fresh.context}: {_english(fresh)[0]!r}"
        if there is None or not all(_forms(there)):
            yield f"{name} is not translated"
        elif there.fuzzy:
            yield f"{name} is marked fuzzy"
        elif there.id != fresh.id:
            yield f"{name} has no plural, or one too many"
        elif len(_forms(there)) != (known.num_plurals if fresh.pluralizable else 1):
            yield f"{name} has {len(_forms(there))} forms, and {known.num_plurals} are needed"
        else:
            yield from (f"{name}: {wrong}" for form in _forms(there) for wrong in _differs(fresh, form, code))


def _differs(fresh: Message, form: str, code: str) -> Iterator[str]:
    """What one form of a translation has otherwise than the English must have it."""
    english = _english(fresh)[-1]
    wanted, has = sorted(VALUE.findall(english)), sorted(VALUE.findall(form))
    uncounted = [value for value in wanted if value != COUNT]
    if has != wanted and not (fresh.pluralizable and code in SAYS_TWO and has == uncounted):
        yield f"values {has}, and {wanted} are needed"
    if form != form.strip() or "\n" in form:
        yield "blanks at an end, or a new line"
    if "<" in form or "&" in form:
        yield "markup, which would be shown as it is"
    kept = KEEP.search(" ".join(fresh.auto_comments))
    yield from (f"{word} must be kept" for word in (kept[1].split(", ") if kept else []) if word not in form)
    if missing := _numbers(english) - _numbers(form):
        yield f"numbers {sorted(missing)} are missing"


def _numbers(text: str) -> set[str]:
    """Numbers in figures of Europe or of Arabia, without what stands between thousands."""
    return set(re.findall(r"\d+", BETWEEN_THOUSANDS.sub("", text.translate(WESTERN))))


def _english(message: Message) -> tuple[str, ...]:
    return tuple(message.id) if isinstance(message.id, tuple | list) else (str(message.id),)


def _forms(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, tuple | list) else (str(message.string or ""),)


def main(arguments: Sequence[str]) -> int:
    """Exit status: 0 done and nothing wrong, 1 something is wrong, 2 wrong arguments."""
    match arguments:
        case ["update"]:
            update(translated())
        case ["new", code] if code in LANGUAGES and code != ENGLISH_CODE and not path_of(code).is_file():
            update([*translated(), code])
        case ["check", *codes] if set(codes) <= set(translated()):
            found = [line for code in codes or translated() for line in problems(code)]
            print("\n".join(found) or "nothing is wrong")
            return int(bool(found))
        case _:
            known = ", ".join(code for code in LANGUAGES if code != ENGLISH_CODE)
            print(f"python -m tools.sentences update | new CODE | check [CODE...]; codes: {known}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
