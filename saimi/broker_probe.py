"""Asking an MQTT broker who it is."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from core.broker import BrokerAddress
from core.errors import BrokerError

_CONNECT_S = 5.0
_NAME_S = 1.0


@dataclass(frozen=True)
class BrokerInfo:
    """A broker that answered."""

    name: str
    """What it calls itself; brokers without $SYS topics do not say."""
    protocol: str


def probe(url: str) -> BrokerInfo:
    """Connect to the broker at `url` (`mqtt://user:password@host:port`) and ask for its name.

    Blocks up to a few seconds; from asyncio use `asyncio.to_thread`.

    Raises:
        SettingsError: this is no MQTT address.
        BrokerError: nobody answers there, or we are refused.
    """
    address = BrokerAddress.parse(url)
    refused = ""
    for version, label in (
        (MQTTProtocolVersion.MQTTv5, "MQTT 5"),
        (MQTTProtocolVersion.MQTTv311, "MQTT 3.1.1"),
    ):
        conversation = _Conversation(version)
        address.introduce(conversation.client)
        try:
            if conversation.hold(address.host, address.port):
                return BrokerInfo(conversation.name or "a broker that does not say its name", label)
        except OSError as error:
            raise BrokerError(
                f"No MQTT broker answers at {address} ({error.strerror or error}): start it, or "
                "correct SAIMI_MQTT_URL."
            ) from error
        refused = conversation.refused or refused
    raise BrokerError(
        f"The server at {address} does not take us as an MQTT client"
        + (f" ({refused})" if refused else "")
        + ": correct SAIMI_MQTT_URL."
    )


class _Conversation:
    """One connection: are we taken, and what is on $SYS/broker/version?"""

    def __init__(self, version: MQTTProtocolVersion) -> None:
        self.name = ""
        self.refused = ""
        self._answered = threading.Event()
        self._named = threading.Event()
        self._taken = False
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=version)
        self.client.on_connect = self._on_connect
        self.client.on_message = self._on_message
        self.client.on_disconnect = self._on_disconnect

    def hold(self, host: str, port: int) -> bool:
        """Whether we are taken."""
        self.client.connect_timeout = _CONNECT_S
        self.client.connect(host, port)
        self.client.loop_start()
        try:
            self._answered.wait(_CONNECT_S)
            if self._taken:
                self._named.wait(_NAME_S)
        finally:
            self.client.disconnect()
            self.client.loop_stop()
        return self._taken

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, code: Any, _p: Any) -> None:
        if code.is_failure:
            self.refused = str(code)
        else:
            self._taken = True
            client.subscribe("$SYS/broker/version")
        self._answered.set()

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        # "mosquitto version 2.0.11"
        self.name = message.payload.decode(errors="replace").replace(" version ", " ")
        self._named.set()

    def _on_disconnect(self, *_: Any) -> None:
        self._answered.set()
