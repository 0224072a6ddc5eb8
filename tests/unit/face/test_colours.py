"""The accent: what is refused, by which measure, and that whatever is taken can be read wherever it is used."""

import re
from pathlib import Path
from random import Random

import pytest

import citychat
from citychat.face import DEFAULT_NAME, accent, name, sheet
from citychat.face.colours import DARK, LIGHT, RATIO_MIN, contrast

TOKENS = Path(citychat.__file__).parent / "static" / "style" / "tokens.css"


def tokens(text: str) -> list[dict[str, str]]:
    """Of the light theme and of the dark one."""
    return [dict(re.findall(r"--([a-z-]+): (#\w{6})", theme)) for theme in text.split("@media")[:2]]


def test_the_measures_are_those_of_the_page() -> None:
    for theme, there in zip((LIGHT, DARK), tokens(TOKENS.read_text("utf-8")), strict=True):
        assert (theme.paper, theme.card, theme.label) == (there["paper"], there["card"], there["lamp-ink"])
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("#ffcc00", r"#ffcc00 has 1\.3:1 on the page of the light theme, less than 4\.5:1; take a darker one"),
        ("#767676", r"#767676 has 4\.0:1 on the page of the light theme"),
        ("#0b6e4f,#334455", r"#334455 has 1\.6:1 on a card of the dark theme, less than 4\.5:1; take a lighter one"),
        ("#ffcc00,#ffcc00", "light theme"),
        ("red", "written #rrggbb"),
        ("#fff", "written #rrggbb"),
        ("#0b6e4f;}", "written #rrggbb"),
        ("#0b6e4f,#7fd1ae,#ffffff", "or two"),
        (5, "or two"),
        ([1, 2], "or two"),
    ],
)
def test_a_colour_that_cannot_be_read_is_refused_with_its_measure(value: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        accent(value)


def test_colours_are_taken_from_a_flag_and_from_a_list_and_none_is_the_built_in_one() -> None:
    assert accent(" #0B6E4F, #7fd1ae ") == accent(["#0b6e4f", "#7fd1ae"]) == ("#0b6e4f", "#7fd1ae")
    assert accent("#000000") == ("#000000",)
    assert accent("") == accent([]) == ()


def test_whatever_is_taken_can_be_read_in_both_themes_wherever_it_is_drawn() -> None:
    random, built_in, taken = Random(1), tokens(TOKENS.read_text("utf-8")), 0
    for _ in range(2_000):
        written = ",".join(f"#{random.randrange(1 << 24):06x}" for _ in range(random.choice((1, 2))))
        try:
            own = sheet(accent(written))
        except ValueError:
            continue
        taken += 1
        for theme, changed in zip(built_in, tokens(own), strict=True):
            colour = theme | changed
            assert colour["yours"] == colour["lamp"]
            for over, under in [
                ("lamp", "paper"), ("lamp", "card"), ("lamp-ink", "lamp"), ("lamp-ink", "lamp-deep"),
                ("ink", "lamp-tint"),
            ]:  # fmt: skip
                assert contrast(colour[over], colour[under]) >= RATIO_MIN, (written, over, under)
    assert taken > 300


def test_a_name_is_one_short_line() -> None:
    assert name(" Lyon parle ") == "Lyon parle"
    assert name(DEFAULT_NAME) == DEFAULT_NAME
    for wrong in ("", " ", "a\nb", "x" * 31, "a\u202eb", "a\x1b[2J", 5, None):
        with pytest.raises(ValueError, match="a name of 1 to 30 signs in one line"):
            name(wrong)
