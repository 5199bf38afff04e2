"""Puts the delivering worker together with the channels of this installation."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import aiohttp
import structlog

from alerts.delivery import delivering
from alerts.delivery.by_url import ByUrl
from alerts.delivery.sending import Sender
from alerts.delivery.to_home import ToHome
from alerts.delivery.vapid import Identity, load_key
from alerts.delivery.webpush import WebPush, services_of
from core.broker import BrokerAddress
from core.clock import Clock
from core.settings import Settings

_log = structlog.get_logger()


async def run(
    *,
    database_url: str,
    settings: Settings,
    clock: Clock,
    stop: asyncio.Event,
    least: int = 1,
    on_ready: Callable[[], None] | None = None,
) -> None:
    """Deliver until `stop` is set.

    Raises:
        SettingsError: the key for push messages, or the broker's address, cannot be used.
        SchemaError: the database is of another version.
    """
    identity = Identity(load_key(settings.vapid_key), settings.push_contact)
    by_url = ByUrl()
    senders: dict[str, Sender] = {"sms": by_url, "email": by_url, "chat": by_url}
    broker = settings.deliver_mqtt_url or settings.mqtt_url
    if broker is None:
        _log.warning("SAIMI_MQTT_URL is not set: nothing can be said to homes")
    else:
        senders["home"] = ToHome(BrokerAddress.parse(broker.get_secret_value()))
    allowed = services_of(settings.push_services)
    # One message at a time: a pool of connections would keep none of use.
    async with aiohttp.ClientSession(trust_env=True) as session:
        senders["webpush"] = WebPush(session, identity, allowed=allowed)
        try:
            await delivering.run(
                database_url=database_url,
                clock=clock,
                senders=senders,
                stop=stop,
                instance=f"{socket.gethostname()}-{least}",
                least=least,
                public_url=settings.public_url,
                on_ready=on_ready,
            )
        finally:
            by_url.close()
