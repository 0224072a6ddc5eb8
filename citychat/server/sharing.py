"""Reads what the host has written of hours and first questions, for a start and each reload; makes the desk for it."""

from collections.abc import Callable
from dataclasses import dataclass

from citychat.handlers import ShareDesk
from citychat.hours import Hours, zone_named
from citychat.places import City, Gazetteer, zone_of
from citychat.questions import questions_of_host
from citychat.settings import Settings


@dataclass(frozen=True)
class SharedByHost:
    """``questions``: the host's own, empty where ours are shown."""

    hours: Hours
    questions: tuple[str, ...]
    with_questions: bool


def shared_by_host(settings: Settings, home: City | None) -> SharedByHost:
    """Read it. Raises ValueError, OSError."""
    questions = tuple(questions_of_host(settings.data)) if settings.first_question else ()
    return SharedByHost(hours_of(settings, home), questions, settings.first_question)


def hours_of(settings: Settings, home: City | None) -> Hours:
    """Return the hours by the clock of the zone that the host names, else of the home city. Raises ValueError."""
    if not settings.meeting_hours and not settings.quiet_hours:
        return Hours()
    zone = settings.time_zone or (zone_of(home.id) if home else "UTC")
    zone_named(zone)  # a system may lack it
    return Hours(settings.meeting_hours, settings.quiet_hours, zone, home.name if home else "")


def desk_of(gazetteer: Gazetteer, now_ms: Callable[[], int], shared: SharedByHost) -> ShareDesk:
    """Return what answers those who share the site."""
    desk = ShareDesk(now_ms, gazetteer.city)
    desk.use(shared.hours, shared.questions, shared.with_questions)
    return desk
