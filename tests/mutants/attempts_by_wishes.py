"""What may be tried against guests by wishes of one's own: to meet those of other towns, or of a language."""

from tests.mutants.controls import Threat, control
from tests.mutants.named_files import LED_TO, LOBBY

ROAMING, OF_TOWNS = "citychat/adapters/memory/towns.py", "tests/contract/test_lobby_towns.py"
OF_LANGUAGES, OF_WISHES = "tests/contract/test_lobby_languages.py", "tests/unit/matching/test_towns_and_languages.py"

BY_WISHES = (
    Threat(
        "A1d", "Whoever asks in another town by *Also nearby towns* learns more of somebody there than the town.",
        (
            control(
                "nobody is led to another town without both switches on",
                f"{OF_TOWNS}::test_nobody_is_led_to_another_town_without_both_switches", ROAMING,
                "if person.towns and person.pool is not None and person.id in index:",
                "if person.pool is not None and person.id in index:",
            ),
            control(
                "in another town no district ranks: who is asked there is drawn",
                f"{OF_TOWNS}::test_no_place_ranks_in_another_town", ROAMING,
                "index.rank(person.id), NOWHERE)",
                "max(index.rank(person.id), 2) if person.district.lat > 2272 else 3, NOWHERE)",
            ),
            control(
                "and of one network three at most meet guests of other towns, wherever they are",
                f"{OF_TOWNS}::test_of_a_network_three_meet_other_towns_wherever_they_are", LED_TO,
                "if candidate.pool != seeker.pool and not all(map(state.towns.may_roam, (candidate, seeker))):",
                "if False:",
            ),
        ),
        see="A1a",
        open=(
            "the city of who is met is told to both, so whoever roams and is met in several towns says in which one."
        ),
    ),
    Threat(
        "A1e", "Whoever names one language and looks at who comes learns who speaks it.",
        (
            control(
                "no event, session or row names a language; who names none is met as if they shared it, so being met "
                "within 10 s proves nothing",
                f"{OF_WISHES}::test_nothing_that_leaves_or_is_kept_names_a_language",
                "citychat/registry/match_state.py",
                '"seconds": left_s, "looking": offer.looking}',
                '"seconds": left_s, "languages": list(self.entry.languages)}',
            ),
            control(
                "another language in the middle of a search does not begin its 10 s anew, so each costs a search",
                f"{OF_LANGUAGES}::test_ten_seconds_count_from_when_the_search_began",
                LOBBY, "            if person.online and person.session is None:\n",
                "            person.looks_since = self._state.now\n"
                "            if person.online and person.session is None:\n",
            ),
        ),
        see="A1a",
        open=(
            "a bit a chat: who is led to a guest of one language within 10 s shares it, or has named none. A chat says "
            "as much by its first line. Whoever does not want to be found so takes the language out, in More; searches "
            "(20, then one a second), chats (100 a pair and day) and changes (10, then one in 6 s) bound how many are "
            "tried."
        ),
    ),
)  # fmt: skip
