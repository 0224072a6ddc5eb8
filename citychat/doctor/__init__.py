"""The host's command ``citychat doctor``: what is wrong with a server, and what to do."""

from citychat.doctor.command import main

__all__ = ["main"]
