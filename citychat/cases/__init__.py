"""Commands of the host for reports, ``python -m citychat cases …``: what came in, what was decided, by whom; and
``close``, ``open`` for the whole house."""

from citychat.cases.commands import main
from citychat.cases.house import main as house_main

__all__ = ["house_main", "main"]
