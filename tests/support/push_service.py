"""A push service and its browsers, by the standards: RFC 8030, 8188, 8291 and 8292.

It holds senders to them by code of its own: nothing here is of the libraries that send. That it is
right itself is shown by the standards' own examples (tests/unit/alerts/test_push_standards.py).
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.support.served import served

MOST_BODY = 4096
"""What a push service has to take (RFC 8030, 7.2)."""
_URGENCIES = ("very-low", "low", "normal", "high")
_X962 = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
_POINT = 65
_LONGEST_CLAIM_S = 86_400


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """Who subscribes: holds the keys that messages are encrypted for."""

    def __init__(
        self,
        endpoint: str,
        *,
        server_key: str | None = None,
        key: ec.EllipticCurvePrivateKey | None = None,
        auth: bytes | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.server_key = server_key
        """applicationServerKey: whose messages alone are taken (RFC 8292, 4); None: anybody's."""
        self.is_off = False
        """Messages wait for it at the service meanwhile."""
        self._key = key or ec.generate_private_key(ec.SECP256R1())
        self._point = self._key.public_key().public_bytes(*_X962)
        self._auth = auth or secrets.token_bytes(16)

    @property
    def subscription(self) -> dict[str, Any]:
        """As `PushSubscription.toJSON()` gives it."""
        keys = {"p256dh": b64(self._point), "auth": b64(self._auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def read(self, body: bytes) -> bytes:
        """Decrypt a message: RFC 8188, 2 with the keys of RFC 8291, 3.4.

        Raises:
            AssertionError, InvalidTag, ValueError: it is not by the standard, or for somebody else.
        """
        salt, record_size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, content = body[21 : 21 + length], body[21 + length :]
        assert length == _POINT
        assert record_size >= len(content), "one record"
        shared = self._key.exchange(
            ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        )
        info = b"WebPush: info\x00" + self._point + sender
        secret = _derived(shared, 32, self._auth, info)
        key = _derived(secret, 16, salt, b"Content-Encoding: aes128gcm\x00")
        nonce = _derived(secret, 12, salt, b"Content-Encoding: nonce\x00")
        padded = AESGCM(key).decrypt(nonce, content, None).rstrip(b"\x00")
        assert padded.endswith(b"\x02"), "the last record"
        return padded[:-1]


def _derived(secret: bytes, length: int, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), length, salt=salt, info=info).derive(secret)


@dataclass
class Push:
    """A message that a push service has taken."""

    endpoint: str
    headers: dict[str, str]
    content: Any
    """Decrypted, read as JSON."""
    plain: str
    """Decrypted, as it came."""
    body: bytes


Answer = Callable[[str], tuple[int, dict[str, str]] | None]
"""By endpoint: status and headers, status 0: hangs up; None: never."""


class PushService:
    """A push service (RFC 8030) that takes nothing that is not by the standard."""

    def __init__(self) -> None:
        self.origin = ""
        self.taken: list[Push] = []
        self.asked: list[str] = []
        """Every request's endpoint, taken or not."""
        self.faults: list[str] = []
        """What was against the standard."""
        self.answer: Answer = lambda _endpoint: (201, {})
        self.answers_lost = 0
        """So many messages are taken before the connection breaks and nobody is told."""
        self.pause: Callable[[], float] = lambda: 0.0
        """Seconds that a message takes until it is taken, and again until that is said."""
        self.server_key: str | None = None
        """applicationServerKey of the subscriptions that name none; None: any."""
        self._browsers: dict[str, Browser] = {}
        self._waiting: dict[str, list[Push]] = {}

    def browser(self, *, server_key: str | None = None) -> Browser:
        """Another subscription."""
        path = f"/push/{secrets.token_urlsafe(12)}"
        self._browsers[path] = Browser(self.origin + path, server_key=server_key)
        return self._browsers[path]

    def fetched(self, browser: Browser) -> list[Push]:
        """What a phone gets when it is on again, oldest first."""
        browser.is_off = False
        return self._waiting.pop(browser.endpoint, [])

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        browser = self._browsers[request.path]
        self.asked.append(browser.endpoint)
        try:
            self._check(request, body, browser)
            plain = browser.read(body)
        except (AssertionError, InvalidSignature, InvalidTag, LookupError, ValueError) as error:
            self.faults.append(str(error) or repr(error))
            return web.Response(status=400)
        await asyncio.sleep(self.pause())
        answer = self.answer(browser.endpoint)
        if answer is None:
            await asyncio.Event().wait()
        status, headers = answer or (500, {})
        if status == 201:
            self._take(browser, Push(browser.endpoint, dict(request.headers), json.loads(plain),
                                     plain.decode(), body))  # fmt: skip
            headers = {"Location": f"{self.origin}/message/{secrets.token_hex(8)}", **headers}
        if self.answers_lost:
            self.answers_lost -= 1
            status = 0
        if not status and request.transport is not None:
            request.transport.abort()
        await asyncio.sleep(self.pause())
        return web.Response(status=status, headers=headers)

    def _take(self, browser: Browser, push: Push) -> None:
        self.taken.append(push)
        if not browser.is_off or push.headers["TTL"] == "0":
            return  # TTL 0: now or never (RFC 8030, 5.2)
        # Of one topic the last is kept, in the place of those before it (RFC 8030, 5.4).
        waiting = self._waiting.get(browser.endpoint, [])
        topic = push.headers["Topic"]
        others = [one for one in waiting if one.headers["Topic"] != topic]
        self._waiting[browser.endpoint] = [*others, push]

    def _check(self, request: web.Request, body: bytes, browser: Browser) -> None:
        headers = request.headers
        assert request.method == "POST"
        assert headers.get("Content-Encoding") == "aes128gcm"
        assert re.fullmatch(r"\d+", headers.get("TTL", "")), "TTL is needed (RFC 8030, 5.2)"
        assert headers.get("Urgency") in _URGENCIES, "Urgency (RFC 8030, 5.3)"
        topic = headers.get("Topic", "")
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,32}", topic), "Topic (RFC 8030, 5.4)"
        assert len(body) <= MOST_BODY, "longer than every service takes"
        check_vapid(
            headers.get("Authorization", ""),
            origin=self.origin,
            server_key=browser.server_key or self.server_key,
            now=time.time(),
        )


def check_vapid(header: str, *, origin: str, server_key: str | None, now: float) -> None:
    """Whether an Authorization header says who sends, by RFC 8292.

    Raises:
        AssertionError, InvalidSignature, LookupError, ValueError: it does not.
    """
    scheme, _, rest = header.partition(" ")
    assert scheme.lower() == "vapid", "RFC 8292, 3"
    fields = dict(part.strip().split("=", 1) for part in rest.split(","))
    key = fields["k"]
    assert server_key in (None, key), "signed by somebody else than subscribed to"
    signed, _, signature = fields["t"].rpartition(".")
    head, claims = (json.loads(unb64(part)) for part in signed.split("."))
    assert head["alg"] == "ES256"
    raw = unb64(signature)
    assert len(raw) == 64
    numbers = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(key))
    point.verify(encode_dss_signature(*numbers), signed.encode(), ec.ECDSA(hashes.SHA256()))
    assert claims["aud"] == origin, "aud is the service's origin (RFC 8292, 2)"
    assert now < claims["exp"] <= now + _LONGEST_CLAIM_S, "exp (RFC 8292, 2)"
    assert str(claims["sub"]).startswith(("mailto:", "https://")), "sub (RFC 8292, 2.1)"


@asynccontextmanager
async def push_service(port: int = 0) -> AsyncIterator[PushService]:
    """A push service on this machine; over HTTP, since nobody signs certificates for it."""
    service = PushService()
    async with served("/push/{id}", service.handle, port) as origin:
        service.origin = origin
        yield service
