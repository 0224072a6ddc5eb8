"""What was tried against the running program and found something (A), with what stands against it now, and what was
tried and held (H).
"""

from tests.mutants.attempts_by_wishes import BY_WISHES
from tests.mutants.attempts_on_guests import ON_GUESTS
from tests.mutants.attempts_on_the_service import ON_THE_SERVICE
from tests.mutants.controls import Threat, control, held
from tests.mutants.named_files import (
    ADMISSION,
    DOOR,
    FILES,
    OF_ADMISSION,
    OF_DOOR,
    OF_HTTP,
    OF_MODEL,
    OF_OVERLAPS,
    OF_PAGES,
    OF_SESSIONS,
    OF_TOKENS,
    TOKEN,
    VALUES,
)

ATTEMPTS = (*ON_GUESTS, *BY_WISHES, *ON_THE_SERVICE)

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
