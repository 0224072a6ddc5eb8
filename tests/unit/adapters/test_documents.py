"""Documents of MongoDB that a foreign program has written, as the driver gives them."""

from typing import Any

import pytest
from bson import Code

from citychat.adapters.mongo.documents import DocumentReader

DEPTH = 100_000  # far more than Python recurses


def nested() -> list[Any]:
    value: list[Any] = []
    for _ in range(DEPTH):
        value = [value]
    return value


SESSION = {
    "_id": "s", "members": ["anna", "ben"], "aliases": ["Amber Fox", "Blue Owl"], "city": "Lyon",
    "started": 1, "expires": 2, "ended": None, "erased": [],
}  # fmt: skip


def test_a_session_of_ours_is_read() -> None:
    assert [session.id for session in DocumentReader().sessions([SESSION])] == ["s"]


@pytest.mark.parametrize(
    "change",
    [{"members": [Code("f()"), "ben"]}, {"city": Code("f()")}, {"_id": Code("f()")}, {"more": {"in": [Code("f()")]}}],
    ids=str,
)
def test_what_holds_javascript_is_not_ours(change: dict[str, Any]) -> None:
    reader = DocumentReader()
    assert reader.sessions([SESSION | change, SESSION])[0].id == "s"
    assert reader.dropped["sessions"] == 1


def test_what_nests_deeper_than_anybody_reads_is_not_ours() -> None:
    reader = DocumentReader()
    assert len(reader.sessions([SESSION | {"more": nested()}, SESSION])) == 1
    assert reader.dropped["sessions"] == 1
