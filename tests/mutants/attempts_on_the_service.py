"""What was tried against the service, from one address and inside every limit of then: floods, the disk, frames."""

from tests.mutants.controls import Threat, control
from tests.mutants.named_files import (
    ADMISSION,
    CLIENT_ADDRESS,
    DOOR,
    EDGE,
    ENDPOINT,
    LIMITS,
    LISTENER,
    OF_ADDRESS,
    OF_ADMISSION,
    OF_DOOR,
    OF_EDGE,
    OF_FALSE_REPORTS,
    OF_FLOODED,
    OF_FLOODS,
    OF_LIMITS,
    OF_MODEL,
    OF_OBJECTING,
    OF_SHARES,
    OF_SQLITE,
    PACKETS,
    SESSIONS,
    SOCKETIO,
    SQL,
    TEXT,
    TRANSPORT,
)

NGINX, OF_NGINX = "deploy/nginx.conf", "tests/browser/test_nginx_floods.py"
GAZETTEER, OF_GAZETTEER = "citychat/places/gazetteer.py", "tests/unit/places/test_gazetteer.py"
USER, CHAT = "citychat/handlers/user.py", "citychat/handlers/chat.py"
CONNECTION, BEFORE_JOIN = "citychat/edge/connection.py", "tests/server/test_before_join.py"
MESSAGES, REPORTS = "citychat/adapters/sqlite/messages.py", "citychat/adapters/sqlite/reports.py"
STORED_SESSIONS, STORED_GUESTS = "citychat/adapters/sqlite/sessions.py", "citychat/adapters/sqlite/guests.py"
OF_GAPS, OF_HOLES = "tests/contract/test_gaps.py", "tests/unit/delivery/test_holes.py"
OF_QUOTAS, OF_FULL_DISK = "tests/unit/delivery/test_day_quotas.py", "tests/unit/matching/test_full_disk.py"
OF_MANY_CHATS, OF_JOINING = "tests/unit/matching/test_many_chats.py", "tests/unit/joining/test_joining.py"
OF_CASES = "tests/contract/test_cases.py"

ON_THE_SERVICE = (
    Threat(
        "A3", "Searches for a city hold the loop.",
        (
            control(
                "what many names begin with is answered by the file",
                f"{OF_GAZETTEER}::test_a_search_takes_few_steps_whatever_is_typed", GAZETTEER,
                "start = self._crowd(prefix)", "start = None",
            ),
            control(
                "a guest searches five times a second",
                f"{OF_DOOR}::test_too_many_of_one_event_are_busy_and_say_for_how_long", USER,
                'Event(self.cities, CitiesRequest, "cities")', "Event(self.cities, CitiesRequest)",
            ),
        ),
    ),
    Threat(
        "A5", "Two hundred connections of one address send what each of them may.",
        (
            control(
                "who has not joined gets 20 frames",
                f"{OF_LIMITS}::test_who_has_not_joined_gets_20_frames "
                f"{BEFORE_JOIN}::test_twenty_frames_without_a_join_close_the_connection_and_one_with_a_join_goes_on",
                TRANSPORT, "        if self._frames_left < 0:\n", "        if False:\n",
            ),
            control(
                "nginx gives a network so many sockets",
                f"{OF_NGINX}::test_the_sockets_of_one_network_are_as_many_as_the_host_allows", NGINX,
                "        limit_conn citychat_sockets 200;\n", "",
            ),
            control(
                "frames have a bucket of their network and of the process",
                f"{OF_FLOODS}::test_the_connections_of_a_network_share_its_frames_and_another_has_its_own,"
                "test_the_connections_of_a_process_share_its_frames", TRANSPORT,
                "if self._unpaid >= _PAID_TOGETHER:", "if False:",
            ),
            control(
                "so have handshakes",
                f"{OF_FLOODS}::test_a_network_that_has_used_up_its_handshakes_is_refused_and_another_is_let_in,"
                "test_the_process_has_so_many_handshakes_and_no_more", EDGE,
                "return await self._turn(self._handshakes, network(address))", "return None",
            ),
            control(
                "and messages",
                f"{OF_FLOODED}::test_a_message_over_what_a_network_or_the_process_has_goes_again_later",
                "citychat/delivery/endpoint.py", "self.shared.take(self.guest, self.page.source)",
                "self.shared.take(self.guest, \"\")",
            ),
            control(
                "and notices of those who are no guests",
                "tests/server/test_notices.py"
                "::test_a_network_has_five_and_floods_of_others_leave_room_for_a_first_one",
                "citychat/handlers/notices.py", "if desk.wait_s(self.request):", "if False:",
            ),
            control(
                "which are bounded in size",
                "tests/server/test_notices.py::test_sizes_are_bounded",
                "citychat/handlers/notices.py", 'if len(self.request.body) > bound("notice size"):', "if False:",
            ),
        ),
        see="T5",
    ),
    Threat(
        "A6", "Joins that are refused use up those of the process.",
        (
            control(
                "what is refused takes none",
                f"{OF_JOINING}::test_joins_that_are_refused_keep_nobody_else_out", ADMISSION,
                'if wait_s := self.joins.wait_s("", network(address)):',
                'if wait_s := self.joins.take("", network(address)):',
            ),
            control(
                "the third closes its connection",
                f"{BEFORE_JOIN}::test_three_refused_joins_close_the_connection,"
                "test_a_page_that_has_joined_may_not_join_on_and_on "
                f"{OF_LIMITS}::test_the_third_refused_join_closes_the_connection_after_its_answer",
                CONNECTION, "few = self._refused_joins < self.transport.bounds.refused_joins", "few = True",
            ),
            control(
                "the first one does, of a network or a process that has had many",
                f"{OF_FLOODS}::test_the_first_refused_join_closes_where_many_were_refused", CONNECTION,
                'self._around.refused_joins.take("", self.source) == 0.0', "True",
            ),
            control(
                "joins have a bucket of their network and of the process",
                f"{OF_ADMISSION}::test_joins_of_one_network_are_bounded_whoever_comes_and_another_network_is_let_in,"
                "test_joins_of_the_process_are_bounded_whoever_comes "
                f"{OF_JOINING}::test_a_process_takes_so_many_joins_at_once_and_tells_the_others_when_to_come_back",
                ADMISSION, 'if wait_s := self.joins.wait_s("", network(address)):', "if wait_s := 0.0:",
            ),
            control(
                "a probe takes one too",
                "tests/unit/joining/test_probing.py::test_probes_of_one_network_are_bounded_as_joins_are", ADMISSION,
                'self._refuse_if_crowded(address)\n        self.joins.take("", network(address))\n', "pass\n",
            ),
        ),
    ),
    Threat(
        "A7a", "A made-up number makes a row of a gap for each one before it.",
        (
            control(
                "a gap of many is one row",
                f"{OF_GAPS}::test_a_gap_of_many_is_one_row "
                f"{OF_HOLES}::test_a_message_that_links_to_one_far_away_makes_one_row_and_no_more_with_another_page",
                MESSAGES, "    for a, b in missing(first, last, known):\n",
                "    for a, b in ((n, n) for x, y in missing(first, last, known) for n in range(x, y + 1)):\n",
            ),
            control(
                "what is lost counts for the chat, over all pages of its reader",
                f"{OF_HOLES}::test_a_message_that_links_to_one_far_away_makes_one_row_and_no_more_with_another_page",
                ENDPOINT, "self.receiver.start(seen, session.id, known.lost)", "self.receiver.start(seen, session.id)",
            ),
            control(
                "and has a bound",
                "tests/unit/delivery/test_receiver.py::test_lost_messages_are_counted_over_all_streams_of_a_session,"
                "test_what_was_lost_before_a_join_counts_after_it", "citychat/delivery/receiver.py",
                "if stream is None or chat.lost + count > LOST_MAX:", "if stream is None:",
            ),
            control(
                "which no row of a store can be beyond",
                f"{OF_GAPS}::test_only_a_gap_stands_for_several_and_not_for_too_many", "citychat/model/validation.py",
                '(message.kind == "gap" and 0 < message.to - message.number < LOST_MAX)', 'message.kind == "gap"',
            ),
        ),
    ),
    Threat(
        "A7b", "Messages fill the disk.",
        (
            control(
                "a guest and a network have bytes of a day",
                f"{OF_QUOTAS}::test_a_guest_writes_half_of_a_days_bytes_at_once_and_a_day_later_again,"
                "test_the_guests_of_a_network_share_its_day_and_loopback_has_none,"
                "test_a_message_beyond_the_day_is_refused_by_its_code_and_later_it_goes_on",
                "citychat/limits.py", "size: int) -> bool:\n        now = self._now_s()\n",
                "size: int) -> bool:\n        now, size = self._now_s(), 1\n",
            ),
            control(
                "a chat without a message counts too",
                f"{OF_MANY_CHATS}::test_chats_without_a_word_are_within_the_bytes_of_a_day",
                "citychat/registry/client.py",
                "return self.endpoint.shared.quotas.charge_chat(self.guest, self.page.source)",
                "return True",
            ),
            control(
                "in whatever 24 hours",
                f"{OF_QUOTAS}::test_in_no_24_hours_fits_more_than_a_day", "citychat/limits.py",
                "Buckets(day / 2, day", "Buckets(day, day",
            ),
            control(
                "with little free disk no new chat begins, and those that run go on",
                f"{OF_FULL_DISK}::test_no_chat_begins_and_those_that_run_go_on,"
                "test_who_looks_is_asked_for_nobody_meanwhile_and_is_served_when_there_is_room",
                SESSIONS, "if not self.has_room():", "if False:",
            ),
            control(
                "nor while the host has closed the house",
                "tests/unit/matching/test_closed_house.py"
                "::test_no_search_begins_and_those_that_run_end_on_every_process_within_15_s",
                SESSIONS, "        self.house.check_open()\n", "",
            ),
            control(
                "the embedded storage looks at its disk once a second",
                f"{OF_FULL_DISK}::test_the_disk_is_looked_at_once_a_second_and_told_once",
                "citychat/adapters/sqlite/free_disk.py", "if self._now_s() - self._looked_s >= LOOK_S:", "if False:",
            ),
        ),
        open=(
            "each process counts for itself, from its start on; ten networks write 1 GB a day until no chat begins; "
            "the disk of MongoDB is the host's to watch."
        ),
    ),
    Threat(
        "A7c", "Reports fill the disk.",
        (
            control(
                "one of each side in a chat",
                f"{OF_FALSE_REPORTS}::test_a_report_keeps_its_first_code", REPORTS,
                'if earlier := transaction.rows("reported", report.session, report.reporter):', "if earlier := []:",
            ),
            control(
                "its evidence is 50 messages, each of which was written within the bytes of a day (A7b)",
                f"{OF_SQLITE}::test_evidence_is_the_last_50_of_both_sides_with_erased_texts_of_72_hours", REPORTS,
                "EVIDENCE_MESSAGES)\n", "5_000)\n",
            ),
            control(
                "a closed one goes with its evidence, 30 days after no action, 180 after action, unless it is held",
                f"{OF_CASES}::test_a_closed_case_goes_on_its_day_with_its_evidence_and_an_open_one_stays", SQL,
                "DELETE FROM reports WHERE goes <= ?;", "DELETE FROM reports WHERE goes <= ? AND FALSE;",
            ),
            control(
                "a case takes one objection",
                "tests/contract/test_objections.py::test_a_pause_takes_one_objection_which_stands_in_its_case", SQL,
                "WHERE objected IS NULL AND code =", "WHERE code =",
            ),
            control(
                "of at most 1,000 characters, also once it is clean",
                f"{OF_OBJECTING}::test_an_objection_has_at_most_1000_characters_and_something_to_see", ADMISSION,
                "clean_text(asked.objection)[:OBJECTION_MAX_CHARS]", "clean_text(asked.objection)",
            ),
            control(
                "guest, network and process have so many",
                f"{OF_OBJECTING}::test_objections_of_one_network_are_bounded_and_those_of_others_go_on,"
                "test_objections_of_one_guest_are_bounded", ADMISSION,
                "if wait_s := self.objections.take(guest, network(address)):", "if wait_s := 0.0:",
            ),
        ),
        see="A7b",
        open="what the host does not close stays (docs/moderation.md).",
    ),
    Threat(
        "A7d", "The same one is blocked again and again.",
        (
            control(
                "a network that is avoided is one row, with the last time",
                "tests/contract/test_old_store.py::test_its_relations_reports_pauses_and_wishes_are_read "
                f"{OF_SQLITE}::test_a_network_that_is_avoided_again_and_again_is_one_row", SQL,
                "at INTEGER NOT NULL, PRIMARY KEY (guest, network)\n",
                "at INTEGER NOT NULL, PRIMARY KEY (guest, network, at)\n",
            ),
        ),
    ),
    Threat(
        "A10c", "Two who talk again and again have a thousand chats.",
        (
            control(
                "a pair has a hundred chats a day",
                "tests/contract/test_pending_sessions.py::test_two_begin_no_more_than_so_many_sessions_in_a_day "
                f"{OF_MANY_CHATS}::test_two_have_so_many_chats_in_a_day_and_no_more", STORED_SESSIONS,
                "if session.ended == PENDING and chats >= PAIR_CHATS_MAX:", "if False:",
            ),
            control(
                "a join loads the ten newest",
                f"{OF_MANY_CHATS}::test_a_join_loads_the_newest_chats_and_no_more "
                "tests/contract/test_history.py::test_a_dossier_holds_the_ten_newest_sessions_and_older_ones_that_run",
                STORED_GUESTS, "newest_sessions(transaction, guest, LAST, SESSIONS_MAX)",
                "newest_sessions(transaction, guest, LAST, 1_000)",
            ),
            control(
                "the list of chats comes in pages of 50",
                f"{OF_MANY_CHATS}::test_my_chats_come_in_pages_each_once", SESSIONS, "LIST_MAX = bound(\"chat list\")",
                "LIST_MAX = 1_000",
            ),
        ),
    ),
    Threat(
        "A10d", "History pages, questions after ticks, plain GET and connections that hang up, within their limits.",
        (
            control(
                "history pages have buckets of their guest, network and process",
                f"{OF_FLOODED}::test_what_a_network_has_used_up_is_busy_for_all_its_guests_and_for_no_others,"
                "test_what_the_process_has_used_up_is_busy_for_everybody,test_what_a_guest_has_used_up_is_busy_for_that_guest",
                CHAT, 'Event(self.history, HistoryRequest, "history pages")', 'Event(self.history, HistoryRequest, "")',
            ),
            control(
                "so have questions after ticks",
                f"{OF_FLOODED}::test_what_a_network_has_used_up_is_busy_for_all_its_guests_and_for_no_others,"
                "test_what_the_process_has_used_up_is_busy_for_everybody,test_what_a_guest_has_used_up_is_busy_for_that_guest",
                CHAT, 'Event(self.ask, AskRequest, "asks")', 'Event(self.ask, AskRequest, "")',
            ),
            control(
                "so have requests of pages and files, of network and process",
                f"{OF_FLOODS}::test_requests_over_what_a_network_or_the_process_has_are_refused,"
                "test_what_is_not_served_at_all_has_its_turn_too", EDGE,
                "return await self._turn(self._requests, network(self.address(request)))", "return None",
            ),
            control(
                "a visit has what it asks for meanwhile",
                f"{OF_FLOODS}::test_a_visit_has_what_it_asks_for_while_twenty_networks_flood", EDGE,
                ', calm=bound("requests of a visit")', "",
            ),
            control(
                "connections that come too fast are closed unheard",
                "tests/server/test_edge_listener.py::test_connections_of_one_network_that_come_too_fast_are_closed_unheard",
                LISTENER, 'if source and capacity.arrivals.take("", source):', "if False:",
            ),
            control(
                "nginx counts the new sockets of a network",
                f"{OF_NGINX}::test_who_connects_and_hangs_up_is_refused_and_two_returns_of_a_full_school_are_not",
                NGINX, "        limit_req zone=citychat_connects burst=400 nodelay;\n", "",
            ),
            control(
                "and its requests",
                f"{OF_NGINX}::test_requests_of_one_network_are_handed_on_at_a_pace", NGINX,
                "        limit_req zone=citychat_requests burst=5000 delay=500;\n", "",
            ),
        ),
        see="T5",
    ),
    Threat(
        "A10e", "A page of another site reaches the pool of the own network by a name led here (DNS rebinding).",
        (
            control(
                "on the own network addresses, localhost and the names in `origins` are served",
                f"{OF_ADDRESS}::test_on_the_own_network_no_name_is_served_that_somebody_else_may_own", EDGE,
                "if own_network(address) and not is_own_name(request.host, self._names):", "if False:",
            ),
            control(
                "which are compared whole",
                f"{OF_ADDRESS}::test_names_that_nobody_else_can_lead_here", CLIENT_ADDRESS,
                'return asked[1] == "localhost" or', 'return asked[1].startswith("localhost") or',
            ),
        ),
    ),
    Threat(
        "A11d", "Events before the join come back as an echo; one namespace takes events of the other.",
        (
            control(
                "before the join nothing is sent but *not-joined*",
                f"{OF_DOOR}::test_before_the_join_answer_everything_but_the_join_is_not_joined", DOOR,
                " and not isinstance(failure, NotJoined):", ":",
            ),
            control(
                "nothing comes back that is no id and no number",
                f"{OF_DOOR}::test_a_message_that_is_not_taken_is_refused_by_its_status", CHAT,
                '(_as(Id, said.get(name)) or ""', '(said.get(name) or ""',
            ),
            control(
                "an event of the other namespace is none",
                f"{OF_EDGE}::test_an_event_of_the_other_namespace_is_none", SOCKETIO,
                "        if event.startswith(OF_THE_OTHER[namespace]):\n", "        if False:\n",
            ),
        ),
    ),
    Threat(
        "A11e", "A proxy that forwards no usable address makes its clients guests of this machine.",
        (
            control(
                "nobody is served whose proxy does not say who asks",
                f"{OF_ADDRESS}::test_nobody_is_served_whose_proxy_does_not_say_who_asks,"
                "test_a_forwarded_address_counts_from_trusted_proxies_only",
                CLIENT_ADDRESS, '            return ""\n', "            break\n",
            ),
            control(
                "nor one that sets other headers only",
                f"{OF_ADDRESS}::test_a_proxy_that_says_nothing_else_does_not_say_who_asks", CLIENT_ADDRESS,
                "direct = nearest.is_loopback and not any(map(_OF_PROXIES.fullmatch, request.headers))",
                "direct = nearest.is_loopback",
            ),
        ),
    ),
    Threat(
        "A11f", "A join names numbers that no page can have drawn.",
        (
            control(
                "they are numbers of messages, and at most 1,000",
                f"{OF_DOOR}::test_a_join_names_what_a_page_can_have_drawn", ADMISSION,
                "have: dict[Id, Annotated[int, Meta(ge=0, le=LAMPORT_MAX)]]", "have: dict[Id, int]",
            ),
            control(
                "of few streams",
                f"{OF_ADMISSION}::test_have_is_bounded", ADMISSION,
                "        if len(asked.have) > HAVE_MAX:\n", "        if False:\n",
            ),
        ),
    ),
    Threat(
        "A12a", "Frames and texts that cost a hundred times what others of their size do.",
        (
            control(
                "no long row of marks is put into order",
                f"{OF_MODEL}::test_no_long_row_of_marks_is_put_into_order", TEXT,
                "if not raw.isascii() and _perhaps_a_row.search(raw):", "if False:",
            ),
            control(
                "a text that is far too long is not cleaned",
                f"{OF_MODEL}::test_what_is_far_too_long_is_not_cleaned_first", TEXT,
                "    if len(raw) > _RAW_MAX_CHARS:\n", "    if False:\n",
            ),
            control(
                "escapes are read by a library, in one go",
                f"{OF_LIMITS}::test_a_frame_full_of_escapes_costs_few_calls", PACKETS,
                "json.dumps(json.loads(text), ensure_ascii=False)",
                'json.dumps(json.loads(re.sub(r"\\\\.", lambda escape: escape.group(), text)), ensure_ascii=False)',
            ),
        ),
        see="T5",
    ),
    Threat(
        "A12b", "One household has 256 networks of IPv6, or 65,536, and floods from all of them.",
        (
            control(
                "of what is kept for networks that ask for little its /48 has one part",
                f"{OF_SHARES}::test_all_networks_of_one_site_are_one_that_asks_for_little", LIMITS,
                "not (source and self._calm.wait_s(site(source), now)):",
                "not (source and self._calm.wait_s(source, now)):",
            ),
            control(
                "and one day's bytes",
                f"{OF_QUOTAS}::test_what_one_64_of_a_48_has_written_another_cannot_write", ENDPOINT,
                "= site(page.source), False", "= page.source, False",
            ),
            control(
                "and the connections of ten of them",
                f"{OF_ADDRESS}::test_the_networks_of_a_48_have_as_many_connections_as_ten,"
                "test_the_networks_of_a_48_have_no_more_than_half_of_the_room", CLIENT_ADDRESS,
                " and self._of_sites[site(source)] < self._per_site", "",
            ),
            control(
                "and their new guests",
                "tests/unit/joining/test_admission.py::test_all_networks_of_a_48_make_as_many_new_guests_as_ten",
                "citychat/server/process.py", " or of_site.take(site(source))", "",
            ),
        ),
    ),
    Threat(
        "A12c", "Two addresses ask for files, take no answer, and have all seats of those who are no pages for ever.",
        (
            control(
                "who does not take an answer for a minute is cut off",
                "tests/server/test_edge_listener.py::test_who_does_not_take_the_answers_gives_the_seat_back", LISTENER,
                "            stream.close()\n", "            pass\n",
            ),
        ),
        see="T7",
    ),
)  # fmt: skip
