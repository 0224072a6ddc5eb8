import pytest

from citychat.adapters.statements import blocks, statements


def test_blocks_are_found_by_name_with_their_comments_and_without_the_blank_lines_around() -> None:
    text = """-- What this file is.

-- first --
SELECT 1;  -- not --a name

-- second_2 --

-- why it is so
SELECT '-- third --'
  FROM x;

"""
    assert blocks(text, "x.sql") == {
        "first": "SELECT 1;  -- not --a name",
        "second_2": "-- why it is so\nSELECT '-- third --'\n  FROM x;",
    }


def test_lua_has_the_same_comments() -> None:
    assert blocks("-- claim --\nlocal x = KEYS[1]\nreturn x\n", "x.lua") == {"claim": "local x = KEYS[1]\nreturn x"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-- a --\nSELECT 1;\n-- a --\nSELECT 2;", r"x\.sql:3: the block 'a' is there twice"),
        ("-- a --\n-- only words\n-- b --\nSELECT 1;", r"x\.sql: the block 'a' is empty"),
        ("SELECT 1;\n-- a --\nSELECT 2;", r"x\.sql:1: expected a line '-- name --'"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        blocks(text, "x.sql")


def test_files_beside_the_adapters_are_found() -> None:
    assert statements("sqlite/statements.sql")["evidence_of"] == "SELECT evidence FROM reports WHERE code = ?;"
