"""Buckets that others have emptied: a network's, or both of the process."""

from citychat.limits import COMMON, KEPT, Shares


def spent_by(shares: Shares, source: str, tokens: int) -> None:
    """The network has taken so many, and the process has as many as before."""
    shares._network.put_down(source, shares._now_s(), tokens)


def spent_by_all(shares: Shares, tokens: int) -> None:
    """Others have taken so many out of each bucket of the process."""
    for which in (COMMON, KEPT):
        shares._full_s[which] = shares._now_s() + tokens * shares._step_s[which]
