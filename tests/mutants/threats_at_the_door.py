"""Threats at the door, T1 to T9: who connects, as whom, and with how much."""

from tests.mutants.controls import Control, Threat, control
from tests.mutants.named_files import (
    CLIENT_ADDRESS,
    DOOR,
    EDGE,
    ENDPOINT,
    FILES,
    FRAMES,
    HANDSHAKE,
    JOINING,
    LIMITS,
    LISTENER,
    LOBBY,
    OF_ADDRESS,
    OF_DOOR,
    OF_EDGE,
    OF_FLOODED,
    OF_FLOODS,
    OF_HANDSHAKE,
    OF_HTTP,
    OF_LIMITS,
    OF_LOGS,
    OF_MODEL,
    OF_PACKETS,
    OF_PAGES,
    OF_SHARES,
    OF_STRANGERS,
    OF_TOKENS,
    OF_WEBSOCKET,
    PACKETS,
    SESSIONS,
    SOCKETIO,
    TOKEN,
    TRANSPORT,
    VALUES,
    WEBSOCKET,
)
from tests.support.mutation import Change

AT_THE_DOOR = (
    Threat(
        "T1", "The page of another site talks to this server in a guest's browser.",
        (
            control(
                "who comes with a foreign `Origin` is refused before the handshake",
                f"{OF_ADDRESS}::test_a_foreign_handshake_is_answered_403", EDGE,
                "if origin is not None and not same_origin(", "if False and not same_origin(",
            ),
            control(
                "an origin is compared whole, never by its beginning or end",
                f"{OF_ADDRESS}::test_a_page_of_another_origin_may_not", CLIENT_ADDRESS,
                "return theirs[1] == ours[1] or", "return theirs[1].startswith(ours[1]) or",
            ),
            control(
                "a listed origin is compared letter by letter",
                f"{OF_ADDRESS}::test_a_page_of_another_origin_may_not", CLIENT_ADDRESS,
                "    if origin in allowed:\n", "    if any(origin.startswith(each) for each in allowed):\n",
            ),
            control(
                "a notice is taken from a page of ours, or from no browser",
                "tests/server/test_notices.py::test_pages_of_others_cannot_have_their_visitors_send_it", EDGE,
                'return ours and site == "same-origin"', "return True",
            ),
            control(
                "nothing is authenticated by cookie, and none is set",
                f"{OF_PAGES}::test_no_answer_leaves_a_cookie_or_asks_for_one", FILES,
                '        self.clear_header("Server")\n',
                '        self.clear_header("Server")\n        self.set_cookie("citychat", "1")\n',
            ),
        ),
    ),
    Threat(
        "T2", "Somebody makes or changes a token and speaks as another guest.",
        (
            control(
                "a token is signed (HMAC-SHA256) over its text",
                f"{OF_TOKENS}::test_every_flipped_bit_is_noticed,test_no_splice_of_a_token_is_read", TOKEN,
                "if key.id == key_id and hmac.compare_digest(_mac(key, signed), mac):", "if key.id == key_id:",
            ),
            control(
                "the mac is over what is written, so that a token has one spelling",
                f"{OF_TOKENS}::test_every_flipped_bit_is_noticed", TOKEN,
                'b"token " + signed.encode(), "sha256"', 'b"token " + _to_bytes(signed.partition(".")[2]), "sha256"',
            ),
            control(
                "it lives 30 days",
                f"{OF_TOKENS}::test_a_token_out_of_date_counts_as_none", TOKEN,
                "claims.issued <= oldest_ms else None", "claims.issued <= FAR_MS else None",
            ),
            control(
                "two keys at most read it: the one before the last does not",
                f"{OF_TOKENS}::test_the_previous_key_still_reads_and_the_one_before_does_not", TOKEN,
                "            if key.id == key_id and hmac.compare_digest(", "            if (lambda *_: True)(",
            ),
            control(
                "a key that is short or can be guessed ends the start",
                f"{OF_TOKENS}::test_short_guessable_or_broken_keys_are_refused_and_nothing_is_overwritten", TOKEN,
                "if len(secret) < KEY_BYTES or len(set(secret)) < KEY_DISTINCT_BYTES:", "if False:",
            ),
            control(
                "a guest's id has 128 random bits",
                f"{OF_MODEL}::test_ids_have_as_many_bits_as_asked_for_and_need_no_escaping", "citychat/model/values.py",
                "def new_id(random: Random, bits: int = 128)", "def new_id(random: Random, bits: int = 32)",
            ),
            control(
                "a guest has one page that is live: the older one is told and closed",
                "tests/unit/joining/test_overlapping_joins.py"
                "::test_an_older_page_of_the_same_process_is_replaced_without_the_bus",
                JOINING, "        if older is not None:\n            self._replace(older)\n", "",
            ),
        ),
    ),
    Threat(
        "T3", "Who knows or guesses the id of a chat reads it, writes into it or ends it.",
        (
            control(
                "a page writes as its guest, whatever a field says, into the chat it is in and into no other",
                f"{OF_STRANGERS}::test_the_id_of_a_chat_of_others_opens_nothing", ENDPOINT,
                "if self.session is None or self.session.id != session_id:", "if self.session is None:",
            ),
            Control(
                "who reads a chat or asks after its messages is a member",
                (
                    f"{OF_STRANGERS}::test_the_id_of_a_chat_of_others_opens_nothing",
                    f"{OF_DOOR}::test_nobody_reads_the_history_of_others",
                ),
                (
                    Change(ENDPOINT, "if session is None or self.guest not in session.members:", "if session is None:"),
                    Change(VALUES, "        if guest not in self.members:\n            raise NoSession\n"
                           "        return self.members.index(guest)", "        return int(guest == self.members[1])"),
                ),
            ),
            control(
                "who leaves, blocks, reports or wishes to talk again is a member",
                f"{OF_STRANGERS}::test_the_id_of_a_chat_of_others_opens_nothing "
                "tests/unit/matching/test_sessions.py"
                "::test_nobody_leaves_blocks_reports_or_reads_the_session_of_others",
                SESSIONS, "if session is None or client.guest not in session.members:", "if session is None:",
            ),
            control(
                "an ack counts in a chat of one's own only",
                f"{OF_STRANGERS}::test_the_id_of_a_chat_of_others_opens_nothing", ENDPOINT,
                "        if session_id not in self.sessions:\n            raise NoSession\n", "",
            ),
            control(
                "an offer is answered by whom it was made to",
                f"{OF_STRANGERS}::test_nobody_answers_an_offer_made_to_somebody_else "
                "tests/contract/test_lobby.py::test_only_the_candidate_can_answer",
                LOBBY,
                "        answered = state.offers.get(offer)\n"
                "        if answered is None or answered.candidate != guest:\n",
                "        answered = state.offers.get(offer)\n        if answered is None:\n",
            ),
        ),
    ),
    Threat(
        "T4", "Reserved or unknown events, wrong types, announced attachments, deep JSON.",
        (
            control(
                "the shape of every payload is checked before a handler sees it",
                f"{OF_DOOR}::test_whatever_is_sent_every_event_is_answered_once_and_never_with_internal,"
                "test_a_bad_payload_is_told_which_field_is_wrong_and_what_was_expected",
                DOOR, "        raise BadPayload(_wrong(str(error), shape)) from None\n", "        return payload\n",
            ),
            control(
                "no event is dispatched by its name: `connect` and `disconnect` are only names",
                f"{OF_EDGE}::test_events_named_like_the_librarys_own_are_only_names", SOCKETIO,
                "            return self._door(connection, event, payload,",
                '            if event == "disconnect":\n                connection.close("left")\n'
                "            return self._door(connection, event, payload,",
            ),
            control(
                "a packet that announces attachments ends its connection",
                f"{OF_PACKETS}::test_a_malformed_frame_ends_its_connection_and_no_other", PACKETS,
                "if kind not in _OF_CLIENTS:",
                "if False:",
            ),
            control(
                "JSON that nests too deep ends its connection",
                f"{OF_PACKETS}::test_a_malformed_frame_ends_its_connection_and_no_other,"
                "test_random_frames_never_disturb_two_pages_that_talk", PACKETS,
                "    except (msgspec.MsgspecError, RecursionError, ValueError):\n", "    except KeyError:\n",
            ),
            control(
                "a frame that breaks WebSocket ends its connection before its payload has come",
                f"{OF_PACKETS}::test_a_frame_that_breaks_websocket_ends_its_connection_and_no_other "
                "tests/unit/edge/test_frames.py::test_a_wrong_frame_is_refused_before_its_payload_has_come", FRAMES,
                "        if broken:\n", "        if False:\n",
            ),
            control(
                "a handshake without 16 random bytes is none",
                f"{OF_HANDSHAKE}::test_what_is_no_key_of_sixteen_bytes_is_400", HANDSHAKE,
                'return None if _KEY.fullmatch(headers.get("Sec-WebSocket-Key", "")) else WRONG_KEY', "return None",
            ),
            control(
                "nor is one of another version of HTTP or WebSocket",
                f"{OF_HANDSHAKE}::test_another_version_is_426_and_says_which_one_is_spoken,"
                "test_http_before_1_1_has_no_upgrade", HANDSHAKE,
                """    if request.version == "HTTP/1.0":
        return WRONG_HTTP
    headers = request.headers
    if "upgrade" not in [option.strip().lower() for option in headers.get("Connection", "").split(",")]:
        return WEBSOCKET_ONLY
    if headers.get("Sec-WebSocket-Version") != _VERSION:
        return WRONG_WEBSOCKET
""",
                "    headers = request.headers\n",
            ),
            control(
                "the third frame that is merely odd ends its connection",
                f"{OF_PACKETS}::test_a_frame_that_is_merely_odd_ends_its_connection_the_third_time", TRANSPORT,
                "if self._strikes >= self.bounds.strikes:", "if False:",
            ),
        ),
    ),
    Threat(
        "T5", "Floods.",
        (
            control(
                "a connection has 200 frames a second: over it nothing is read for a while, then it ends",
                f"{OF_LIMITS}::test_a_flood_is_slowed_down_and_then_ended_while_others_are_answered,"
                "test_floods_of_pings_and_empty_fragments_are_ended_too",
                TRANSPORT, "if self._holds > self.bounds.holds:", "if False:",
            ),
            control(
                "of the frames that came together a few are handled at a time",
                f"{OF_WEBSOCKET}::test_a_pile_of_frames_of_one_page_lets_others_have_their_turn", WEBSOCKET,
                "            for _ in range(_AT_ONCE):\n", "            while True:\n",
            ),
            control(
                "every event has a bucket of its guest",
                f"{OF_DOOR}::test_too_many_of_one_event_are_busy_and_say_for_how_long", DOOR,
                "        if wait_s:\n", "        if False:\n",
            ),
            control(
                "so has everything that costs something",
                f"{OF_FLOODED}::test_what_a_guest_has_used_up_is_busy_for_that_guest "
                f"{OF_SHARES}::test_one_guest_takes_what_is_a_guests_and_another_of_the_network_goes_on",
                LIMITS, "wait = max(wait, self._guest.wait_s(guest, now))", "pass",
            ),
            control(
                "it has a bucket of the network too",
                f"{OF_FLOODED}::test_what_a_network_has_used_up_is_busy_for_all_its_guests_and_for_no_others "
                f"{OF_SHARES}::test_many_guests_of_one_network_take_what_is_a_networks_and_another_network_goes_on",
                LIMITS, "wait = max(wait, self._network.wait_s(source, now))", "pass",
            ),
            control(
                "and two of the process, of which one is everybody's",
                f"{OF_FLOODED}::test_what_the_process_has_used_up_is_busy_for_everybody "
                f"{OF_SHARES}::test_the_process_gives_no_more_than_its_row_however_many_networks_come",
                LIMITS, "self._full_s[COMMON] - now - self._slack_s[COMMON]", "0.0",
            ),
            control(
                "and the other, three quarters, is kept for networks that ask for little",
                f"{OF_SHARES}::test_many_networks_take_a_quarter_of_what_is_the_process_and_a_hundredth_each "
                f"{OF_FLOODS}::test_many_networks_cannot_use_up_the_handshakes_of_the_others",
                LIMITS, "which, wait = (KEPT, kept) if kept < wait else (COMMON, wait)", "pass",
            ),
            control(
                "who is refused on and on is not heard for a while",
                f"{OF_FLOODED}::test_a_page_that_is_refused_on_and_on_is_heard_at_the_rate_of_the_table,"
                "test_refusals_of_others_in_a_network_or_process_slow_the_next_one", DOOR,
                "            await self._tasks.pause(wait_s)\n", "            pass\n",
            ),
            control(
                "a frame that is refused costs few calls",
                f"{OF_LIMITS}::test_a_refused_event_costs_few_calls", PACKETS,
                "    try:\n        try:\n            return _decode(text)\n",
                "    try:\n        for _ in range(300):\n            _decode(text)\n        try:\n"
                "            return _decode(text)\n",
            ),
            control(
                "the page's messages have a bucket, and wait in its outbox",
                "tests/unit/delivery/test_endpoint.py::test_over_the_rate_the_page_hears_when_to_try_again "
                f"{OF_FLOODED}::test_a_message_over_what_a_network_or_the_process_has_goes_again_later", ENDPOINT,
                "wait_s = 0.0 if full else self.shared.take(self.guest, self.page.source)", "wait_s = 0.0",
            ),
            control(
                "refusals are one line a minute and source in the log",
                f"{OF_LOGS}::test_one_line_a_minute_and_source", "citychat/edge/redaction.py",
                "        if entry is not None and now_s - entry[0] < _MINUTE_S:\n",
                "        if entry is not None and False:\n",
            ),
        ),
    ),
    Threat(
        "T6", "Oversize frames and bodies, compression bombs.",
        (
            control(
                "a frame has 32 KiB at most, in fragments too",
                f"{OF_PACKETS}::test_a_frame_over_32_kib_is_too_big_before_it_is_read,"
                "test_a_message_over_32_kib_in_fragments_is_too_big",
                HANDSHAKE, "ahead, self._gate.bounds.frame_bytes", "ahead, 10 * self._gate.bounds.frame_bytes",
            ),
            control(
                "compression is never negotiated",
                f"{OF_EDGE}::test_compression_is_never_negotiated", HANDSHAKE,
                '        self.set_header("Upgrade", "websocket")\n',
                '        self.set_header("Upgrade", "websocket")\n'
                '        self.set_header("Sec-WebSocket-Extensions", "permessage-deflate")\n',
            ),
            control(
                "a request's body has 64 KiB at most",
                f"{OF_HTTP}::test_a_body_over_64_kib_is_not_read", EDGE,
                "_BODY_BYTES = 64 * 1024", "_BODY_BYTES = 640 * 1024",
            ),
            control(
                "and its headers 40 KiB",
                f"{OF_HTTP}::test_headers_over_40_kib_are_not_read", EDGE,
                "_HEADER_BYTES = 40 * 1024", "_HEADER_BYTES = 800 * 1024",
            ),
        ),
    ),
    Threat(
        "T7", "Slow and silent connections use up what there is.",
        (
            control(
                "headers come within 10 s",
                f"{OF_LIMITS}::test_half_requests_and_silent_sockets_are_closed_and_a_new_page_still_gets_in", EDGE,
                "_HEADERS_WITHIN_S = 10.0", "_HEADERS_WITHIN_S = 600.0",
            ),
            control(
                "a page has both namespaces and a first event within 5 s",
                f"{OF_LIMITS}::test_a_page_that_does_not_get_going_is_closed",
                "citychat/edge/connection.py",
                "if not (self.spoke and len(self.sids) == len(NAMESPACES)):", "if False:",
            ),
            control(
                "a dead link is found by its pings",
                "tests/server/test_edge_end.py::test_pings_keep_a_page_that_answers_and_end_one_that_does_not",
                TRANSPORT, "        if self._asked:\n            self.cut(GOING_AWAY)\n            return\n", "",
            ),
            control(
                "a network has 200 pages",
                f"{OF_ADDRESS}::test_a_network_has_so_many_connections_and_gets_them_back", EDGE,
                "if not (self._connections_of.free(source) and self._allow(address)):",
                "if not self._allow(address):",
            ),
            control(
                "and no more than half of the sockets that are no pages",
                "tests/server/test_edge_listener.py::test_one_network_cannot_have_all_plain_connections", LISTENER,
                "if not capacity.seats.free(source):", "if False:",
            ),
            control(
                "connections never take the files that the storage needs",
                "tests/server/test_stop.py::test_connections_never_take_the_files_that_the_storage_needs", LISTENER,
                "if connection.fileno() >= capacity.files - capacity.spare:", "if False:",
            ),
        ),
    ),
    Threat(
        "T8", "A client that does not read fills the memory.",
        (
            control(
                "what is unsent is bounded in frames and bytes; beyond it the connection ends",
                f"{OF_LIMITS}::test_a_client_that_does_not_read_is_cut_off_at_its_bound,"
                "test_many_small_frames_count_as_well",
                TRANSPORT,
                "if unsent and (len(unsent) >= bounds.unsent_frames or channel.unsent_bytes >= bounds.unsent_bytes):",
                "if False:",
            ),
            control(
                "while something is unsent one pong waits for all pings",
                f"{OF_WEBSOCKET}::test_who_pings_and_does_not_read_gets_one_pong_for_all_that_wait", WEBSOCKET,
                "        if self.unsent is None:\n            self.send(pong)\n",
                "        if True:\n            self.send(pong)\n",
            ),
            control(
                "so is what waits for a namespace that is not connected",
                f"{OF_LIMITS}::test_what_waits_for_a_namespace_is_bounded_too", "citychat/edge/connection.py",
                "elif len(self._held) < self.transport.bounds.unsent_frames:", "elif True:",
            ),
            control(
                "so is what is read ahead of a busy door",
                f"{OF_LIMITS}::test_while_the_door_is_busy_a_bounded_number_of_frames_is_read",
                "citychat/edge/connection.py",
                "if len(self._inbound) < bounds.inbound_frames and self._inbound_bytes < bounds.inbound_bytes:",
                "if True:",
            ),
        ),
    ),
    Threat(
        "T9", "A client writes an address of its choice into a header.",
        (
            control(
                "forwarding headers count from trusted proxies only",
                f"{OF_ADDRESS}::test_a_forwarded_address_counts_from_trusted_proxies_only,"
                "test_spoofed_headers_of_a_direct_client_change_nothing",
                CLIENT_ADDRESS, "if not within(nearest, trusted):", "if False:",
            ),
            control(
                "the nearest hop that is no proxy counts, not what stands further left",
                f"{OF_ADDRESS}::test_a_forwarded_address_counts_from_trusted_proxies_only", CLIENT_ADDRESS,
                "        if not within(address, trusted):\n            break\n", "",
            ),
            control(
                "behind nginx a client's own header reaches nobody",
                "tests/browser/test_nginx.py::test_limits_count_the_clients_address_whatever_the_client_says",
                "deploy/nginx.conf",
                "proxy_set_header X-Forwarded-For $remote_addr;", "",
            ),
        ),
    ),
)  # fmt: skip
