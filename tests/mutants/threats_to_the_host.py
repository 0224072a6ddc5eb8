"""Threats to the host, T16 to T23: stores, logs, what should be gone, secrets, libraries, the machine."""

from tests.mutants.controls import Control, Threat, control, held
from tests.mutants.named_files import (
    CONFLICTS,
    DATABASE,
    EDGE,
    ENDPOINT,
    FILES,
    OF_DOOR,
    OF_HISTORY,
    OF_LOGS,
    OF_PAGES,
    OF_PRIVACY,
    OF_SETTINGS,
    OF_SQLITE,
    OF_TOKENS,
    OF_UNITS,
    PAGES,
    RULES,
    SCHEMA,
    SECRETS,
    SETTING_TYPES,
    SQL,
    TOKEN,
)
from tests.support.mutation import Change

OF_DESK = "tests/unit/cases/test_commands.py"
OF_CONSOLE, CONSOLE = "tests/unit/console/test_door.py", "citychat/console/handler.py"
DOORWAY = "citychat/console/doorway.py"

OF_THE_HOST = (
    Threat(
        "T16", "Somebody writes into the channels, queues and collections where processes talk.",
        (
            control(
                "a record of the bus is read as one of ours, within its bounds, or dropped",
                "tests/unit/test_bus_events.py::test_anything_else_is_no_record",
                "citychat/ports/bus_events.py", "    if len(raw) > RECORD_MAX_BYTES:\n        return None\n", "",
            ),
            control(
                "in Redis what is none is dropped and counted",
                "tests/server/redis/test_records.py"
                "::test_rubbish_on_our_channels_is_dropped_and_counted_and_nothing_else_happens",
                "citychat/adapters/redis/bus.py",
                "            if record is None:\n                self.counts",
                "            if False:\n                self.counts", "redis",
            ),
            control(
                "in RabbitMQ too",
                "tests/server/rabbitmq/test_trouble.py"
                "::test_rubbish_in_a_queue_is_dropped_and_counted_and_the_rest_is_read",
                "citychat/adapters/rabbitmq/consumers.py", "        if message is None:\n            channel.ack(tag)",
                "        if False:\n            channel.ack(tag)", "rabbitmq",
            ),
            control(
                "in MongoDB what is no document of ours is passed over and counted",
                "tests/server/mongo/test_documents.py::test_garbage_in_every_collection_is_passed_over_and_counted",
                "citychat/adapters/mongo/documents.py",
                "if kept is None or document.get(\"_id\") != id_of(kept):", "if kept is None:", "mongo",
            ),
            control(
                "a service elsewhere must have a password",
                f"{OF_SETTINGS}::test_a_service_elsewhere_without_a_password_is_refused_unless_the_host_insists",
                CONFLICTS, "if is_open(values[name]) and not values[\"allow_open_services\"]:",
                "if False:",
            ),
            control(
                "a message of the bus is shown when it is the partner's, in a chat of its reader",
                "tests/unit/handlers/test_strangers.py"
                "::test_nobody_is_shown_a_message_of_the_bus_that_is_not_the_partners",
                ENDPOINT, "elif session.members[message.side] == self.guest:", "elif False:",
            ),
        ),
    ),
    Threat(
        "T17", "Ids and texts that mean something to a store.",
        (
            control(
                "an id is 1 to 43 letters, digits, - and _",
                f"{OF_DOOR}::test_a_bad_payload_is_told_which_field_is_wrong_and_what_was_expected",
                "citychat/model/values.py",
                'Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,43}\\Z")]', "Id = Annotated[str, Meta()]",
            ),
            control(
                "an operator in place of a text never reaches MongoDB",
                "tests/server/mongo/test_documents.py::test_what_is_no_text_never_becomes_an_operator",
                "citychat/adapters/mongo/documents.py",
                '        raise TypeError(f"expected a text, not {type(value).__name__}")\n', "        pass\n", "mongo",
            ),
        ),
    ),
    Threat(
        "T18", "Logs, answers and errors tell on guests.",
        (
            control(
                "libraries log their errors by kind and place alone",
                f"{OF_LOGS}::test_no_text_address_id_or_position_is_ever_logged,"
                "test_an_edge_pins_the_loggers_of_its_libraries,"
                "test_the_same_error_of_a_library_is_one_line_a_minute "
                f"{OF_PRIVACY}::test_no_text_address_position_or_id_is_printed_or_logged_by_anything",
                "citychat/edge/redaction.py", "        logger.addFilter(anonymous)\n", "",
            ),
            control(
                "there is no access log",
                f"{OF_LOGS}::test_a_page_that_fails_leaves_no_access_line_and_no_address", EDGE,
                '        app.settings["log_function"] = logs_nothing\n', "",
            ),
            control(
                "a fault of ours is logged without what the page has said",
                f"{OF_DOOR}::test_a_fault_of_ours_is_internal_and_logged_without_what_the_page_said "
                f"{OF_PRIVACY}::test_no_text_address_position_or_id_is_printed_or_logged_by_anything",
                "citychat/tasks.py",
                'return type(error).__name__ + (f" at {path}" if path else "") + cause',
                'return f"{error!r} at {path}"',
            ),
            control(
                "no answer says which library serves it",
                f"{OF_PAGES}::test_every_answer_carries_the_security_headers_refusals_included", FILES,
                '        self.clear_header("Server")\n', "",
            ),
        ),
    ),
    Threat(
        "T19", "What should be gone is still there.",
        (
            control(
                "erasing empties the texts of one's own side, and what still waits",
                f"{OF_HISTORY}::test_erasing_blanks_the_texts_and_keeps_the_ids "
                "tests/unit/matching/test_sessions.py::test_erasing_ends_the_chat_and_blanks_the_texts_everywhere",
                SQL, "UPDATE messages SET x = '' WHERE s = ?1 AND side = ?2 AND x <> '';",
                "UPDATE messages SET x = x WHERE s = ?1 AND side = ?2 AND x <> '';",
            ),
            control(
                "what waits in the mailbox too",
                "tests/unit/matching/test_sessions.py::test_erasing_blanks_what_waits_in_the_mailbox",
                "citychat/matching/erasing.py",
                "            await retry(partial(self.mailbox.blank, partner, session.id, session.side(guest)))\n", "",
            ),
            control(
                "a late copy of an erased text stays empty",
                f"{OF_HISTORY}::test_a_late_copy_of_an_erased_message_stays_blank", SQL,
                "iif(erased >> ?2 & 1, '', ?6)", "?6",
            ),
            control(
                "what is deleted is overwritten in the file, after 72 h",
                f"{OF_SQLITE}::test_nothing_of_an_erased_text_is_left_in_the_file_after_72_hours", SCHEMA,
                '"secure_delete = ON"', '"secure_delete = OFF"',
            ),
            control(
                "what has expired is deleted",
                f"{OF_HISTORY}::test_pruning_deletes_what_has_expired_and_nothing_else", RULES,
                "        guests=now - history_ms,\n", "        guests=0,\n",
            ),
            control(
                "mail that nobody fetches is deleted after 24 h",
                f"{OF_SQLITE}::test_mail_that_nobody_fetches_is_deleted", SQL,
                "WHERE kept <= ?1 LIMIT 1000", "WHERE kept <= -?1 LIMIT 1000",
            ),
            control(
                "what was objected and answered goes with its case; the trail has none of it",
                "tests/unit/cases/test_answering.py::"
                "test_an_answer_is_told_to_the_guest_and_the_trail_has_the_act_without_the_text",
                "citychat/cases/desk.py", 'self._act("answer", case.code)', 'self._act("answer", case.code, said)',
            ),
        ),
    ),
    Threat(
        "T20", "A page for whoever runs the server is found by others.",
        (
            control(
                "guests' port has none: whoever watches the process has `/live` and `/ready`, which name no guest",
                f"{OF_PAGES}::test_nothing_is_served_for_whoever_runs_the_server", PAGES,
                'r"/(live|ready)"', 'r"/(live|ready|metrics)"',
            ),
            control(
                "figures for Prometheus have a listener of their own, off unless asked for, on loopback unless said",
                "tests/unit/test_settings.py::test_metrics_are_told_nowhere_or_on_loopback_unless_the_host_says_otherwise",
                SETTING_TYPES, "host(name or '127.0.0.1')", "host(name or '0.0.0.0')",
            ),
            control(
                "and 16 connections, so that no file that the pages need is taken there",
                "tests/server/test_metrics.py::test_who_fills_it_with_silence_takes_no_file_of_the_pages_and_is_closed_"
                "after_a_while", "citychat/edge/edge.py", "ConnectionLimiter(_HOST_SEATS)", "ConnectionLimiter(10**6)",
            ),
            control(
                "the socket by which `citychat status` asks is for the server's own user",
                "tests/server/test_status.py::test_only_the_servers_own_user_may_ask_and_the_socket_goes_with_the_server",
                "citychat/server/status_socket.py", "        path.chmod(0o600)\n", "        path.chmod(0o666)\n",
            ),
            control(
                "the console has a listener of its own as well, which no other machine reaches",
                f"{OF_SETTINGS}::test_the_console_is_nowhere_or_where_this_machine_alone_comes",
                SETTING_TYPES, "is_loopback(host_and_port(place)[0]):", "True:",
            ),
            control(
                "whoever has no visit is shown nothing of it",
                f"{OF_CONSOLE}::test_who_has_not_come_in_is_shown_nothing_and_told_how", CONSOLE,
                "        elif not self.is_open:\n            self.refuse(403, NO_LINK)\n", "",
            ),
            control(
                "its link works once",
                f"{OF_CONSOLE}::test_a_link_works_once_and_a_look_at_it_uses_nothing_up",
                DOORWAY, "        self._links.discard(key)\n", "",
            ),
            control(
                "and for five minutes",
                f"{OF_CONSOLE}::test_a_link_waits_for_five_minutes",
                DOORWAY, "Expiring(AT_ONCE, LINK_S, now_s)", "Expiring(AT_ONCE, 10**9, now_s)",
            ),
            control(
                "wrong ones are counted",
                f"{OF_CONSOLE}::test_wrong_links_are_counted_and_none_is_looked_at_for_a_while",
                DOORWAY, '            self._wrong.take("")\n', "            pass\n",
            ),
            control(
                "no name that somebody else may own leads there (DNS rebinding)",
                f"{OF_CONSOLE}::test_it_goes_by_the_names_of_this_machine_alone", CONSOLE,
                "if not OUR_NAME.fullmatch(self.request.host.lower()):", "if False:",
            ),
            control(
                "no page of others can send its forms, nor one of another port",
                f"{OF_CONSOLE}::test_a_form_of_another_page_is_not_taken_though_it_has_cookie_and_key", CONSOLE,
                'elif self.request.method == "POST" and not self._is_own_page():', "elif False:",
            ),
            control(
                "and a form has the key of its visit",
                f"{OF_CONSOLE}::test_a_form_without_the_key_of_its_visit_is_not_taken", CONSOLE,
                'if self.request.method == "POST" and not self._has_form_key(visit):', "if False:",
            ),
            control(
                "the text of a case is a row of the trail before it is shown",
                "tests/contract/test_console_acts.py"
                "::test_the_text_is_folded_and_reading_it_is_a_row_of_the_trail_before_it_is_shown",
                "citychat/cases/desk.py", '        await self._note("read", case.code)\n', "",
            ),
            control(
                "no hidden file is served",
                f"{OF_PAGES}::test_a_hidden_file_is_not_found", FILES,
                'if any(part.startswith(".") for part in Path(absolute_path).relative_to(root).parts):', "if False:",
            ),
        ),
    ),
    Threat(
        "T21", "Keys and passwords are read by others on the machine.",
        (
            control(
                "the URL of a service is shown without its password",
                "tests/server/test_secrets.py"
                "::test_no_password_or_key_is_seen_in_ps_the_log_the_pages_or_the_printed_settings "
                f"{OF_SETTINGS}::test_what_is_shown_of_a_url_holds_no_password",
                SETTING_TYPES, "{parts.netloc.rpartition('@')[2]}", "{parts.netloc}",
            ),
            control(
                "it stands in a file that its owner alone reads, not among the flags",
                "tests/server/test_secrets.py"
                "::test_no_password_or_key_is_seen_in_ps_the_log_the_pages_or_the_printed_settings "
                f"{OF_SETTINGS}::test_the_url_of_a_service_comes_from_a_file_that_only_its_owner_can_read",
                SETTING_TYPES, '        if url.startswith("file:"):\n            url = _first_line(url)\n', "",
            ),
            control(
                "a file with secrets that others can read ends the start",
                f"{OF_SETTINGS}::test_the_url_of_a_service_comes_from_a_file_that_only_its_owner_can_read "
                f"{OF_TOKENS}::test_a_key_file_that_others_can_use_is_refused",
                SECRETS, "    if is_open_to_others(status):\n", "    if False:\n",
            ),
            control(
                "printed settings and refusals hide it",
                f"{OF_SETTINGS}::test_a_password_in_a_url_is_shown_nowhere,"
                "test_the_url_of_a_service_comes_from_a_file_that_only_its_owner_can_read "
                "tests/server/test_secrets.py"
                "::test_no_password_or_key_is_seen_in_ps_the_log_the_pages_or_the_printed_settings",
                SETTING_TYPES, "r'(//[^/@\\s:]*:)", "r'(//never:)",
            ),
            control(
                "the password of a mail server goes over TLS, or not at all",
                "tests/unit/alerts/test_ways.py::test_mail_switches_to_tls_logs_in_and_is_from_its_user",
                "citychat/alerts/mail.py", "if self._password or not", "if False and not",
            ),
            control(
                "where the host is told of reports is shown without what is secret about it",
                "tests/server/test_alerts.py"
                "::test_a_trial_leaves_by_the_ways_of_the_settings_and_the_running_server_says_that_it_has_them",
                SETTING_TYPES, 'return f"{parts.scheme}://{parts.hostname}/***"', "return url",
            ),
            control(
                "a key shows in no text of itself",
                f"{OF_TOKENS}::test_secrets_are_in_no_repr", TOKEN,
                "    secret: bytes = field(repr=False)\n", "    secret: bytes\n",
            ),
            control(
                "data folder, database and keys are the owner's alone",
                f"{OF_SQLITE}::test_folder_and_files_are_private", DATABASE,
                "path.chmod(0o600)", "path.chmod(0o644)",
            ),
        ),
        open="a URL with a password that is given as a flag stands in `ps` for every user of the machine: give "
        "`file:///…`, as the units do.",
    ),
    Threat(
        "T22", "A library with a known fault.",
        (
            control(
                "none can be installed: lower bounds of what reads the network",
                "tests/test_package.py::test_no_release_with_a_known_fault_can_be_installed", "pyproject.toml",
                '"tornado>=6.5.8,<7"', '"tornado>=6.5,<7"',
            ),
            control(
                "nor in the browser",
                "tests/test_package.py::test_no_release_with_a_known_fault_can_be_installed", "package-lock.json",
                '"node_modules/socket.io-parser": {\n      "version": "4.2.7"',
                '"node_modules/socket.io-parser": {\n      "version": "4.2.6"',
            ),
            control(
                "what is tested is locked, version by version",
                "tests/unit/test_lock.py::test_make_installs_by_it", "Makefile",
                "-c requirements.lock -e '.[test]'", "-e '.[test]'",
            ),
            held(
                "the browser's library is fetched at build, by version and checksum, and never committed",
                "tests/test_package.py::test_another_checksum_than_the_locked_one_stops_the_build", "npm ci",
            ),
        ),
        open="`requirements.lock` names versions, no checksums: pip takes what the registry has under them.",
    ),
    Threat(
        "T23", "A broken program reaches the rest of the host.",
        (
            Control(
                "each line of the units that closes the service",
                (f"{OF_UNITS}::test_every_line_that_closes_a_service_is_there_once",),
                (Change("deploy/citychat.service", "NoNewPrivileges=yes\n", ""),),
            ),
            control(
                "which systemd counts as 1.5 of 10 or better",
                f"{OF_UNITS}::test_a_service_is_closed_to_the_outside,"
                "test_every_line_that_closes_a_service_is_there_once",
                "deploy/citychat.service",
                "SystemCallFilter=@system-service\nSystemCallFilter=~@privileged @resources\n", "",
            ),
            control(
                "memory and files are bounded",
                f"{OF_UNITS}::test_every_line_that_closes_a_service_is_there_once", "deploy/citychat@.service",
                "MemoryMax=40%\n", "",
            ),
        ),
    ),
    Threat(
        "T24", "What is reported plays with the terminal of who reads it, or is read by somebody who leaves no trace.",
        (
            control(
                "controls, and marks that turn the direction of writing, stand there as codes",
                f"{OF_DESK}::test_texts_of_others_move_nothing_on_the_terminal_and_look_like_no_line_of_ours",
                "citychat/cases/words.py", 'c if c.isprintable() or c in JOINERS or c == "\\n" else _code(c)', "c",
            ),
            control(
                "no line of a text looks like one of ours",
                f"{OF_DESK}::test_texts_of_others_move_nothing_on_the_terminal_and_look_like_no_line_of_ours",
                "citychat/cases/words.py", 'return f"\\n{by}".join', 'return "\\n".join',
            ),
            control(
                "a text is shown when it was asked for",
                f"{OF_DESK}::test_a_case_is_shown_with_all_but_its_texts_which_come_after_a_question",
                "citychat/cases/commands.py", 'in ("y", "yes")', 'in ("y", "yes", "n")',
            ),
            control(
                "a look or a decision that was changed in the trail is found",
                f"{OF_DESK}::test_a_byte_that_was_changed_in_the_trail_is_found "
                "tests/contract/test_cases.py::test_rows_of_the_trail_follow_each_other_and_each_seals_the_one_before",
                "citychat/model/trail.py", "if row.n != n or row.hash != _seal(before, n, row.act):", "if row.n != n:",
            ),
            control(
                "an export is its owner's alone",
                f"{OF_DESK}::test_an_export_is_whole_private_and_can_be_verified",
                "citychat/cases/export.py", "os.O_EXCL, 0o600)", "os.O_EXCL, 0o644)",
            ),
        ),
        open="who may write to the database can make the whole trail anew: a hash noted elsewhere shows it.",
    ),
)  # fmt: skip
