"""Buckets that others have emptied: a network's, or both of the process."""

from citychat.limits import Shares


def spent_by(shares: Shares, source: str, tokens: int) -> None:
    """The network has taken so many, and the process has as many as before."""
    shares._network.put_down(source, shares._now_s(), tokens)


def spent_by_all(shares: Shares, tokens: int) -> None:
    """Others have taken so many out of each bucket of the process."""
    for bucket in (shares._common, shares._kept):
        bucket.put_down("", shares._now_s(), tokens)
