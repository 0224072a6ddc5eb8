"""The lines that a start prints: where the server is, who meets here, what is missing."""

import socket
from collections.abc import Sequence

import citychat
from citychat.server.engines import services
from citychat.server.for_host import NO_HOST_SOCKETS, HostSockets
from citychat.server.listeners import own_names, public_name
from citychat.server.startup import Resources


def greeting(parts: Resources, sockets: Sequence[socket.socket], for_host: HostSockets = NO_HOST_SOCKETS) -> list[str]:
    """Return the lines that a start prints (product page, Host)."""
    port, names, public = sockets[0].getsockname()[1], own_names(sockets), public_name(sockets)
    pool = f"{parts.home.name}, {parts.home.country}" if parts.home else "This network"
    second = (f"{names[1]}:{port}", "same browser") if names[1:] else (f"{names[0]}:{port}", "in a private window")
    reach = f"http://{public}:{port}" if public else "start with --listen 0.0.0.0"
    lines = [
        f"CityChat {citychat.__version__}",
        f"Data folder   {parts.settings.data}",
        *services(parts.settings),
        f"People here   meet in: {pool}",
        f"You           http://{names[0]}:{port}",
        f"A second you  http://{second[0]} ({second[1]}, counts as another person)",
        f"Phones        {reach} (browsers give a position to https and localhost only)",
    ]
    if not parts.has_database:
        lines.append(f"City database none: guests choose their city; get one with: {citychat.COMMAND} geoip fetch")
    lines += _for_host(for_host)
    if ignored := parts.settings.ignored:
        lines.append(
            f"Ignored       {', '.join(ignored)}: of Kubernetes (enableServiceLinks), a link or an image, no settings"
        )
    if parts.wrong_logo:
        lines.append(f"Logo          {parts.wrong_logo}")
    if parts.wrong_contact:
        lines.append(f"Tell me once  {parts.wrong_contact}")
    if public and not parts.settings.contact:
        lines.append("Contact       none: guests cannot reach you; name one with --contact")
    return [*lines, "Ctrl+C stops it."]


def _for_host(sockets: HostSockets) -> list[str]:
    lines = []
    if sockets.metrics:
        port = sockets.metrics[0].getsockname()[1]
        lines.append(f"Metrics       http://{own_names(sockets.metrics)[-1]}:{port}/metrics")
    if sockets.console:
        name = sockets.console[0].getsockname()
        place = name if isinstance(name, str) else f"port {name[1]} of this machine"
        lines.append(f"Console       {place}, by a link that this prints: {citychat.COMMAND} console")
    return lines
