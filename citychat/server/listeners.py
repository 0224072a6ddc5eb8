"""Listeners: where the server can be reached, and how many connections the machine has room for."""

import contextlib
import errno
import resource
import socket
from collections.abc import Sequence

from tornado.netutil import bind_sockets

from citychat.networks import is_loopback
from citychat.server.startup import StartError

SPARE_FILES = 200  # for storage, city databases and answers on their way; the rest are connections
DARWIN_FILES = 10_240  # macOS says its hard limit is infinite and takes no more than this
EVERYWHERE = ("0.0.0.0", "::")
BOTH = {"localhost": ("127.0.0.1", "::1"), "::": EVERYWHERE}  # whatever the machine's own table of hosts says


def raise_file_limit() -> int:
    """Take as many open files as the system lets us have (the usual soft limit of 1,024 would end at 800 guests)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (hard, max(soft, min(hard, DARWIN_FILES))):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            break
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def bind(host: str, port: int) -> list[socket.socket]:
    """Listen on every address of that name, all on one port. Raises OSError.

    localhost is both families, because a browser may try either; :: takes IPv4 along, as elsewhere. Where there is no
    IPv6 the other one is enough.
    """
    sockets: list[socket.socket] = []
    for name in BOTH.get(host, (host,)):
        try:
            sockets += bind_sockets(sockets[0].getsockname()[1] if sockets else port, name)
        except OSError as error:
            if not sockets or error.errno == errno.EADDRINUSE:
                for listening in sockets:
                    listening.close()
                raise
    return sockets


def bind_or_say(host: str, port: int, flag: str = "--port") -> list[socket.socket]:
    """Listen as ``bind`` does. Raises StartError, which names the ``flag``."""
    try:
        return bind(host, port)
    except OSError as error:
        hints = {
            errno.EADDRINUSE: f"; another program has it, choose another with {flag}",
            errno.EACCES: f"; this user may not, choose one above 1023 with {flag}",
        }
        hint = hints.get(error.errno or 0, "")
        raise StartError(f"cannot listen on {host} port {port}: {error.strerror or error}{hint}") from error


def own_names(sockets: Sequence[socket.socket]) -> list[str]:
    """Return the names that a browser on this machine can call the server, best first. Browsers keep a guest for each
    name."""
    bound = [listening.getsockname()[0] for listening in sockets]
    if {"127.0.0.1", "0.0.0.0"} & set(bound):
        return ["localhost", "127.0.0.1"]
    return ["[::1]", "localhost"] if "::1" in bound else [_in_url(bound[0])]


def public_name(sockets: Sequence[socket.socket]) -> str:
    """Return the name that other machines can call the server; "" when it listens for this one only."""
    for listening in sockets:
        address = listening.getsockname()[0]
        if address in EVERYWHERE:
            return _own_address()
        if not is_loopback(address):
            return _in_url(address)
    return ""


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _own_address() -> str:
    """This machine's address on the network it would use; nothing is sent."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1, RFC 5737
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
