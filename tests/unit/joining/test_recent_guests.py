"""What a process remembers of guests: the newest, for ten minutes, and so many."""

from citychat.joining.recent_guests import KEPT_MAX, KEPT_S, RecentGuest, RecentGuests
from citychat.model import District, Guest, Session
from citychat.ports import Entry


def known(guest: str, s: str = "s") -> RecentGuest:
    entry = Entry(guest, "p", "lyon", District(1, 2), "Lyon", True, False, True)
    return RecentGuest(Guest(guest, 0, 0, "1", 0), entry, Session(s, (guest, "x"), ("a", "b"), "Lyon", 0, 1))


def test_the_last_word_on_a_guest_counts_and_is_kept_for_ten_minutes() -> None:
    now_s = [0.0]
    memory = RecentGuests(lambda: now_s[0])
    memory.keep(known("anna", "old"))
    now_s[0] = 1.0
    memory.keep(known("ben"))
    memory.keep(known("anna", "new"))
    now_s[0] = KEPT_S + 0.5
    assert memory.of("anna") == known("anna", "new")
    now_s[0] = KEPT_S + 1
    assert memory.of("anna") is None and memory.of("ben") is None and memory.of("carl") is None


def test_a_forgotten_guest_is_forgotten_and_the_number_is_bounded() -> None:
    memory = RecentGuests(lambda: 0.0)
    for n in range(KEPT_MAX + 1):
        memory.keep(known(str(n)))
    assert memory.of("0") is None and memory.of("1") is not None
    memory.forget("1")
    memory.forget("1")
    assert memory.of("1") is None
