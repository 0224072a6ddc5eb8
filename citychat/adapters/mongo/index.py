"""An index of MongoDB, as a collection must have it."""

from typing import NamedTuple


class Index(NamedTuple):
    """An index that a collection must have. ``lapses``: a TTL index; documents go when the date in its one field has
    come."""

    collection: str
    fields: tuple[str, ...]
    lapses: bool = False
