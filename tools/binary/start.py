"""First step of the one file: the environment as it was given, then the command line of ``python -m citychat``."""

import os
import sys

from citychat.__main__ import main


def give_back_library_path() -> None:
    """Undo what the loader has set for its own libraries: npm (``geoip fetch``) must not be led to them."""
    given = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    os.environ.pop("LD_LIBRARY_PATH", None)
    if given is not None:
        os.environ["LD_LIBRARY_PATH"] = given


if __name__ == "__main__":
    give_back_library_path()
    sys.exit(main())
