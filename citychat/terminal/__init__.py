"""``citychat guest``: a guest in the terminal."""

from citychat.terminal.command import main

__all__ = ["main"]
