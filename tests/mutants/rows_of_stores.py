"""The mutants of the two histories and of what they share."""

from tests.mutants.mutant_row import left_out

SQL, MONGO = "citychat/adapters/sqlite/statements.sql", "citychat/adapters/mongo"
HISTORY, PENDING = "tests/contract/test_history.py", "tests/contract/test_pending_sessions.py"
GAPS = "tests/contract/test_gaps.py"

STORES = (
    left_out(
        "sqlite: of two texts the last stays", "§2.1", f"{HISTORY} -k sqlite", SQL,
        "), 0)\nON CONFLICT DO NOTHING;", "), 0)\nON CONFLICT DO UPDATE SET x = excluded.x;",
    ),
    left_out(
        "sqlite: an erased side is written to", "§2.2", f"{HISTORY} -k sqlite", SQL,
        "iif(erased >> ?2 & 1, '', ?6)", "?6",
    ),
    left_out(
        "sqlite: a chat ends twice", "M12", f"{HISTORY} -k sqlite", SQL,
        "SET ended = ?2 WHERE id = ?1 AND ended IS NULL;", "SET ended = ?2 WHERE id = ?1;",
    ),
    left_out(
        "sqlite: two who are kept apart are confirmed", "M5", f"{PENDING} -k sqlite",
        "citychat/adapters/sqlite/sessions.py",
        'if not found or transaction.rows("is_blocked", *sorted(found[0].members)):', "if not found:",
    ),
    left_out(
        "sqlite: a hole is not seen", "§2.5.1", f"{HISTORY} -k sqlite", "citychat/adapters/sqlite/messages.py",
        "if count != last or stream in gaps:", "if stream in gaps:",
    ),
    left_out(
        "sqlite: a gap counts as delivered", "§2.5.2", f"{HISTORY} -k sqlite", SQL,
        "n BETWEEN ?4 AND ?5 AND k IS NOT 'gap' AND", "n BETWEEN ?4 AND ?5 AND",
    ),
    left_out(
        "sqlite: a gap stands against its message", "§2.5.2", f"{GAPS} -k sqlite",
        "citychat/adapters/sqlite/messages.py", "if _fill(transaction, m))", "if False)",
    ),
    left_out(
        "sqlite: a message is kept in a gap", "§2.5.2", f"{GAPS} -k sqlite", SQL,
        "AND k = 'gap' AND n <= ?4\n", "AND k = 'gap' AND n = ?4\n",
    ),
    left_out(
        "sqlite: only who said no is kept apart", "M5", f"{HISTORY} -k sqlite", SQL,
        "SELECT b FROM barred WHERE a = ?1 UNION SELECT a FROM barred WHERE b = ?1;",
        "SELECT b FROM barred WHERE a = ?1;",
    ),
    left_out(
        "sqlite: a mailbox without an end", "§2.1", "tests/contract/test_mailbox.py -k sqlite",
        "citychat/adapters/sqlite/mailbox.py", "if ready + len(rows) > READY_MAX:", "if False:",
    ),
    left_out(
        "sqlite: mail that was acked comes again", "§2.2", "tests/contract/test_mailbox.py -k sqlite", SQL,
        "DELETE FROM mail WHERE id = ?;", "DELETE FROM mail WHERE id = -?;",
    ),
    left_out(
        "mongo: a chat ends twice", "M12", f"{HISTORY} -k mongo", f"{MONGO}/sessions.py",
        '{"_id": session_id, "ended": None}, {"$set": {"ended": at}}', '{"_id": session_id}, {"$set": {"ended": at}}',
        "mongo",
    ),
    left_out(
        "mongo: two who are kept apart are confirmed", "M5", f"{PENDING} -k mongo", f"{MONGO}/sessions.py",
        "if session is None or await self._is_blocked(session):", "if session is None:", "mongo",
    ),
    left_out(
        "mongo: a gap counts as delivered", "§2.5.2", f"{HISTORY} -k mongo", f"{MONGO}/messages.py",
        ', "st": text(stream), "k": {"$ne": "gap"}}', ', "st": text(stream)}', "mongo",
    ),
    left_out(
        "mongo: a gap stands against its message", "§2.5.2", f"{GAPS} -k mongo", f"{MONGO}/messages.py",
        "            if document[\"_id\"] in late:", "            if False:", "mongo",
    ),
    left_out(
        "mongo: an erased side is written to", "§2.2", f"{HISTORY} -k mongo", f"{MONGO}/documents.py",
        '({"x": ""} if message.side in self.erased else {})', "{}", "mongo",
    ),
    left_out(
        "mongo: a hole is not seen", "§2.5.1", f"{HISTORY} -k mongo", f"{MONGO}/messages.py",
        "if ends[stream] != [counts[stream]] or stream in gaps:", "if stream in gaps:", "mongo",
    ),
)  # fmt: skip
