"""Checks and loads of a start, before anything is opened: folder, keys, cities, city databases, the host's texts."""

import errno
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

from citychat.face import FILE, MAX_BYTES, BadLogo, Face, sanitised
from citychat.handlers import TEXTS, contact_url
from citychat.places import City, Gazetteer, ip_database
from citychat.secret_files import PUSH_KEYS
from citychat.server.sharing import SharedByHost, shared_by_host
from citychat.setting_types import EMBEDDED
from citychat.settings import Settings
from citychat.tokens import KeyFileError, SigningKeys, load_keys, shared_keys

if TYPE_CHECKING:
    from citychat.push import PushServices

CONSENT = "1"  # the version of the built-in rules; a host's own rules make their own


class StartError(Exception):
    """One line for the host: what keeps the server from starting. Exit status 1."""


@dataclass(frozen=True)
class Resources:
    """The resources that a start has checked and loaded."""

    settings: Settings
    keys: SigningKeys
    gazetteer: Gazetteer
    home: City | None
    databases: ip_database.IpDatabases
    has_database: bool
    texts: dict[str, str]
    face: Face
    shared: SharedByHost
    wrong_logo: str
    """What is wrong with the host's own logo, in place of which the built-in sign is shown."""
    carrier: "PushServices | None" = None
    wrong_contact: str = ""
    """Why nobody is told once, though there are keys for it."""


def prepare(settings: Settings) -> Resources:
    """Check and load everything that needs no event loop. Raises StartError."""
    data = settings.data
    _make_folder(data)
    gazetteer = Gazetteer()
    logo, wrong_logo = _logo_or_why_not(data)
    carrier, wrong_contact = _carrier_or_why_not(settings)
    try:
        geoip = ip_database.database_files(data, settings.geoip)
        home = home_city(gazetteer, settings.home_city)
        return Resources(
            settings=settings,
            keys=_keys(settings),
            gazetteer=gazetteer,
            home=home,
            databases=ip_database.IpDatabases(geoip),
            has_database=bool(geoip),
            texts=own_texts(data),
            face=Face(settings.name, settings.accent, logo),
            shared=shared_by_host(settings, home),
            wrong_logo=wrong_logo,
            carrier=carrier,
            wrong_contact=wrong_contact,
        )
    except OSError as error:
        raise StartError(f"cannot read {error.filename or data}: {error.strerror}") from error
    except (KeyFileError, ValueError) as error:
        raise StartError(str(error)) from error


def _keys(settings: Settings) -> SigningKeys:
    if settings.bus == EMBEDDED:
        return load_keys(settings.secret_file, SystemRandom())
    return shared_keys(settings.secret_file)


def _carrier_or_why_not(settings: Settings) -> "tuple[PushServices | None, str]":
    """Return what carries signs, if the host has made keys for it, and names an address. Raises StartError."""
    if not (settings.data / PUSH_KEYS).exists():
        return None, ""
    contact = contact_url(settings.contact)
    if contact is None:
        return None, "off: push services want an address of mail or web to ask; name one with --contact"
    try:
        from citychat import push
    except ImportError as error:
        raise StartError(f"{PUSH_KEYS} needs the library cryptography: pip install 'citychat[push]'") from error
    try:
        keys = push.load_push_keys(settings.data / PUSH_KEYS)
    except push.KeysUnreadable as error:
        raise StartError(str(error)) from error
    return push.PushServices(keys, contact), ""


def _make_folder(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        problem = "" if os.access(data, os.R_OK | os.W_OK | os.X_OK) else os.strerror(errno.EACCES)
    except FileExistsError:
        problem = os.strerror(errno.ENOTDIR)
    except OSError as error:
        problem = error.strerror or str(error)
    if problem:
        raise StartError(f"cannot use the data folder {data}: {problem}; name another with --data")


def home_city(gazetteer: Gazetteer, name: str) -> City | None:
    """The city that the host has named for this network, if any. Raises StartError."""
    try:
        return gazetteer.named(name) if name else None
    except ValueError as error:
        raise StartError(f"home_city: {error}") from error


def own_texts(data: Path) -> dict[str, str]:
    """The host's own rules.md, privacy.md and imprint.md, where there are any. Raises StartError, OSError."""
    texts = {}
    for name in TEXTS:
        path = data / f"{name}.md"
        try:
            texts[name] = path.read_text("utf-8-sig")
        except FileNotFoundError:
            continue
        except UnicodeDecodeError as error:
            raise StartError(f"{path} is not UTF-8 text: save it as UTF-8, or move it away") from error
    return texts


def own_logo(data: Path) -> bytes | None:
    """The host's own logo.svg, where there is one, as it may be shown. Raises StartError, OSError."""
    path = data / FILE
    try:
        with path.open("rb") as file:
            return sanitised(file.read(MAX_BYTES + 1))
    except FileNotFoundError:
        return None
    except BadLogo as error:
        raise StartError(f"{path} is not shown: {error}") from error


def _logo_or_why_not(data: Path) -> tuple[bytes | None, str]:
    try:
        return own_logo(data), ""
    except StartError as error:
        return None, str(error)
    except OSError as error:
        return None, f"{data / FILE} is not shown: {error.strerror}"


def consent_version(texts: dict[str, str]) -> str:
    """Changes whenever the host's own rules or privacy notice do, so that everybody is asked again."""
    own = {name: texts[name] for name in ("rules", "privacy") if name in texts}
    return f"{CONSENT}-{hashlib.sha256(json.dumps(own).encode()).hexdigest()[:8]}" if own else CONSENT
