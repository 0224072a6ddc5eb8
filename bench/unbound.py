"""CityChat without the bound on the messages of a process: ``python bench/unbound.py`` and its flags. Only so can be
measured what it could do; the bound is for floods.
"""

import sys

from citychat.limits import LIMITS

PLENTY = 1_000_000
BOUND = "messages of a process"

LIMITS[BOUND] = LIMITS[BOUND]._replace(value=PLENTY, per_s=PLENTY)

if __name__ == "__main__":
    from citychat.__main__ import main

    sys.exit(main())
