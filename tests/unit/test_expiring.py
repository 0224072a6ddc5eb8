"""A mapping that forgets: by age and by number, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from citychat.expiring import Expiring

LIFE, MOST = 10, 3
STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "discard", "read", "clear", "wait"]), st.integers(0, 5), st.integers(1, 6)),
    max_size=60,
)


@given(STEPS)
def test_it_holds_the_newest_entries_that_are_young_enough(steps: list[tuple[str, int, int]]) -> None:
    now = [0]
    mapping = Expiring[int, str](MOST, LIFE, lambda: now[0])
    kept: list[tuple[int, int, str]] = []  # key, when, value: the oldest first, whatever its age
    for turn, (what, key, pause) in enumerate(steps):
        match what:
            case "put":
                mapping[key] = str(turn)
                young = [entry for entry in kept if entry[0] != key and now[0] - entry[1] < LIFE]
                kept = [*young, (key, now[0], str(turn))][-MOST:]
            case "discard":
                mapping.discard(key)
                kept = [entry for entry in kept if entry[0] != key]
            case "read":
                mapping.get(key)
            case "clear":
                mapping.clear()
                kept = []
            case _:
                now[0] += pause
        there = {k: value for k, at, value in kept if now[0] - at < LIFE}
        assert {k: mapping.get(k) for k in range(6) if k in mapping} == there
        assert list(mapping) == list(there) and len(mapping) == len(there)
        assert all(mapping.get(k) is None for k in range(6) if k not in there)


def test_what_is_read_often_is_forgotten_all_the_same_and_what_is_put_again_is_young() -> None:
    now = [0.0]
    mapping = Expiring[str, None](2, LIFE, lambda: now[0])
    mapping["read"] = mapping["again"] = None
    now[0] = LIFE - 1
    assert "read" in mapping
    mapping["again"] = None
    mapping["new"] = None
    assert list(mapping) == ["again", "new"], "the oldest goes, though it was read last"
    now[0] = LIFE
    assert "again" in mapping and "read" not in mapping
    now[0] = 2 * LIFE - 1
    assert "again" not in mapping, "its life is over at its last instant, and not after it"
