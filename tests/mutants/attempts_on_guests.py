"""What was tried against guests, from one address and inside every limit of then: finding somebody, keeping people
apart, learning who said no. Where a row says that something is open, it is.
"""

from tests.mutants.controls import Threat, control
from tests.mutants.named_files import (
    ADMISSION,
    ENDPOINT,
    LED_TO,
    LOBBY,
    OF_ADMISSION,
    OF_BLAME,
    OF_CANDIDATES,
    OF_FALSE_REPORTS,
    OF_MODEL,
    OF_SESSIONS,
    OF_SQLITE,
    PLACES,
    RULES,
    SESSIONS,
    SQL,
    STATE,
    TEXT,
)

MODERATION, UNANSWERED = "citychat/matching/moderation.py", "citychat/matching/unanswered.py"
PRETENCE, REUNIONS = "citychat/matching/pretence.py", "citychat/matching/reunions.py"
NEAREST, CROWDS = "citychat/adapters/memory/nearest.py", "citychat/adapters/memory/crowds.py"
LETDOWNS = "citychat/adapters/memory/letdowns.py"
OF_CROWDS, OF_LETDOWNS = "tests/contract/test_lobby_crowds.py", "tests/contract/test_lobby_letdowns.py"
OF_TAKEOVER, OF_LOCATE = "tests/simulation/test_takeover.py", "tests/simulation/test_locate.py"
OF_REUNIONS, OF_MATCHING = "tests/unit/matching/test_reunions.py", "tests/unit/matching/test_matching.py"
OF_MORE_TIME = "tests/contract/test_lobby_more_time.py"
OF_END, OF_MARKS = "tests/unit/delivery/test_after_the_end.py", "tests/contract/test_after_the_end.py"
OF_PRETENCE, OF_SILENT = "tests/unit/matching/test_pretence.py", "tests/unit/matching/test_unanswered.py"

ON_GUESTS = (
    Threat(
        "A1a", "Guests who are asked in turn say *later*: the order in which they are tells where the seeker is.",
        (
            control(
                "guests are ranked by districts: squares of 10 km of the nearest town of 15,000 people",
                f"{OF_LOCATE}::test_whoever_looks_is_found_in_a_district_and_nothing_finer", PLACES,
                "SQUARE_DEGREES = 0.09", "SQUARE_DEGREES = 0.02",
            ),
            control(
                "a seeker rests for a random time between two who are asked",
                f"{OF_CANDIDATES}::test_a_seeker_rests_before_the_next_is_asked "
                f"{OF_PRETENCE}::test_the_next_guest_is_asked_after_a_rest_and_who_looks_at_once",
                STATE, "            seeker.asks_from = self.now + (seeker.rest_ms if rests else 0)\n", "",
            ),
            control(
                "*asking* is told for a random time also when nobody may be asked",
                f"{OF_PRETENCE}::test_asking_is_shown_for_a_random_time_when_nobody_may_be_asked,"
                "test_the_pretence_covers_the_rest_of_a_seeker", PRETENCE,
                'return "asking" if now_s < match.pretends_until_s else "waiting"', 'return "waiting"',
            ),
        ),
        see="T14",
        open=(
            "with hundreds of guests the district of whoever looks is found: `make locate` prints how near that is."
        ),
    ),
    Threat(
        "A1b", "A guest in each square says yes: each chat tells the partner's square.",
        (
            control(
                "who looks is met at random, however near",
                f"{OF_CANDIDATES}::test_who_looks_is_met_at_random_however_near", NEAREST,
                "district if rank == IDLE_IN_VIEW else NOWHERE", "NOWHERE if rank == IDLE_IN_VIEW else district",
            ),
        ),
        see="A1a T14",
        open="the district, with as many guests as the pool has districts.",
    ),
    Threat(
        "A1c", "One walk that rings at somebody and one that does not, by a blocked guest, find one chosen person.",
        (
            control(
                "who is kept apart from somebody of the place asks blindly, in districts in any order",
                f"{OF_LOCATE}::test_a_chosen_guest_who_rests_is_one_of_nine "
                f"{OF_CANDIDATES}::test_who_is_kept_apart_from_somebody_of_the_pool_asks_blindly",
                LED_TO, "start = None if _asks_blindly(state, seeker, pool) else seeker.district",
                "start = seeker.district",
            ),
            control(
                "so does whose network somebody of the place keeps away",
                f"{OF_CANDIDATES}::test_whose_network_somebody_of_the_pool_keeps_away_asks_blindly",
                LED_TO, "any(state.is_avoided_in(pool, network) for network in seeker.networks)", "False",
            ),
            control(
                "and who keeps a network away",
                f"{OF_CANDIDATES}::test_who_keeps_a_network_away_asks_blindly",
                LED_TO, "return keeps_away or", "return",
            ),
        ),
        see="A1a",
        open=(
            "a no and a block are for ever: with many new guests it is dear, not closed, and ends at a district."
        ),
    ),
    Threat(
        "A2a", "Silent guests of one address are led to everybody.",
        (
            control(
                "who never answered in a chat is remembered, whoever ends it",
                f"{OF_SILENT}::test_who_never_answered_is_remembered_whoever_ends_the_chat", UNANSWERED,
                "if len(silent) == 1 and", "if False and",
            ),
            control(
                "with two such letdowns in an hour a guest ranks behind everybody for 10 minutes",
                f"{OF_LETDOWNS}::test_after_two_letdowns_a_guest_is_asked_after_everybody_else_for_10_minutes", STATE,
                "return BEHIND if standing else rank", "return rank",
            ),
            control(
                "asks nobody but the like meanwhile",
                f"{OF_LETDOWNS}::test_who_ranks_behind_everybody_asks_nobody_but_the_like", LED_TO,
                "first = BEHIND if standing else LOOKING_IN_VIEW", "first = LOOKING_IN_VIEW",
            ),
            control(
                "and with five is led to nobody for an hour",
                f"{OF_LETDOWNS}::test_after_five_letdowns_a_guest_is_led_to_nobody_for_an_hour", STATE,
                'if rank == UNASKED or standing == "alone" or', "if rank == UNASKED or",
            ),
            control(
                "guests of one network can complain of somebody once an hour",
                f"{OF_LETDOWNS}::test_guests_of_one_network_can_complain_of_somebody_once_an_hour",
                LETDOWNS, "if of_this_guest or len(", "if len(",
            ),
            control(
                "on the own network those of one address",
                f"{OF_LETDOWNS}::test_guests_of_one_address_of_the_own_network_complain_as_one "
                "tests/unit/matching/test_unanswered.py::test_pages_of_one_address_of_the_own_network_complain_as_one",
                "citychat/adapters/memory/lobby.py", "(other.network or other.own_network)", "other.network",
            ),
            control(
                "while others look, of a network a tenth, and three at least, are led to others",
                f"{OF_CROWDS}::test_of_a_network_three_are_led_to_others_at_a_time,"
                "test_who_is_over_the_share_asks_nobody_else,test_a_crowd_has_a_tenth_where_that_is_more_than_three "
                f"{OF_TAKEOVER}::test_a_town_meets_as_if_the_pages_of_one_address_were_not_there",
                CROWDS, "return max(LOOKERS_LEAST, others // OTHERS_FOR_ONE) if others else len(crowd) + 1",
                "return len(crowd) + 1",
            ),
            control(
                "who has met somebody of another network has the share for a minute",
                f"{OF_CROWDS}::test_who_asks_somebody_of_another_network_and_talks_counts_as_well", STATE,
                "        self._note_led(self._sides(offer), offer)\n", "        pass\n",
            ),
            control(
                "so has who looks and lets somebody of another network wait, with no, later or no answer at the end",
                f"{OF_CROWDS}::test_who_looks_and_says_no_yes_to_another_network_counts_for_a_minute_too "
                f"{OF_TAKEOVER}::test_everybody_meets_somebody_among_pages_of_one_address_that_let_offers_expire",
                STATE, "            self._note_led((candidate,), offer)\n", "            pass\n",
            ),
        ),
        open=(
            "who has many networks has the share of each; who writes one word, or begins to, has answered."
        ),
    ),
    Threat(
        "A2b", "Offers that are made and taken back hold two who look.",
        (
            control(
                "the two rest for 10 minutes, though both look",
                f"{OF_LETDOWNS}::test_a_pair_whose_offer_was_taken_back_rests_10_minutes_though_both_look", STATE,
                "(offer, rest_though_looking if taken_back and stops else rest)", "(offer, rest)",
            ),
            control(
                "and it is a letdown of the one who takes it back",
                f"{OF_LETDOWNS}::test_after_two_letdowns_a_guest_is_asked_after_everybody_else_for_10_minutes",
                STATE, "            if taken_back:\n                self.let_down(by)\n", "",
            ),
            control(
                "so is another page while asking",
                f"{OF_SILENT}::test_who_asks_and_opens_another_page_has_taken_the_offer_back",
                "citychat/joining/joining.py",
                "if offer is not None and offer.seeker == client.guest:", "if False:",
            ),
        ),
        see="A2a T13",
    ),
    Threat(
        "A4", "One household reports a guest three times: a pause for a day.",
        (
            control(
                "it takes three guests on three networks within a day",
                f"{OF_FALSE_REPORTS}::test_nothing_less_pauses", RULES,
                "return bool(a.networks and b.networks) and a.networks.isdisjoint(b.networks)", "return True",
            ),
            control(
                "an IPv6 network is a /48 here: a household has 65,536 of /64",
                f"{OF_BLAME}::test_three_reports_of_bots_pause_nobody,"
                "test_strangers_of_the_network_of_somebody_blocked_stay_away_whenever_they_were_made",
                "citychat/networks.py", ">> 80 << 80", ">> 64 << 64",
            ),
            control(
                "the accused has written, and the chat lasted a minute",
                f"{OF_FALSE_REPORTS}::test_a_report_counts_where_the_accused_has_written_and_the_chat_lasted_a_minute,"
                "test_a_report_of_a_chat_that_is_over_counts_by_how_long_it_had_lasted "
                f"{OF_BLAME}::test_three_reports_of_bots_pause_nobody", RULES,
                "return wrote and over - started >= BLAMED_AFTER_MS", "return True",
            ),
            control(
                "three within an hour of one guest or network count for nothing",
                f"{OF_FALSE_REPORTS}::test_who_reports_three_within_an_hour_pauses_nobody "
                "tests/unit/test_rules.py::test_three_reports_of_one_reporter_within_an_hour_count_for_nothing",
                RULES, "if times[run[-1]] - times[run[0]] < SPRAY_WITHIN_MS", "if False",
            ),
            control(
                "three bots that report whomever they meet pause nobody in a town",
                "tests/simulation/test_silence.py::test_three_bots_that_report_everybody_pause_nobody",
                "citychat/adapters/sqlite/reports.py",
                "_json(report.networks), evidence, counts, side,",
                "_json(report.networks), evidence, True, side,",
            ),
            control(
                "a pause lasts a day",
                f"{OF_FALSE_REPORTS}::test_three_reports_by_three_guests_on_three_networks_within_a_day_pause "
                f"{OF_BLAME}::test_a_pause_covers_the_new_guests_of_the_network_for_its_time", RULES,
                "return reported + PAUSE_MS", "return reported + 30 * PAUSE_MS",
            ),
            control(
                "evidence is the server's own store, never what a page says",
                f"{OF_SQLITE}::test_evidence_is_the_last_50_of_both_sides_with_erased_texts_of_72_hours",
                "citychat/adapters/sqlite/reports.py",
                "    evidence = _json([to_message(row) for row in reversed(kept)])\n", "    evidence = report.note\n",
            ),
        ),
        open=(
            "three networks, two reports an hour each, and people who have written for a minute: two pauses an hour "
            "(SECURITY.md, False reports)."
        ),
    ),
    Threat(
        "A8", "A block is evaded by guests that were made before it.",
        (
            control(
                "whoever is of the blocked one's network stays away, but for whom one has talked with",
                f"{OF_BLAME}::test_strangers_of_the_network_of_somebody_blocked_stay_away_whenever_they_were_made "
                f"{OF_CANDIDATES}::test_a_block_reaches_who_was_here_before_it_and_rests_of_an_earlier_one_go_on,"
                "test_who_has_talked_with_the_blocker_and_other_networks_are_not_avoided "
                "tests/unit/test_rules.py::test_a_network_is_avoided_for_a_day_but_for_those_one_has_met",
                RULES, "return at is not None and not has_met and now < held_until(\"avoided network\", at)",
                "return at is not None and has_met",
            ),
            control(
                "at once, also who is here already",
                f"{OF_BLAME}::test_strangers_of_the_network_of_somebody_blocked_stay_away_whenever_they_were_made",
                MODERATION, "                partial(self.lobby.avoid_networks, guest, networks, at, met),\n", "",
            ),
            control(
                "the network of an erased guest is known for a day, so that a block after it reaches who comes next",
                f"{OF_BLAME}::test_a_block_after_the_other_one_has_been_erased_reaches_who_comes_next "
                f"{OF_FALSE_REPORTS}::test_the_network_of_a_guest_is_known_for_a_day_also_when_they_are_erased",
                "citychat/adapters/sqlite/guests.py",
                "networks = msgspec.json.encode(networks_of(transaction, guest, at)).decode()", 'networks = "[]"',
            ),
            control(
                "who stays for days is marked anew each day, as those who come are",
                f"{OF_BLAME}::test_who_stays_for_days_is_still_of_the_network_of_those_who_come", ADMISSION,
                "return self.dates.now_ms() - row.seen >= DAY_MS", "return False",
            ),
        ),
        see="T15",
        open="who comes by another network; behind one address strangers stay away together (SECURITY.md).",
    ),
    Threat(
        "A9", "A no, a block and a report are found out.",
        (
            control(
                "no, no answer and gone look alike to the seeker: *next*",
                f"{OF_MATCHING}::test_the_seeker_is_told_only_asking_next_and_waiting",
                "citychat/matching/reconciler.py", 'match.show_progress("next")', 'match.show_progress("declined")',
            ),
            control(
                "who may ask nobody is told *asking* for a while, as who may",
                f"{OF_PRETENCE}::test_asking_is_shown_for_a_random_time_when_nobody_may_be_asked", PRETENCE,
                "rest_ms = longest if match.progress == \"next\" else 0", "return \"waiting\"",
            ),
            control(
                "the count of free guests does not show it",
                "tests/contract/test_lobby_sessions.py::test_nearby_tells_nobody_who_declined",
                "citychat/adapters/memory/lobby.py",
                "index.count(person.pool) - (guest in index)\n",
                "index.count(person.pool) - (guest in index) - len(person.blocked)\n",
            ),
            control(
                "once a chat has ended nobody learns from it whether the other one is here",
                f"{OF_SESSIONS}::test_nobody_learns_from_an_ended_chat_whether_the_other_one_is_online", SESSIONS,
                "here = session.ended is None and (await", "here = (await",
            ),
            control(
                "who is paused reads a reference that leads to neither the report's code nor its reporter",
                "tests/contract/test_objections.py::"
                "test_a_pause_names_rule_reason_and_reference_and_neither_code_nor_reporter",
                RULES, 'f"{session}:{reporter}".encode()', "session.encode()",
            ),
        ),
    ),
    Threat(
        "A10a", "*Talk again*, pressed once, is kept young by the other one.",
        (
            control(
                "a wish keeps the time of its press",
                f"{OF_REUNIONS}::test_no_press_of_the_other_one_makes_a_wish_younger", REUNIONS,
                "keep_wish(session.id, partner, since)", "keep_wish(session.id, partner, at)",
            ),
            control(
                "who pressed longer ago than 10 minutes is rung and not brought in",
                f"{OF_REUNIONS}::test_who_pressed_longer_ago_than_ten_minutes_is_asked_and_not_brought_in", REUNIONS,
                "is_fresh = self.sessions.dates.now_ms() - since <= FRESH_WISH_MS", "is_fresh = True",
            ),
        ),
    ),
    Threat(
        "A10b", "Erasing oneself begins the three place changes of a day anew.",
        (
            control(
                "the token of an erased guest is dead for 30 days",
                f"{OF_ADMISSION}::test_the_token_of_an_erased_guest_makes_one_of_the_networks_new_guests,"
                "test_of_two_tokens_that_of_an_erased_guest_counts_for_nothing "
                f"{OF_FALSE_REPORTS}::test_an_erased_guest_is_known_to_be_for_as_long_as_a_token_lives",
                "citychat/adapters/sqlite/guests.py",
                'erased=bool(transaction.rows("is_erased", guest, held_after("erased guest", now))),', "erased=False,",
            ),
            control(
                "whoever comes with one is one of the network's new guests",
                f"{OF_ADMISSION}::test_the_token_of_an_erased_guest_makes_one_of_the_networks_new_guests", ADMISSION,
                "if old is None and self._signed(asked):", "if False:",
            ),
        ),
        open="a cleared browser is a new guest as well, of whom a network has 100 an hour (T15).",
    ),
    Threat(
        "A11a", "*Give me more time* shows in how long an offer waits.",
        (
            control(
                "for its seeker an offer ends after the ordinary time, whoever rings on for longer",
                f"{OF_MORE_TIME}::test_the_seeker_of_a_guest_with_more_time_sees_what_any_seeker_sees "
                "tests/unit/matching/test_more_time.py::test_the_seekers_page_hears_the_same_at_the_same_time",
                LOBBY, "ends, rings_until = now + self._ring_s", "ends, rings_until = now + seconds",
            ),
            control(
                "who rings on is counted among the free",
                f"{OF_MORE_TIME}::test_the_seeker_of_a_guest_with_more_time_sees_what_any_seeker_sees",
                STATE, ' == "free" or person.is_rung_on(self.now)', ' == "free"',
            ),
            control(
                "what it leaves behind counts from its end for the seeker, once",
                f"{OF_MORE_TIME}::test_the_seeker_of_a_guest_with_more_time_sees_what_any_seeker_sees,"
                "test_it_is_one_unanswered_offer",
                STATE, "        self._count_unanswered(offer, rest)\n", "",
            ),
            control(
                "a yes that comes late begins a chat with nobody who looks no more",
                f"{OF_MORE_TIME}::test_a_late_yes_is_gone_when_the_seeker_is_not_there_for_it",
                LOBBY, "if not may_begin(state, answered):", "if False:",
            ),
        ),
        open="a yes after more than 15 s tells it to the one who gets that chat.",
    ),
    Threat(
        "A11b", "The tick of a message left behind in a chat that has ended tells that its reader has come.",
        (
            control(
                "what is read after the end is marked in the history, in one step",
                f"{OF_END}::test_whoever_left_learns_nothing_of_whether_the_reader_came "
                f"{OF_MARKS}::test_of_what_is_kept_after_the_end_its_sender_sees_nothing_and_its_reader_all", SQL,
                "iif(ended > 0, 1, NULL)", "NULL",
            ),
            control(
                "the same in MongoDB",
                f"{OF_MARKS}::test_of_what_is_kept_after_the_end_its_sender_sees_nothing_and_its_reader_all",
                "citychat/adapters/mongo/documents.py", '({"after_end": True} if self.ended else {})', "{}", "mongo",
            ),
            control(
                "its sender's pages do not get it, nor gaps of their own",
                f"{OF_END}::test_whoever_left_learns_nothing_of_whether_the_reader_came "
                f"{OF_MARKS}::test_of_what_is_kept_after_the_end_its_sender_sees_nothing_and_its_reader_all,"
                "test_a_sender_sees_no_gaps_of_its_own_nor_what_takes_their_place_after_the_end", SQL,
                "(side IS NOT ?2 OR (after_end IS NULL AND k IS NOT 'gap'))\nORDER", "?2 IS ?2\nORDER",
            ),
            control(
                "nor an answer when they ask for it",
                f"{OF_END}::test_whoever_left_learns_nothing_of_whether_the_reader_came", SQL,
                "k IS NOT 'gap' AND after_end IS NULL;", "k IS NOT 'gap';",
            ),
            control(
                "no receipt is heard after the end",
                f"{OF_END}::test_a_receipt_of_a_process_that_does_not_know_of_the_end_is_told_nobody", ENDPOINT,
                "        if self.session is not None and self.session.id == event.session:\n"
                "            self._sender(self.session).receipt(",
                "        if event.session in self.sessions:\n"
                "            self._sender(self.sessions[event.session]).receipt(",
            ),
            control(
                "nor is one sent", f"{OF_END}::test_a_process_that_knows_of_the_end_sends_no_receipt", ENDPOINT,
                " and session.ended is None]", "]",
            ),
            control(
                "what finds no room in the mailbox at the end is refused, not tried until somebody makes room",
                f"{OF_END}::test_what_finds_no_room_in_the_mailbox_at_the_end_is_refused_at_once",
                "citychat/delivery/sender.py", "if not ok and not self.over:", "if not ok:",
            ),
            control(
                "no page calls it lost after a day",
                "tests/unit/client/test_outbox.py::"
                "test_what_was_left_behind_in_a_chat_that_is_over_is_forgotten_and_nothing_is_said_of_it",
                "citychat/client/outbox.py", ' if entry["session"] == self.running):', "):",
            ),
        ),
        open="erasing is told after the end too: the other one's page forgets the texts, as is wanted.",
    ),
    Threat(
        "A11c", "Piles of marks, towers of blank lines, texts of which nothing is seen.",
        (
            control(
                "a text of which nothing is seen is empty",
                f"{OF_MODEL}::test_a_text_of_which_nothing_is_seen_is_empty", TEXT,
                'rf"[^\\s{INVISIBLE}]"', 'r"[^\\s]"',
            ),
            control(
                "the page cleans as the server does",
                "tests/unit/test_text_twin.py::test_both_clean_and_measure_every_text_alike", "citychat/static/text.js",
                'return text.replace(PILES, (_, pile, more) => pile + more.replace(MARKS, "")).normalize("NFC");',
                "return text;",
            ),
        ),
        see="T12",
    ),
    Threat(
        "A11g", "The free guests of a pool are counted, up to six, with own ones.", (),
        open="*none*, *few*, *many* are words for a number; who adds guests of his own finds it.",
    ),
    Threat(
        "A11h", "*waiting* that turns into *asking* tells that somebody may be asked who might not before.", (),
        open=(
            "*asking* is pretended once a search. Again and again it would have to be played as whole offers, with "
            "*next* after 15 s, to whoever waits alone, and the word would tell nobody any more whether to stay; "
            "*none* that turns into *few* (A11g) tells the same."
        ),
    ),
    Threat(
        "A12d", "Pages say yes and leave at once, before a chat is one that can go unanswered.",
        (
            control(
                "who leaves within 5 s before both have said a word has let the other one down",
                f"{OF_SILENT}::test_who_leaves_at_once_before_both_have_said_a_word_is_remembered", UNANSWERED,
                "if left_by and len(voices.wrote) < 2:", "if left_by and session.side(left_by) not in voices.wrote:",
            ),
            control(
                "which one clock has counted, not two of which one may be ahead",
                f"{OF_SILENT}::test_how_long_a_chat_was_is_no_difference_of_two_clocks", UNANSWERED,
                " if voices.lasts_ms is None else voices.lasts_ms", "",
            ),
        ),
        see="A2a",
    ),
    Threat(
        "A12e", "A letter in which no line ends makes the chat wider than the page, and its buttons unreachable.",
        (
            control(
                "what hangs out of a bubble is cut off",
                "tests/browser/test_page.py::test_a_letter_that_cannot_be_broken_makes_no_chat_wider_than_its_page",
                "citychat/static/style/talk.css", "anywhere; overflow: hidden;", "anywhere;",
            ),
        ),
        see="T12",
    ),
    Threat(
        "A12f", "Pages say a word at once and leave: whoever needs longer to answer has let them down, and ranks "
        "behind everybody.",
        (
            control(
                "how long the word stood there is how much it counts: 13 s are a letdown",
                f"{OF_SILENT}::test_what_was_waited_for_a_first_word_is_what_counts "
                f"{OF_TAKEOVER}::test_nobody_is_put_behind_by_pages_that_say_a_word_and_leave",
                UNANSWERED, "stood_ms = min(voices.stands_ms[1 - silent[0]], FIRST_WORD_MS)",
                "stood_ms = FIRST_WORD_MS",
            ),
            control(
                "who has begun to write is not silent", f"{OF_SILENT}::test_who_has_begun_to_write_is_not_silent",
                UNANSWERED, " and silent[0] not in voices.typed", "",
            ),
            control(
                "a network complains of three guests an hour",
                f"{OF_LETDOWNS}::test_of_three_guests_an_hour_a_network_can_complain",
                LETDOWNS, "of_this_guest or len(complained) >= COMPLAINTS", "of_this_guest",
            ),
            control(
                "and is one network on whatever day its guests came",
                f"{OF_SILENT}::test_pages_of_one_address_complain_as_one_on_whatever_day_they_came",
                "citychat/joining/recovery.py", "network=arrived.network", 'network=(row.networks or ("",))[0]',
            ),
        ),
        open="six networks that say a word, wait for seconds and leave put three people an hour behind.",
    ),
)  # fmt: skip
