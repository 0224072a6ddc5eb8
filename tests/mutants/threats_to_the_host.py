"""Threats to the host, T16 to T23: stores, logs, what should be gone, secrets, libraries, the machine."""

from tests.mutants.controls import Control, Threat, control, held
from tests.mutants.named_files import (
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
    SECRETS,
    SESSIONS,
    SETTING_TYPES,
    SETTINGS,
    SQL,
    TOKEN,
)
from tests.support.mutation import Change

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
                SETTINGS, "if read_as.is_open(getattr(settings, name)) and not settings.allow_open_services:",
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
                "tests/unit/matching/test_sessions.py::test_erasing_blanks_what_waits_in_the_mailbox", SESSIONS,
                "            await retry(partial(self.mailbox.blank, partner, session.id, session.side(guest)))\n", "",
            ),
            control(
                "a late copy of an erased text stays empty",
                f"{OF_HISTORY}::test_a_late_copy_of_an_erased_message_stays_blank", SQL,
                "iif(erased >> ?2 & 1, '', ?6)", "?6",
            ),
            control(
                "what is deleted is overwritten in the file, after 72 h",
                f"{OF_SQLITE}::test_nothing_of_an_erased_text_is_left_in_the_file_after_72_hours", DATABASE,
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
        ),
    ),
    Threat(
        "T20", "A page for whoever runs the server is found by others.",
        (
            control(
                "there is none: whoever watches the process has `/live` and `/ready`, which name no guest",
                f"{OF_PAGES}::test_nothing_is_served_for_whoever_runs_the_server", PAGES,
                'r"/(live|ready)"', 'r"/(live|ready|metrics)"',
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
                SECRETS, "    if mode & 0o077 & ~harmless:\n", "    if False:\n",
            ),
            control(
                "printed settings and refusals hide it",
                f"{OF_SETTINGS}::test_a_password_in_a_url_is_shown_nowhere,"
                "test_the_url_of_a_service_comes_from_a_file_that_only_its_owner_can_read "
                "tests/server/test_secrets.py"
                "::test_no_password_or_key_is_seen_in_ps_the_log_the_pages_or_the_printed_settings",
                SETTINGS, "r'(//[^/@\\s:]*:)", "r'(//never:)",
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
)  # fmt: skip
