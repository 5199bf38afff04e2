"""Messages to a client's home: published for its gateway, which shows or speaks them.

A connection a message: help is seldom on its way, and nothing has to be kept alive meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from alerts.delivery.route import Address
from alerts.delivery.sending import Outcome
from alerts.delivery.wording import Outgoing, at_home
from core.broker import BrokerAddress
from core.clock import wall_time
from core.wire import HomeMessage, encode, message_topic

_NOBODY_THERE = 16
"""MQTT 5: the broker knows nobody who would hear it; not even a session that it keeps."""
_OTHER_PROTOCOL = (1, 132)


class ToHome:
    """Publishes at the county's broker."""

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address

    async def send(self, address: Address, message: Outgoing, *, within_s: float) -> Outcome:
        """Publish at QoS 1, not retained, until the message is of no use any more."""
        expires = wall_time() + timedelta(seconds=message.keep_s)
        content = encode(
            HomeMessage(
                key=str(message.key),
                what=message.what,
                text=at_home(message),
                language=message.language,
                expires=expires.timestamp(),
                repeat=message.is_repeat,
            )
        )
        return await asyncio.to_thread(
            self._publish, message_topic(address.secret), content, int(message.keep_s), within_s
        )

    def _publish(self, topic: str, content: bytes, keep_s: int, within_s: float) -> Outcome:
        deadline = time.monotonic() + within_s
        for version in (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311):
            outcome = _Publication(self._address, version, topic, content, keep_s).run(deadline)
            if outcome is not None:
                return outcome
        return Outcome("failed", "the broker speaks neither MQTT 5 nor 3.1.1")


class _Publication:
    """One message on a connection of its own."""

    def __init__(
        self,
        address: BrokerAddress,
        version: MQTTProtocolVersion,
        topic: str,
        content: bytes,
        keep_s: int,
    ) -> None:
        self._address = address
        self._version = version
        self._topic, self._content, self._keep_s = topic, content, keep_s
        self._answer: ReasonCode | None = None
        self._refused: ReasonCode | None = None
        self._out = False

    def run(self, deadline: float) -> Outcome | None:
        """None: the broker does not speak this version."""
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=self._version)
        self._address.introduce(client)
        client.connect_timeout = max(0.1, deadline - time.monotonic())
        client.on_connect, client.on_publish = self._connected, self._published
        try:
            client.connect(self._address.host, self._address.port, keepalive=30)
            while self._answer is None and self._refused is None:
                left = deadline - time.monotonic()
                if (
                    left <= 0
                    or client.loop(timeout=min(left, 0.2)) != MQTTErrorCode.MQTT_ERR_SUCCESS
                ):
                    break
            client.disconnect()
        except (OSError, ValueError):
            if not self._out:
                return Outcome("failed", "the broker cannot be reached")
        if self._refused is not None:
            if self._refused.value in _OTHER_PROTOCOL:
                return None
            return Outcome("failed", "the broker does not let us in")
        if self._answer is None:
            unsure = "the broker gave no answer in time"
            return Outcome("interrupted" if self._out else "failed", unsure)
        if self._answer.value == _NOBODY_THERE:
            return Outcome("failed", "the gateway is not there to hear it", by_service=False)
        if self._answer.is_failure:
            return Outcome("failed", "the broker did not take it")
        return Outcome("sent")

    def _connected(
        self, client: mqtt.Client, _d: Any, _f: mqtt.ConnectFlags, reason: ReasonCode, _p: Any
    ) -> None:
        if reason.is_failure:
            self._refused = reason
            return
        properties = None
        if self._version is MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's
            properties.MessageExpiryInterval = max(1, self._keep_s)
        self._out = True
        client.publish(self._topic, self._content, qos=1, retain=False, properties=properties)

    def _published(
        self, _c: mqtt.Client, _d: Any, _mid: int, reason: ReasonCode, _p: Properties | None
    ) -> None:
        self._answer = reason
