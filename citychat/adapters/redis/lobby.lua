-- The Redis lobby: who is free, asked, talking (protocol §3), the twin of citychat/adapters/memory/, with its names.
-- Change both: tests/contract/test_lobby_twins.py drives them side by side. The numbers that both keep are those of
-- citychat/rules.py: a script begins with those that it names, in capitals.
--
-- Each block below "shared" is one method, and its script is "now", "shared" and the block: one atomic step.
-- ARGV: the prefix of all keys, the arguments as MessagePack, a seed for what is drawn at random. The answer is
-- MessagePack in the shapes of ports/lobby.py (JSON in Lua keeps 14 digits, and an epoch has 16).
--
-- Keys, after the prefix. A record is a MessagePack map.
--   v:<guest>      record of a guest: fields as in lobby_guest.py; district as lat and lon; offer is an id; false and empty
--                  left out; "place" {pool, rank, lat, lon} says where the guest stands in the index, "crowd" {pool,
--                  network, score} where the guest takes part, "town" and "roam" the same of who may meet guests of other
--                  towns, "absent" since when nobody is there
--   b:<guest>      set, with whom the guest is blocked
--   m:<guest>      set, with whom a guest who avoids a network has talked
--   r:<guest>      sorted set, with whom the guest rests, by until when; expires with the last rest
--   t:<guest>      sorted set, with whom the guest rests looking or not: an offer was taken back
--   d:<guest>      record, the letdowns of a guest: when, who complains, and how much, newest last; outlives v: (LETDOWN_MS)
--   letdowns       sorted set, the guests of d: by their last one, at most LETDOWNS_KEPT
--   w:<network>     record, when those who complain (a network, or a guest without) last did (LETDOWN_MS)
--   complaints     sorted set, those of w: by their last one, at most LETDOWNS_KEPT
--   o:<offer>      record, an offer that runs
--   e:<offer>      record, an offer that ended without a yes, and when; expires when a no counts no more
--   endings        sorted set, the running offers by when they end, for the seeker and then for a candidate with more time
--   ended          sorted set, the offers of e: by when they ended, at most ENDED_MAX
--   leases         sorted set, the processes that live, by until when
--   s:<process>    sorted set with equal scores, its guests by name
--   sweeping       hash, the processes that fell silent or came back, by the guest up to whom that is seen to
--   clock          hash, the server's time ("seen") as of the last renewal, and how far the lobby's is ahead of it ("ahead")
--   absent         sorted set, who is gone without a session, by since when; forgotten with v:, b:, m:, r: and t: (FORGET_MS)
--   p:<pool>       sorted set, who stands in the pool, by when that was last seen to
--   l:<pool>       sorted set, who takes part in the pool (crowds.py), by when that was last seen to
--   n:<network>:<pool>       sorted set, those of a network: who has just met somebody (0), then who only looks (1), by name
--   n:<network>:~  the same of those of a network, in all pools, who may meet guests of other towns
--   k:<pool>       hash, the networks of which so many take part that they could be over their share
--   x:<pool>       sorted set, the networks that somebody of the pool keeps away, by until when
--   turns          sorted set, "<when>:<guest>": whose place changes by time alone, by when
--   c:<rank>:<district>:<pool>   sorted set with equal scores, so by name: a guest can be had by number
--   a:<rank>:<pool>          hash, the districts that are not empty, as a pyramid: a tile, and 16 bits for the 4 x 4 tiles
--                            (or districts) below it
--   p:, a:, c: with ~<pool>   the same for those of a pool who may meet guests of other towns, in no district
-- Districts and tiles are written as one number, see "encode": 36 bits of coordinates below the level.
--
-- What it costs, with Redis 7.0 on a busy machine of two cores (`python -m bench.claim --redis`, 100,000 free guests):
-- A free guest takes 530 bytes, and 80 more for each who is blocked with the guest. Entering takes 50 µs of the
-- processors of server and client together. A claim takes 0.3 ms (p50) and 0.6 ms (p99), round trip included, on one
-- point, in a city and over a country, and 0.9 and 1.2 ms where the 200 nearest of a country are blocked. The worst one,
-- among guests of whom none may be asked, takes 12 ms for each class: DRAWN_PER_DISTRICT guests each of DISTRICTS_WALKED.
-- When 10,000 guests fall silent or come back at once, each step does 100 of them, 1.5 ms, until all are seen to; the
-- same for forgetting. Dropping a process is one step: 140 ms for 10,000 guests. Offers that end: 40 µs each.
--
-- Everything may vanish at any moment, all together or one key alone. A record that is missing, unreadable or of another
-- shape is as good as lost, and who points to it lets go of it; its guest is entered again by the process that holds the
-- page. What a lost index knew stands in the records as well: an offer that is read after its time ends then, and a
-- process has its guests mended every five minutes: they stand again where their records say. What nobody touches any
-- more expires (KEY_MS). Lost for good with their keys are rests, blocks of one side (the other one's hold until the next
-- enter), and an offer that ended: a late no to it is gone.
-- A key of another type where a set or a hash is expected fails the script (Unavailable, and a line in the log) until the
-- host removes it: it is somebody else's, and not ours to delete. The prefix has a version (lobby.py): whoever changes
-- what stands in a key raises it.

-- now --
-- The server's clock, in ms. Tests replace this block.
local function read_clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- shared --
local SWEPT_AT_ONCE = 100  -- guests in a step, some 2 ms: when all processes fall silent no step pays for everybody
local FETCHED_WHOLE = 32  -- a district of so few is read in one go; of a fuller one each guest drawn is read alone

local call, floor = redis.call, math.floor
local prefix = ARGV[1]

-- ---- records: read once and written once in a step

local people, offers, changed, living = {}, {}, {}, {}
local dropped = 0
local refile, run_out

local function key(kind, name) return prefix .. kind .. ':' .. name end

local function touch(at) call('PEXPIRE', at, KEY_MS) end

-- ---- time: the server's clock may be set back, and what is counted here must end all the same. So the lobby's time goes
-- on from what the last renewal has noted, a few seconds ago at most. "wall" is for dates of the history alone.

local clock, wall = prefix .. 'clock', read_clock()

local function noted(name, otherwise) return tonumber(call('HGET', clock, name) or otherwise) or otherwise end

local function note_time(ahead)
  call('HSET', clock, 'seen', wall)
  call('HSET', clock, 'ahead', ahead)
  touch(clock)
end

local seen, ahead = noted('seen', wall), noted('ahead', 0)
if wall < seen then
  ahead = ahead + seen - wall
  note_time(ahead)
elseif wall > seen + LEASE_MS then
  note_time(ahead)  -- set ahead, perhaps, and what this step writes bears that time
end
local now = wall + ahead

local function is_text(value) return type(value) == 'string' end

local function is_whole(value) return type(value) == 'number' and value % 1 == 0 and math.abs(value) < 2 ^ 53 end

local function is_flag(value) return type(value) == 'boolean' end

local function perhaps(fits) return function(value) return value == nil or fits(value) end end

local function is_place(value)
  return type(value) == 'table' and is_text(value[1]) and is_whole(value[2]) and is_whole(value[3]) and is_whole(value[4])
end

local function is_crowd(value)
  return type(value) == 'table' and is_text(value[1]) and is_text(value[2]) and is_whole(value[3])
end

local function is_roam(value) return type(value) == 'table' and is_text(value[1]) and is_whole(value[2]) end

local function all_fit(fits_name, fits)
  return function(value)
    if type(value) ~= 'table' then return false end
    for name, entry in pairs(value) do
      if not fits_name(name) or not fits(entry) then return false end
    end
    return true
  end
end

local flag, text, whole = perhaps(is_flag), perhaps(is_text), perhaps(is_whole)
local OFFER = {
  seeker = is_text, candidate = is_text, city = is_text, seconds = is_whole, looking = is_flag, ends = is_whole,
  rings_until = is_whole, wished = is_flag, closed = whole, pool = text,
}
local LETDOWNS = {at = all_fit(is_whole, is_whole), by = all_fit(is_whole, is_text), ms = all_fit(is_whole, is_whole)}
local SHAPES = {o = OFFER, e = OFFER, d = LETDOWNS, w = {at = all_fit(is_whole, is_whole)}, v = {
  process = is_text, epoch = is_whole, lat = is_whole, lon = is_whole, city = is_text, rest_ms = whole, asks_from = whole,
  unanswered = is_whole, online = flag, available = flag, slow = flag, visible = flag, looking = flag, pool = text,
  offer = text, session = text, rung = whole, absent = whole, place = perhaps(is_place),
  last_met = whole, looks_since = whole, crowd = perhaps(is_crowd), network = text, own_network = text,
  towns = flag, town = perhaps(is_place), roam = perhaps(is_roam), languages = perhaps(all_fit(is_whole, is_text)),
  networks = perhaps(all_fit(is_whole, is_text)), avoided_networks = perhaps(all_fit(is_text, is_whole)),
}}

local function is_sound(kind, id, record)
  if type(record) ~= 'table' or record.id ~= id then return false end
  for name, fits in pairs(SHAPES[kind]) do
    if not fits(record[name]) then return false end
  end
  return true
end

-- Whatever is not a record of this shape with this id is as good as lost, and in the way.
local function read(kind, id)
  local at = key(kind, id)
  local raw = redis.pcall('GET', at)
  if not raw then return nil end
  local readable, record = pcall(cmsgpack.unpack, raw)
  if readable and is_sound(kind, id, record) then return record end
  call('UNLINK', at)
  dropped = dropped + 1
  return nil
end

local function write(kind, record) call('SET', key(kind, record.id), cmsgpack.pack(record), 'PX', KEY_MS) end

-- An offer whose time is over ends when it is read, should the index of endings not know of it.
local function running(id)
  if offers[id] == nil then
    local offer = read('o', id)
    offers[id] = offer or false
    if offer and offer.ends <= now then run_out(offer) end
  end
  return offers[id] or nil
end

local function find(guest)
  local person = people[guest]
  if person == nil then
    person = read('v', guest) or false
    people[guest] = person
    if person and person.offer and not running(person.offer) then
      person.offer = nil
      refile(person)
    end
  end
  return person or nil
end

local function find_or_make(guest)
  if not find(guest) then
    people[guest] = {id = guest, process = '', epoch = 0, lat = 0, lon = 0, city = '', unanswered = 0}
  end
  changed[guest] = true
  return people[guest]
end

local function forget_visitor(guest)
  call('UNLINK', key('v', guest), key('b', guest), key('m', guest), key('r', guest), key('t', guest))
  people[guest], changed[guest] = false, nil
end

local function keep()
  for guest in pairs(changed) do write('v', people[guest]) end
end

-- ---- the index: where the free guests stand

-- A tile as one number, of 18 bits for each coordinate; a district is a tile of level 0.
local BITS_18, HALF = 262144, 131072

local function encode(level, lat, lon) return (level * BITS_18 + lat + HALF) * BITS_18 + lon + HALF end

local function stand(pool, rank, district) return prefix .. 'c:' .. rank .. ':' .. district .. ':' .. pool end

local function area(pool, rank) return prefix .. 'a:' .. rank .. ':' .. pool end

local function tile_above(lat, lon) return floor(lat / 4), floor(lon / 4), 2 ^ (lat % 4 * 4 + lon % 4) end

local function grow(tiles, lat, lon)
  for level = 1, TOP_LEVEL do
    local bit_below
    lat, lon, bit_below = tile_above(lat, lon)
    local tile = encode(level, lat, lon)
    local below = call('HGET', tiles, tile)
    local with = bit.bor(below or 0, bit_below)
    if below and tonumber(below) == with then return end
    call('HSET', tiles, tile, with)
    if below then return end
  end
end

local function shrink(tiles, lat, lon)
  for level = 1, TOP_LEVEL do
    local bit_below
    lat, lon, bit_below = tile_above(lat, lon)
    local tile = encode(level, lat, lon)
    local below = bit.band(call('HGET', tiles, tile) or 0, bit.bnot(bit_below))
    if below ~= 0 then
      call('HSET', tiles, tile, below)
      return
    end
    call('HDEL', tiles, tile)
  end
end

-- "as": "place", or "town" among those who may meet guests of other towns.
local function discard(person, as)
  local place = person[as]
  if not place then return end
  local pool, rank, lat, lon = unpack(place)
  person[as] = nil
  call('ZREM', key('p', pool), person.id)
  if rank == UNASKED then return end
  local here = stand(pool, rank, encode(0, lat, lon))
  call('ZREM', here, person.id)
  if call('EXISTS', here) == 0 then shrink(area(pool, rank), lat, lon) end
end

-- Stand where the record says, whether or not the keys know of it already.
local function occupy(person, as)
  local pool, rank, lat, lon = unpack(person[as])
  call('ZADD', key('p', pool), now, person.id)
  touch(key('p', pool))
  if rank == UNASKED then return end
  local here, tiles = stand(pool, rank, encode(0, lat, lon)), area(pool, rank)
  call('ZADD', here, 0, person.id)
  touch(here)
  grow(tiles, lat, lon)
  touch(tiles)
end

-- Stand here, and nowhere else any more.
local function put(person, as, pool, rank, lat, lon)
  local place = person[as]
  if place and place[1] == pool and place[2] == rank and place[3] == lat and place[4] == lon then return end
  discard(person, as)
  person[as] = {pool, rank, lat, lon}
  occupy(person, as)
end

-- In the own pool, by the district or, who looks, anywhere in it.
local function put_in_pool(person, rank)
  local ranked = rank == IDLE_IN_VIEW
  put(person, 'place', person.pool, rank, ranked and person.lat or 0, ranked and person.lon or 0)
end

-- ---- towns nearby (towns.py): those who may meet guests of other pools

local TOWN = '~'  -- before the name of a pool: those of it who roam; alone: all of them

local function put_in_town(person)
  local place = person.towns and person.place
  if place then put(person, 'town', TOWN .. place[1], place[2], 0, 0) else discard(person, 'town') end
end

-- ---- crowds (crowds.py): who takes part in a pool, by network

local function network_of(person) return person.network or '' end

local function crowd_of(pool, network) return prefix .. 'n:' .. network .. ':' .. pool end

local function leave_crowd(pool, network, guest)
  local crowd = crowd_of(pool, network)
  call('ZREM', crowd, guest)
  if call('ZCARD', crowd) <= LOOKERS_LEAST then call('HDEL', key('k', pool), network) end
end

local function stop_taking_part(person)
  if not person.crowd then return end
  local pool, network = unpack(person.crowd)
  person.crowd = nil
  call('ZREM', key('l', pool), person.id)
  if network ~= '' then leave_crowd(pool, network, person.id) end
end

-- Take part where the record says, whether or not the keys know of it already.
local function join_crowd(person)
  local pool, network, score = unpack(person.crowd)
  call('ZADD', key('l', pool), now, person.id)
  touch(key('l', pool))
  if network == '' then return end
  local crowd = crowd_of(pool, network)
  call('ZADD', crowd, score, person.id)
  touch(crowd)
  if call('ZCARD', crowd) > LOOKERS_LEAST then
    call('HSET', key('k', pool), network, 1)
    touch(key('k', pool))
  end
end

local function is_in_crowd(person, pool, network)
  return person.crowd and person.crowd[1] == pool and person.crowd[2] == network
end

local function take_part(person, has_met)
  local pool, network, score = person.pool, network_of(person), has_met and 0 or 1
  if is_in_crowd(person, pool, network) and person.crowd[3] == score then return end
  stop_taking_part(person)
  person.crowd = {pool, network, score}
  join_crowd(person)
end

local function roamers_of(network) return crowd_of(TOWN, network) end

local function stop_roaming(person)
  if person.roam then call('ZREM', roamers_of(person.roam[1]), person.id) end
  person.roam = nil
end

-- Be among the roamers where the record says, whether or not the key knows of it already.
local function join_roamers(person)
  local roamers = roamers_of(person.roam[1])
  call('ZADD', roamers, person.roam[2], person.id)
  touch(roamers)
end

-- Who takes part and may meet guests of other towns roams.
local function file_roamer(person)
  local crowd, roam = person.towns and person.crowd, person.roam
  if not crowd or crowd[2] == '' then return stop_roaming(person) end
  if roam and roam[1] == crowd[2] and roam[2] == crowd[3] then return end
  stop_roaming(person)
  person.roam = {crowd[2], crowd[3]}
  join_roamers(person)
end

-- ---- letdowns (letdowns.py)

local letdowns = {}

local function letdowns_of(guest)
  if letdowns[guest] == nil then
    local noted = read('d', guest)
    letdowns[guest] = noted and #noted.at > 0 and noted.at[#noted.at] > now - LETDOWN_MS and noted or false
  end
  return letdowns[guest] or nil
end

-- 'behind' everybody, or 'alone'.
local function standing(guest)
  local noted = letdowns_of(guest)
  if not noted then return nil end
  local last, weight = noted.at[#noted.at], 0
  for i, at in ipairs(noted.at) do
    if last - at < LETDOWN_MS then weight = weight + noted.ms[i] end
  end
  if weight >= ALONE_AFTER * FIRST_WORD_MS then return 'alone' end
  return weight >= BEHIND_AFTER * FIRST_WORD_MS and now - last < BEHIND_MS and 'behind' or nil
end

-- Keep a record for an hour, and its name in a book of LETDOWNS_KEPT at most.
local function keep_noted(kind, book, record)
  call('SET', key(kind, record.id), cmsgpack.pack(record), 'PX', LETDOWN_MS)
  call('ZADD', prefix .. book, now, record.id)
  if call('ZCARD', prefix .. book) > LETDOWNS_KEPT then
    call('UNLINK', key(kind, call('ZPOPMIN', prefix .. book)[1]))
  end
end

-- Whether somebody may complain of one more guest in this hour, and note that.
local function may_complain(by)
  local complained = {id = by, at = {}}
  for _, at in ipairs((read('w', by) or complained).at) do
    if now - at < LETDOWN_MS then table.insert(complained.at, at) end
  end
  if #complained.at >= COMPLAINTS then return false end
  table.insert(complained.at, now)
  keep_noted('w', 'complaints', complained)
  return true
end

-- Whether it counts: of one guest a network complains once an hour, and of three guests.
local function note_letdown(guest, by, ms)
  local noted = letdowns_of(guest) or {id = guest, at = {}, by = {}, ms = {}}
  for i, other in ipairs(noted.by) do
    if by ~= '' and other == by and now - noted.at[i] < LETDOWN_MS then return false end
  end
  if by ~= '' and not may_complain(by) then return false end
  for field, value in pairs({at = now, by = by, ms = ms}) do
    table.insert(noted[field], value)
    if #noted[field] > LETDOWNS_OF_ONE then table.remove(noted[field], 1) end
  end
  letdowns[guest] = noted
  keep_noted('d', 'letdowns', noted)
  return true
end

local function turn_at(guest, when) call('ZADD', prefix .. 'turns', when, string.format('%.0f:%s', when, guest)) end

-- ---- rules about one person, or two

local function may_be_rung(person)
  return person.looking or person.visible and person.unanswered < RINGS_UNANSWERED
end

local function wished_rank(person)
  if person.looking then return person.visible and LOOKING_IN_VIEW or LOOKING_HIDDEN end
  return person.available and may_be_rung(person) and IDLE_IN_VIEW or UNASKED
end

local function rank_of(person)
  local rank, stands = wished_rank(person), standing(person.id)
  if rank == UNASKED or stands == 'alone' or person.offer then return UNASKED end
  return stands and BEHIND or rank
end

-- Was led to somebody of another network just now.
local function has_just_met(person) return person.last_met and now < person.last_met + MET_MS end

-- Who looks or has just met somebody takes part.
local function file_in_crowd(person, is)
  local has_met = has_just_met(person)
  local takes_part = has_met or is ~= 'gone' and person.looking
  if person.pool and takes_part and standing(person.id) ~= 'alone' then
    take_part(person, has_met)
  else
    stop_taking_part(person)
  end
end

local function avoid_network(person, network, at)
  person.avoided_networks = person.avoided_networks or {}
  person.avoided_networks[network] = math.max(at, person.avoided_networks[network] or at)
end

-- Which networks this guest keeps away in the pool, as long as that lasts, be the guest here or not.
local function note_avoided(person)
  if not person.pool or not person.avoided_networks then return end
  local avoided = key('x', person.pool)
  call('ZREMRANGEBYSCORE', avoided, '-inf', wall)
  for network, at in pairs(person.avoided_networks) do
    local known, until_ms = call('ZSCORE', avoided, network), at + AVOIDED_MS
    if until_ms > wall and until_ms > tonumber(known or 0) then call('ZADD', avoided, until_ms, network) end
  end
  touch(avoided)
end

-- Who has talked with the guest is not kept away by a block of the network.
local function note_met(guest, others)
  for _, other in ipairs(others) do call('SADD', key('m', guest), other) end
  touch(key('m', guest))
end

local function has_blocked(guest, other) return call('SISMEMBER', key('b', guest), other) == 1 end

-- Blocked, or a stranger from an avoided network (M5).
local function avoids(person, other)
  if has_blocked(person.id, other.id) then return true end
  if not person.avoided_networks then return false end
  for _, network in ipairs(other.networks or {}) do
    local at = person.avoided_networks[network]
    if at and wall < at + AVOIDED_MS then return call('SISMEMBER', key('m', person.id), other.id) == 0 end
  end
  return false
end

-- Each side may know of a block that the other forgot with its record.
local function strangers(a, b) return a.id == b.id or avoids(a, b) or avoids(b, a) end

local function rests(kind, guest, other)
  local until_ms = call('ZSCORE', key(kind, guest), other)
  return until_ms and tonumber(until_ms) > now
end

-- Whether a guest who looks is led to those with a common language alone: for a while, from when it began to look.
local function waits_for_language(person)
  return person.looking and person.languages and now < person.looks_since + LANGUAGE_MS
end

-- Whether these two have a language in common, or need none: who has named no language speaks any.
local function understand(a, b)
  if not a.languages or not b.languages then return true end
  local spoken = {}
  for _, language in ipairs(a.languages) do spoken[language] = true end
  for _, language in ipairs(b.languages) do
    if spoken[language] then return true end
  end
  return not (waits_for_language(a) or waits_for_language(b))
end

-- Pauses protect only somebody who does not look.
local function may_be_asked(candidate, seeker)
  if strangers(candidate, seeker) or rests('t', candidate.id, seeker.id) then return false end
  if candidate.looking then return true end
  if candidate.rung and candidate.rung + RING_PAUSE_MS > now then return false end
  return not rests('r', candidate.id, seeker.id)
end

-- Of kind t they rest though they look, or somebody could hold a looker by asking again and again.
local function rest(kind, a, b, since)
  for one, other in pairs({[a] = b, [b] = a}) do
    local rests = key(kind, one.id)
    call('ZREMRANGEBYSCORE', rests, '-inf', since)
    call('ZADD', rests, since + REST_MS, other.id)
    call('PEXPIRE', rests, REST_MS)
  end
end

local function end_rest(a, b)
  call('ZREM', key('r', a.id), b.id)
  call('ZREM', key('r', b.id), a.id)
end

-- ---- the moves that keep people, offers, leases and index in agreement

local function lives(process)
  if living[process] == nil then living[process] = call('ZSCORE', prefix .. 'leases', process) and true or false end
  return living[process]
end

local function state(person)
  if person.session then return 'chat' end
  if person.offer then return running(person.offer).seeker == person.id and 'asking' or 'asked' end
  return person.online and lives(person.process) and 'free' or 'gone'
end

local function not_absent(person)
  if person.absent then
    call('ZREM', prefix .. 'absent', person.id)
    person.absent = nil
  end
end

-- Whether an offer to this guest goes on that is over for its seeker.
local function is_rung_on(person)
  local offer = person.offer and running(person.offer)
  return offer and offer.ends <= now
end

-- Is free, or as free as others know: who asks sees no ring that goes on.
local function is_free(person) return state(person) == 'free' or is_rung_on(person) end

-- Put the guest where the state belongs: into the index, among the absent, or into neither.
function refile(person)
  changed[person.id] = true
  local is = state(person)
  if person.pool and is_free(person) then put_in_pool(person, rank_of(person)) else discard(person, 'place') end
  put_in_town(person)
  file_in_crowd(person, is)
  file_roamer(person)
  if is ~= 'gone' then
    not_absent(person)
  elseif not person.absent then
    person.absent = now
    call('ZADD', prefix .. 'absent', now, person.id)
  end
end

local function take_out(person) call('ZREM', key('s', person.process), person.id) end

local function bind(person)
  local its = key('s', person.process)
  call('ZADD', its, 0, person.id)
  touch(its)
end

local function block_one(guest, other)
  call('SADD', key('b', guest), other)
  touch(key('b', guest))
end

-- Frees a seeker who asks still.
local function stop_asking(offer, seeker, rests)
  if not seeker or seeker.offer ~= offer.id then return end
  seeker.offer = nil
  seeker.asks_from = now + (rests and seeker.rest_ms or 0)
  refile(seeker)
end

-- Frees both sides, or the candidate who is rung on.
local function close(offer, accepted)
  local seeker, candidate = find(offer.seeker), find(offer.candidate)
  offers[offer.id] = false
  call('UNLINK', key('o', offer.id))
  call('ZREM', prefix .. 'endings', offer.id)
  if not accepted then
    offer.closed = now
    call('SET', key('e', offer.id), cmsgpack.pack(offer), 'PX', ENDED_MS)
    call('ZADD', prefix .. 'ended', now, offer.id)
    if call('ZCARD', prefix .. 'ended') > ENDED_MAX then
      call('UNLINK', key('e', call('ZPOPMIN', prefix .. 'ended')[1]))
    end
  end
  stop_asking(offer, seeker, not accepted)
  if candidate and candidate.offer == offer.id then
    candidate.offer = nil
    refile(candidate)
  end
end

-- An offer that ended without a yes within the last hour.
local function ended(id)
  local offer = read('e', id)
  return offer and offer.closed and offer.closed > now - ENDED_MS and offer or nil
end

local function let_down(guest, by, ms)
  if not note_letdown(guest, by, ms) then return end
  local stands = standing(guest)
  if stands then turn_at(guest, now + (stands == 'alone' and LETDOWN_MS or BEHIND_MS)) end
  local person = find(guest)
  if person then refile(person) end
end

-- Once, when it ends for the seeker: a ring that goes on changes nothing.
local function count_unanswered(kind, offer)
  local seeker, candidate = find(offer.seeker), find(offer.candidate)
  if not seeker or not candidate or seeker.offer ~= offer.id then return end
  rest(kind, seeker, candidate, math.min(now, offer.ends))  -- it may be settled long after it ended
  if not offer.looking then
    candidate.unanswered = candidate.unanswered + 1
    changed[candidate.id] = true
  end
end

-- End an offer that got no answer, whatever the reason; "by": the guest who has ended it, and "stops", who did not merely
-- lose the link. Rings that are taken back count like the others, or somebody could ring for ever by pressing Stop in
-- time.
local function fall_through(offer, by, stops)
  if not offer then return nil end
  local taken_back = by == offer.seeker
  count_unanswered(taken_back and stops and 't' or 'r', offer)
  close(offer)
  if taken_back then let_down(by, '', FIRST_WORD_MS) end
  return offer
end

local function offer_of(person) return person.offer and running(person.offer) or nil end

-- End an offer that is nobody's doing (a process is silent or goes, a lobby has gone back): nobody rests, and no ring
-- counts.
local function release(person)
  local offer = offer_of(person)
  if offer then close(offer) end
end

-- Its time is over: the seeker's, and perhaps the candidate's. Who looked and did not answer looks no longer, unless a
-- process was silent: then nobody could.
function run_out(offer)
  local seeker, candidate = find(offer.seeker), find(offer.candidate)
  local asks = seeker and seeker.offer == offer.id
  if not candidate or candidate.offer ~= offer.id then return fall_through(offer) end
  if not lives(candidate.process) or asks and not lives(seeker.process) then return close(offer) end
  if not asks and now < offer.rings_until then return end
  candidate.looking = nil
  if offer.rings_until <= now then return fall_through(offer) end
  count_unanswered('r', offer)
  stop_asking(offer, seeker, true)
  refile(candidate)
end

-- The socket is closed.
local function dismiss(person)
  person.online, person.looking, person.languages = nil, nil, nil
  refile(person)
end

-- Those of these two who take part for a while, if they are of two networks.
local function note_led(who, seeker, candidate)
  if network_of(seeker) == network_of(candidate) then return end
  for _, person in ipairs(who) do
    person.last_met = now
    turn_at(person.id, now + MET_MS)
  end
end

-- Who looks, and is asked by another network, takes part for a while, whatever comes of it: who says nothing, no or later
-- at the last moment takes others their time as well as who talks.
local function open(id, seeker, candidate, ring_s, slow_ring_s, wished)
  local seconds = candidate.slow and slow_ring_s or ring_s
  local offer = {
    id = id, seeker = seeker.id, candidate = candidate.id, city = seeker.city, seconds = seconds,
    looking = candidate.looking or false, ends = now + ring_s * 1000, rings_until = now + seconds * 1000,
    wished = wished or false, pool = seeker.pool or '',
  }
  if offer.looking then note_led({candidate}, seeker, candidate) end
  write('o', offer)
  offers[id] = offer
  call('ZADD', prefix .. 'endings', offer.ends, id)
  seeker.offer, candidate.offer, candidate.rung = id, id, now
  refile(seeker)
  refile(candidate)
  return offer
end

local function begin(person, s, partner)
  release(person)
  person.session, person.looking, person.languages = s, nil, nil
  if person.avoided_networks then note_met(person.id, {partner}) end
  refile(person)
end

-- Those of the members who are in it are free (or gone), not looking, not to be asked until they ask.
local function end_session(s, members)
  for _, member in ipairs(members) do
    local person = find(member)
    if person and person.session == s then
      person.session, person.looking, person.available = nil, nil, nil
      refile(person)
    end
  end
end

-- End the session that two share, if they do: they are strangers from now on (M5).
local function part(a, b)
  local one, other = find(a), find(b)
  if one and other and one.session and one.session == other.session then end_session(one.session, {a, b}) end
end

-- Strangers for ever; the open offer between them that this has ended. A session of theirs ends too.
local function block(a, b)
  if find(a) then block_one(a, b) end
  if find(b) then block_one(b, a) end
  part(a, b)
  for one, other in pairs({[a] = b, [b] = a}) do  -- of a ring that goes on the candidate alone knows
    local offer = find(one) and offer_of(find(one))
    if offer and (offer.seeker == other or offer.candidate == other) then
      close(offer)
      return offer
    end
  end
end

-- Guests of this process from a range of its names.
local function guests(process, ...)
  local found, its = call('ZRANGEBYLEX', key('s', process), ...), {}
  for _, guest in ipairs(found) do
    local person = find(guest)
    if person and person.process == process then
      its[#its + 1] = person
    else
      call('ZREM', key('s', process), guest)  -- the record was lost
    end
  end
  return its, #found, found[#found]
end

local function sweep_later(process, after) call('HSET', prefix .. 'sweeping', process, after or '') end

local function lapse(process)
  call('ZREM', prefix .. 'leases', process)
  living[process] = false
end

-- Those of a silent process may be led to nobody, and keep their wishes in case it comes back; then they may again. Who
-- has not been seen to yet stands in the wrong place, but is in the right state.
local function sweep()
  local left = SWEPT_AT_ONCE
  local sweeping = call('HKEYS', prefix .. 'sweeping')
  table.sort(sweeping)
  for _, process in ipairs(sweeping) do
    local after = call('HGET', prefix .. 'sweeping', process)
    local its, count, last = guests(process, after == '' and '-' or '(' .. after, '+', 'LIMIT', 0, left)
    for _, person in ipairs(its) do
      if not lives(process) then release(person) end
      refile(person)
    end
    left = left - count
    if left == 0 then return sweep_later(process, last) end
    call('HDEL', prefix .. 'sweeping', process)
  end
end

local function due(what, until_ms, most)
  return call('ZRANGEBYSCORE', prefix .. what, '-inf', until_ms, 'LIMIT', 0, most)
end

-- Let everything happen that was due before this step.
local function settle()
  for _, process in ipairs(due('leases', now, -1)) do
    lapse(process)
    sweep_later(process)
  end
  sweep()
  for _, id in ipairs(due('endings', now, -1)) do
    local offer = running(id)
    if offer then call('ZADD', prefix .. 'endings', offer.rings_until, id)  -- it rings on
    else call('ZREM', prefix .. 'endings', id) end
  end
  for _, turn in ipairs(due('turns', now, SWEPT_AT_ONCE)) do
    local person = find(turn:match(':(.*)'))
    if person then refile(person) end
    call('ZREM', prefix .. 'turns', turn)
  end
  for kind, book in pairs({d = 'letdowns', w = 'complaints'}) do
    for _, name in ipairs(due(book, now - LETDOWN_MS, SWEPT_AT_ONCE)) do
      call('UNLINK', key(kind, name))
      call('ZREM', prefix .. book, name)
    end
  end
  for _, guest in ipairs(due('absent', now - FORGET_MS, SWEPT_AT_ONCE)) do
    local person = find(guest)
    if person then
      take_out(person)
      stop_taking_part(person)
      stop_roaming(person)
    end
    forget_visitor(guest)
    call('ZREM', prefix .. 'absent', guest)
  end
  for _, id in ipairs(due('ended', now - ENDED_MS, SWEPT_AT_ONCE)) do
    call('UNLINK', key('e', id))
    call('ZREM', prefix .. 'ended', id)
  end
end

-- One method: settle, do it, write what has changed, answer; with how many records were dropped, if any were.
local function step(method)
  settle()
  local answer = method(unpack(cmsgpack.unpack(ARGV[2])))
  keep()
  local packed = cmsgpack.pack(answer)
  return dropped > 0 and {packed, dropped} or packed
end

-- The open offer that the guest answers.
local function answered(guest, id)
  local offer, person = running(id), find(guest)
  if not offer or not person or offer.candidate ~= guest then return nil end
  person.unanswered = 0
  changed[guest] = true
  return offer
end

-- enter --
-- What is blocked here stays blocked: the row of a decline may not have reached history yet (protocol §3).
local function put_in(person, entry)
  if person.process ~= entry.process then take_out(person) end
  not_absent(person)  -- a new visit, even if its process has yet to renew
  person.process, person.online = entry.process, true
  bind(person)
  person.pool, person.lat, person.lon, person.city = entry.pool, entry.district[1], entry.district[2], entry.city
  person.available, person.slow = entry.available or nil, entry.slow or nil
  person.visible = entry.visible or nil
  person.towns = entry.towns or nil
  person.languages = not person.session and entry.languages[1] and entry.languages or nil
  person.networks = entry.networks[1] and entry.networks
  person.network = entry.network ~= '' and entry.network or nil
  person.own_network = entry.own_network ~= '' and entry.own_network or nil
  for _, guest in ipairs(entry.blocked) do
    if person.session then part(person.id, guest) end
  end
  for network, at in pairs(entry.avoided_networks) do avoid_network(person, network, at) end
  note_avoided(person)
  note_met(person.id, entry.met)
  refile(person)
end

-- Take up the row for all its members (§2.8); its id when it must end, because one of them is in another chat or they are
-- strangers for ever (M5). An open offer of theirs ends: only a lobby that has gone back has one.
local function resume(row)
  if not row then return nil end
  for _, member in ipairs(row.members) do
    local person = find(member)
    if person and person.session and person.session ~= row.id then return row.id end
  end
  local a, b = row.members[1], row.members[2]
  if has_blocked(a, b) or has_blocked(b, a) then return row.id end
  for _, member in ipairs(row.members) do
    local person = find_or_make(member)
    begin(person, row.id, member == a and b or a)
  end
  return nil
end

-- An open offer goes on when a page is entered that is here already, unless the two are blocked by now.
local function may_go_on(offer)
  if not offer then return true end
  local seeker, candidate = find(offer.seeker), find(offer.candidate)
  return seeker and candidate and not strangers(seeker, candidate)
end

return step(function(entry)
  local person = find_or_make(entry.guest)
  if entry.epoch > 0 and entry.epoch < person.epoch then return {epoch = person.epoch} end
  local same_page = entry.epoch == person.epoch and person.online
  person.epoch = entry.epoch > 0 and entry.epoch or math.max(person.epoch + 1, now * 1000)
  for _, guest in ipairs(entry.blocked) do block_one(person.id, guest) end
  local over = nil
  if not same_page or entry.session or not may_go_on(offer_of(person)) then
    over = fall_through(offer_of(person))
    person.looking = nil
  end
  put_in(person, entry)
  local ended_row = resume(entry.session)
  return {epoch = person.epoch, session = person.session, ended = ended_row, over = over}
end)

-- leave --
return step(function(guest, epoch)
  local person = find(guest)
  if not person or person.epoch ~= epoch then return nil end
  local over = fall_through(offer_of(person), guest)
  dismiss(person)
  return over
end)

-- seek --
local function gap(low, reach, at)
  if at < low then return low - at end
  return at > low + reach and at - low - reach or 0
end

-- The tiles still to open and the districts still to visit, as a heap by distance, and then by code: the lower level first,
-- then the lower coordinates. Most of a claim in the country is spent here, so calls and tables are saved.
local distances, codes, ahead = {}, {}, 0

local function push(d, code)
  local distances, codes = distances, codes
  local i = ahead + 1
  ahead = i
  while i > 1 do
    local parent = floor(i / 2)
    local other = distances[parent]
    if other < d or (other == d and codes[parent] < code) then break end
    distances[i], codes[i] = other, codes[parent]
    i = parent
  end
  distances[i], codes[i] = d, code
end

local function pop()
  local distances, codes = distances, codes
  local top, d, code, size = codes[1], distances[ahead], codes[ahead], ahead - 1
  ahead = size
  local i, child = 1, 2
  while child <= size do
    local nearer, right = distances[child], distances[child + 1]
    if child < size and (right < nearer or (right == nearer and codes[child + 1] < codes[child])) then
      child, nearer = child + 1, right
    end
    if d < nearer or (d == nearer and code < codes[child]) then break end
    distances[i], codes[i] = nearer, codes[child]
    i, child = child, 2 * child
  end
  distances[i], codes[i] = d, code
  return top
end

local function decode(code)
  local lon = code % BITS_18
  local rows = (code - lon) / BITS_18
  local lat = rows % BITS_18
  return (rows - lat) / BITS_18, lat - HALF, lon - HALF
end

local function open_tile(below, tile, from, stretch)
  local level, lat, lon = decode(tile)
  level = level - 1
  local side = 4 ^ level
  local reach = side - 1
  for i = 0, 3 do
    local row = below % 16
    below = (below - row) / 16
    if row > 0 then
      local child_lat = lat * 4 + i
      local up = gap(child_lat * side, reach, from.lat)
      for child_lon = lon * 4, lon * 4 + 3 do
        local there = row % 2
        row = (row - there) / 2
        if there == 1 then
          local along = gap(child_lon * side, reach, from.lon)
          if along > COORDINATES_ROUND / 2 - side then  -- perhaps it is nearer across the 180th meridian
            along = math.min(along, math.max(COORDINATES_ROUND - along - reach, 0))
          end
          push(up * up + along * along * stretch, encode(level, child_lat, child_lon))
        end
      end
    end
  end
end

-- The districts of an area as numbers, the nearest first; a tie goes to the lower coordinates. The own one comes even when
-- empty.
-- Best first: a tile is opened only when nothing nearer is left, so empty country costs nothing.
local function nearest(tiles, from)
  local stretch = math.cos(math.rad(from.lat * COORDINATE_DEGREES)) ^ 2  -- degrees of longitude shrink towards the poles
  local own, tiles_start, started = encode(0, from.lat, from.lon), encode(1, -HALF, -HALF), false
  return function()
    if not started then
      started, ahead = true, 0
      for lat = -1, 0 do
        for lon = -1, 0 do push(0, encode(TOP_LEVEL, lat, lon)) end
      end
      return own
    end
    while ahead > 0 do
      local tile = pop()
      if tile >= tiles_start then
        local below = call('HGET', tiles, tile)
        if below then open_tile(tonumber(below), tile, from, stretch) end
      elseif tile ~= own then
        return tile
      end
    end
  end
end

-- The guests of a district at random, each once: a shuffle that is made only as far as it is asked for. The first of them
-- are given, perhaps all.
local function shuffled(here, found)
  local count = #found
  local whole = count <= FETCHED_WHOLE
  if not whole then count = call('ZCARD', here) end
  local moved, i = {}, 0
  return function()
    if i == count then return nil end
    i = i + 1
    local j = math.random(i, count)
    local at = moved[j] or j
    moved[j] = moved[i] or i
    return whole and found[at] or call('ZRANGE', here, at - 1, at - 1)[1]
  end
end

-- How many of a network take part, and how many may meet others: all, while nobody else takes part.
local function size_and_share(pool, network)
  local size = call('ZCARD', crowd_of(pool, network))
  local others = call('ZCARD', key('l', pool)) - size
  return size, others > 0 and math.max(LOOKERS_LEAST, floor(others / OTHERS_FOR_ONE)) or size + 1
end

-- Whether the candidate, who perhaps does not look, may meet somebody of another network now.
local function has_room(candidate, seeker)
  local network = network_of(candidate)
  if network == '' or network == network_of(seeker) or candidate.crowd then return true end
  local size, share = size_and_share(candidate.pool, network)
  return size < share
end

-- Whether the guest is among those of its network who may meet guests of other towns and networks. They are looked at:
-- none of them may be kept by somebody whose record was lost.
local function may_roam(person)
  local network = network_of(person)
  if network == '' then return true end
  local roamers, others = roamers_of(network), 0
  for _, guest in ipairs(call('ZRANGE', roamers, 0, ROAMERS - 1)) do
    local other = find(guest)
    if guest == person.id then return true end
    if other and other.roam and other.roam[1] == network then others = others + 1
    else call('ZREM', roamers, guest) end
  end
  return others < ROAMERS
end

-- Two of one pool, or network, may meet as far as towns go.
local function may_meet(a, b)
  return a.pool == b.pool or network_of(a) == network_of(b) or may_roam(a) and may_roam(b)
end

local strays = {}  -- who stands where no record says so (it was lost), or is not free and not swept yet

-- Whether the guest may be asked, by the record too.
local function fits(candidate, guest, as, place, seeker)
  local says = candidate and candidate[as]
  if not says or says[1] ~= place[1] or says[2] ~= place[2] or says[3] ~= place[3] or says[4] ~= place[4] then
    strays[#strays + 1] = {id = guest, [as] = place}
  elseif state(candidate) ~= 'free' then
    strays[#strays + 1] = candidate
  else
    return may_be_asked(candidate, seeker) and understand(candidate, seeker) and may_meet(candidate, seeker)
      and has_room(candidate, seeker)
  end
end

-- Somebody of a district who may be asked; and whether anybody stands there who is not blocked. At most so many are
-- tried.
local function choose(here, found, as, place, seeker, blocked, most)
  local left = most
  for guest in shuffled(here, found) do
    if not blocked[guest] then
      local candidate = find(guest)
      if fits(candidate, guest, as, place, seeker) then return candidate, true end
      left = left - 1
      if left == 0 then break end
    end
  end
  return nil, left < most
end

local function all_barred(found, blocked)
  if #found > FETCHED_WHOLE then return false end
  for i = 1, #found do
    if not blocked[found[i]] then return false end
  end
  return true
end

-- The districts of an area as numbers, in any order: as "nearest" gives them, but shuffled.
local function in_any_order(tiles)
  local found, at = {}, 0
  for district in nearest(tiles, {lat = 0, lon = 0}) do found[#found + 1] = district end
  for i = 1, #found do
    local j = math.random(i, #found)
    found[i], found[j] = found[j], found[i]
  end
  return function()
    at = at + 1
    return found[at]
  end
end

-- Whether the seeker is, or may be, kept apart from somebody of the pool: then candidates are drawn blindly, so that the
-- place of whom the seeker never comes upon stays unknown.
local function asks_blindly(seeker, blocked)
  for guest in pairs(blocked) do
    if call('ZSCORE', key('p', seeker.pool), guest) then return true end
  end
  for _, at in pairs(seeker.avoided_networks or {}) do
    if wall < at + AVOIDED_MS then return true end
  end
  for _, network in ipairs(seeker.networks or {}) do
    if tonumber(call('ZSCORE', key('x', seeker.pool), network) or 0) > wall then return true end
  end
  return false
end

-- The blocked are not counted, or those around somebody who has declined many would hide everybody behind them (M13).
local function draw_nearest(seeker, blocked, blindly, share)
  local left, pool, rank = DISTRICTS_WALKED / share, seeker.pool, IDLE_IN_VIEW
  local head, tail = prefix .. 'c:' .. rank .. ':', ':' .. pool  -- of "stand"
  local tiles = area(pool, rank)
  for district in blindly and in_any_order(tiles) or nearest(tiles, seeker) do
    local here = head .. district .. tail
    local found = call('ZRANGE', here, 0, FETCHED_WHOLE)
    if not all_barred(found, blocked) then
      local _, lat, lon = decode(district)
      local candidate, met = choose(here, found, 'place', {pool, rank, lat, lon}, seeker, blocked,
        DRAWN_PER_DISTRICT)
      if candidate then return candidate end
      if met then left = left - 1 end
      if left == 0 then return nil end
    end
  end
end

-- Those of a network who are over its share. Who has the share is looked at: it must not be kept by somebody whose record
-- was lost.
local function over_share(pool, network)
  local crowd = crowd_of(pool, network)
  local size, share = size_and_share(pool, network)
  if size <= share then return {} end
  for _, guest in ipairs(call('ZRANGE', crowd, 0, share - 1)) do
    local person = find(guest)
    if not person or not is_in_crowd(person, pool, network) then leave_crowd(pool, network, guest) end
  end
  return call('ZRANGE', crowd, share, -1)
end

-- Adds who is over the share of another network to those who are passed over; whether the seeker is over the own one's.
local function pass_over(pool, seeker, passed_over)
  local own, is_over = network_of(seeker), false
  for _, network in ipairs(call('HKEYS', key('k', pool))) do
    for _, guest in ipairs(over_share(pool, network)) do
      if network ~= own then passed_over[guest] = true else is_over = is_over or guest == seeker.id end
    end
  end
  return is_over
end

-- Somebody at random of the seeker's own network who looks.
local function draw_own(seeker, first, last, blocked)
  local crowd = crowd_of(seeker.pool, network_of(seeker))
  for guest in shuffled(crowd, call('ZRANGE', crowd, 0, FETCHED_WHOLE)) do
    local candidate = not blocked[guest] and find(guest)
    local place = candidate and candidate.place
    if place and place[2] >= first and place[2] <= last and state(candidate) == 'free'
      and may_be_asked(candidate, seeker) and understand(candidate, seeker) then return candidate end
  end
end

-- Somebody of a rank whose place ranks nobody, at random in a pool.
local function draw_anywhere(as, pool, seeker, blocked, rank, most)
  local here = stand(pool, rank, encode(0, 0, 0))
  local found = call('ZRANGE', here, 0, FETCHED_WHOLE)
  local candidate = choose(here, found, as, {pool, rank, 0, 0}, seeker, blocked, most)
  return candidate
end

local function draw_here(seeker, blocked, blindly, share, first, last)
  for rank = first, last do
    local found
    if rank == IDLE_IN_VIEW then found = draw_nearest(seeker, blocked, blindly, share)
    else found = draw_anywhere('place', seeker.pool, seeker, blocked, rank, LOOKERS_DRAWN / share) end
    if found then return found end
  end
end

-- Somebody of another town who roams.
local function draw_in_town(pool, seeker, blocked, first, last)
  if call('EXISTS', key('p', TOWN .. pool)) == 0 then return nil end
  pass_over(pool, seeker, blocked)
  for rank = first, last do
    local found = draw_anywhere('town', TOWN .. pool, seeker, blocked, rank, DRAWN_PER_TOWN)
    if found then return found end
  end
end

-- The first and the last rank of those whom the seeker may be led to, see "_ranks" in lobby_state.py.
local function ranks_for(seeker, stands)
  local first = stands and BEHIND or LOOKING_IN_VIEW
  if now < (seeker.asks_from or 0) then return first, LOOKING_HIDDEN end
  local waited = stands or now >= seeker.looks_since + PATIENT_MS
  return first, waited and BEHIND or IDLE_IN_VIEW
end

local function find_candidate(seeker, neighbours)
  local stands, blocked = standing(seeker.id), {}
  if stands == 'alone' then return nil end
  local first, last = ranks_for(seeker, stands)
  for _, guest in ipairs(call('SMEMBERS', key('b', seeker.id))) do blocked[guest] = true end
  local blindly = asks_blindly(seeker, blocked)
  if pass_over(seeker.pool, seeker, blocked) then return draw_own(seeker, first, last, blocked) end
  local share = waits_for_language(seeker) and LANGUAGE_SHARE or 1
  for _, some in ipairs({{first, math.min(last, IDLE_IN_VIEW)}, {math.max(first, BEHIND), last}}) do
    local found = draw_here(seeker, blocked, blindly, share, some[1], some[2])
    if found then return found end
    for _, pool in ipairs(seeker.towns and neighbours or {}) do
      found = draw_in_town(pool, seeker, blocked, some[1], some[2])
      if found then return found end
    end
  end
end

-- Ask the best candidate, if there is one.
local function claim(seeker, neighbours, id, rest_ms, ring_s, slow_ring_s)
  if not seeker.place then refile(seeker) end  -- back with its process, and not swept yet
  if not seeker.place then return nil end
  local candidate = find_candidate(seeker, neighbours)
  for _, stray in ipairs(strays) do
    if stray.process then
      refile(stray)
    else
      discard(stray, 'place')
      discard(stray, 'town')
    end
  end
  if not candidate then return nil end
  seeker.rest_ms = rest_ms
  return open(id, seeker, candidate, ring_s, slow_ring_s)
end

-- A rest ends the moment both look.
local function look(person)
  if person.looking then return end
  person.looking, person.looks_since = true, now
  refile(person)
  for _, guest in ipairs(call('ZRANGE', key('r', person.id), 0, -1)) do
    local other = find(guest)
    if other and other.looking then end_rest(person, other) end
  end
end

return step(function(guest, id, rest_ms, ring_s, slow_ring_s, neighbours)
  math.randomseed(tonumber(ARGV[3]))
  local person = find(guest)
  if person and person.session then return {state = 'matched', session = person.session} end
  if not person or not person.online then return {state = 'waiting'} end
  look(person)
  local offer = offer_of(person) or claim(person, neighbours, id, rest_ms, ring_s, slow_ring_s)
  if not offer then return {state = 'waiting'} end
  return {state = offer.seeker == guest and 'asking' or 'asked', offer = offer}
end)

-- accept --
-- Whether a yes begins a chat: the seeker asks still, or looks on meanwhile, there and for no other.
local function may_begin(offer)
  if now < offer.ends then return true end
  local seeker, candidate = find(offer.seeker), find(offer.candidate)
  if not seeker or strangers(seeker, candidate) then return false end
  local is = state(seeker)
  if is ~= 'free' and is ~= 'asking' then return false end
  local meets_here = seeker.pool == offer.pool and (seeker.towns or seeker.pool == candidate.pool)
  return offer.wished or seeker.looking and meets_here
end

-- Answers with the offer that this has taken back, if the seeker was asking somebody else.
return step(function(guest, id, s)
  local offer = answered(guest, id)
  if not offer then return nil end
  if not may_begin(offer) then return close(offer) end
  local seeker, candidate = find_or_make(offer.seeker), find_or_make(offer.candidate)
  note_led({seeker, candidate}, seeker, candidate)
  close(offer, true)
  local taken_back = offer_of(find_or_make(offer.seeker))
  begin(find_or_make(offer.seeker), s, offer.candidate)
  begin(find_or_make(offer.candidate), s, offer.seeker)
  return {taken_back}
end)

-- decline --
return step(function(guest, id)
  local offer = running(id)
  if offer then offer = answered(guest, id) else offer = ended(id) end
  if not offer or offer.candidate ~= guest then return nil end
  return block(offer.seeker, guest) or offer
end)

-- later --
return step(function(guest, id)
  local offer = answered(guest, id)
  if not offer then return nil end
  close(offer)
  local candidate = find(guest)
  candidate.looking, candidate.available = nil, nil
  refile(candidate)
  return offer
end)

-- stop --
return step(function(guest)
  local person = find(guest)
  if not person then return nil end
  person.looking = nil
  refile(person)
  return fall_through(offer_of(person), guest, true)
end)

-- view --
return step(function(guest, visible, touched)
  local person = find(guest)
  if not person then return nil end
  person.visible = visible or nil
  if touched then person.unanswered = 0 end
  refile(person)
end)

-- available --
return step(function(guest, on, slow)
  local person = find(guest)
  if not person then return nil end
  person.available, person.slow = on or nil, slow or nil
  refile(person)
end)

-- prefer --
return step(function(guest, towns, languages)
  local person = find(guest)
  if not person then return nil end
  person.towns = towns or nil
  if person.online and not person.session then person.languages = languages[1] and languages or nil end
  refile(person)
end)

-- move --
-- Answers in how many ms the guest can be moved, if not now.
return step(function(guest, pool, lat, lon, city)
  local person = find(guest)
  if not person then return nil end
  local offer = offer_of(person)
  if offer then return (offer.seeker == guest and offer.ends or offer.rings_until) - now end
  person.pool, person.lat, person.lon, person.city = pool, lat, lon, city
  note_avoided(person)
  refile(person)
end)

-- end_session --
return step(end_session)

-- block --
return step(block)

-- let_down --
return step(function(guest, partner, ms)
  local other = find(partner)
  let_down(guest, other and (other.network or other.own_network) or partner, ms)
end)

-- avoid_networks --
return step(function(guest, networks, at, met)
  local person = find(guest)
  if not person then return nil end
  for network, since in pairs(person.avoided_networks or {}) do
    if wall >= since + AVOIDED_MS then person.avoided_networks[network] = nil end
  end
  for _, network in ipairs(networks) do avoid_network(person, network, at) end
  note_avoided(person)
  note_met(guest, met)
  changed[guest] = true
end)

-- networks --
return step(function(guest)
  local person = find(guest)
  return person and person.networks or {}
end)

-- pair --
return step(function(s, members)
  local a, b = find(members[1]), find(members[2])
  if not a or not b or strangers(a, b) then return false end
  if not is_free(a) or not is_free(b) then return false end
  begin(a, s, b.id)
  begin(b, s, a.id)
  return true
end)

-- ask --
return step(function(guest, other, id, ring_s, slow_ring_s)
  local seeker, candidate = find(guest), find(other)
  if not seeker or not candidate or not may_be_asked(candidate, seeker) then return nil end
  if state(seeker) ~= 'free' or state(candidate) ~= 'free' then return nil end
  if not may_be_rung(candidate) then return nil end
  return open(id, seeker, candidate, ring_s, slow_ring_s, not seeker.looking)
end)

-- nearby --
-- How many others stand in the pool, and of the towns nearby who may meet the guest.
return step(function(guest, neighbours)
  local person = find(guest)
  if not person or not person.pool then return 0 end
  local count = call('ZCARD', key('p', person.pool)) - (person.place and 1 or 0)
  for _, pool in ipairs(person.towns and neighbours or {}) do
    if count >= COUNTED_NEARBY then break end
    count = count + call('ZCARD', key('p', TOWN .. pool))
  end
  return count
end)

-- status --
return step(function(guests_asked)
  local found = {}
  for i, guest in ipairs(guests_asked) do
    local person = find(guest)
    found[i] = person and {
      epoch = person.epoch, state = state(person), looking = person.looking or false,
      offer = offer_of(person), session = person.session,
    } or {epoch = 0}
  end
  return found
end)

-- renew --
-- Whether the process was known to live, and the time.
return step(function(process)
  local known = lives(process)
  note_time(ahead)
  call('ZADD', prefix .. 'leases', now + LEASE_MS, process)
  touch(key('s', process))
  if not known then  -- its first, or it was frozen for longer than its lease and is back with its guests
    living[process] = true
    sweep_later(process)
    sweep()
  end
  return {known, now}
end)

-- drop --
-- All at once, or those who are entered again next would be taken out by what is left to do.
return step(function(process)
  lapse(process)
  call('HDEL', prefix .. 'sweeping', process)
  for _, person in ipairs(guests(process, '-', '+')) do
    release(person)
    dismiss(person)
  end
end)

-- mend --
-- Make sure that these stand where their records say: any key may have been lost.
return step(function(guests_asked)
  for _, guest in ipairs(guests_asked) do
    local person = find(guest)
    if person and person.online then
      bind(person)
      touch(key('b', guest))
      touch(key('m', guest))
      note_avoided(person)
      refile(person)
      if person.crowd then
        join_crowd(person)
        call('ZREMRANGEBYSCORE', key('l', person.pool), '-inf', now - STANDING_MS)
      end
      if person.roam then join_roamers(person) end
      for _, as in ipairs({'place', 'town'}) do
        if person[as] then
          occupy(person, as)
          call('ZREMRANGEBYSCORE', key('p', person[as][1]), '-inf', now - STANDING_MS)
        end
      end
    end
  end
end)
