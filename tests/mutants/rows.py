"""The mutants: one row each, with the rule that is left out and the world in which that is noticed.

``world`` is one of the simulation (tests/simulation/run.py), or the arguments of pytest: a suite, where no world
reaches the layer. The history of the simulation is its own, so SQLite and MongoDB have their suites; MongoDB's needs
its server. The edge is not simulated, and has its suites over real sockets.
"""

from tests.mutants.controls import mutants_of
from tests.mutants.mutant_row import Mutant, left_out
from tests.mutants.rows_of_stores import MONGO, SQL, STORES
from tests.mutants.rows_of_wishes import WISHED
from tests.mutants.threats import THREATS
from tests.support.mutation import Change

SEEDS = 300  # of its world, within which a mutant has to be noticed

DELIVERY, MATCHING, JOINING = "citychat/delivery", "citychat/matching", "citychat/joining"
LOBBY, STATE = "citychat/adapters/memory/lobby.py", "citychat/adapters/memory/lobby_state.py"
GUEST, LUA = "citychat/adapters/memory/lobby_guest.py", "citychat/adapters/redis/lobby.lua"
SESSIONS = "tests/contract/test_lobby_sessions.py"
LETDOWNS, CROWDS = "tests/contract/test_lobby_letdowns.py", "tests/contract/test_lobby_crowds.py"
CANDIDATES = "tests/contract/test_lobby_candidates.py"
LOBBIES = f"tests/contract/test_lobby.py tests/contract/test_lobby_late_no.py {SESSIONS}"


DELIVERED = (
    left_out(
        "no fence", "§2.5.3", "windows", f"{DELIVERY}/history_writer.py", "if newest == recipient.epoch:", "if True:"
    ),
    left_out(
        "no hold", "§2.5.2", "holes", f"{DELIVERY}/receiver.py",
        "if message.number != stream.sent + 1 or stream.skipping or", "if message.number <= stream.sent or",
    ),
    left_out(
        "a stream without its link", "§2.1", "holes", f"{DELIVERY}/receiver.py",
        "return message.number > 1 or self._is_reached(message.previous)", "return True",
    ),
    left_out(
        "the mailbox is acked before the commit", "§2.2", "forgetful", f"{DELIVERY}/endpoint.py",
        "        if not self.shared.writer.add(self, message):",
        "        self.inbox.forget(*self.receiver.take_tags([message.key]))\n"
        "        if not self.shared.writer.add(self, message):",
    ),
    left_out(
        "a receipt before the commit", "§2.5.3", "embedded", f"{DELIVERY}/endpoint.py",
        "        if not self.shared.writer.add(self, message):",
        "        self.settled([message], [], [])\n        if not self.shared.writer.add(self, message):",
    ),
    left_out(
        "a tick without the mailbox's word", "§2.1", "services", f"{DELIVERY}/sender.py",
        "if not ok and not self.over:", "ok = True\n        if False:",
    ),
    left_out(
        "what the mailbox refused is not tried again", "§2.4.3", "tests/unit/delivery/test_sender.py",
        f"{DELIVERY}/sender.py",
        "        if self.pending:\n            self._retry = ", "        if False:\n            self._retry = ",
    ),
    left_out(
        "a batch that was too much is tried again whole", "§2.5.3", "tests/unit/delivery/test_history_writer.py",
        f"{DELIVERY}/history_writer.py", "                self._batch_rows = max(len(batch) // 2, 1)\n", "",
    ),
    left_out(
        "what was drawn already heals no receipt", "§2.5.2", "embedded", f"{DELIVERY}/receiver.py",
        "self.to_history(message)  # heals", "pass  #",
    ),
    left_out(
        "a hole is given up after a second", "§2.5.2", "holes", f"{DELIVERY}/endpoint.py",
        "GAP_S, GAP_AFTER_A_DAY_S, BUSY_MS = 60.0, 5.0, 1_000", "GAP_S, GAP_AFTER_A_DAY_S, BUSY_MS = 1.0, 1.0, 1_000",
    ),
    left_out(
        "a gap over what waits in the mailbox", "§2.5.2", "returns", f"{DELIVERY}/endpoint.py",
        "if not await self.inbox.is_read():", "if False:",
    ),
    left_out(
        "a line is drawn over what came while its gap was written", "§2.5.2", "lates", f"{DELIVERY}/receiver.py",
        "missing(gap.number, gap.last, [(number, number) for number in stream.held])", "[(gap.number, gap.last)]",
    ),
    left_out(
        "a page is not told what takes the place of its gap", "§2.5.2", "lates", f"{DELIVERY}/endpoint.py",
        "        for message in late:\n", "        for message in late[:0]:\n",
    ),
    left_out(
        "what comes for a line that is under way is dropped", "§2.5.2", "tests/unit/delivery/test_filled_gaps.py",
        f"{DELIVERY}/receiver.py", "return given.kind == \"gap\" if given is not None else", "return False and",
    ),
    left_out(
        "a page starts its streams from nothing", "§2.5.1", "tests/unit/delivery/test_endpoint.py",
        f"{DELIVERY}/endpoint.py",
        "self.receiver.start(seen, session.id, known.lost)", "self.receiver.start({}, session.id, known.lost)",
    ),
    left_out(
        "what links to words in the mailbox is drawn before them", "§2.5.1", "tests/unit/delivery/test_links.py",
        f"{DELIVERY}/transcript.py", "seen[stream] = reached[stream] = 0\n", "reached[stream] = 0\n",
    ),
    left_out(
        "a half-open page is left open", "§2.5.4", "tests/unit/delivery/test_receiver.py", f"{DELIVERY}/receiver.py",
        "            self.half_open()\n", "            pass\n",
    ),
    left_out(
        "a lobby that forgot fences the page", "§2.5.3", "tests/unit/delivery/test_history_writer.py",
        f"{DELIVERY}/history_writer.py", "if newest < recipient.epoch and not recipient.closed:", "if False:",
    ),
    left_out(
        "mongo: one server's word for a write is enough", "§2.7", "fail over", f"{MONGO}/connection.py",
        'WRITES_OF_A_SET = WriteConcern(w="majority"', "WRITES_OF_A_SET = WriteConcern(w=1",
    ),
    left_out(
        "mongo: what one server alone has is read", "§2.7", "fail over", f"{MONGO}/connection.py",
        'READS_OF_A_SET = ReadConcern("majority")', 'READS_OF_A_SET = ReadConcern("local")',
    ),
    left_out(
        "a window that comes back goes on as if no other had written", "§2.3",
        "tests/unit/client/test_stored_values.py", "citychat/client/outbox.py",
        "if (last := self.entries.last(self.running)) and last[0] != self.stream:", "if False:",
    ),
    left_out(
        "a browser without storage is not told of", "§2.3", "tests/unit/client/test_stored_values.py",
        "citychat/static/storage.js", '    if (!this.#area) this.trouble = "none";\n', "",
    ),
    left_out("a requeue is lost", "§2.7", "services", "tests/simulation/engines.py",
        "                insort(queue.ready, entry)\n", "                pass\n"),
)  # fmt: skip

JOINED = (
    left_out(
        "of two joins the slower one wins", "§2.5.1", "tests/unit/joining/test_overlapping_joins.py",
        "citychat/registry/registry.py", "if self._newest.get(guest, 0) > epoch:", "if False:",
    ),
    Mutant(
        "the join of a closed page goes on", "§2.5.1", "overlaps",
        (
            Change(f"{JOINING}/joining_page.py", "if not self.page.open or replaced or not newest:", "if replaced:"),
            Change(
                "citychat/registry/registry.py",
                "if not client.page.open or not self.is_newest(client.guest, client.epoch):", "if False:",
            ),
        ),
    ),
    left_out(
        "a page that goes takes the newer one's place along", "§2.5.1", "overlaps", "citychat/registry/registry.py",
        "        if not self.is_newest(guest, epoch):\n            return False\n        del self._newest[guest]\n",
        "        self._newest.pop(guest, None)\n",
    ),
    left_out(
        "who goes stays in the lobby", "M8", "tests/unit/joining/test_leaving.py", f"{MATCHING}/matching.py",
        "offer = await self.lobby.leave(guest, epoch)", "offer = None",
    ),
    left_out(
        "nobody is entered again", "§2.8", "few over services", f"{MATCHING}/lease.py",
        "        clients = list(self.registry)\n", "        clients: list[Client] = []\n",
    ),
    left_out(
        "a renewal's no is not heard", "§2.8", "few over services", f"{MATCHING}/lease.py",
        "not await self._is_known():\n            self.reenter_soon()", "not await self._is_known():\n            pass",
    ),
    left_out(
        "one is left in a chat that a lobby from before has", "M2", "few over services", f"{MATCHING}/resuming.py",
        "[*session.members, *(row.members if row else ())]", "session.members",
    ),
)  # fmt: skip

EARLIER = "tests/unit/matching/test_earlier_lobby.py"
AGAIN, REUNIONS = "tests/unit/matching/test_taken_up_again.py", "tests/unit/matching/test_reunions.py"

MATCHED = (
    left_out(
        "who was erased goes on", "§2.8", "tests/unit/matching/test_erasing.py", f"{MATCHING}/lease.py",
        "        if known.erased:\n", "        if False:\n",
    ),
    left_out(
        "only those wait that a join answer shows", "§2.5.1", "tests/unit/delivery/test_links.py",
        f"{DELIVERY}/transcript.py", "    while streams - {row", "    while False and streams - {row",
    ),
    left_out(
        "a bus that comes and goes has all read each time", "§2.8", "tests/unit/matching/test_after_a_cut.py",
        "citychat/tasks.py", "        if not self.running:\n", "        if True:\n",
    ),
    left_out(
        "an end that the history alone has stays there", "M12", "tests/unit/matching/test_durable.py",
        f"{MATCHING}/reconciler.py", "            await self._part_if_over(client)\n", "            pass\n",
    ),
    left_out(
        "a join looks once whether its guest was erased", "§2.5.1", "tests/unit/matching/test_erasing.py",
        f"{JOINING}/recovery.py", "        if not found.new and", "        if False and",
    ),
    left_out(
        "sqlite: the row of an erased guest comes back", "§2.8", "tests/contract/test_blame.py -k sqlite", SQL,
        "SELECT 1 FROM erased_guests WHERE guest = ?1)\n", "SELECT 1 FROM erased_guests WHERE guest = '')\n",
    ),
    left_out(
        "mongo: the row of an erased guest comes back", "§2.8", "tests/contract/test_blame.py -k mongo",
        f"{MONGO}/guests.py", "        if await self._erased(row.id, 0):\n", "        if False:\n", "mongo",
    ),
    left_out(
        "a yes begins a chat with who is erased", "M12", "tests/unit/matching/test_erasing.py",
        f"{MATCHING}/erasing.py", "        if session_id is not None:\n", "        if False:\n",
    ),
    left_out(
        "who is paused comes back by what a process remembers", "M12", "tests/unit/matching/test_sanctions.py",
        f"{JOINING}/joining.py", " and not client.shut_out", "",
    ),
    left_out(
        "a chat that was taken up again goes on", "M11", AGAIN, f"{MATCHING}/sessions.py",
        "            await self.tasks.retry(partial(self._end_again, session.id, session.members))\n", "",
    ),
    left_out(
        "two who are kept apart stay in a chat", "M5", AGAIN, f"{MATCHING}/moderation.py",
        "            await self.tasks.retry(partial(self._part_again, pair))\n", "",
    ),
    left_out(
        "an old wish brings its guest into a chat", "§3", REUNIONS, f"{MATCHING}/reunions.py",
        "is_fresh = self.sessions.dates.now_ms() - since <= FRESH_WISH_MS", "is_fresh = True",
    ),
    left_out(
        "the other one's press makes a wish young", "§3", REUNIONS, f"{MATCHING}/reunions.py",
        "keep_wish(session.id, partner, since)", "keep_wish(session.id, partner, at)",
    ),
    left_out(
        "who enters again is not confirmed", "M11", AGAIN, f"{MATCHING}/lease.py",
        "            await self.sessions.confirm(entry.session.id, entry.session.members)", "            pass",
    ),
    left_out(
        "only the side that is known is let go of", "M2", "tests/unit/matching/test_two_stores.py",
        f"{MATCHING}/sessions.py",
        "            await retry(partial(self._end_again, session_id, session.members))\n", "",
    ),
    left_out(
        "a chat ends on the lobby's word alone", "§2.8", EARLIER, f"{MATCHING}/resuming.py",
        "return row is not None and row.ended is None", "return False",
    ),
    left_out(
        "events of the bus are not heard", "M8", "few", f"{JOINING}/bus_dispatch.py",
        "                other(client, event)", "                pass",
    ),
    left_out(
        "a session before its row", "M11", "few", f"{MATCHING}/sessions.py",
        "await self.history.sessions.begin(session)",
        'self.tasks.spawn(self.history.sessions.begin(session), "begin")',
    ),
    left_out(
        "a session before it is confirmed", "M11", "few", f"{MATCHING}/sessions.py",
        "await self.history.sessions.confirm(session_id, self.history_ms)",
        "await self.history.sessions.find(session_id)",
    ),
    left_out(
        "the partner is not told of the end", "M8", "few", f"{MATCHING}/sessions.py",
        "self.bus.publish(member, SessionEnded(session.id, session.ended))", "pass",
    ),
    left_out(
        "who is led to somebody else is not told that the question is off", "M8",
        "tests/unit/matching/test_more_time.py", f"{MATCHING}/reconciler.py",
        "        self._tell_ended(client, result.offer, is_looking=True)\n", "",
    ),
    left_out(
        "nobody is told that an offer is over", "M8", "few", f"{MATCHING}/moderation.py",
        "self.bus.publish(guest, OfferEnded(offer.id))", "pass",
    ),
    left_out(
        "an end is never durable", "M12", AGAIN, f"{MATCHING}/sessions.py",
        "retry_all(*steps, partial(self.history.sessions.end, session.id, session.ended))", "retry_all(*steps)",
    ),
    left_out(
        "who is asked and looks has not accepted", "M10", "tests/unit/matching/test_matching.py",
        f"{MATCHING}/matching.py", 'if result.state != "asked" or result.offer is None:', "if True:",
    ),
    left_out(
        "a no is not durable", "M5", "tests/unit/matching/test_declining.py", f"{MATCHING}/moderation.py",
        "steps: list[Step] = [partial(self.history.relations.block, *pair, at)]", "steps: list[Step] = []",
    ),
)  # fmt: skip

LOBBIES_OF_MEMORY = (
    left_out(
        "memory: a no is forgotten", "M5", "few", STATE, "                self.people[one].blocked[other] = None\n",
        "                pass\n",
    ),
    left_out(
        "memory: rings without a pause", "M15", "few", GUEST,
        "candidate.rung + RING_PAUSE_MS <= now)", "candidate.rung <= now)",
    ),
    left_out(
        "memory: an offer outlives its time", "M6", "few", STATE,
        "while self._endings and self._endings[0][0] <= now:",
        "while self._endings and self._endings[0][0] <= now - 3_000:",
    ),
    left_out(
        "memory: a lease never ends", "M9", "few", STATE,
        "for process, until in self._leases.items() if until <= now]",
        "for process, until in self._leases.items() if until <= now - 60_000]",
    ),
    left_out(
        "memory: a yes begins for one side", "M2", "few", LOBBY,
        "        state.begin(seeker, session_id, candidate.id)\n", "",
    ),
    left_out(
        "memory: who is asked can be found", "M3", "few", STATE,
        "        candidate.rung = self.now\n        self.refile(seeker)\n        self.refile(candidate)\n",
        "        candidate.rung = self.now\n        self.refile(seeker)\n",
    ),
    left_out(
        "memory: a chat is resumed though one is in another", "M1", f"{SESSIONS} -k local", LOBBY,
        "if any(member in people and people[member].session not in (None, row.id) for member in row.members):",
        "if False:",
    ),
    left_out(
        "memory: two who are kept apart come back into their chat", "M5", f"{SESSIONS} -k local", LOBBY,
        "if any(a in people and b in people[a].blocked for a, b in ((one, other), (other, one))):", "if False:",
    ),
    left_out(
        "memory: a no after a yes", "M7", f"{LOBBIES} -k local", STATE, "        if not accepted:\n",
        "        if True:\n",
    ),
    left_out(
        "memory: rings without an answer are not counted", "M15", "tests/contract/test_lobby_courtesy.py -k local",
        STATE,
        "            candidate.unanswered += not offer.looking\n", "",
    ),
)  # fmt: skip

LOBBIES_OF_REDIS = (
    left_out(
        "redis: the keys of who is gone outlast a lease", "§2.8", "tests/server/redis/test_shared_keys.py",
        "citychat/adapters/redis/shared_keys.py", "            await self._shorten()\n", "", "redis",
    ),
    left_out(
        "lua: a no is forgotten", "M5", "tests/contract/test_lobby_late_no.py -k lua", LUA,
        "  if find(a) then block_one(a, b) end\n  if find(b) then block_one(b, a) end\n", "",
    ),
    left_out(
        "lua: rings without a pause", "M15", "few over lua", LUA,
        "candidate.rung + RING_PAUSE_MS > now then", "candidate.rung > now then",
    ),
    left_out(
        "lua: an offer outlives its time", "M6", "few over lua", LUA, "due('endings', now, -1)",
        "due('endings', now - 3000, -1)",
    ),
    left_out(
        "lua: a server's clock that is set back sets the lobby's back", "§2.8", "few over lua", LUA,
        "if wall < seen then", "if false then",
    ),
    left_out(
        "lua: the lobby's time is not told", "§2.8", "tests/contract/test_redis_lobby_clock.py -k lua", LUA,
        "return {known, now}", "return {known, wall}",
    ),
    left_out(
        "lua: a renewal notes no time", "§2.8", "tests/contract/test_redis_lobby_clock.py -k lua", LUA,
        "  note_time(ahead)\n  call('ZADD', prefix .. 'leases'", "  call('ZADD', prefix .. 'leases'",
    ),
    left_out(
        "lua: a lease never ends", "M9", "few in lua", LUA, "due('leases', now, -1)",
        "due('leases', now - 60000, -1)",
    ),
    left_out(
        "lua: a yes begins for one side", "M2", "few over lua", LUA,
        "  begin(find_or_make(offer.seeker), s, offer.candidate)\n", "",
    ),
    left_out(
        "lua: who takes an offer back asks again at once", "M14", f"{LETDOWNS} -k lua", LUA,
        "count_unanswered(taken_back and stops and 't' or 'r', ", "count_unanswered('r', ",
    ),
    left_out(
        "lua: letdowns cost nothing", "M14", f"{LETDOWNS} -k lua", LUA,
        "return stands and BEHIND or rank", "return rank",
    ),
    left_out(
        "lua: a network may meet everybody", "M14", f"{CROWDS} -k lua", LUA,
        "others > 0 and math.max(LOOKERS_LEAST, floor(others / OTHERS_FOR_ONE)) or size + 1", "size + 1",
    ),
    left_out(
        "lua: a network complains of everybody", "M14", f"{LETDOWNS} -k lua", LUA,
        "if #complained.at >= COMPLAINTS then return false end", "",
    ),
    left_out(
        "lua: every silence is a whole letdown", "M14", f"{LETDOWNS} -k lua", LUA,
        "weight = weight + noted.ms[i]", "weight = weight + FIRST_WORD_MS",
    ),
    left_out(
        "lua: pages of one address of the own network complain on and on", "M14", f"{LETDOWNS} -k lua", LUA,
        "(other.network or other.own_network)", "other.network",
    ),
    left_out(
        "lua: guests of one network complain on and on", "M14", f"{LETDOWNS} -k lua", LUA,
        "if by ~= '' and other == by", "if false",
    ),
    left_out(
        "lua: who is kept apart from somebody here asks the nearest", "§3", f"{CANDIDATES} -k lua", LUA,
        "for district in blindly and in_any_order(tiles) or nearest(tiles, seeker) do",
        "for district in nearest(tiles, seeker) do",
    ),
    left_out(
        "lua: a seeker does not rest", "§3", f"{CANDIDATES} -k lua", LUA,
        "  seeker.asks_from = now + (rests and seeker.rest_ms or 0)\n", "",
    ),
    left_out(
        "lua: a network is not avoided", "M5", f"{CANDIDATES} -k lua", LUA,
        "if at and wall < at + AVOIDED_MS then", "if false then",
    ),
    left_out(
        "lua: who is asked can be found", "M3", "few over lua", LUA,
        "id, id, now\n  refile(seeker)\n  refile(candidate)\n", "id, id, now\n  refile(seeker)\n",
    ),
    left_out(
        "lua: a chat is resumed though one is in another", "M1", f"{SESSIONS} -k lua", LUA,
        "if person and person.session and person.session ~= row.id then return row.id end", "",
    ),
    left_out(
        "lua: two who are kept apart come back into their chat", "M5", f"{SESSIONS} -k lua", LUA,
        "if has_blocked(a, b) or has_blocked(b, a) then return row.id end", "",
    ),
    left_out("lua: a no after a yes", "M7", f"{LOBBIES} -k lua", LUA, "  if not accepted then\n", "  if true then\n"),
    left_out(
        "lua: rings without an answer are not counted", "M15", "tests/contract/test_lobby_courtesy.py -k lua", LUA,
        "    candidate.unanswered = candidate.unanswered + 1\n", "",
    ),
)  # fmt: skip

EDGES = (  # more of the edge is left out by the threats at the door
    left_out(
        "edge: the end comes before the last event", "§1", "tests/server/test_edge_end.py",
        "citychat/edge/connection.py", "        if self._worker is None:\n            self._tell()\n        else:",
        "        self._tell()\n        if self._worker is not None:",
    ),
)  # fmt: skip

MUTANTS = {
    mutant.name: mutant
    for mutant in (
        *DELIVERED,
        *JOINED,
        *MATCHED,
        *LOBBIES_OF_MEMORY,
        *LOBBIES_OF_REDIS,
        *STORES,
        *WISHED,
        *EDGES,
        *mutants_of(THREATS),
    )
}
