"""CityChat: anonymous one-to-one chat inside a city."""

import sys

__version__ = "0.2.0"
COMMAND = "citychat" if getattr(sys, "frozen", False) else "python -m citychat"  # frozen: in the one file
