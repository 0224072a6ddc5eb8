"""Threats to who is to be told once, and to this server, which calls an address that a page has named: T25."""

from tests.mutants.controls import Threat, control

SIGNS, SERVICES = "citychat/matching/signs.py", "citychat/push/services.py"
OF_SIGNS, OF_SERVICES = "tests/unit/matching/test_signs.py", "tests/unit/push/test_push_services.py"

OF_PUSH = (
    Threat(
        "T25", "“Tell me once” has this server call whom a guest wants, wakes people, or tells of who is kept apart.",
        (
            control(
                "push services of browsers alone are called, by their whole names",
                f"{OF_SERVICES}::test_nobody_else_is_ever_asked", SERVICES,
                'is_known = plain.startswith("https://") and HOSTS.fullmatch(parts.netloc)',
                'is_known = plain.startswith("https://") and HOSTS.search(parts.netloc)',
            ),
            control(
                "by https",
                f"{OF_SERVICES}::test_nobody_else_is_ever_asked", SERVICES,
                'is_known = plain.startswith("https://") and', "is_known =",
            ),
            control(
                "one that says nothing is not waited for",
                f"{OF_SERVICES}::test_a_service_that_is_not_reached_or_says_nothing_is_tried_again", SERVICES,
                "async with asyncio.timeout(ALTOGETHER_S):", "async with asyncio.timeout(86_400):",
            ),
            control(
                "one that is busy is asked three times",
                f"{OF_SIGNS}::test_a_service_that_is_busy_is_asked_three_times_and_no_more", SIGNS,
                "TRIES_S = 0.0, 10.0, 60.0", "TRIES_S = 0.0, 10.0, 20.0, 30.0",
            ),
            control(
                "a wish goes before its sign is sent, and whoever has deleted it sends",
                f"{OF_SIGNS}::test_who_is_away_is_told_once_by_one_process_when_somebody_stays,"
                "test_a_process_that_dies_before_it_has_sent_leaves_nothing_to_send_twice",
                SIGNS, " and await self._store.take(sign):", ":",
            ),
            control(
                "a guest asks three times, and then once an hour",
                f"{OF_SIGNS}::test_a_guest_asks_three_times_and_then_once_an_hour_and_only_known_services_are_noted",
                SIGNS, "if wait_s := self._shares.take(client.guest, client.page.source):", "if wait_s := 0.0:",
            ),
            control(
                "a site keeps so many and no more",
                "tests/contract/test_signs.py::test_a_site_keeps_so_many_and_no_more",
                "citychat/adapters/sqlite/statements.sql",
                "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE (SELECT count(*) FROM signs) < ?8;",
                "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE ?8 > 0;",
            ),
            control(
                "who passes by wakes nobody",
                f"{OF_SIGNS}::test_who_passes_by_wakes_nobody", SIGNS,
                "            if (client.guest, pool) in last:\n", "            if True:\n",
            ),
            control(
                "who reloads is not away",
                f"{OF_SIGNS}::test_a_reload_is_no_absence", SIGNS,
                "if sign.guest in last & self._away and", "if sign.guest in self._away and",
            ),
            control(
                "who has asked is told a minute later at the earliest",
                f"{OF_SIGNS}::test_who_asks_and_turns_away_is_told_a_minute_later_at_the_earliest", SIGNS,
                " and now - sign.since >= ASKED_MS]", "]",
            ),
            control(
                "two who are kept apart tell nothing of each other",
                f"{OF_SIGNS}::test_two_who_are_kept_apart_tell_nothing_of_each_other", SIGNS,
                "apart = {sign.guest, *dossier.blocked,", "apart = {sign.guest,",
            ),
            control(
                "nor those of a network that one of them avoids",
                f"{OF_SIGNS}::test_a_network_that_is_avoided_tells_nothing_either", SIGNS,
                " and not await self._is_avoided(sign.guest, dossier, client, now):", ":",
            ),
            control(
                "a wish goes at its end, at most a day after",
                f"{OF_SIGNS}::test_a_wish_goes_at_midnight_and_after_a_day_whatever_the_page_says", SIGNS,
                "until = now + min(left_ms, DAY_MS)", "until = now + max(left_ms, DAY_MS)",
            ),
            control(
                "and with its guest",
                "tests/contract/test_signs.py::test_a_wish_goes_with_its_guest",
                "citychat/adapters/sqlite/guests.py", ', "drop_sign")', ")",
            ),
            control(
                "the keys are their owner's alone",
                f"{OF_SERVICES}::test_keys_are_made_once_and_read_by_their_owner_only",
                "citychat/push/keys.py", "os.O_EXCL, 0o600)", "os.O_EXCL, 0o644)",
            ),
            control(
                "no address of a browser is logged",
                f"{OF_SERVICES}::test_each_answer_means_told_over_again_or_never_and_nothing_is_followed", SERVICES,
                'log.warning("The push service %s answered %d", parts.hostname, status)',
                'log.warning("The push service %s answered %d", endpoint, status)',
            ),
        ),
        open="a sign that comes, or does not, tells its guest that somebody is there whom they may meet: "
        "so does the page that is open.",
    ),
)  # fmt: skip
