"""Candidates in the embedded lobby: who may be led to a seeker, the best first (protocol §3)."""

from collections.abc import Iterator, Sequence

from citychat.adapters.memory.lobby_guest import LobbyGuest, may_be_asked, strangers, understand, waits_for_language
from citychat.adapters.memory.lobby_state import LobbyState
from citychat.model import Offer
from citychat.rules import (
    BEHIND,
    IDLE_IN_VIEW,
    LANGUAGE_SHARE,
    LOOKING_IN_VIEW,
    PATIENT_MS,
    UNASKED,
    held_until,
)


def candidates(state: LobbyState, seeker: LobbyGuest, neighbours: Sequence[str]) -> Iterator[str]:
    """Draw who may be led to a free seeker, the best first, as far as standing and the shares of networks go: those of
    the own pool, then of the towns nearby, and who ranks behind everybody after all of these. Use it up or drop it
    before anything changes."""
    pool, standing = seeker.pool, state.letdowns.standing(seeker.id)
    if pool is None or standing == "alone":
        return
    ranks = _ranks(state, seeker, standing)
    if state.crowds.is_over(seeker.id):
        yield from (guest for guest in state.crowds.draw(pool, seeker.network) if state.index.rank(guest) in ranks)
        return
    blocked = _passed_over(state, seeker, pool)
    start = None if _asks_blindly(state, seeker, pool) else seeker.district
    share = LANGUAGE_SHARE if waits_for_language(seeker, state.now) else 1
    towns = neighbours if seeker.towns else ()
    for some in (range(ranks.start, min(ranks.stop, BEHIND)), range(max(ranks.start, BEHIND), ranks.stop)):
        yield from state.index.draw(pool, start, blocked, some, share)
        for town in towns:
            yield from state.towns.draw(town, _passed_over(state, seeker, town), some)


def _passed_over(state: LobbyState, seeker: LobbyGuest, pool: str) -> dict[str, None]:
    over = state.crowds.passed_over(pool, seeker.network)
    return over | seeker.blocked if over else seeker.blocked


def _ranks(state: LobbyState, seeker: LobbyGuest, standing: str) -> range:
    """Return whom the seeker may be led to: who rests, only those who look; who has not looked for long, nobody
    behind; who is behind, only to others who are."""
    first = BEHIND if standing else LOOKING_IN_VIEW
    if state.now < seeker.asks_from:
        return range(first, IDLE_IN_VIEW)
    waited = standing or state.now >= seeker.looks_since + PATIENT_MS
    return range(first, UNASKED if waited else BEHIND)


def _asks_blindly(state: LobbyState, seeker: LobbyGuest, pool: str) -> bool:
    """Tell whether the seeker is, or may be, kept apart from somebody here: else the place of whom they never come upon
    would show."""
    if any(state.stands_in(other, pool) for other in seeker.blocked):
        return True
    keeps_away = any(state.now < held_until("avoided network", at) for at in seeker.avoided_networks.values())
    return keeps_away or any(state.is_avoided_in(pool, network) for network in seeker.networks)


def is_led_to(state: LobbyState, candidate: LobbyGuest, seeker: LobbyGuest) -> bool:
    """Tell whether one of the candidates is led to the seeker."""
    if not may_be_asked(candidate, seeker, state.now) or not understand(candidate, seeker, state.now):
        return False
    if candidate.network == seeker.network:
        return True
    if candidate.pool != seeker.pool and not all(map(state.towns.may_roam, (candidate, seeker))):
        return False
    return not candidate.network or state.crowds.has_room(candidate.id, candidate.pool or "", candidate.network)


def may_begin(state: LobbyState, offer: Offer) -> bool:
    """Tell whether a yes begins a chat: the seeker asks still, or looks on meanwhile, there and for no other."""
    seeker, candidate = state.people[offer.seeker], state.people[offer.candidate]
    if seeker.offer is offer:
        return True
    if strangers(seeker, candidate, state.now) or state.state(seeker) not in ("free", "asking"):
        return False
    meets_here = seeker.pool == offer.pool and (seeker.towns or seeker.pool == candidate.pool)
    return offer.wished or (seeker.looking and meets_here)
