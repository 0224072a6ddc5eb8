"""A push service of the tests' own: real sockets, and it takes what RFC 8030 and RFC 8292 say, by checks of its own."""

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.post_server import Posted, PostServer

DAY_S = 86_400


class PushService(PostServer):
    """``status``: what it answers to what is right; else it is 400, and why stands in
    ``wrong``; ``keys``: who has asked."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 201
        self.keys: set[str] = set()
        self.wrong: list[str] = []

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def endpoint(self, name: str = "anna") -> str:
        """The secret address that leads to a browser."""
        return f"{self.origin}/push/{name}?v=1"

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["PushService"]:
        async with super().listening():
            yield self

    def answered(self, post: Posted) -> int:
        wrong = self._what_is_wrong(post)
        self.wrong += [wrong] if wrong else []
        return 400 if wrong else self.status

    def _what_is_wrong(self, post: Posted) -> str:
        head = post.head
        if post.method != "POST" or post.body or not head.get("ttl", "").isdecimal():
            return "expected a POST without content, with TTL (RFC 8030, 5)"
        if not 0 < int(head["ttl"]) <= DAY_S or head.get("urgency") not in ("very-low", "low", "normal", "high"):
            return "TTL or Urgency"
        scheme, _, rest = head.get("authorization", "").partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        if scheme != "vapid" or parts.keys() != {"t", "k"}:
            return "expected Authorization: vapid t=…, k=… (RFC 8292, 3)"
        self.keys.add(parts["k"])
        return _why_not_signed(parts["t"], parts["k"], self.origin)


def _why_not_signed(token: str, key: str, origin: str) -> str:
    first, claimed, signature = token.split(".")
    head, claims, raw = json.loads(_bytes(first)), json.loads(_bytes(claimed)), _bytes(signature)
    public = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), _bytes(key))
    pair = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    try:
        public.verify(pair, f"{first}.{claimed}".encode(), ECDSA(SHA256()))
    except InvalidSignature:
        return "the signature"
    if len(raw) != 64 or head.get("alg") != "ES256" or claims["aud"] != origin:
        return "the algorithm, or for whom it is"
    if not time.time() < claims["exp"] <= time.time() + DAY_S or not claims["sub"].startswith(("mailto:", "https:")):
        return "until when, or whom to ask"
    return ""


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
