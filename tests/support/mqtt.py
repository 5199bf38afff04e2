"""A plain MQTT client for tests of the broker: subscribe once, be away, come back, publish."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.support.waiting import DEADLINE_S, wait_for


class Inbox:
    """What a subscriber received, in order, as (topic, payload)."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self.subscribed = threading.Event()

    def wait(self, count: int, *, within: float = DEADLINE_S) -> list[tuple[str, bytes]]:
        """Return the messages once there are `count` of them."""
        wait_for(
            lambda: len(self.messages) >= count, within=within, what=f"{count} messages received"
        )
        return self.messages


@contextmanager
def session(url: str, client_id: str, topic: str, qos: int = 1) -> Iterator[Inbox]:
    """Be connected as a client whose session outlives the connection (MQTT 3.1.1)."""
    inbox = Inbox()
    client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)

    def connected(
        client: Client, _data: object, _flags: ConnectFlags, code: ReasonCode, _p: Properties | None
    ) -> None:
        assert not code.is_failure, code
        client.subscribe(topic, qos)

    def subscribed(
        _client: Client, _data: object, _mid: int, _codes: list[ReasonCode], _p: Properties | None
    ) -> None:
        inbox.subscribed.set()

    def received(_client: Client, _data: object, message: MQTTMessage) -> None:
        inbox.messages.append((message.topic, bytes(message.payload)))

    client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, received
    with _connected(client, url):
        assert inbox.subscribed.wait(DEADLINE_S), "the broker did not confirm the subscription"
        yield inbox


def publish(url: str, messages: Iterable[tuple[str, bytes]], qos: int = 1) -> int:
    """Publish all and return how many once the broker has every one."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(100)
    with _connected(client, url):
        sent = [client.publish(topic, payload, qos) for topic, payload in messages]
        for one in sent:
            one.wait_for_publish(DEADLINE_S)
            assert one.is_published(), "the broker did not acknowledge a message"
        if qos == 0:  # the broker has read what came before on this connection
            client.publish("barrier", b"", 1).wait_for_publish(DEADLINE_S)
    return len(sent)


@contextmanager
def _connected(client: Client, url: str) -> Iterator[None]:
    address = urlsplit(url)
    ended = threading.Event()

    def disconnected(
        _client: Client,
        _data: object,
        _f: DisconnectFlags,
        _code: ReasonCode,
        _p: Properties | None,
    ) -> None:
        ended.set()

    client.on_disconnect = disconnected
    assert address.hostname is not None
    assert address.port is not None
    assert client.connect(address.hostname, address.port) == MQTTErrorCode.MQTT_ERR_SUCCESS
    client.loop_start()
    try:
        yield
    finally:
        client.disconnect()
        ended.wait(5.0)
        client.loop_stop()
