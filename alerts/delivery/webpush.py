"""Messages to phones and browsers: Web Push (RFC 8030), encrypted for the browser (RFC 8291),
signed by Saimi (RFC 8292).

A push service sees that somebody is told something, how urgent it is and a random key, and can read
nothing. What the browser reads is an episode's number, its severity and to open Saimi.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated
from urllib.parse import urlsplit

import aiohttp
import msgspec
from msgspec import Meta

from alerts.delivery.route import Address
from alerts.delivery.sending import Outcome
from alerts.delivery.vapid import Identity
from alerts.delivery.wording import Outgoing, sentence
from core.clock import wall_time
from core.errors import UserError

SERVICES = (
    "https://fcm.googleapis.com",
    "https://updates.push.services.mozilla.com",
    "https://*.push.services.mozilla.com",
    "https://*.push.apple.com",
    "https://*.notify.windows.com",
)
"""The push services of Chrome, Firefox, Safari and Edge: nothing is sent to any other address,
since whoever logs in can name one."""
_LONGEST_PAUSE_S = 3600.0
_KEY_BYTES = 65
_AUTH_BYTES = 16

Base64Url = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+={0,2}$", max_length=128)]


class Keys(msgspec.Struct, frozen=True):
    """What a browser's messages are encrypted for."""

    p256dh: Base64Url
    auth: Base64Url


class Subscription(msgspec.Struct, frozen=True):
    """`PushSubscription.toJSON()`, as browsers give it."""

    endpoint: Annotated[str, Meta(min_length=1, max_length=2048)]
    keys: Keys


class SubscriptionError(UserError):
    """It is no subscription that messages could be sent to."""


def parse_subscription(content: bytes | str) -> Subscription:
    """Read a subscription; whether its service is one of ours is asked by `service_of`.

    Raises:
        SubscriptionError: it is not readable, or its keys are none.
    """
    try:
        found = msgspec.json.decode(content, type=Subscription)
        point, secret = (_decoded(text) for text in (found.keys.p256dh, found.keys.auth))
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        raise SubscriptionError("This is no push subscription: subscribe again.") from None
    if len(point) != _KEY_BYTES or point[0] != 4 or len(secret) != _AUTH_BYTES:
        raise SubscriptionError("The keys of this push subscription are none: subscribe again.")
    return found


def _decoded(text: str) -> bytes:
    text = text.rstrip("=")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def service_of(endpoint: str, allowed: Sequence[str] = SERVICES) -> str:
    """The host of the push service of `endpoint`.

    Args:
        allowed: scheme and host, with port if it is not the usual one; `*.` for any name below.

    Raises:
        SubscriptionError: it is none of those that are allowed.
    """
    shown = host_of(endpoint)
    for one in allowed if shown else ():
        scheme, _, name = one.partition("://")
        below = name.startswith("*.") and shown.endswith(name[1:]) and len(shown) > len(name[1:])
        if endpoint.startswith(f"{scheme}://") and (shown == name or below):
            return shown
    raise SubscriptionError(
        "This browser's push service is none that Saimi sends to: use another browser, or have "
        "SAIMI_PUSH_SERVICES extended."
    )


def services_of(setting: str) -> tuple[str, ...]:
    """SERVICES, and those that SAIMI_PUSH_SERVICES names besides."""
    return (*SERVICES, *setting.split())


def host_of(endpoint: str) -> str:
    """The host of an endpoint, with the port if it is not the usual one; empty: it has none."""
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.username is not None or parts.password is not None or not endpoint.isprintable():
        return ""
    return host if port is None else f"{host}:{port}"


class WebPush:
    """Sends to push services; one HTTP session for all."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        identity: Identity,
        *,
        allowed: Sequence[str] = SERVICES,
        wall: Callable[[], datetime] = wall_time,
    ) -> None:
        self._session = session
        self._identity = identity
        self._allowed = allowed
        self._wall = wall

    async def send(self, address: Address, message: Outgoing, *, within_s: float) -> Outcome:
        """POST it to the subscription's endpoint (RFC 8030, 5)."""
        try:
            subscription = parse_subscription(address.secret)
            service_of(subscription.endpoint, self._allowed)
            body = encrypted(subscription, payload(message))
        except (SubscriptionError, ValueError):
            return Outcome("gone", "the subscription cannot be used")
        headers = {
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(max(0, int(message.keep_s))),
            "Urgency": message.urgency,
            # Of messages of one topic the service keeps the last: a repeat takes the first one's
            # place where that has not reached the phone yet.
            "Topic": topic(message),
            **self._identity.authorization(subscription.endpoint, self._wall()),
        }
        try:
            async with self._session.post(
                subscription.endpoint,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=within_s),
            ) as answer:
                return self._outcome(answer)
        except aiohttp.ClientConnectorError:
            return Outcome("failed", "the push service cannot be reached")
        except TimeoutError:
            return Outcome("interrupted", "the push service gave no answer in time")
        except (aiohttp.ClientError, OSError):
            return Outcome("interrupted", "the push service broke off")

    def _outcome(self, answer: aiohttp.ClientResponse) -> Outcome:
        status = answer.status
        said = f"the push service answered {status}"
        if status in (200, 201, 202, 204):
            location = answer.headers.get("Location", "")[:1000]
            usable = location.isascii() and location.isprintable()
            return Outcome("sent", receipt=location if usable and location else None)
        if status in (404, 410):
            return Outcome("gone", said)
        pause = _pause(answer.headers.get("Retry-After"), self._wall())
        if status == 429 or (status == 503 and pause is not None):
            return Outcome("failed", said, retry_after_s=60.0 if pause is None else pause)
        if status in (400, 413):
            return Outcome("refused", said)
        return Outcome("failed", said)


def encrypted(subscription: Subscription, content: bytes) -> bytes:
    """`content` for the eyes of that browser alone (RFC 8291).

    Raises:
        ValueError: its key is no point of the curve.
    """
    from pywebpush import WebPusher

    body: bytes = WebPusher(msgspec.to_builtins(subscription)).encode(content, "aes128gcm")["body"]
    return body


def payload(message: Outgoing) -> bytes:
    """What the browser's service worker gets: JSON, nothing of the client."""
    return msgspec.json.encode(
        {
            "key": str(message.key),
            "episode": message.episode,
            "severity": message.severity,
            "what": message.what,
            "repeat": message.is_repeat,
            "title": "Saimi",
            "body": sentence(message),
        }
    )


def topic(message: Outgoing) -> str:
    """The message's key as a topic: at most 32 characters of base64url (RFC 8030, 5.4)."""
    return base64.urlsafe_b64encode(message.key.bytes).rstrip(b"=").decode()


def _pause(text: str | None, wall: datetime) -> float | None:
    """Seconds that Retry-After asks for (RFC 9110, 10.2.3), within bounds; None: it does not."""
    if text is None:
        return None
    try:
        if text.strip().isdigit():
            seconds = float(text.strip()[:10])
        else:
            at = parsedate_to_datetime(text)
            seconds = (at.replace(tzinfo=at.tzinfo or UTC) - wall).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), _LONGEST_PAUSE_S)
