"""Reload (SIGHUP): own texts, name, accent and logo, hours and first questions, the city databases and the level of the
log, without a restart.

What is wrong stays as it was, with one line that says so; so does what only a restart can change.
"""

import logging
import os
import signal
from collections.abc import Callable

from citychat.face import Face
from citychat.handlers import Credit, Pages, ShareDesk
from citychat.places import ip_database
from citychat.server.process import Process
from citychat.server.sharing import shared_by_host
from citychat.server.startup import Resources, StartError, consent_version, own_logo, own_texts
from citychat.settings import NAMES, Settings, SettingsError

HOURS = ("meeting_hours", "quiet_hours", "time_zone", "first_question")
TAKEN_UP = ("log_level", "geoip", "name", "accent", *HOURS)

log = logging.getLogger(__name__)


class Reloading:
    """A reload, for each call. ``reread`` reads the settings anew, from where they were at the start."""

    def __init__(
        self, parts: Resources, pages: Pages, desk: ShareDesk, process: Process, reread: Callable[[], Settings]
    ) -> None:
        self._home, self._desk, self._found = parts.home, desk, parts.settings
        self._settings, self._texts, self._databases = parts.settings, parts.texts, parts.databases
        self._geoip, self._face = parts.settings.geoip, parts.face
        self._pages, self._process, self._reread = pages, process, reread

    def __call__(self) -> None:
        self._take_settings()
        self._try(self._take_databases)
        self._try(self._take_texts)
        self._try(self._take_logo)
        self._try(self._take_hours)
        self._pages.renew(consent_version(self._texts), credit_of(self._databases), self._texts, self._face)
        self._process.joining.admission.consent = consent_version(self._texts)
        databases = ", ".join(map(str, self._databases)) or "none"
        own = ", ".join([*self._texts, *(["logo"] if self._face.logo else [])]) or "none"
        log.info("Reloaded: own texts %s; city database %s", own, databases)

    def _try(self, take: Callable[[], None]) -> None:
        try:
            take()
        except (StartError, ValueError) as error:
            log.error("Not reloaded: %s; what was there stays in use", error)
        except OSError as error:
            log.error("Not reloaded: cannot read %s: %s; what was there stays in use", error.filename, error.strerror)

    def _take_settings(self) -> None:
        try:
            found = self._reread()
        except SettingsError as error:
            log.error("Not reloaded: %s; the settings stay as they are", error)
            return
        changed = [name for name in NAMES if getattr(found, name) != getattr(self._settings, name)]
        if late := [name for name in changed if name not in TAKEN_UP]:
            log.warning("Changed, and not in use before a restart: %s", ", ".join(late))
        set_level(found)
        self._geoip, self._found = found.geoip, found
        self._face = Face(found.name, found.accent, self._face.logo)

    def _take_hours(self) -> None:
        """The next look at the house, within ten seconds, tells pages of quiet hours."""
        shared = shared_by_host(self._found, self._home)
        self._desk.use(shared.hours, shared.questions, shared.with_questions)
        self._process.matching.sessions.house.keep(shared.hours)

    def _take_databases(self) -> None:
        self._databases.use(ip_database.database_files(self._settings.data, self._geoip))

    def _take_texts(self) -> None:
        self._texts = own_texts(self._settings.data)

    def _take_logo(self) -> None:
        self._face = self._face._replace(logo=own_logo(self._settings.data))


def set_level(settings: Settings) -> None:
    """Log what is at least so grave."""
    logging.getLogger().setLevel(settings.log_level.upper())


def credit_of(databases: ip_database.IpDatabases) -> Credit | None:
    """Return what the licence of a city database wants to be read."""
    credit = databases.credit()
    return Credit(credit["text"], credit["url"]) if credit else None


def on_hangup(reload: Callable[[], None], stop: Callable[[], None]) -> Callable[[], None]:
    """Return what SIGHUP means: a reload; for who runs in a terminal, which is closed then, the end, unless the signal
    was to be ignored (nohup)."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return reload
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return reload
    return stop
