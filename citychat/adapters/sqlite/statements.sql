-- The embedded store. A block starts with its name; blocks migration_1, migration_2, ... are the schema and its changes,
-- never edited once released. Whole messages are always read as: s, side, st, n, l, x, at, p_st, p_n, k, and upto where
-- there may be gaps.

-- migration_1 --
CREATE TABLE messages (
    s TEXT NOT NULL, side INTEGER NOT NULL, st TEXT NOT NULL, n INTEGER NOT NULL,
    l INTEGER NOT NULL, x TEXT NOT NULL, at INTEGER NOT NULL, p_st TEXT, p_n INTEGER, k TEXT
) STRICT;
CREATE UNIQUE INDEX messages_by_key ON messages (s, side, st, n);
CREATE INDEX messages_in_order ON messages (s, l, side, st, n);

-- Texts of guests who erased themselves: 72 h for the evidence of a report, then gone.
CREATE TABLE erased (
    s TEXT NOT NULL, side INTEGER NOT NULL, st TEXT NOT NULL, n INTEGER NOT NULL,
    x TEXT NOT NULL, since INTEGER NOT NULL,
    PRIMARY KEY (s, side, st, n)
) STRICT;
CREATE INDEX erased_since ON erased (since);

-- AUTOINCREMENT: an id is never given twice, or a consumer that has passed it would never see the second one.
CREATE TABLE mail (
    id INTEGER PRIMARY KEY AUTOINCREMENT, guest TEXT NOT NULL, kept INTEGER NOT NULL,
    s TEXT NOT NULL, side INTEGER NOT NULL, st TEXT NOT NULL, n INTEGER NOT NULL,
    l INTEGER NOT NULL, x TEXT NOT NULL, at INTEGER NOT NULL, p_st TEXT, p_n INTEGER, k TEXT
) STRICT;
CREATE INDEX mail_of_guest ON mail (guest, id);
CREATE INDEX mail_kept ON mail (kept);

-- body: the guest as JSON, so that a new field needs no new column.
CREATE TABLE guests (id TEXT PRIMARY KEY, seen INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX guests_seen ON guests (seen);

-- members, aliases: JSON arrays. erased: bit i stands for the texts of side i.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY, members TEXT NOT NULL, aliases TEXT NOT NULL, city TEXT NOT NULL,
    started INTEGER NOT NULL, expires INTEGER NOT NULL, ended INTEGER, erased INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX sessions_expires ON sessions (expires);
CREATE INDEX sessions_running ON sessions (started) WHERE ended IS NULL;
CREATE TABLE members (guest TEXT NOT NULL, s TEXT NOT NULL, PRIMARY KEY (guest, s)) STRICT, WITHOUT ROWID;
CREATE INDEX members_of_session ON members (s);

-- One row a pair, the smaller id first.
CREATE TABLE barred (a TEXT NOT NULL, b TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (a, b)) STRICT, WITHOUT ROWID;
CREATE INDEX barred_other ON barred (b);

CREATE TABLE shuns (
    guest TEXT NOT NULL, network TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (guest, network, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX shuns_at ON shuns (at);

-- networks: a JSON array. evidence: a JSON array of messages, copied when the report came.
CREATE TABLE reports (
    code TEXT PRIMARY KEY, s TEXT NOT NULL, reporter TEXT NOT NULL, accused TEXT NOT NULL,
    reason TEXT NOT NULL, note TEXT NOT NULL, at INTEGER NOT NULL, networks TEXT NOT NULL, evidence TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'acted', 'none')),
    UNIQUE (s, reporter)
) STRICT;
CREATE INDEX reports_accused ON reports (accused, at);

CREATE TABLE pauses (guest TEXT PRIMARY KEY, until INTEGER NOT NULL, reason TEXT NOT NULL) STRICT;
CREATE TABLE wishes (s TEXT NOT NULL, guest TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (s, guest)) STRICT;

-- migration_2 --
-- The time by which mail grows old (mail.kept): it goes on only while a server runs, and no step of a clock moves it.
CREATE TABLE mail_time (id INTEGER PRIMARY KEY CHECK (id = 1), now INTEGER NOT NULL) STRICT;

-- migration_3 --
-- A gap may stand for n and all numbers up to upto. No two overlap.
ALTER TABLE messages ADD COLUMN upto INTEGER;
CREATE INDEX messages_gaps ON messages (s, side, st, n, upto) WHERE k = 'gap';

-- after_end: 1 where the session had ended when the message was kept. Of rows of before nobody knows.
ALTER TABLE messages ADD COLUMN after_end INTEGER;

-- One row a network, of the last time: people are blocked again and again.
CREATE TABLE avoided (
    guest TEXT NOT NULL, network TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (guest, network)
) STRICT, WITHOUT ROWID;
INSERT INTO avoided SELECT guest, network, max(at) FROM shuns GROUP BY guest, network;
DROP TABLE shuns;
ALTER TABLE avoided RENAME TO shuns;
CREATE INDEX shuns_at ON shuns (at);

-- pauses.guest may be "network:" and a mark: the pause of a network's new guests.
-- counts: whether the rule of three may count it. Those of before do.
ALTER TABLE reports ADD COLUMN counts INTEGER NOT NULL DEFAULT 1;

-- Who has reported when: a row for the reporter of a report, and one for each mark of the network it came from.
CREATE TABLE reporters (
    name TEXT NOT NULL, at INTEGER NOT NULL, code TEXT NOT NULL, PRIMARY KEY (name, at, code)
) STRICT, WITHOUT ROWID;
CREATE INDEX reporters_at ON reporters (at);

-- Guests who erased themselves: their tokens make nobody again. networks: a JSON array, for a day.
CREATE TABLE erased_guests (guest TEXT PRIMARY KEY, at INTEGER NOT NULL, networks TEXT NOT NULL) STRICT;
CREATE INDEX erased_guests_at ON erased_guests (at);

-- Until then a place had the guest's square of 2 km. Its district is that of its city until the guest comes again.
UPDATE guests SET body = json_set(json_remove(body, '$.place.cell'), '$.place.district', json('[0,0]'))
WHERE json_type(body, '$.place.cell') IS NOT NULL;

-- migration_4 --
-- What the host has decided of a report. side: of the accused; rule, words: why; held: kept until then whatever was
-- decided; goes: when the row is deleted, NULL while it is open.
ALTER TABLE reports ADD COLUMN side INTEGER;
ALTER TABLE reports ADD COLUMN rule TEXT NOT NULL DEFAULT '';
ALTER TABLE reports ADD COLUMN words TEXT NOT NULL DEFAULT '';
ALTER TABLE reports ADD COLUMN closed INTEGER;
ALTER TABLE reports ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
ALTER TABLE reports ADD COLUMN goes INTEGER;
CREATE INDEX reports_goes ON reports (goes);
-- told: whether the host was told that it came.
ALTER TABLE reports ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
CREATE INDEX reports_untold ON reports (at) WHERE goes IS NULL AND told = 0;
UPDATE reports SET side = (
    SELECT json_each.key FROM sessions, json_each(sessions.members)
    WHERE sessions.id = reports.s AND json_each.value = reports.accused
);

-- at: when the guest was paused; NULL for a network.
ALTER TABLE pauses ADD COLUMN at INTEGER;
CREATE INDEX pauses_at ON pauses (at) WHERE at IS NOT NULL;

-- What the host has seen and done. Rows are added; the oldest go by a row that says so.
CREATE TABLE trail (
    n INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, act TEXT NOT NULL, code TEXT NOT NULL,
    words TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER trail_stands BEFORE UPDATE ON trail BEGIN
    SELECT RAISE(ABORT, 'the trail is only added to');
END;
CREATE TRIGGER trail_stays BEFORE DELETE ON trail
WHEN OLD.n > (SELECT coalesce(max(CAST(code AS INTEGER)), 0) FROM trail WHERE act = 'forgot') BEGIN
    SELECT RAISE(ABORT, 'the trail is only added to');
END;

-- What holds for the whole site: name is "closed", or "turn:" and what somebody has a turn at.
CREATE TABLE house (name TEXT PRIMARY KEY, words TEXT NOT NULL, until INTEGER NOT NULL) STRICT;

-- migration_5 --
-- What the accused objects, once paused, and the host answers; lifted: when the pause was ended before its time.
ALTER TABLE reports ADD COLUMN objection TEXT NOT NULL DEFAULT '';
ALTER TABLE reports ADD COLUMN objected INTEGER;
ALTER TABLE reports ADD COLUMN answer TEXT NOT NULL DEFAULT '';
ALTER TABLE reports ADD COLUMN answered INTEGER;
ALTER TABLE reports ADD COLUMN lifted INTEGER;
CREATE INDEX reports_objected ON reports (objected) WHERE answered IS NULL AND lifted IS NULL;

-- rule: the broken one, '' where the rule of three has paused; code: of the report it stands on; lifted: when the host
-- has ended it, kept to be told.
ALTER TABLE pauses ADD COLUMN rule TEXT NOT NULL DEFAULT '';
ALTER TABLE pauses ADD COLUMN code TEXT NOT NULL DEFAULT '';
ALTER TABLE pauses ADD COLUMN lifted INTEGER;

-- migration_6 --
-- goes: when the pair is looked at again; both are there until one of their rows goes (rules.bar_goes). Who of before has
-- a token of 30 days still may have lost the row. The clock may be wrong just now, and behind what is written down.
ALTER TABLE barred ADD COLUMN goes INTEGER NOT NULL DEFAULT 253402300799000;
UPDATE barred SET goes = 2592300000 + max(
    at, CAST(strftime('%s', 'now') AS INTEGER) * 1000, coalesce((SELECT max(seen) FROM guests), 0)
);
CREATE INDEX barred_goes ON barred (goes);

-- migration_7 --
-- Who is to be told once that somebody is in their city (ports.AskedSign); endpoint leads to a browser.
CREATE TABLE signs (
    guest TEXT PRIMARY KEY, endpoint TEXT NOT NULL, key TEXT NOT NULL, pool TEXT NOT NULL, since INTEGER NOT NULL,
    until INTEGER NOT NULL, hidden INTEGER NOT NULL
) STRICT;
CREATE INDEX signs_until ON signs (until);

-- mail_now --
SELECT max(coalesce((SELECT now FROM mail_time), 0), coalesce((SELECT max(kept) FROM mail), 0));

-- mail_note_now --
INSERT INTO mail_time (id, now) VALUES (1, ?1) ON CONFLICT DO UPDATE SET now = max(now, excluded.now);

-- mail_touch_now --
-- There and back in one transaction has the page written: SQLite writes none for a value that stays what it was.
INSERT INTO mail_time (id, now) VALUES (1, 0) ON CONFLICT DO UPDATE SET now = now + ?1;

-- mail_ready --
SELECT count(*) FROM mail WHERE guest = ?1 AND id > ?2 AND kept > ?3;

-- mail_waiting --
SELECT count(*) FROM mail WHERE kept > ?;

-- mail_put --
INSERT INTO mail (guest, kept, s, side, st, n, l, x, at, p_st, p_n, k) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- mail_next --
SELECT id, s, side, st, n, l, x, at, p_st, p_n, k FROM mail
WHERE guest = ?1 AND id > ?2 AND kept > ?3 ORDER BY id LIMIT ?4;

-- mail_last --
SELECT id FROM mail WHERE guest = ?1 AND kept > ?2 ORDER BY id DESC LIMIT 1;

-- mail_drop --
DELETE FROM mail WHERE id = ?;

-- mail_blank --
UPDATE mail SET x = '' WHERE guest = ?1 AND s = ?2 AND side = ?3;

-- mail_expire --
DELETE FROM mail WHERE id IN (SELECT id FROM mail WHERE kept <= ?1 LIMIT 1000);

-- add --
-- A side that was erased stays blank, also for a message that was on its way meanwhile. A session that was deleted
-- keeps nothing. The last gap that begins before a number says whether it is in one.
INSERT INTO messages (s, side, st, n, l, x, at, p_st, p_n, k, upto, after_end)
SELECT ?1, ?2, ?3, ?4, ?5, iif(erased >> ?2 & 1, '', ?6), ?7, ?8, ?9, ?10, ?11, iif(ended > 0, 1, NULL) FROM sessions
WHERE id = ?1 AND ?4 > coalesce((
    SELECT coalesce(upto, n) FROM messages WHERE s = ?1 AND side = ?2 AND st = ?3 AND k = 'gap' AND n <= ?4
    ORDER BY n DESC LIMIT 1
), 0)
ON CONFLICT DO NOTHING;

-- gap_over --
SELECT s, side, st, n, l, x, at, p_st, p_n, k, upto FROM messages
WHERE s = ?1 AND side = ?2 AND st = ?3 AND k = 'gap' AND n <= ?4 AND coalesce(upto, n) >= ?4 ORDER BY n DESC LIMIT 1;

-- drop_gap --
DELETE FROM messages WHERE s = ?1 AND side = ?2 AND st = ?3 AND n = ?4 AND k = 'gap';

-- messages_at --
SELECT s, side, st, n, l, x, at, p_st, p_n, k, upto FROM messages
WHERE s = ?1 AND side = ?2 AND st = ?3 AND n BETWEEN ?4 AND ?5 AND k IS NOT 'gap' ORDER BY n;

-- page_newest --
-- Without what its sender (?2, NULL for nobody) must not learn.
SELECT s, side, st, n, l, x, at, p_st, p_n, k, upto FROM messages
WHERE s = ?1 AND (side IS NOT ?2 OR (after_end IS NULL AND k IS NOT 'gap'))
ORDER BY l DESC, side DESC, st DESC, n DESC LIMIT ?3;

-- page_before --
SELECT s, side, st, n, l, x, at, p_st, p_n, k, upto FROM messages
WHERE s = ?1 AND (side IS NOT ?2 OR (after_end IS NULL AND k IS NOT 'gap')) AND (l, side, st, n) < (?4, ?5, ?6, ?7)
ORDER BY l DESC, side DESC, st DESC, n DESC LIMIT ?3;

-- streams --
-- count = last: a stream without a hole and without a gap of several, answered from the index alone.
SELECT st, count(*), max(n) FROM messages WHERE s = ?1 AND side = ?2 GROUP BY st ORDER BY st;

-- link --
SELECT p_st, p_n FROM messages WHERE s = ?1 AND side = ?2 AND st = ?3 AND n = 1 AND p_st IS NOT NULL;

-- numbers --
SELECT n FROM messages WHERE s = ?1 AND side = ?2 AND st = ?3 AND n BETWEEN ?4 AND ?5;

-- gaps --
SELECT st, n, coalesce(upto, n) FROM messages WHERE s = ?1 AND side = ?2 AND k = 'gap';

-- gaps_between --
SELECT n, coalesce(upto, n) FROM messages
WHERE s = ?1 AND side = ?2 AND st = ?3 AND k = 'gap' AND n BETWEEN ?4 AND ?5;

-- beyond --
SELECT s, side, st, n, l, x, at, p_st, p_n, k, upto FROM messages
WHERE s = ?1 AND side = ?2 AND st = ?3 AND n > ?4 ORDER BY n;

-- held --
SELECT n FROM messages
WHERE s = ?1 AND side = ?2 AND st = ?3 AND n BETWEEN ?4 AND ?5 AND k IS NOT 'gap' AND after_end IS NULL;

-- guest --
SELECT body FROM guests WHERE id = ?;

-- guest_seen --
SELECT seen FROM guests WHERE id = ?;

-- newest_seen --
SELECT coalesce(max(seen), 0) FROM guests;

-- keep_guest --
INSERT INTO guests (id, seen, body) SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM erased_guests WHERE guest = ?1)
ON CONFLICT DO UPDATE SET seen = excluded.seen, body = excluded.body;

-- drop_guest --
DELETE FROM guests WHERE id = ?;

-- erase_guest --
INSERT INTO erased_guests (guest, at, networks) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- is_erased --
SELECT 1 FROM erased_guests WHERE guest = ?1 AND at > ?2;

-- networks_of_erased --
SELECT networks FROM erased_guests WHERE guest = ?1 AND at > ?2;

-- begin --
INSERT INTO sessions (id, members, aliases, city, started, expires, ended, erased) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- begin_member --
INSERT INTO members (guest, s) VALUES (?, ?) ON CONFLICT DO NOTHING;

-- drop_session --
DELETE FROM sessions WHERE id = ?;

-- drop_members --
DELETE FROM members WHERE s = ?;

-- confirm --
UPDATE sessions SET ended = NULL, started = ?2, expires = ?3 WHERE id = ?1;

-- last_started --
SELECT coalesce(max(started), 0) FROM sessions
WHERE ended IS NOT 0 AND id IN (SELECT s FROM members WHERE guest IN (?1, ?2));

-- end --
UPDATE sessions SET ended = ?2 WHERE id = ?1 AND ended IS NULL;

-- is_pending --
SELECT 1 FROM sessions WHERE id = ? AND ended = 0;

-- session --
SELECT id, members, aliases, city, started, expires, ended, erased FROM sessions WHERE id = ?;

-- sessions --
SELECT id, members, aliases, city, started, expires, ended, erased FROM sessions
WHERE ended IS NOT 0 AND id IN (SELECT s FROM members WHERE guest = ?) ORDER BY started DESC, id DESC;

-- newest_sessions --
SELECT id, members, aliases, city, started, expires, ended, erased FROM sessions
WHERE ended IS NOT 0 AND id IN (SELECT s FROM members WHERE guest = ?1) AND (started, id) < (?2, ?3)
ORDER BY started DESC, id DESC LIMIT ?4;

-- running_sessions --
SELECT id, members, aliases, city, started, expires, ended, erased FROM sessions
WHERE id IN (SELECT s FROM members WHERE guest = ?1) AND ended IS NULL ORDER BY started DESC, id DESC;

-- chats_of_pair --
SELECT count(*) FROM sessions WHERE ended IS NOT 0 AND started > ?3
    AND id IN (SELECT s FROM members WHERE guest = ?1) AND id IN (SELECT s FROM members WHERE guest = ?2);

-- pending_sessions --
SELECT id FROM sessions WHERE ended = 0 AND id IN (SELECT s FROM members WHERE guest = ?);

-- idle --
-- Those that may be, each with when the last of its members was seen.
SELECT id, members, aliases, city, started, expires, ended, erased, (
    SELECT coalesce(max(guests.seen), 0) FROM members JOIN guests ON guests.id = members.guest
    WHERE members.s = sessions.id
) FROM sessions WHERE ended IS NULL AND started < ?1 ORDER BY started, id;

-- block --
INSERT INTO barred (a, b, at, goes) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING;

-- bars_of_who_goes --
UPDATE barred SET goes = ?2 WHERE a = ?1 OR b = ?1;

-- bars_to_look_at --
-- With whether both are there.
SELECT a, b, EXISTS (SELECT 1 FROM guests WHERE id = a) AND EXISTS (SELECT 1 FROM guests WHERE id = b)
FROM barred WHERE goes <= ?1 LIMIT ?2;

-- bar_stays --
UPDATE barred SET goes = ?3 WHERE a = ?1 AND b = ?2;

-- drop_bar --
DELETE FROM barred WHERE a = ? AND b = ?;

-- is_blocked --
SELECT 1 FROM barred WHERE a = ? AND b = ?;

-- blocked --
SELECT b FROM barred WHERE a = ?1 UNION SELECT a FROM barred WHERE b = ?1;

-- avoid_network --
INSERT INTO shuns (guest, network, at) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET at = max(at, excluded.at);

-- avoided_networks --
SELECT network, at FROM shuns WHERE guest = ?1 AND at > ?2;

-- met --
SELECT other.guest FROM members AS mine JOIN members AS other ON other.s = mine.s AND other.guest <> mine.guest
JOIN sessions ON sessions.id = mine.s
WHERE mine.guest = ?1 AND sessions.ended IS NOT 0 GROUP BY other.guest ORDER BY max(sessions.started) DESC LIMIT ?2;

-- drop_avoided_networks --
DELETE FROM shuns WHERE guest = ?;

-- reported --
SELECT code FROM reports WHERE s = ? AND reporter = ?;

-- evidence --
SELECT m.s, m.side, m.st, m.n, m.l, coalesce(e.x, m.x), m.at, m.p_st, m.p_n, m.k
FROM messages AS m LEFT JOIN erased AS e ON (e.s, e.side, e.st, e.n) = (m.s, m.side, m.st, m.n) AND e.since > ?2
WHERE m.s = ?1 AND m.k IS NOT 'gap' ORDER BY m.l DESC, m.side DESC, m.st DESC, m.n DESC LIMIT ?3;

-- has_written --
SELECT 1 FROM messages WHERE s = ?1 AND side = ?2 AND k IS NOT 'gap' LIMIT 1;

-- report --
INSERT INTO reports (code, s, reporter, accused, reason, note, at, networks, evidence, counts, side)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- report_by --
INSERT INTO reporters (name, at, code) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- reports_by --
SELECT code, at FROM reporters WHERE name = ?1 AND at > ?2 AND at < ?3 ORDER BY at DESC LIMIT ?4;

-- report_counts_not --
UPDATE reports SET counts = 0 WHERE code = ?;

-- recent_reports --
SELECT code, reporter, at, networks FROM reports
WHERE accused = ?1 AND at > ?2 AND at < ?3 AND counts ORDER BY at DESC LIMIT ?4;

-- reports_open --
SELECT count(*) FROM reports
WHERE goes IS NULL OR (objected IS NOT NULL AND answered IS NULL AND lifted IS NULL);

-- reports_objected --
SELECT count(*) FROM reports WHERE objected IS NOT NULL AND answered IS NULL AND lifted IS NULL;

-- reports_untold --
SELECT code, reason FROM reports WHERE goes IS NULL AND told = 0 ORDER BY at LIMIT ?;

-- report_told --
UPDATE reports SET told = 1 WHERE code = ?;

-- report_state --
SELECT state, closed, held, objected, lifted FROM reports WHERE code = ?;

-- cases --
SELECT code, s, reporter, accused, reason, note, at, side, counts, state, rule, words, closed, held, goes, objection,
    objected, answer, answered, lifted
FROM reports ORDER BY at, code;

-- evidence_of --
SELECT evidence FROM reports WHERE code = ?;

-- decide --
-- What only the guest says, and when a pause was lifted, is not in it: both may have come meanwhile.
UPDATE reports SET state = ?2, rule = ?3, words = ?4, closed = ?5, held = ?6, goes = ?7, answer = ?8, answered = ?9
WHERE code = ?1;

-- object --
UPDATE reports SET objection = ?2, objected = ?3
WHERE objected IS NULL AND code = (SELECT code FROM pauses WHERE guest = ?1 AND until > ?3 AND lifted IS NULL);

-- add_trail --
INSERT INTO trail (n, at, who, act, code, words, hash) VALUES (?, ?, ?, ?, ?, ?, ?);

-- trail --
SELECT n, at, who, act, code, words, hash FROM trail ORDER BY n;

-- trail_first --
SELECT n, at, who, act, code, words, hash FROM trail ORDER BY n LIMIT 1;

-- trail_last --
SELECT n, at, who, act, code, words, hash FROM trail ORDER BY n DESC LIMIT 1;

-- trail_before --
-- The last of those of then and before; the numbers are in the order of time, but for a clock that was set.
SELECT n, at, who, act, code, words, hash FROM trail WHERE at <= ? ORDER BY n DESC LIMIT 1;

-- pause --
INSERT INTO pauses (guest, until, reason, at, rule, code) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT DO UPDATE SET until = excluded.until, reason = excluded.reason, at = excluded.at, rule = excluded.rule,
    code = excluded.code, lifted = NULL
WHERE excluded.until > until OR lifted IS NOT NULL;

-- sanction --
INSERT OR REPLACE INTO pauses (guest, until, reason, at, rule, code) VALUES (?, ?, ?, ?, ?, ?);

-- sanction_again --
UPDATE reports SET lifted = NULL WHERE code = ?;

-- sanctions --
SELECT p.guest, p.until, p.reason, p.rule, r.s, r.reporter, r.objection, r.answer
FROM pauses AS p LEFT JOIN reports AS r ON r.code = p.code WHERE p.at > ?1 AND p.until > ?2 AND p.lifted IS NULL;

-- lift --
UPDATE pauses SET lifted = ?2, until = ?3 WHERE guest = ?1;

-- lift_cases --
-- The one of the pause, and the one it is lifted by.
UPDATE reports SET lifted = ?2 WHERE code IN (?3, (SELECT code FROM pauses WHERE guest = ?1));

-- lift_network --
DELETE FROM pauses WHERE guest = ?;

-- paused --
SELECT p.until, p.reason, p.rule, r.s, r.reporter, r.objection, r.answer
FROM pauses AS p LEFT JOIN reports AS r ON r.code = p.code WHERE p.guest = ?1 AND p.until > ?2 AND p.lifted IS NULL;

-- lifted --
-- One that never began (at) is a warning.
SELECT p.lifted, coalesce(r.answer, ''), iif(p.at IS NULL, p.rule, ''), iif(p.at IS NULL, p.reason, '')
FROM pauses AS p LEFT JOIN reports AS r ON r.code = p.code WHERE p.guest = ?1 AND p.until > ?2 AND p.lifted NOT NULL;

-- house --
SELECT words, until FROM house WHERE name = ? AND until > ?;

-- keep_house --
INSERT INTO house (name, words, until) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET words = excluded.words, until = excluded.until;

-- take_turn --
INSERT INTO house (name, words, until) VALUES (?1, ?2, ?3)
ON CONFLICT DO UPDATE SET words = excluded.words, until = excluded.until WHERE until <= ?4 OR words = excluded.words;

-- sign --
SELECT guest, endpoint, key, pool, since, until, hidden FROM signs WHERE guest = ?1 AND until > ?2;

-- signs --
SELECT guest, endpoint, key, pool, since, until, hidden FROM signs WHERE key = ? ORDER BY since, guest;

-- keep_sign --
INSERT INTO signs (guest, endpoint, key, pool, since, until, hidden)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE (SELECT count(*) FROM signs) < ?8;

-- note_sign --
UPDATE signs SET pool = ?2, hidden = ?3 WHERE guest = ?1;

-- drop_sign --
DELETE FROM signs WHERE guest = ?;

-- take_sign --
DELETE FROM signs WHERE guest = ?1 AND endpoint = ?2 AND since = ?3;

-- expire_signs --
DELETE FROM signs WHERE until <= ?;

-- drop_house --
DELETE FROM house WHERE name = ?;

-- wished --
SELECT at FROM wishes WHERE s = ?1 AND guest <> ?2 AND at > ?3;

-- wish --
INSERT INTO wishes (s, guest, at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at;

-- drop_wishes --
DELETE FROM wishes WHERE s = ?;

-- drop_wishes_of_guest --
DELETE FROM wishes WHERE guest = ?;

-- erase_copy --
INSERT INTO erased (s, side, st, n, x, since)
SELECT s, side, st, n, x, ?3 FROM messages WHERE s = ?1 AND side = ?2 AND x <> ''
ON CONFLICT DO NOTHING;

-- erase_texts --
UPDATE messages SET x = '' WHERE s = ?1 AND side = ?2 AND x <> '';

-- erase_session --
UPDATE sessions SET erased = erased | (1 << ?2), ended = coalesce(ended, ?3) WHERE id = ?1;

-- shorten_sessions --
-- Those begun while their host kept chats for longer.
UPDATE sessions SET expires = started + ?1 WHERE id IN (SELECT id FROM sessions WHERE expires > started + ?1 LIMIT ?2);

-- expired_session --
SELECT id FROM sessions WHERE expires <= ? LIMIT 1;

-- expire_messages --
DELETE FROM messages WHERE rowid IN (SELECT rowid FROM messages WHERE s = ?1 LIMIT ?2);

-- drop_erased --
DELETE FROM erased WHERE s = ?;

-- expire_erased --
DELETE FROM erased WHERE rowid IN (SELECT rowid FROM erased WHERE since <= ?1 LIMIT ?2);

-- expire_avoided_networks --
DELETE FROM shuns WHERE at <= ?;

-- expire_reporters --
DELETE FROM reporters WHERE at <= ?;

-- expire_erased_guests --
DELETE FROM erased_guests WHERE at <= ?;

-- expire_networks_of_erased --
UPDATE erased_guests SET networks = '[]' WHERE at <= ? AND networks <> '[]';

-- expire_wishes --
DELETE FROM wishes WHERE at <= ?;

-- expire_pauses --
DELETE FROM pauses WHERE until <= ?;

-- expire_reports --
DELETE FROM reports WHERE goes <= ?;

-- expire_house --
DELETE FROM house WHERE until <= ?;

-- expire_trail --
DELETE FROM trail WHERE n <= ?;

-- unseen_guests --
-- Never shorter than their history: a guest of a session that is kept stays.
SELECT id FROM guests WHERE seen <= ?1 AND NOT EXISTS (SELECT 1 FROM members WHERE members.guest = guests.id) LIMIT ?2;

-- contents --
SELECT (SELECT count(*) FROM guests), (SELECT count(*) FROM sessions), (SELECT count(*) FROM messages),
    (SELECT count(*) FROM mail);
