"""Documents as MongoDB finds and changes them: the few of its operators that CityChat uses."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

Document = dict[str, Any]
Collection = dict[Any, Document]  # by _id

ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le,
}  # fmt: skip


def matches(document: Document, where: Document) -> bool:
    return all(
        any(matches(document, each) for each in wanted) if field == "$or" else _holds(document, field, wanted)
        for field, wanted in where.items()
    )


def _holds(document: Document, field: str, wanted: Any) -> bool:
    value = document.get(field)
    if not (isinstance(wanted, dict) and wanted and next(iter(wanted)).startswith("$")):
        return _equals(value, wanted)
    return all(_operator(document, field, value, name, given) for name, given in wanted.items())


def _operator(document: Document, field: str, value: Any, name: str, given: Any) -> bool:
    if name in ORDERED:
        return type(value) is type(given) and ORDERED[name](value, given)
    if name == "$in":
        return any(_equals(value, each) for each in given)
    if name == "$ne":
        return not _equals(value, given)
    if name == "$exists":
        return bool((field in document) == given)
    raise ValueError(f"{name} is an operator that the adapter has never used")


def _equals(value: Any, wanted: Any) -> bool:
    return bool(value == wanted) or (isinstance(value, list) and wanted in value)


def changed(document: Document, change: Document) -> Document:
    """The document after an update or a replacement."""
    if not any(name.startswith("$") for name in change):
        return {"_id": document["_id"], **change}
    after = dict(document)
    for name, fields in change.items():
        for field, value in fields.items():
            if name == "$set" or (name == "$max" and not (field in after and after[field] >= value)):
                after[field] = value
            elif name == "$unset":
                after.pop(field, None)
            elif name == "$addToSet":
                kept = after.get(field, [])
                after[field] = kept if value in kept else [*kept, value]
            elif name not in ("$max",):
                raise ValueError(f"{name} is an operator that the adapter has never used")
    return after


def fresh(where: Document) -> Document:
    """What an upsert that matches nothing begins with."""
    return {field: value for field, value in where.items() if not isinstance(value, dict)}


def found(collection: Collection, asked: Mapping[str, Any]) -> list[Document]:
    """The answer to a ``find``."""
    rows = [document for document in collection.values() if matches(document, asked.get("filter", {}))]
    for field, direction in reversed(list(asked.get("sort", {}).items())):
        rows.sort(key=lambda row: row[field], reverse=direction < 0)
    rows = rows[asked.get("skip", 0) :]
    rows = rows[: asked.get("limit") or None]
    fields = asked.get("projection")
    return [{name: row[name] for name in row if name == "_id" or name in fields} for row in rows] if fields else rows


def counted(collection: Collection, pipeline: list[Document]) -> list[Document]:
    """The answer to an ``aggregate`` of a ``$match`` and a ``$group`` that counts."""
    counts: dict[Any, int] = {}
    for document in collection.values():
        if matches(document, pipeline[0]["$match"]):
            value = document.get(pipeline[1]["$group"]["_id"].removeprefix("$"))
            counts[value] = counts.get(value, 0) + 1
    return [{"_id": value, "rows": count} for value, count in counts.items()]
