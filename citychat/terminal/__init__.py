"""A guest in the terminal, ``citychat guest``."""

from citychat.terminal.command import main

__all__ = ["main"]
