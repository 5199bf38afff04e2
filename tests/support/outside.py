"""The world outside, for messages: a push service and its browsers, a mail server, a web hook.

They hold senders to the standards by code of their own: nothing here is of the libraries that send.
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
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message as Mail
from email.policy import default as default_policy
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MOST_BODY = 4096
"""What a push service has to take (RFC 8030, 7.2)."""
_URGENCIES = ("very-low", "low", "normal", "high")
_X962 = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """Who subscribes: holds the keys that messages are encrypted for."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._point = self._key.public_key().public_bytes(*_X962)
        self._auth = secrets.token_bytes(16)

    @property
    def subscription(self) -> dict[str, Any]:
        """As `PushSubscription.toJSON()` gives it."""
        keys = {"p256dh": b64(self._point), "auth": b64(self._auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def read(self, body: bytes) -> bytes:
        """Decrypt a message: RFC 8188, 2 with the keys of RFC 8291, 3.4."""
        salt, record_size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, content = body[21 : 21 + length], body[21 + length :]
        assert length == 65
        assert record_size >= len(content), "one record"
        shared = self._key.exchange(
            ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        )
        info = b"WebPush: info\x00" + self._point + sender
        secret = HKDF(hashes.SHA256(), 32, salt=self._auth, info=info).derive(shared)
        key = HKDF(hashes.SHA256(), 16, salt=salt, info=b"Content-Encoding: aes128gcm\x00").derive(
            secret
        )
        nonce = HKDF(hashes.SHA256(), 12, salt=salt, info=b"Content-Encoding: nonce\x00").derive(
            secret
        )
        padded = AESGCM(key).decrypt(nonce, content, None).rstrip(b"\x00")
        assert padded.endswith(b"\x02"), "the last record"
        return padded[:-1]


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
        self.pause: Callable[[], float] = lambda: 0.0
        """Seconds that a message takes until it is taken, and again until that is said."""
        self.server_key: str | None = None
        """applicationServerKey of all subscriptions; None: any."""
        self._browsers: dict[str, Browser] = {}

    def browser(self) -> Browser:
        """Another subscription."""
        path = f"/push/{secrets.token_urlsafe(12)}"
        self._browsers[path] = Browser(self.origin + path)
        return self._browsers[path]

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        browser = self._browsers[request.path]
        self.asked.append(browser.endpoint)
        try:
            self._check(request, body)
            plain = browser.read(body)
        except AssertionError as error:
            self.faults.append(str(error) or repr(error))
            return web.Response(status=400)
        await asyncio.sleep(self.pause())
        answer = self.answer(browser.endpoint)
        if answer is None:
            await asyncio.Event().wait()
        status, headers = answer or (500, {})
        if not status and request.transport is not None:
            request.transport.abort()
        if status == 201:
            self.taken.append(
                Push(
                    browser.endpoint,
                    dict(request.headers),
                    json.loads(plain),
                    plain.decode(),
                    body,
                )
            )
            headers = {"Location": f"{self.origin}/message/{secrets.token_hex(8)}", **headers}
        await asyncio.sleep(self.pause())
        return web.Response(status=status, headers=headers)

    def _check(self, request: web.Request, body: bytes) -> None:
        headers = request.headers
        assert request.method == "POST"
        assert headers.get("Content-Encoding") == "aes128gcm"
        assert re.fullmatch(r"\d+", headers.get("TTL", "")), "TTL is needed (RFC 8030, 5.2)"
        assert headers.get("Urgency") in _URGENCIES, "Urgency (RFC 8030, 5.3)"
        topic = headers.get("Topic", "")
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,32}", topic), "Topic (RFC 8030, 5.4)"
        assert len(body) <= MOST_BODY, "longer than every service takes"
        self._check_vapid(headers.get("Authorization", ""))

    def _check_vapid(self, header: str) -> None:
        scheme, _, rest = header.partition(" ")
        assert scheme.lower() == "vapid", "RFC 8292, 3"
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        key = fields["k"]
        assert self.server_key in (None, key), "signed by somebody else than subscribed to"
        signed, _, signature = fields["t"].rpartition(".")
        head, claims = (json.loads(unb64(part)) for part in signed.split("."))
        assert head["alg"] == "ES256"
        raw = unb64(signature)
        assert len(raw) == 64
        numbers = (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(key))
        point.verify(encode_dss_signature(*numbers), signed.encode(), ec.ECDSA(hashes.SHA256()))
        assert claims["aud"] == self.origin, "aud is the service's origin (RFC 8292, 2)"
        assert time.time() < claims["exp"] <= time.time() + 86400, "exp (RFC 8292, 2)"
        assert str(claims["sub"]).startswith(("mailto:", "https://")), "sub (RFC 8292, 2.1)"


@asynccontextmanager
async def push_service(port: int = 0) -> AsyncIterator[PushService]:
    """A push service on this machine; over HTTP, since nobody signs certificates for it."""
    service = PushService()
    async with _served("/push/{id}", service.handle, port) as origin:
        service.origin = origin
        yield service


@asynccontextmanager
async def _served(path: str, handle: Any, port: int = 0) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", path, handle)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@dataclass
class Hook:
    """What a web hook has been told: (headers, JSON)."""

    url: str = ""
    """For Apprise."""
    status: int = 200
    told: list[tuple[dict[str, str], Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        content = await request.json()
        if self.status == 200:
            self.told.append((dict(request.headers), content))
        return web.Response(status=self.status)


@asynccontextmanager
async def web_hook() -> AsyncIterator[Hook]:
    """What stands for a chat or an SMS gateway with an HTTP API."""
    hook = Hook()
    async with _served("/hook", hook.handle) as origin:
        hook.url = f"json://{origin.removeprefix('http://')}/hook"
        yield hook


class MailServer:
    """Takes mail by SMTP (RFC 5321), as far as a plain submission goes."""

    def __init__(self) -> None:
        self.port = 0
        self.mails: list[Mail] = []
        self.recipients: list[str] = []
        self.refuses = False

    @property
    def url(self) -> str:
        """For Apprise."""
        return f"mailto://127.0.0.1:{self.port}?from=saimi@example.org&to=nurse@example.org"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 here")
        try:
            while line := (await reader.readline()).decode().strip():
                verb = line[:4].upper()
                if verb == "DATA":
                    say("354 go on")
                    content = await reader.readuntil(b"\r\n.\r\n")
                    if self.refuses:
                        say("451 not now")
                    else:
                        self.mails.append(message_from_bytes(content[:-5], policy=default_policy))
                        say("250 taken")
                elif verb == "QUIT":
                    say("221 bye")
                    break
                else:
                    if verb == "RCPT":
                        self.recipients.append(line)
                    say("250 yes")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """A mail server on this machine."""
    server = MailServer()
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
