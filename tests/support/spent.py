"""Buckets that others have emptied: a network's, or both halves of the process's."""

from citychat.limits import COMMON, KEPT, Shares


def spent_by(shares: Shares, source: str, tokens: int) -> None:
    """The network has taken so many, and the process has as many as before."""
    shares._network.put_down(source, shares._now_s(), tokens)


def spent_by_all(shares: Shares, tokens: int, halves: tuple[str, ...] = (COMMON, KEPT)) -> None:
    """Others have taken so many out of each half of what is the process's."""
    for half in halves:
        shares._halves.put_down(half, shares._now_s(), tokens)
