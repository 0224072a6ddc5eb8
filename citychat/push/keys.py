"""Keys of the host for push services (VAPID, RFC 8292): made by a command, kept in one file that only its owner reads.

Browsers that have asked for a sign under one key take none under another.
"""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, derive_private_key, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from citychat.secret_files import TooOpen, hand_over, read_private

PART_BYTES = 32  # of a number of P-256


class KeysUnreadable(Exception):
    """The file of the keys cannot be used; the text says which, and what to do."""


class PushKeysFile(Struct, forbid_unknown_fields=True):
    """The content of the file: the secret number in base64url, and the origins of further push services."""

    key: str
    services: tuple[str, ...] = ()


class PushKeys:
    """The pair of keys. ``services``: origins of push services that the host knows besides ours."""

    def __init__(self, secret: int, services: Sequence[str] = ()) -> None:
        self._private, self.services = derive_private_key(secret, SECP256R1()), tuple(services)
        point = self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public_key = _to_text(point)
        self.mark = sha256(point).hexdigest()[:12]

    def authorization(self, audience: str, contact: str, expires_s: int) -> str:
        """Return what shows a push service who asks: ``contact`` is an address of mail or web (RFC 8292, 2 and 3)."""
        claims = {"aud": audience, "exp": expires_s, "sub": contact}
        signed = ".".join(_to_text(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
        parts = decode_dss_signature(self._private.sign(signed.encode(), ECDSA(SHA256())))
        signature = b"".join(part.to_bytes(PART_BYTES, "big") for part in parts)
        return f"vapid t={signed}.{_to_text(signature)}, k={self.public_key}"


def load_push_keys(path: Path) -> PushKeys:
    """Return the host's keys. Raises KeysUnreadable."""
    try:
        file = msgspec.json.decode(read_private(path, 4096), type=PushKeysFile)
        return PushKeys(int.from_bytes(_to_bytes(file.key), "big"), file.services)
    except TooOpen as error:
        raise KeysUnreadable(f"{path}: {error}") from error
    except OSError as error:
        raise KeysUnreadable(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise KeysUnreadable(f"{path} is no file of push keys: put back a copy, or make others") from error


def make_push_keys(path: Path, services: Sequence[str]) -> PushKeys:
    """Write new keys, for the owner of the folder; a file that is there stays. Raises OSError."""
    secret = generate_private_key(SECP256R1()).private_numbers().private_value
    file = PushKeysFile(_to_text(secret.to_bytes(PART_BYTES, "big")), tuple(services))
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(msgspec.json.encode(file) + b"\n")
    hand_over(path)
    return PushKeys(secret, services)


def _to_text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _to_bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
