"""The ways to the host that the setting ``alert`` names."""

from collections.abc import Sequence

from citychat.alerts.alert import Way


def ways(urls: Sequence[str]) -> list[Way]:
    """Return them; what costs a start is loaded only where it is asked for."""
    return [_way(url) for url in urls]


def _way(url: str) -> Way:
    if url.startswith("smtp"):
        from citychat.alerts.mail import MailWay

        return MailWay(url)
    from citychat.alerts.posts import NtfyWay, WebhookWay

    return NtfyWay(url) if url.startswith("ntfy") else WebhookWay(url)
