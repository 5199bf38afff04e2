"""What a connection asks of the broker: everything, a share, the end of a session, or old news."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from core.wire import PREFIX, SUBSCRIPTION


@dataclass(frozen=True)
class Subscription:
    """What to ask for at each connect."""

    subscribe: str | None
    unsubscribe: tuple[str, ...] = ()
    """Filters that the session may have from another time."""
    qos: int = 1
    shared: bool = False
    persistent: bool = True
    """Whether the session outlives its connection."""
    retained_only: bool = False
    mark: str | None = None
    """Topic to which a last message is sent, and from which it comes back when there is nothing
    before it any more: then the session is ended."""
    token: bytes = b""
    """What the last message says; the session may have been read by another before."""

    @property
    def needs_five(self) -> bool:
        """Whether it cannot be had over MQTT 3.1.1."""
        return self.shared or self.mark is not None


def everything(service: str) -> Subscription:
    """All that gateways send, for the only worker of `service`."""
    return Subscription(SUBSCRIPTION, unsubscribe=(share(service),))


def a_share(service: str) -> Subscription:
    """What the broker gives this one of several workers. Needs MQTT 5.

    Subscribed before the other subscription is given up, so nothing falls between.
    """
    return Subscription(share(service), unsubscribe=(SUBSCRIPTION,), shared=True)


def the_rest(service: str, slot: str) -> Subscription:
    """Nothing new, only what waits in a session whose worker is gone. Needs MQTT 5."""
    return Subscription(
        None,
        unsubscribe=(SUBSCRIPTION, share(service)),
        mark=_mark(slot),
        token=secrets.token_bytes(16),
    )


def old_news(slot: str) -> Subscription:
    """What the broker has retained.

    MQTT 5 forbids it to send that to shared subscriptions (4.8.2); Mosquitto 2.0 does. At QoS 0,
    since live messages come along, which are for the shares, and go unacknowledged.
    """
    return Subscription(
        SUBSCRIPTION,
        qos=0,
        persistent=False,
        retained_only=True,
        mark=_mark(slot),
        token=secrets.token_bytes(16),
    )


def from_now_on() -> Subscription:
    """What arrives while the connection lasts, beside those who get it anyhow."""
    return Subscription(SUBSCRIPTION, qos=0, persistent=False)


def share(service: str) -> str:
    """The filter of the shared subscription of a service's workers."""
    return f"$share/{service}/{SUBSCRIPTION}"


def _mark(name: str) -> str:
    # Below a `down`, where ingest may write and which means nothing to it when it comes back.
    return f"{PREFIX}/{name}/down/end"
