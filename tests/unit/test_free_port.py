"""Test runs beside each other: a port is found by one, and its server starts a while later."""

import subprocess
import sys

from tests.support.services import free_port

ASKED, AMONG = 10, 20
PROGRAM = f"""
import sys
from tests.support import services
services.PORTS = range(int(sys.argv[1]), int(sys.argv[1]) + {AMONG})
print(*(services.free_port() for _ in range({ASKED})))
"""


def test_a_free_port_is_given_away_once_in_this_run_and_in_another() -> None:
    mine = free_port()
    theirs = subprocess.check_output([sys.executable, "-c", PROGRAM, str(mine)], text=True).split()
    assert len({str(mine), *theirs}) == 1 + ASKED
