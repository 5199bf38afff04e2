"""Connections to the MQTT broker: paho, one thread per connection, reconnecting by itself.

MQTT 5 where the broker speaks it, 3.1.1 otherwise. A home's gateway has a connection of its own
with a last will on its status topic; a large county shares one connection among all its gateways,
since each costs a thread, and then nobody has a last will.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from core.broker import BrokerAddress
from core.errors import BrokerError
from core.wire import PREFIX, Status, encode, parse_topic, receipt_topic, status_topic

_KEEPALIVE_S = 30
_IN_FLIGHT = 1000
"""Publishes without the broker's acknowledgement at once, unless the broker asks for fewer."""
_HANDSHAKE_S = 5.0
_log = structlog.get_logger(__name__)
_OTHER_PROTOCOL = (1, 132)
"""Reason codes of 3.1.1 and 5 for a protocol that the broker does not speak."""


class Terms(NamedTuple):
    """What the broker takes."""

    version: MQTTProtocolVersion
    in_flight: int
    """Publishes without its acknowledgement at once (MQTT 5: its Receive Maximum)."""


def _client(address: BrokerAddress, client_id: str, version: MQTTProtocolVersion) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=version)
    address.introduce(client)
    return client


async def terms_of(address: BrokerAddress, stop: asyncio.Event) -> Terms | None:
    """What the broker takes; waits while there is no broker. None: `stop` was set.

    Raises:
        BrokerError: it refuses us.
    """
    while not stop.is_set():
        for version in (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311):
            answer = await asyncio.to_thread(_try, address, version)
            if isinstance(answer, int):
                return Terms(version, answer)
            if isinstance(answer, str):
                raise BrokerError(
                    f"The MQTT broker at {address} refuses the gateways ({answer}): "
                    f"check user and password in SAIMI_MQTT_URL."
                )
        try:
            await asyncio.wait_for(stop.wait(), 0.5)
        except TimeoutError:
            continue
    return None


def _try(address: BrokerAddress, version: MQTTProtocolVersion) -> int | str | None:
    """Connect once: how many publishes at once it takes, why it refuses, or None: no answer."""
    answers: list[int | str | None] = []

    def on_connect(
        client: mqtt.Client, userdata: Any, flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        if not reason.is_failure:
            answers.append(min(_IN_FLIGHT, getattr(properties, "ReceiveMaximum", _IN_FLIGHT)))
        elif reason.value in _OTHER_PROTOCOL:
            answers.append(None)
        else:
            answers.append(str(reason))

    client = _client(address, "", version)
    client.on_connect = on_connect
    try:
        client.connect(address.host, address.port, keepalive=_KEEPALIVE_S)
        deadline = time.monotonic() + _HANDSHAKE_S
        while not answers and time.monotonic() < deadline:
            if client.loop(timeout=0.2) != mqtt.MQTT_ERR_SUCCESS:
                break
        client.disconnect()
    except OSError:
        return None
    return answers[0] if answers else None


class Connected(NamedTuple):
    """A link is up (again) and hears receipts."""

    link: Link


class Received(NamedTuple):
    """A receipt came in."""

    gateway: str
    payload: bytes


Event = Connected | Received


class Inbox:
    """Hands events from paho's threads to the event loop, waking it once per batch."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: deque[Event] = deque()
        self._wake = wake
        self._lock = threading.Lock()
        self._woken = False

    def put(self, event: Event) -> None:
        """From any thread."""
        with self._lock:
            self._events.append(event)
            if self._woken:
                return
            self._woken = True
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            return  # the loop is closed: nobody waits for receipts any more

    def drain(self) -> list[Event]:
        """Everything that came in since the last call; on the event loop."""
        with self._lock:
            self._woken = False
            events = list(self._events)
            self._events.clear()
        return events


class Published:
    """What has become of a publish."""

    def __init__(self, info: mqtt.MQTTMessageInfo) -> None:
        self._info = info

    def is_published(self) -> bool:
        """Whether the broker has acknowledged it, or paho will not tell.

        What was published while the connection had just broken paho sends later, without ever
        saying so: then whoever waits for a receipt has to repeat it as if it were acknowledged.
        """
        return self._info.rc == MQTTErrorCode.MQTT_ERR_NO_CONN or self._info.is_published()


class Link:
    """One connection, for one gateway or for many.

    Args:
        gateways: whose messages go through it.
        client_id: what the broker calls it; a second one of the same name ends the first.
        own: it is the gateway's own, with its last will and only its receipts.
    """

    def __init__(
        self,
        address: BrokerAddress,
        terms: Terms,
        gateways: Sequence[str],
        client_id: str,
        inbox: Inbox,
        *,
        own: bool,
    ) -> None:
        self.gateways = tuple(gateways)
        self.up = False
        """Connected and subscribed to receipts."""
        self._inbox = inbox
        self._receipts = receipt_topic(gateways[0]) if own else f"{PREFIX}/+/down/receipt"
        self._client = _client(address, client_id, terms.version)
        self._client.max_inflight_messages_set(terms.in_flight)
        self._client.max_queued_messages_set(0)
        self._client.reconnect_delay_set(min_delay=1, max_delay=4)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        if own:
            will = encode(Status(online=False))
            self._client.will_set(status_topic(gateways[0]), will, qos=1, retain=True)
        self._client.connect_async(address.host, address.port, keepalive=_KEEPALIVE_S)

    def start(self) -> None:
        """Begin to connect, and to connect again whenever the connection breaks."""
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> Published:
        """Send with QoS 1."""
        return Published(self._client.publish(topic, payload, qos=1, retain=retain))

    async def close(self) -> None:
        """Disconnect in order: no last will goes out."""
        self.up = False
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    # paho's thread from here on

    def _on_connect(
        self,
        client: mqtt.Client,
        userdata: Any,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:  # paho tries again
            _log.warning("broker refuses a gateway", gateway=self.gateways[0], reason=str(reason))
            return
        client.subscribe(self._receipts, qos=1)

    def _on_subscribe(
        self, client: mqtt.Client, userdata: Any, mid: int, reasons: Any, properties: Any
    ) -> None:
        # Only now: a receipt for what is sent earlier could be missed.
        self.up = True
        self._inbox.put(Connected(self))

    def _on_disconnect(
        self, client: mqtt.Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        self.up = False

    def _on_message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        topic = parse_topic(message.topic)
        if topic is not None:
            self._inbox.put(Received(topic.gateway, bytes(message.payload)))
