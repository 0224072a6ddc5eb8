"""Guest tokens, the keys that sign them, and the keyed hashes that stand for a guest's network.

A token is ``key id . payload . mac``: the payload says who, when and what was consented to; the mac is HMAC-SHA256
over everything before it. It is the guest's only proof of being this guest and lives 30 days from the last join.
"""

import contextlib
import hmac
import os
import tempfile
from base64 import urlsafe_b64decode, urlsafe_b64encode
from codecs import BOM_UTF8
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import msgspec
from msgspec import Struct

from citychat import COMMAND
from citychat.networks import blamed_network, is_public, network, own_network
from citychat.rules import CLOCK_TOLERANCE_MS, DAY_MS, TOKEN_MS
from citychat.secret_files import TooOpen, read_private

FAR_MS = 3_650 * DAY_MS  # a machine without a battery for its clock may wake up at the date its system was made
TOKEN_MAX_CHARS = 512  # ours have about 200; longer ones are not worth an HMAC
KEY_BYTES = 32  # the width of SHA-256
KEY_DISTINCT_BYTES = 12  # 32 random bytes have 30 different ones; "changeme…" has fewer than this


class KeyFileError(Exception):
    """One line for the host: what is wrong with the key file and what to do. Exit status 1."""


class Claims(Struct, frozen=True):
    """The claims of a token. ``consented`` and ``issued`` in ms since 1970; issue() sets ``issued``."""

    guest: str
    consent: str
    consented: int
    adult: bool
    issued: int = 0


@dataclass(frozen=True)
class SigningKey:
    """A signing key; the secret stays out of every repr, so that no log or traceback shows it."""

    id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class SigningKeys:
    """The key that signs, and the one before it, still good for reading."""

    current: SigningKey
    previous: SigningKey | None = None

    @property
    def valid(self) -> tuple[SigningKey, ...]:
        return (self.current,) if self.previous is None else (self.current, self.previous)


class Tokens:
    """Issues and reads tokens. ``now_ms``: the wall clock, ms since 1970."""

    def __init__(self, keys: SigningKeys, now_ms: Callable[[], int]) -> None:
        self._keys = keys
        self._now_ms = now_ms

    def issue(self, claims: Claims) -> str:
        """A token of these claims, issued now, under the current key."""
        payload = msgspec.json.encode(msgspec.structs.replace(claims, issued=self._now_ms()))
        signed = f"{self._keys.current.id}.{_to_text(payload)}"
        return f"{signed}.{_mac(self._keys.current, signed)}"

    def read(self, token: str, *, dated: bool = True) -> Claims | None:
        """The claims of a token of ours that is not out of date, else None. Never raises.

        One that was issued after now is good: some clock is wrong or was, and who holds it is this guest all the same.
        Not ``dated``: the clock of now is in doubt, and an old token is good for the same reason.
        """
        claims = self.signed(token)
        oldest_ms = TOKEN_MS + CLOCK_TOLERANCE_MS if dated else FAR_MS
        return claims if claims and -FAR_MS <= self._now_ms() - claims.issued <= oldest_ms else None

    def signed(self, token: str) -> Claims | None:
        """Return the claims of a token of ours, however old it is, else None. Never raises."""
        if len(token) > TOKEN_MAX_CHARS or not token.isascii() or token.count(".") != 2:
            return None
        signed, mac = token.rsplit(".", 1)
        key_id, payload = signed.split(".")
        for key in self._keys.valid:
            if key.id == key_id and hmac.compare_digest(_mac(key, signed), mac):
                break
        else:
            return None
        try:
            return msgspec.json.decode(_to_bytes(payload), type=Claims)
        except (ValueError, msgspec.DecodeError, RecursionError):  # signed by us, but by a version with another payload
            return None


def _to_text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _to_bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _mac(key: SigningKey, signed: str) -> str:
    # Over the text, not over what it decodes to: base64 has several spellings of the same bytes, a token has one.
    return _to_text(hmac.digest(key.secret, b"token " + signed.encode(), "sha256"))


def daily_key(key: SigningKey, day: int) -> bytes:
    """The key of the network marks of one UTC day, counted from 1970."""
    return hmac.digest(key.secret, b"networks of day %d" % day, "sha256")


def network_marks(keys: SigningKeys, address: str, now_ms: int) -> tuple[str, ...]:
    """Keyed hashes that stand for the network (IPv4 address, IPv6 /48) of an address; none for own networks and for
    what is no address.

    Two visits from one network share a mark while they are at most two days apart, because each carries the marks of
    yesterday, today and tomorrow: a block reaches 24 h beyond itself (M5), and who is blocked may have joined a day
    before it. The previous key's marks come along, so that changing the key does not end a block; and those of the
    /64, which 0.2.0 has kept for a day, so that an update does not end one either.
    """
    if not is_public(address):
        return ()
    names, today = dict.fromkeys((blamed_network(address), network(address))), now_ms // DAY_MS
    days = (today - 1, today, today + 1)
    return tuple(_network_mark(key, day, name) for name in names for key in keys.valid for day in days)


def crowd_mark(keys: SigningKeys, address: str) -> str:
    """A keyed hash that all guests of one network (IPv4 address, IPv6 /48) share, on whatever day they came; "" for own
    networks and for what is no address.

    The lobby counts by it who of one network is led to others, and who complains. By a mark of the day a network would
    count twice around midnight. No history keeps it: it goes with the guest, or an hour after what was said of others.
    Of two keys the older one makes it, so that those who are here while a key is changed share it too.
    """
    return _lasting_mark(keys, blamed_network(address))


def own_network_mark(keys: SigningKeys, address: str) -> str:
    """The same of one address of the host's own network, which complains as one but has no share; "" for a public one,
    for loopback and for what is no address."""
    return _lasting_mark(keys, network(address)) if own_network(address) else ""


def _lasting_mark(keys: SigningKeys, name: str) -> str:
    if not name:
        return ""
    return _to_text(hmac.digest(keys.valid[-1].secret, b"crowd " + name.encode(), "sha256")[:16])


def _network_mark(key: SigningKey, day: int, name: str) -> str:
    return _to_text(hmac.digest(daily_key(key, day), name.encode(), "sha256")[:16])


def key_marks(keys: SigningKeys) -> tuple[str, ...]:
    """Return a mark for each key, for processes to compare theirs; it tells nothing of the key."""
    return tuple(_to_text(hmac.digest(key.secret, b"mark of the key", "sha256")[:16]) for key in keys.valid)


def load_keys(path: Path, random: Random) -> SigningKeys:
    """The keys in the file; made at first start, by one process only. Raises KeyFileError.

    The file has a line for each key, the current one first: its id, a space, 32 bytes in base64url.
    """
    try:
        return _read_keys(path)
    except FileNotFoundError:
        pass
    fresh = _write_beside(path, SigningKeys(_new_key(random)))
    try:
        # A link, unlike a rename, fails when another process was faster: then theirs are the keys of both.
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    except OSError as error:
        raise KeyFileError(f"cannot make the key file {path}: {error.strerror}") from error
    finally:
        fresh.unlink()
    _sync_folder(path.parent)
    return _read_keys(path)


def shared_keys(path: Path) -> SigningKeys:
    """The keys in a file that several processes need to share, so that none of them makes it. Raises KeyFileError."""
    try:
        return _read_keys(path)
    except FileNotFoundError:
        raise KeyFileError(
            f"there is no key file {path}: several processes need the same keys, so a start does not make them; make "
            f"the file once with: {COMMAND} --bus embedded --secret-file {path} --check"
        ) from None


def rotate(path: Path, random: Random) -> SigningKeys:
    """Put a new key in front; the one it replaces reads for another round. Raises KeyFileError."""
    try:
        keys = SigningKeys(_new_key(random), previous=_read_keys(path).current)
    except FileNotFoundError:
        raise KeyFileError(f"there is no key file {path}: the first start of the server makes it") from None
    _write_beside(path, keys).replace(path)
    _sync_folder(path.parent)
    return keys


def _new_key(random: Random) -> SigningKey:
    return SigningKey(_to_text(random.randbytes(6)), random.randbytes(KEY_BYTES))


def _write_beside(path: Path, keys: SigningKeys) -> Path:
    """Write the keys to a file of our own beside the path: whole and on disk before it gets the name."""
    text = "".join(f"{key.id} {_to_text(key.secret)}\n" for key in keys.valid)
    try:
        handle, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 600
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise KeyFileError(f"cannot make the key file {path}: {error.strerror}") from error
    return Path(name)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read_keys(path: Path) -> SigningKeys:
    try:
        raw = read_private(path, 4096)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise KeyFileError(f"cannot read the key file {path}: {error.strerror}") from error
    except TooOpen as error:
        raise KeyFileError(f"the key file {path}: {error}") from error
    lines = raw.removeprefix(BOM_UTF8).decode("ascii", "replace").splitlines()
    keys = [_parse_key(path, line) for line in lines if line.strip()]
    if not 1 <= len(keys) <= 2 or len({key.id for key in keys}) < len(keys):
        raise KeyFileError(f"the key file {path} has {len(keys)} keys: expected one or two, with different ids")
    return SigningKeys(*keys)


def _parse_key(path: Path, line: str) -> SigningKey:
    key_id, _, text = line.strip().partition(" ")
    try:
        secret = _to_bytes(text) if text.isascii() and "." not in key_id else b""
    except ValueError:
        secret = b""
    if len(secret) < KEY_BYTES or len(set(secret)) < KEY_DISTINCT_BYTES:
        raise KeyFileError(
            f"the key file {path} has a key that is no key: expected an id, a space and {KEY_BYTES} random bytes in "
            "base64url; without the file the server makes one"
        )
    return SigningKey(key_id, secret)
