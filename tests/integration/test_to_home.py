"""Help is on its way: said in the client's language by the gateway of their home."""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from alerts.delivery.to_home import ToHome
from core.broker import BrokerAddress
from core.clock import REAL_CLOCK
from core.wire import decode_home_message, message_topic
from gateway_sim.ledger import Ledger
from saimi.embedded.broker import Broker
from tests.integration.delivering_support import (
    deliveries,
    delivering_to,
    outbox,
    page,
    send,
    settled,
)
from tests.integration.web_support import NOW, County, county
from tests.support.waiting import DEADLINE_S, eventually


class Gateway:
    """A gateway that listens as the wire says it may."""

    def __init__(self, broker: Broker, name: str) -> None:
        self.heard: queue.SimpleQueue[mqtt.MQTTMessage] = queue.SimpleQueue()
        self._subscribed: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_message = lambda _c, _d, message: self.heard.put(message)
        self._client.on_connect = self._connected
        self._topic = message_topic(name)
        self._client.on_subscribe = lambda *_: self._subscribed.put(True)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        self._subscribed.get(timeout=DEADLINE_S)

    def _connected(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe(self._topic, 1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


async def _help_coming(place: County) -> int:
    episode = await place.open(await place.subject("aino"), kind="help")
    await send(
        place,
        page(
            episode,
            channel="home",
            what="help_coming",
            step="coming",
            expires_at=NOW + timedelta(minutes=20),
        ),
    )
    return episode


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
async def test_the_home_is_told_in_the_clients_language(
    plain_database_url: str, broker: Broker, language: str
) -> None:
    async with county(plain_database_url) as place:
        name = f"gw-{language}-{time.monotonic_ns()}"
        await place.connection.execute(
            "UPDATE registry.gateway SET name = $1 WHERE name = 'gw-1'", name
        )
        await place.connection.execute("UPDATE registry.client SET language = $1", language)
        sender = ToHome(BrokerAddress.parse(broker.url))
        gateway = await asyncio.to_thread(Gateway, broker, name)
        try:
            async with delivering_to(place, senders={"home": sender}):
                await _help_coming(place)
                (row,) = await settled(place, "sent")
            message = gateway.heard.get(timeout=DEADLINE_S)
        finally:
            gateway.close()
        assert message.qos == 1
        assert not message.retain
        assert 0 < message.properties.MessageExpiryInterval <= 1200  # type: ignore[union-attr] # MQTT 5
        said = decode_home_message(message.payload)
        assert (
            said.text
            == {
                "fi": "Apua on tulossa.",
                "sv": "Hjälp är på väg.",
                "en": "Help is on its way.",
            }[language]
        )
        assert (said.what, said.key, said.repeat) == ("help_coming", str(row["key"]), False)


async def test_a_gateway_that_is_away_is_told_when_it_is_back(
    plain_database_url: str, broker: Broker
) -> None:
    async with county(plain_database_url) as place:
        name = f"gw-away-{time.monotonic_ns()}"
        await place.connection.execute(
            "UPDATE registry.gateway SET name = $1 WHERE name = 'gw-1'", name
        )
        sender = ToHome(BrokerAddress.parse(broker.url))
        async with delivering_to(place, senders={"home": sender}):
            await _help_coming(place)

            async def tried() -> bool:
                return len(await deliveries(place)) > 1

            await eventually(tried)
            gateway = await asyncio.to_thread(Gateway, broker, name)
            try:
                await settled(place, "sent")
                gateway.heard.get(timeout=DEADLINE_S)
            finally:
                gateway.close()
        assert "not there" in str((await outbox(place))[0]["last_error"])
        # That a home is away says nothing of the broker.
        failures = await place.connection.fetchval("SELECT failures FROM ops.delivery_service")
        assert failures == 0


async def test_a_broker_that_is_away_is_waited_for(
    plain_database_url: str, broker_factory: Callable[..., Broker]
) -> None:
    own = broker_factory("mosquitto")
    sender = ToHome(BrokerAddress.parse(own.url))
    async with county(plain_database_url) as place:
        await asyncio.to_thread(own.kill)
        async with delivering_to(place, senders={"home": sender}):
            await _help_coming(place)

            async def tried() -> bool:
                return len(await deliveries(place)) > 1

            await eventually(tried)
            await asyncio.to_thread(own.restart)
            gateway = await asyncio.to_thread(Gateway, own, "gw-1")
            try:
                await settled(place, "sent")
                gateway.heard.get(timeout=DEADLINE_S)
            finally:
                gateway.close()


def test_the_ledger_holds_what_was_said_at_home(tmp_path: Path) -> None:
    from core.wire import HomeMessage

    message = HomeMessage("k", "help_coming", "Apua on tulossa.", "fi", 0.0, True)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.heard("gw-1", message, REAL_CLOCK.now())
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.all_heard() == [("gw-1", message)]
