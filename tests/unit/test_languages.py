"""Languages: the files of the translators, what of them is read, and which one a browser gets."""

from collections.abc import Iterator
from gettext import NullTranslations, c2py
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po

import build_sentences
from citychat import languages
from citychat.catalogue import ENGLISH, PAGE, SENTENCES, blocks
from citychat.languages import ENGLISH_CODE, LANGUAGES, Words, best, words
from tools import sentences

OTHERS = [code for code in LANGUAGES if code != ENGLISH_CODE]
ALL = ["en", *OTHERS]


@pytest.fixture
def locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for translations, with nothing in it."""
    for module in (sentences, build_sentences):
        monkeypatch.setattr(module, "LOCALE", tmp_path)
    monkeypatch.setattr(sentences, "TEMPLATE", tmp_path / "citychat.pot")
    monkeypatch.setattr(languages, "COMPILED", tmp_path)
    words.cache_clear()
    yield tmp_path
    words.cache_clear()


def filled(code: str, change: dict[str, str | tuple[str, ...]]) -> None:
    """Begin a translation in which every sentence is its English, but for some by their names."""
    assert sentences.main(["new", code]) == 0
    made = sentences.read(code)
    for message in made:
        if message.id:
            forms = (message.id[1],) * made.num_plurals if message.pluralizable else str(message.id)
            message.string = change.get(str(message.context), forms)
    sentences.path_of(code).write_text(sentences.written(made), "utf-8")


def test_the_template_for_translators_is_up_to_date() -> None:
    assert sentences.TEMPLATE.read_text("utf-8") == sentences.written(sentences.template())


def test_babel_finds_every_sentence_and_each_has_a_note() -> None:
    with sentences.TEMPLATE.open("rb") as file:
        found = [message for message in read_po(file) if message.id]
    named = {message.context: message for message in found if message.context not in sentences.TEXTS}
    assert named.keys() == SENTENCES.keys()
    for name, (_, english, one) in SENTENCES.items():
        assert named[name].id == ((one, english) if one else english), name
    assert [message.context for message in found if not message.auto_comments] == []
    counting = {name for name, text in ENGLISH.items() if "{n}" in text and not SENTENCES[name].one}
    assert counting == {"talk.long", "more.download.some"}  # of which the other number, or none, has a noun


def test_each_translation_is_whole_and_up_to_date() -> None:
    for code in sentences.translated():
        assert list(sentences.problems(code)) == []
        known = sentences.read(code)
        known.update(sentences.template(), no_fuzzy_matching=True)
        assert sentences.path_of(code).read_text("utf-8") == sentences.written(known)


def test_what_is_wrong_with_a_translation_is_listed(locale: Path) -> None:
    filled("pl", {
        "arrive.tick": "", "talk.send": " Wyślij", "talk.ended": "Koniec.", "loading": "<b>Ładuję</b>",
        "ring.seconds": ("{n} sekunda", "{n} sekundy", ""), "talk.full": "Za dużo.", "terminal.sure": "tak czy nie?",
    })  # fmt: skip
    found = [line.replace("'", "") for line in sentences.problems("pl")]
    assert set(found) == {
        "pl arrive.tick: Please tick the box first. is not translated",
        "pl ring.seconds: {n} second left is not translated",
        "pl talk.send: Send: blanks at an end, or a new line",
        "pl talk.full: 200 messages wait to be sent. You can write again when the server has some of them.:"
        " numbers [200] are missing",
        "pl talk.ended: {alias} has left.: values [], and [{alias}] are needed",
        "pl loading: Loading…: markup, which would be shown as it is",
        "pl terminal.sure: yes or no?: yes must be kept",
        "pl terminal.sure: yes or no?: no must be kept",
    }
    assert sentences.main(["check", "pl"]) == 1


def test_a_new_translation_that_says_all_is_right_and_what_is_new_in_english_is_missing(locale: Path) -> None:
    filled("ja", {})
    assert sentences.main(["check"]) == 0
    path = sentences.path_of("ja")
    path.write_text(path.read_text("utf-8").replace('msgid "Loading…"', 'msgid "Wait…"'), "utf-8")
    assert sentences.main(["update"]) == 0
    assert list(sentences.problems("ja")) == ["ja loading: 'Loading…' is not translated"]
    assert "Wait…" not in path.read_text("utf-8")


@pytest.mark.parametrize("arguments", [[], ["new", "xx"], ["new", "en"], ["check", "xx"], ["compile"]])
def test_other_words_are_refused_with_those_that_there_are(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentences.main(arguments) == 2
    assert "update | new CODE | check [CODE...]; codes: es, pt-BR, fr" in capsys.readouterr().err


@pytest.mark.parametrize("code", ["pt-BR", "ar", "uk"])
def test_what_was_translated_is_read_in_every_form(code: str, locale: Path) -> None:
    forms = len(LANGUAGES[code].counts)
    filled(code, {"talk.leave": "Partir", "city.some": tuple(f"{{n}} of {form}" for form in range(forms))})
    build_sentences.build(locale)
    assert languages.languages() == ["en", code]
    said = words(code)
    assert said("talk.leave") == said.page()["talk.leave"] == "Partir"
    assert said("talk.intro", alias="Amber Heron").startswith("You are talking with Amber Heron.")
    of_forms = said.page()["city.some"]
    assert isinstance(of_forms, dict)
    rule = Locale.parse(code, sep="-").plural_form
    for n in range(1, 1001):
        assert said("city.some", n=n) == of_forms[rule(n)].format(n=n), n


@pytest.mark.parametrize("code", ALL)
def test_a_number_of_each_form_is_known_as_browsers_and_gettext_have_them(code: str) -> None:
    language = LANGUAGES[code]
    rule = Locale.parse(code, sep="-").plural_form
    assert {rule(n) for n in (*range(1001), 1_000_000)} == language.counts.keys()
    assert {form: rule(n) for form, n in language.counts.items()} == {form: form for form in language.counts}
    gettext = get_plural(language.file)
    assert gettext.num_plurals == len(language.counts)
    assert [c2py(gettext.plural_expr)(n) for n in language.counts.values()] == list(range(len(language.counts)))


def test_every_sentence_is_there_in_english_with_its_values() -> None:
    english = words("en")
    assert english("city.some", n=1) == "1 city found"
    assert english("city.some", n=3) == "3 cities found"
    assert english.plain("city.some") == "{n} cities found"
    assert english.page()["city.some"] == {"one": "{n} city found", "other": "{n} cities found"}
    assert english.page().keys() == {"name", *(sentence.name for sentence in PAGE)}
    with pytest.raises(KeyError):
        english("no.such")
    with pytest.raises(KeyError):
        english("talk.intro")


def test_without_a_compiled_file_a_language_is_not_offered_and_its_sentences_are_english(locale: Path) -> None:
    assert languages.languages() == ["en"]
    assert Words(LANGUAGES["de"], NullTranslations())("talk.leave") == "Leave"


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("", "en"),
        ("xx-YY,*;q=0.5", "en"),
        ("en-US,en;q=0.9", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("es-MX,en;q=0.8", "es"),
        ("pt", "pt-BR"),
        ("pt-PT,pt;q=0.9,en;q=0.1", "pt-BR"),
        ("PT-br", "pt-BR"),
        ("xx, fr;q=0.4, it;q=0.7", "it"),
        ("fr;q=0, en;q=0.1", "en"),
        ("fr;q=0.000,fr-CA", "en"),
        ("en;q=0.5,uk;q=0.501", "uk"),
        ("zh-Hans,ja;q=0.2", "ja"),
        ("ar-EG", "ar"),
        ("de;q=2, tr", "tr"),
        ("de;level=1, tr", "tr"),
        (";;;,,,q=1", "en"),
        ("x" * 10_000 + ",de", "en"),
    ],
)
def test_a_browser_gets_the_language_that_it_wants_most(accepted: str, code: str) -> None:
    assert best(accepted, ALL) == code


def test_languages_written_from_right_to_left_say_so() -> None:
    for code in ALL:
        assert languages.direction(code) == ("rtl" if Locale.parse(code, sep="-").text_direction == "rtl" else "ltr")


def test_a_text_comes_apart_into_what_is_translated() -> None:
    text = "# Head\n\nOne\nline.\r\n\r\n- first\n- second\n\n## Lower\n\n- one\nand no list"
    assert blocks(text) == [
        [("h1", "Head")], [("p", "One line.")], [("li", "first"), ("li", "second")], [("h2", "Lower")],
        [("p", "- one and no list")],
    ]  # fmt: skip
