"""What was tried against the running program, from one address and inside every limit of then (A), with what stands
against it now; and what was tried and held (H). Where a row says that something is open, it is.
"""

from tests.mutants.controls import Threat, control, held
from tests.mutants.named_files import (
    ADMISSION,
    CLIENT_ADDRESS,
    DOOR,
    EDGE,
    FILES,
    OF_ADDRESS,
    OF_ADMISSION,
    OF_DOOR,
    OF_EDGE,
    OF_HTTP,
    OF_LIMITS,
    OF_MODEL,
    OF_PAGES,
    OF_SQLITE,
    OF_TOKENS,
    RULES,
    SESSIONS,
    SOCKETIO,
    TEXT,
    TOKEN,
    TRANSPORT,
)

NGINX, FLOODS = "deploy/nginx.conf", "tests/browser/test_nginx_floods.py"
GAZETTEER, OF_GAZETTEER = "citychat/places/gazetteer.py", "tests/unit/places/test_gazetteer.py"
USER, CHAT = "citychat/handlers/user.py", "citychat/handlers/chat.py"
CONNECTION, BEFORE_JOIN = "citychat/edge/connection.py", "tests/server/test_before_join.py"
REUNIONS, OF_REUNIONS = "citychat/matching/reunions.py", "tests/unit/matching/test_reunions.py"
OF_SESSIONS, OF_OVERLAPS = "tests/unit/matching/test_sessions.py", "tests/unit/joining/test_overlapping_joins.py"
VALUES = "citychat/model/values.py"

# -- finding somebody, keeping people apart ---------------------------------------------------------------------------

OF_GUESTS = (
    Threat(
        "A1a", "Guests who are asked in turn say *later*: the order in which they are tells where the seeker is.", (),
        open="nearest first, by squares of 2 km, tells twenty guests the square of whoever looks.",
    ),
    Threat(
        "A1b", "A guest in each square says yes: each chat tells the partner's square.", (),
        open="the same, with as many guests as the pool has squares.",
    ),
    Threat(
        "A1c", "One walk that rings at somebody and one that does not, by a blocked guest, find one chosen person.", (),
        open="the same; a no and a block are for ever, so that it cannot be closed, only made dear.",
    ),
    Threat(
        "A2a", "Silent guests of one address are led to everybody.", (),
        open="nothing counts against who begins chats and says nothing.",
    ),
    Threat(
        "A2b", "Offers that are made and taken back hold two who look.", (),
        open="nothing counts against who takes offers back from lookers; who does not look is rung seldom (T13).",
    ),
    Threat(
        "A4", "One household reports a guest three times: a pause for a day.",
        (
            control(
                "it takes three guests on three networks within a day",
                "tests/contract/test_history.py::test_nothing_less_pauses", RULES,
                "return bool(a.networks and b.networks) and a.networks.isdisjoint(b.networks)", "return True",
            ),
            control(
                "evidence is the server's own store, never what a page says",
                f"{OF_SQLITE}::test_evidence_is_the_last_50_of_both_sides_with_erased_texts_of_72_hours",
                "citychat/adapters/sqlite/reports.py",
                "    evidence = _json([to_message(row) for row in reversed(kept)])\n", "    evidence = report.note\n",
            ),
        ),
        open="three networks of one IPv6 household count as three, and a report counts without a word said.",
    ),
    Threat(
        "A8", "A block is evaded by guests that were made before it.", (),
        see="T15", open="only guests made after the block are kept away.",
    ),
    Threat(
        "A9", "A no, a block and a report are found out.",
        (
            control(
                "the count of free guests does not show it",
                "tests/contract/test_lobby_sessions.py::test_nearby_tells_nobody_who_declined",
                "citychat/adapters/memory/lobby.py",
                "index.count(person.pool) - (guest in index), COUNTED_NEARBY)",
                "index.count(person.pool) - (guest in index) - len(person.blocked), COUNTED_NEARBY)",
            ),
            control(
                "once a chat has ended nobody learns from it whether the other one is here",
                f"{OF_SESSIONS}::test_nobody_learns_from_an_ended_chat_whether_the_other_one_is_online", SESSIONS,
                "here = session.ended is None and (await", "here = (await",
            ),
        ),
        open="who was declined is told *waiting* where a stranger is told *asking*.",
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
        "A10b", "Erasing oneself begins the three place changes of a day anew.", (),
        open="the token of an erased guest makes the same guest without its changes.",
    ),
    Threat(
        "A11a", "*Give me more time* shows in how long an offer waits.", (),
        open="60 s in place of 15 s, by the asker's clock.",
    ),
    Threat(
        "A11b", "The tick of a message left behind in a chat that has ended tells that its reader has come.", (),
        open="it turns when the message is drawn.",
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
)  # fmt: skip

# -- floods, disk, frames ---------------------------------------------------------------------------------------------

OF_THE_SERVICE = (
    Threat(
        "A3", "Searches for a city hold the loop.",
        (
            control(
                "what many names begin with is answered by the file",
                f"{OF_GAZETTEER}::test_a_search_takes_few_steps_whatever_is_typed", GAZETTEER,
                "start = self._crowded.get(prefix)", "start = None",
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
                f"{FLOODS}::test_the_sockets_of_one_network_are_as_many_as_the_host_allows", NGINX,
                "        limit_conn citychat_sockets 200;\n", "",
            ),
        ),
        open="frames have no bucket of their network.",
    ),
    Threat(
        "A6", "Joins that are refused use up those of the process.",
        (
            control(
                "what is refused takes none",
                "tests/unit/joining/test_joining.py::test_joins_that_are_refused_keep_nobody_else_out", ADMISSION,
                '        if self.joins.wait_s(""):', '        if self.joins.take(""):',
            ),
            control(
                "the third closes its connection",
                f"{BEFORE_JOIN}::test_three_refused_joins_close_the_connection,"
                "test_a_page_that_has_joined_may_not_join_on_and_on "
                f"{OF_LIMITS}::test_the_third_refused_join_closes_the_connection_after_its_answer",
                CONNECTION, "self._refused_joins >= self.transport.bounds.refused_joins", "False",
            ),
        ),
    ),
    Threat("A7a", "A made-up number makes a row of a gap for each one before it.", (), open="10,000 rows a message."),
    Threat("A7b", "Messages fill the disk.", (), open="no bytes a day for a guest or network, no floor of free disk."),
    Threat("A7c", "Reports fill the disk.", (), open="they are kept for ever, some 240 kB each."),
    Threat("A7d", "The same one is blocked again and again.", (), open="each block is rows of its own."),
    Threat("A10c", "Two who talk again and again have a thousand chats.", (), open="a join reads all of them."),
    Threat(
        "A10d", "History pages, questions after ticks, plain GET and connections that hang up, within their limits.",
        (
            control(
                "nginx counts the new sockets of a network",
                f"{FLOODS}::test_who_connects_and_hangs_up_is_refused_and_two_returns_of_a_full_school_are_not", NGINX,
                "        limit_req zone=citychat_connects burst=400 nodelay;\n", "",
            ),
            control(
                "and its requests",
                f"{FLOODS}::test_requests_of_one_network_are_handed_on_at_a_pace", NGINX,
                "        limit_req zone=citychat_requests burst=5000 delay=500;\n", "",
            ),
        ),
        open="without nginx these have buckets of their guests only, or none.",
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
                "direct = nearest.is_loopback and not any(header in request.headers for header in _OF_PROXIES)",
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
)  # fmt: skip

ATTEMPTS = (*OF_GUESTS, *OF_THE_SERVICE)

HELD = (
    Threat(
        "H1", "Forged tokens: payload, mac, key id, empty keys, other spellings.",
        (
            control(
                "whatever comes is refused, and nothing raises",
                f"{OF_TOKENS}::test_nothing_made_up_is_read_and_nothing_raises", TOKEN,
                'if len(token) > TOKEN_MAX_CHARS or not token.isascii() or token.count(".") != 2:',
                'if token.count(".") != 2:',
            ),
        ),
        see="T2",
    ),
    Threat(
        "H2", "Several joins of one token at once.",
        (
            control(
                "the newest wins, whichever is faster",
                f"{OF_OVERLAPS}::test_of_two_joins_at_once_the_newer_is_the_guests_page_and_the_other_is_refused_first",
                "citychat/registry/registry.py", "if self._newest.get(guest, 0) > epoch:", "if False:",
            ),
        ),
        see="T2",
    ),
    Threat(
        "H3", "Keys that others on the machine can read.",
        (
            control(
                "the file that a start makes is the owner's alone",
                f"{OF_TOKENS}::test_the_first_start_makes_a_key_file_for_the_owner_only", TOKEN,
                '        with os.fdopen(handle, "w") as file:\n',
                '        os.fchmod(handle, 0o644)\n        with os.fdopen(handle, "w") as file:\n',
            ),
        ),
        see="T21",
    ),
    Threat(
        "H4", "Ways round consent, age and version.",
        (
            control(
                "both are looked at before anything else of a join",
                f"{OF_ADMISSION}::test_nobody_comes_in_without_the_rules_that_are_asked_for_now_and_18_years",
                ADMISSION, ' or said.get("adult") is not True:', ":",
            ),
            control(
                "a page of another version reloads",
                f"{OF_ADMISSION}::test_a_page_of_another_version_is_told_to_reload_whatever_else_it_says", ADMISSION,
                'if said.get("v", PROTOCOL_VERSION) != PROTOCOL_VERSION:', "if False:",
            ),
        ),
    ),
    Threat(
        "H5", "Events before the join.",
        (
            control(
                "each of them is *not-joined*, also of one who has erased himself",
                f"{OF_DOOR}::test_before_the_join_answer_everything_but_the_join_is_not_joined", DOOR,
                "        if client is None or client.forgotten:\n            raise NotJoined\n",
                "        if client is None or client.forgotten:\n            raise UnknownEvent\n",
            ),
        ),
    ),
    Threat("H6", "Events with the session id of others.", (), see="T3"),
    Threat(
        "H7", "Something that is the same in two chats of one guest.",
        (
            control(
                "a member learns an alias made for this chat, and no id of the other one",
                f"{OF_SESSIONS}::test_a_session_lasts_as_long_as_the_history_and_hides_who_is_who "
                f"{OF_MODEL}::test_each_member_sees_the_others_alias_and_their_own_as_the_other_sees_it",
                VALUES, '            "you": self.aliases[side],\n',
                '            "you": self.aliases[side],\n            "with": self.members[1 - side],\n',
            ),
        ),
    ),
    Threat("H8", "Hostile frames: attachments, binary, deep nesting, long numbers, types of engines.", (), see="T4"),
    Threat(
        "H9", "Paths that climb out of their folder.",
        (
            control(
                "a path that no system has is not found",
                f"{OF_PAGES}::test_a_path_that_no_system_has_is_not_found", FILES,
                '        if "\\0" in url_path:  # no path of any system, and an error of ours further down\n',
                "        if False:\n",
            ),
        ),
        see="T20",
    ),
    Threat(
        "H10", "Requests that two readers end at two places; large bodies and headers.",
        (
            held(
                "such a request ends its connection, and nothing behind it is read",
                f"{OF_HTTP}::test_a_request_that_two_readers_would_end_at_two_places_ends_its_connection",
                "Tornado, from the version in T22 on",
            ),
        ),
        see="T6",
    ),
    Threat("H11", "Origins that are null, empty, of another port, with a user, of a file.", (), see="T1"),
    Threat(
        "H12", "Pages in frames of others, files read by pages of others.",
        (
            control(
                "no page of another site may load what is here",
                f"{OF_PAGES}::test_every_answer_carries_the_security_headers_refusals_included", FILES,
                '        self.set_header("Cross-Origin-Resource-Policy", "same-origin")\n', "",
            ),
        ),
        see="T11",
    ),
    Threat("H13", "Texts, contacts and host names with markup in them.", (), see="T11"),
    Threat("H14", "Many new guests of one network; rings at somebody who does not look.", (), see="T13 T15"),
    Threat("H15", "Files and folders of the server.", (), see="T21"),
    Threat("H16", "Logs.", (), see="T18"),
    Threat("H17", "A position finer than what is kept of it.", (), see="T14"),
)  # fmt: skip
