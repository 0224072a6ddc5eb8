"""Threats to people, T10 to T15: found, covered with texts, kept from meeting."""

from tests.mutants.controls import Threat, control
from tests.mutants.named_files import (
    ADMISSION,
    FILES,
    GUEST,
    HOST_TEXTS,
    LOGO,
    OF_ADMISSION,
    OF_BLAME,
    OF_CANDIDATES,
    OF_COURTESY,
    OF_LOGO,
    OF_MODEL,
    OF_OBJECTING,
    OF_PAGES,
    OF_PLACES,
    OF_PRIVACY,
    OF_TOKENS,
    PLACES,
    RULES,
    SQL,
    STATE,
    TEXT,
    TOKEN,
)

OF_SANCTIONS = "tests/unit/matching/test_sanctions.py"
BADGE, OF_BADGE = "citychat/sharing/badge.py", "tests/unit/sharing/test_badge.py"

OF_PEOPLE = (
    Threat(
        "T10", "A false position opens the pool of another city.",
        (
            control(
                "a position is believed in the country of the address only",
                f"{OF_PLACES}::test_a_position_in_tokyo_from_a_french_address_is_not_believed", PLACES,
                "if around is None or (country and around.nearest.country != country):", "if around is None:",
            ),
            control(
                "and only when the browser says it is exact",
                f"{OF_PLACES}::test_a_position_is_believed_up_to_20_km", PLACES,
                "        if position and position.accuracy_m <= ACCURACY_MAX_M:\n            placed =",
                "        if position:\n            placed =",
            ),
            control(
                "a place changes three times a day, by joins too",
                f"{OF_ADMISSION}::test_the_first_place_is_no_change_and_three_changes_a_day_are_all,"
                "test_places_that_come_with_joins_count_too_and_after_the_third_the_old_one_stays",
                ADMISSION, "        if len(moves) >= MOVES_MAX:\n            return None\n", "",
            ),
            control(
                "the pool of the own network is for the own network",
                f"{OF_PLACES}::test_a_public_address_never_enters_the_pool_of_the_own_network", PLACES,
                "        if own_network(address):\n", "        if own_network(address) or kept:\n",
            ),
        ),
    ),
    Threat(
        "T11", "What somebody writes becomes markup or script in the page of others.",
        (
            control(
                "texts of others become text nodes",
                "tests/browser/test_page.py::test_text_of_others_never_becomes_markup",
                "citychat/static/views/dom.js", "element.append(asNode(child));",
                'element.append(typeof child === "string" ? document.createRange().createContextualFragment(child) : '
                "asNode(child));",
            ),
            control(
                "a strict policy: nothing inline but what its hash names",
                f"{OF_PAGES}::test_every_answer_carries_the_security_headers_refusals_included,"
                "test_the_import_map_is_allowed_by_its_own_hash_and_is_the_only_inline_script",
                FILES, "script-src 'self'{script};", "script-src 'self' 'unsafe-inline'{script};",
            ),
            control(
                "a page of ours stands in no frame of others",
                f"{OF_PAGES}::test_every_answer_carries_the_security_headers_refusals_included", FILES,
                "\"frame-ancestors 'none'\"", "\"\"",
            ),
            control(
                "no file is taken for another kind than it says",
                f"{OF_PAGES}::test_every_answer_carries_the_security_headers_refusals_included", FILES,
                '        self.set_header("X-Content-Type-Options", "nosniff")\n', "",
            ),
            control(
                "the host's own words are escaped",
                f"{OF_PAGES}::test_the_hosts_own_words_are_shown_and_never_become_markup", HOST_TEXTS,
                'Markup("<{0}>{1}</{0}>").format(tag, in_words(piece))',
                'Markup(f"<{tag}>{in_words(piece)}</{tag}>")',
            ),
            control(
                "the host's own logo is drawn of a list of elements, and is refused with any other",
                f"{OF_LOGO}::test_what_a_browser_would_run_fetch_or_repeat_is_refused_by_name", LOGO,
                "if namespace != SVG or name not in ELEMENTS or", "if namespace != SVG or",
            ),
            control(
                "nothing in it leads elsewhere, and no sign of it can",
                f"{OF_LOGO}::test_what_a_browser_would_run_fetch_or_repeat_is_refused_by_name", LOGO,
                'is_plain = PLAIN.fullmatch(value) and "url" not in value.lower()', "is_plain = True",
            ),
            control(
                "no document type, so that no entity of it grows",
                f"{OF_LOGO}::test_a_document_type_and_its_entities_are_refused", LOGO,
                'parser.StartDoctypeDeclHandler = lambda *_: self._refuse("a DOCTYPE")',
                "parser.StartDoctypeDeclHandler = lambda *_: None",
            ),
            control(
                "a contact is linked when it is an address of mail or web",
                f"{OF_PAGES}::test_the_contact_is_linked_only_when_it_is_an_address", HOST_TEXTS,
                r'if contact and re.fullmatch(r"https?://\S+|mailto:\S+", contact):', 'if contact and ":" in contact:',
            ),
            control(
                "a name that stands in `Host` does not get into the policy",
                f"{OF_PAGES}::test_old_safari_finds_the_sockets_host_in_the_policy_and_a_strange_host_does_not_get_in",
                FILES, "if SAFE_HOST.fullmatch(host) else", "if host else",
            ),
            control(
                "what the terminal guest shows moves no cursor",
                "tests/server/test_terminal.py"
                "::test_a_server_that_cleans_nothing_cannot_move_the_cursor_or_turn_the_text_around",
                "citychat/terminal/console.py", 'first, *more = clean_text(text).split("\\n")',
                'first, *more = text.split("\\n")',
            ),
        ),
    ),
    Threat(
        "T12", "Texts that turn the line around, cover others, or cannot be stored.",
        (
            control(
                "controls, turns of direction and halves of surrogates go",
                f"{OF_MODEL}::test_what_is_cleaned_away,test_a_cleaned_text_is_clean_and_stays_as_it_is", TEXT,
                'raw = _hidden.sub("", _ends_of_line.sub("\\n", raw).replace("\\t", " "))',
                'raw = _ends_of_line.sub("\\n", raw).replace("\\t", " ")',
            ),
            control(
                "at most 4 marks on a letter",
                f"{OF_MODEL}::test_what_is_cleaned_away", TEXT,
                "if text.isascii() or not _perhaps_a_pile.search(text):", "if True:",
            ),
            control(
                "of blank lines that follow each other one",
                f"{OF_MODEL}::test_what_is_cleaned_away", TEXT,
                '        raw = _blank_lines.sub("\\n\\n", raw)\n', "",
            ),
            control(
                "2,000 signs, of which something is seen",
                f"{OF_MODEL}::test_which_texts_may_carry_a_number", TEXT,
                "return _ink.search(text) is not None and len(text) <= TEXT_MAX_CHARS",
                "return True",
            ),
            control(
                "what comes from another process is cleaned again",
                "tests/unit/test_bus_events.py::test_a_text_comes_as_the_door_would_have_taken_it",
                "citychat/ports/bus_events.py",
                "    message = sound(record.message)\n", "    message = record.message\n",
            ),
        ),
    ),
    Threat(
        "T13", "Guests who never answer, or ask everybody, keep others from meeting.",
        (
            control(
                "who does not look is asked once in two minutes",
                f"{OF_COURTESY}::test_somebody_who_does_not_look_is_asked_at_most_once_in_2_minutes", GUEST,
                "candidate.rung + RING_PAUSE_MS <= now)", "candidate.rung <= now)",
            ),
            control(
                "and not again after two rings without an answer",
                f"{OF_COURTESY}::test_after_two_unanswered_offers_nobody_is_asked_until_they_touch_the_page", STATE,
                "            candidate.unanswered += not offer.looking\n", "",
            ),
            control(
                "a pair rests for 10 minutes after no answer",
                f"{OF_COURTESY}::test_a_pair_rests_10_minutes_after_no_answer", GUEST,
                "    rests = candidate.rests.get(seeker.id, now) > now\n", "    rests = False\n",
            ),
            control(
                "a looker who lets an offer expire looks no more",
                "tests/unit/matching/test_matching.py::test_a_looker_who_lets_an_offer_expire_stops_looking", STATE,
                "        candidate.looking = False\n", "",
            ),
        ),
    ),
    Threat(
        "T14", "A stranger's place is found by where one is led to, or by what is told or kept.",
        (
            control(
                "of a position nothing finer is kept than the district of its city, in which 15,000 people live",
                f"{OF_ADMISSION}::test_of_a_position_only_the_district_is_kept "
                f"{OF_PLACES}::test_of_every_point_of_the_globe_nothing_finer_than_the_district_of_its_city_is_kept",
                PLACES, 'return _place(around, "position")',
                'return replace(_place(around, "position"), district=district_of(position.lat, position.lon))',
            ),
            control(
                "and that is the square of 10 km of its town",
                f"{OF_PLACES}::test_a_district_is_a_square_of_10_km_and_has_15000_people", PLACES,
                "district_of(around.town.lat, around.town.lon)", "district_of(around.nearest.lat, around.nearest.lon)",
            ),
            control(
                "the squares of 2 km of earlier versions are deleted at the start",
                "tests/contract/test_old_store.py::test_no_square_of_2_km_is_left_of_it", SQL,
                "WHERE json_type(body, '$.place.cell') IS NOT NULL;", "WHERE false;",
            ),
            control(
                "nobody is told more of a place than its city, its own guest neither",
                f"{OF_PRIVACY}::test_no_position_is_kept_in_any_file_or_told_to_anybody", "citychat/model/values.py",
                'return {"key": self.key, "city": self.city, "country": self.country, "source": self.source}',
                'return {"key": self.key, "city": f"{self.district.lat / 100}", "country": self.country, '
                '"source": self.source}',
            ),
            control(
                "the badge, which anybody may ask for, says the same of four guests as of nobody",
                f"{OF_BADGE}::test_fewer_than_five_are_the_same_as_nobody", BADGE,
                '"none" if here < FEW else', '"none" if here < 1 else',
            ),
            control(
                "and looks every ten minutes only, so that nobody's coming or going is seen by it",
                f"{OF_BADGE}::test_who_looks_every_minute_sees_nobody_come_or_go_between_two_looks", BADGE,
                "self._now_s() - self._looked_s >= LOOK_S", "True",
            ),
        ),
        see="A1a A1b A1c",
    ),
    Threat(
        "T15", "Who was blocked or paused comes back as a new guest.",
        (
            control(
                "a network makes 100 new guests an hour",
                f"{OF_ADMISSION}::test_one_network_makes_so_many_new_guests_an_hour_and_its_old_ones_come_and_go,"
                "test_one_network_of_ipv6_is_a_64",
                ADMISSION, "if source and (wait_s := self.new_guest(source)):", "if False:",
            ),
            control(
                "strangers of the network of somebody blocked stay away for a day",
                f"{OF_CANDIDATES}::test_a_stranger_from_the_network_of_a_block_stays_away_for_24_hours "
                f"{OF_BLAME}::test_strangers_of_the_network_of_somebody_blocked_stay_away_whenever_they_were_made",
                GUEST, "        if not self.avoided_networks:\n            return False\n", "        return False\n",
            ),
            control(
                "a network is kept as a keyed mark that changes daily, and no address anywhere",
                f"{OF_TOKENS}::test_marks_tell_networks_and_keys_apart_and_hold_no_address,"
                "test_the_key_of_the_marks_changes_every_day",
                TOKEN, '    return hmac.digest(key.secret, b"networks of day %d" % day, "sha256")\n',
                "    return key.secret\n",
            ),
            control(
                "a pause holds for its time, whatever token of the guest comes",
                f"{OF_ADMISSION}::test_a_paused_guest_is_told_until_when_why_and_whom_to_ask_and_comes_back_after_it",
                ADMISSION, "        if dossier.pause is not None:\n", "        if False:\n",
            ),
            control(
                "also when the token has run out meanwhile",
                f"{OF_ADMISSION}::test_a_pause_outlasts_the_token_of_who_is_paused",
                ADMISSION, "for guest in self._signed(asked) - {claims.guest for claims in held}:",
                "for guest in set[str]():",
            ),
            control(
                "one that the host decides reaches who is here",
                f"{OF_SANCTIONS}::test_a_guest_whom_the_host_pauses_is_out_of_the_chat_on_another_process_and_the_partner_"
                "goes_on,test_who_was_paused_while_no_process_ran_is_out_of_the_chat_at_the_next_look",
                "citychat/matching/moderation.py",
                "for guest, pause in await self.history.guests.sanctions(since, now):", "for guest, pause in ():",
            ),
            control(
                "also whose process does not hear the bus",
                f"{OF_SANCTIONS}::test_a_pause_reaches_whose_process_does_not_hear_the_bus",
                "citychat/matching/moderation.py", "            tell(guest, pause)\n", "",
            ),
            control(
                "and no rule ends it sooner",
                f"{OF_SANCTIONS}::test_a_ban_for_good_holds_though_three_report_the_guest_meanwhile", SQL,
                "lifted = NULL\nWHERE excluded.until > until OR lifted IS NOT NULL;", "lifted = NULL;",
            ),
            control(
                "one by reports reaches who is here, though the process that took the third has died",
                "tests/unit/matching/test_blame.py::test_who_is_paused_is_shut_out_though_the_process_that_took_the_third_"
                "report_died_at_once", "citychat/adapters/sqlite/reports.py",
                'PAUSE_REASON, report.at, ""', 'PAUSE_REASON, None, ""',
            ),
            control(
                "for the new ones of the network it is as durable as the report",
                "tests/unit/matching/test_blame.py::test_who_is_paused_is_shut_out_though_the_process_that_took_the_third_"
                "report_died_at_once tests/contract/test_blame.py::test_with_a_guest_the_new_ones_of_the_network_are_"
                "paused_in_the_same_step", "citychat/adapters/sqlite/reports.py",
                "for network in networks_of(transaction, report.accused, report.at):", "for network in ():",
            ),
            control(
                "and for the guests who are made meanwhile on that network",
                f"{OF_BLAME}::test_a_pause_covers_the_new_guests_of_the_network_for_its_time "
                f"{OF_ADMISSION}::test_a_paused_network_takes_no_new_guests_and_says_so "
                "tests/unit/test_rules.py::test_a_pause_covers_who_was_made_since_it_began",
                RULES, "return made >= until - PAUSE_MS", "return False",
            ),
            control(
                "who read neither whose case it is nor which rule",
                f"{OF_OBJECTING}::test_new_guests_of_a_paused_network_learn_until_when_and_nothing_of_the_case",
                ADMISSION, 'self.banned(Pause(pause.until, "")).facts', "self.banned(pause).facts",
            ),
        ),
    ),
)  # fmt: skip
