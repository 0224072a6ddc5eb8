"""The mutants of what guests wish for: also nearby towns, and a common language first."""

from tests.mutants.mutant_row import left_out

CANDIDATES, TOWNS = "citychat/adapters/memory/candidates.py", "citychat/adapters/memory/towns.py"
GUEST, LUA = "citychat/adapters/memory/lobby_guest.py", "citychat/adapters/redis/lobby.lua"
STATE, MATCHING = "citychat/adapters/memory/lobby_state.py", "citychat/matching/matching.py"
OF_TOWNS, OF_LANGUAGES = "tests/contract/test_lobby_towns.py", "tests/contract/test_lobby_languages.py"
AT_THE_DOOR = "tests/unit/matching/test_towns_and_languages.py"

WISHED = (
    left_out(
        "nearby without the seeker's switch", "Towns nearby", f"{OF_TOWNS} -k local", CANDIDATES,
        "towns = neighbours if seeker.towns else ()", "towns = neighbours",
    ),
    left_out(
        "nearby without the other's switch", "Towns nearby", f"{OF_TOWNS} -k local", TOWNS,
        "if person.towns and person.pool is not None and person.id in index:",
        "if person.pool is not None and person.id in index:",
    ),
    left_out(
        "of a network as many roam as like", "Towns nearby", f"{OF_TOWNS} -k local", CANDIDATES,
        "if candidate.pool != seeker.pool and not all(map(state.towns.may_roam, (candidate, seeker))):", "if False:",
    ),
    left_out(
        "who is over the own town's share hides others in it", "Towns nearby", f"{OF_TOWNS} -k local", CANDIDATES,
        "state.towns.draw(town, _passed_over(state, seeker, town), some)",
        "state.towns.draw(town, seeker.blocked, some)",
    ),
    left_out(
        "a late yes from another town without the switch", "Towns nearby", f"{OF_TOWNS} -k local", CANDIDATES,
        "seeker.pool == offer.pool and (seeker.towns or seeker.pool == candidate.pool)", "seeker.pool == offer.pool",
    ),
    left_out(
        "lua: nearby without both switches", "Towns nearby", f"{OF_TOWNS} -k lua", LUA,
        "local place = person.towns and person.place\n", "local place = person.place\n",
    ),
    left_out(
        "lua: of a network as many roam as like", "Towns nearby", f"{OF_TOWNS} -k lua", LUA,
        "or may_roam(a) and may_roam(b)\n", "or true\n",
    ),
    left_out(
        "the host's no to towns nearby is not heard", "Towns nearby", AT_THE_DOOR, MATCHING,
        '"towns": towns and self.nearby', '"towns": towns',
    ),
    left_out(
        "any language at once", "Languages", f"{OF_LANGUAGES} -k local", GUEST,
        "return not (waits_for_language(a, now) or waits_for_language(b, now))", "return True",
    ),
    left_out(
        "anybody after 10 s never", "Languages", f"{OF_LANGUAGES} -k local", GUEST,
        "return not (waits_for_language(a, now) or waits_for_language(b, now))", "return False",
    ),
    left_out(
        "lua: anybody after 10 s never", "Languages", f"{OF_LANGUAGES} -k lua", LUA,
        "return not (waits_for_language(a) or waits_for_language(b))", "return false",
    ),
    left_out(
        "a chat leaves languages in the lobby", "Languages", f"{OF_LANGUAGES} -k local", STATE,
        "person.session, person.looking, person.languages = session_id, False, ()",
        "person.session, person.looking = session_id, False",
    ),
    left_out(
        "languages are told to the partner", "Languages", AT_THE_DOOR, "citychat/registry/match_state.py",
        '"seconds": left_s, "looking": offer.looking}', '"seconds": left_s, "languages": list(self.entry.languages)}',
    ),
    left_out(
        "languages are not told again after a chat", "Languages", AT_THE_DOOR, MATCHING,
        "                await self.reconciler.tell_preferences(client)\n", "                pass\n",
    ),
)  # fmt: skip
