"""The tokens of a page's storage: the newest, and the one before it until the server has proved that it is not needed.

A server whose clock or keys are wrong may take a good token for none and make another guest. What names the guest of
before is not given up for that one's (protocol §2.3). The twin of ``static/kept_tokens.js``.
"""

from collections.abc import Mapping
from typing import Any

from citychat.client.shapes import OLD_TOKEN, TOKEN, Row, Storage, read


class KeptTokens:
    """The tokens in one page's storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage, self._asked = storage, Row()

    def asked(self) -> Row:
        """Return what a join says of tokens."""
        names = {"token": TOKEN, "old_token": OLD_TOKEN}
        self._asked = {field: token for field, name in names.items() if (token := read(self._storage, name))}
        return self._asked

    def keep(self, answer: Mapping[str, Any]) -> None:
        """Keep the token of a join's answer. Beside it stays the one that the join has asked with when all were the
        same guest's, else the one of before."""
        newer, older = self._asked.get("token"), self._asked.get("old_token")
        stays = newer if answer.get("same") is True else older or newer
        if stays:
            self._storage[OLD_TOKEN] = stays
        else:
            self._storage.pop(OLD_TOKEN, None)
        self._storage[TOKEN] = answer["token"]
