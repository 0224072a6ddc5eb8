"""Candidates in the embedded lobby: who may be led to a seeker, the best first (protocol §3)."""

from collections.abc import Iterable

from citychat.adapters.memory.lobby_guest import LobbyGuest, may_be_asked
from citychat.adapters.memory.lobby_state import LobbyState
from citychat.rules import BEHIND, IDLE_IN_VIEW, LOOKING_IN_VIEW, PATIENT_MS, UNASKED, held_until


def candidates(state: LobbyState, seeker: LobbyGuest) -> Iterable[str]:
    """Return who may be led to a free seeker, the best first, as far as their standing and the shares of their
    networks go. Use it up or drop it before anything changes."""
    pool, standing = seeker.pool, state.letdowns.standing(seeker.id)
    if pool is None or standing == "alone":
        return ()
    ranks = _ranks(state, seeker, standing)
    if state.crowds.is_over(seeker.id):
        return (guest for guest in state.crowds.draw(pool, seeker.network) if state.index.rank(guest) in ranks)
    over = state.crowds.passed_over(pool, seeker.network)
    start = None if _asks_blindly(state, seeker, pool) else seeker.district
    return state.index.draw(pool, start, over | seeker.blocked if over else seeker.blocked, ranks)


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
    pool, network = seeker.pool, candidate.network
    if pool is None or not may_be_asked(candidate, seeker, state.now):
        return False
    return network in ("", seeker.network) or state.crowds.has_room(candidate.id, pool, network)
