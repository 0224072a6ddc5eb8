"""Commands of the host for reports, ``python -m citychat cases …``: what came in, what was decided, by whom; and
``close``, ``open`` for the whole house. What they do, the console does as well."""

from citychat.cases.commands import CasesUsage, main, operator
from citychat.cases.desk import Desk, Look, NotDone
from citychat.cases.house import close_house, closure_of, end_of, open_house
from citychat.cases.house import main as house_main
from citychat.cases.opening import HistoryWithCases
from citychat.cases.sanctions import RULE_MAX, WORDS_MAX, Sanctions

__all__ = [
    "RULE_MAX",
    "WORDS_MAX",
    "CasesUsage",
    "Desk",
    "HistoryWithCases",
    "Look",
    "NotDone",
    "Sanctions",
    "close_house",
    "closure_of",
    "end_of",
    "house_main",
    "main",
    "open_house",
    "operator",
]
