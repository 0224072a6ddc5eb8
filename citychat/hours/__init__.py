"""Meeting hours and quiet hours: how a host writes them, when they are, and a calendar file of them."""

from citychat.hours.calendar_file import calendar_file
from citychat.hours.hours import DAYS, Hours, Span, zone_named
from citychat.hours.weekly import Weekly, overlap, weekly

__all__ = ["DAYS", "Hours", "Span", "Weekly", "calendar_file", "overlap", "weekly", "zone_named"]
