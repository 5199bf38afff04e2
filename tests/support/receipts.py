"""An ingest without a database, for tests of senders: remembers what came, gives receipts."""

from __future__ import annotations

import threading
from collections import defaultdict
from types import TracebackType
from typing import Any, Self

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from core.broker import BrokerAddress
from core.wire import SUBSCRIPTION, Receipt, encode, merge_ranges, parse_topic, receipt_topic
from tests.support.waiting import DEADLINE_S


class ReceiptGiver:
    """Subscribes to all gateways and answers every message with a growing receipt.

    `silent` swallows receipts (messages are remembered all the same), `deaf` forgets both.
    """

    def __init__(self, url: str, *, client_id: str = "") -> None:
        address = BrokerAddress.parse(url)
        self.messages: dict[tuple[str, str, int], bytes] = {}
        """Payload by gateway, boot and seq."""
        self.arrivals: list[tuple[str, str, int]] = []
        """Every arrival in order, repeats included."""
        self.statuses: list[tuple[str, bytes]] = []
        self.silent = False
        self.deaf = False
        self.ready = threading.Event()
        self._ranges: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        self._client.reconnect_delay_set(1, 1)
        self._client.max_inflight_messages_set(1000)
        self._client.on_connect = lambda client, *_: client.subscribe(SUBSCRIPTION, qos=1)
        self._client.on_subscribe = lambda *_: self.ready.set()
        self._client.on_message = self._on_message
        address.introduce(self._client)
        self._client.connect_async(address.host, address.port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        if not self.ready.wait(DEADLINE_S):
            raise TimeoutError(f"the broker did not take the subscription within {DEADLINE_S} s")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        topic = parse_topic(message.topic)
        if topic is None or self.deaf:
            return
        if topic.source == "status":
            self.statuses.append((topic.gateway, bytes(message.payload)))
        if topic.source != "senml":
            return
        first = msgspec.json.decode(message.payload)[0]
        boot, seq = str(first["boot"]), int(first["seq"])
        self.messages[topic.gateway, boot, seq] = bytes(message.payload)
        self.arrivals.append((topic.gateway, boot, seq))
        ranges = merge_ranges([*self._ranges[topic.gateway, boot], (seq, seq)])
        self._ranges[topic.gateway, boot] = ranges
        if not self.silent:
            client.publish(receipt_topic(topic.gateway), encode(Receipt(boot, ranges)), qos=1)
