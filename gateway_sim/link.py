"""Connections to the MQTT broker, thousands in one thread: paho's clients on asyncio's loop.

paho is driven through its documented calls (`loop_read`, `loop_write`, `loop_misc`) when the event
loop says that a socket can be read or written, so a connection costs a socket and no thread. Only
connecting blocks (name, TCP, TLS); that is done in a few threads beside.

MQTT 5 where the broker speaks it, 3.1.1 otherwise. A home's gateway has a connection of its own
with a last will on its status topic; those beyond the number of connections asked for share one,
and then nobody among them has a last will.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from core.broker import BrokerAddress
from core.errors import BrokerError
from core.wire import PREFIX, Status, encode, parse_topic, status_topic

_KEEPALIVE_S = 30
_AGAIN_S = (1.0, 4.0)
"""Seconds until a connection that broke or failed is tried again, drawn so that not all come at
once."""
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


async def terms_of(address: BrokerAddress, stop: asyncio.Event, said_by: str) -> Terms | None:
    """What the broker takes; waits while there is no broker. None: `stop` was set.

    Args:
        said_by: where the user and the password come from.

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
                    f"check user and password in {said_by}."
                )
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await stop.wait()
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
    """A receipt came in, or a message for whoever is at home."""

    gateway: str
    payload: bytes
    what: str = "receipt"
    """The last part of its topic."""


class Refused(NamedTuple):
    """The broker has refused a message (MQTT 5 only: 3.1.1 cannot say so)."""

    reason: str


Event = Connected | Received | Refused


class Inbox:
    """What the links have heard, until somebody looks; wakes once per batch."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._events: deque[Event] = deque()
        self.wake = wake
        """Call when there is something to look at that is no event."""

    def put(self, event: Event) -> None:
        self._events.append(event)
        self.wake()

    def drain(self) -> list[Event]:
        """Everything that came in since the last call."""
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
    """One connection, for one gateway or for many. All methods are for the event loop's thread.

    Args:
        gateways: whose messages go through it.
        client_id: what the broker calls it; a second one of the same name ends the first.
        own: it is the gateway's own, with its last will and only its receipts.
        session: the broker keeps its session while it is away.
        receipts: whether to hear them; else the inbox is woken by each acknowledgement of the
            broker's, and told of refusals.
        pool: where to connect.
    """

    def __init__(
        self,
        address: BrokerAddress,
        terms: Terms,
        gateways: Sequence[str],
        client_id: str,
        inbox: Inbox,
        pool: Executor,
        *,
        own: bool,
        session: bool = False,
        receipts: bool = True,
    ) -> None:
        self.gateways = tuple(gateways)
        self.up = False
        """Connected and subscribed to receipts."""
        self._address = address
        self._terms = terms
        self._client_id = client_id
        self._inbox = inbox
        self._pool = pool
        self.own = own
        """Whether it is one gateway's alone."""
        self._receipts: str | None = None
        if receipts:
            self._receipts = f"{PREFIX}/{gateways[0] if own else '+'}/down/+"
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._client = self._made()
        self._socket: Any = None
        self._writing = False
        """Whether the loop tells when the socket takes more."""
        self._flushing = False
        self._ended = asyncio.Event()
        self._connecting: asyncio.Future[Any] | None = None
        self._task: asyncio.Task[None] | None = None

    def _made(self) -> mqtt.Client:
        five = self._terms.version is MQTTProtocolVersion.MQTTv5
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=self._terms.version,
            clean_session=None if five else not self._session,
            reconnect_on_failure=False,
        )
        self._address.introduce(client)
        client.connect_timeout = _HANDSHAKE_S
        client.max_inflight_messages_set(self._terms.in_flight)
        client.max_queued_messages_set(0)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        if self._receipts is None:
            client.on_publish = self._on_publish
        client.on_socket_close = self._on_socket_close
        # Having one keeps paho from writing each packet at once: `_flush` writes.
        client.on_socket_register_write = lambda *_: None
        if self.own:
            will = encode(Status(online=False))
            client.will_set(status_topic(self.gateways[0]), will, qos=1, retain=True)
        return client

    def start(self) -> None:
        """Begin to connect, and to connect again whenever the connection breaks."""
        if self._task is None:
            self._task = asyncio.create_task(self._stay())

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> Published:
        """Hand a message to the connection; it goes out as soon as the loop comes round."""
        published = Published(self._client.publish(topic, payload, qos=qos, retain=retain))
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)
        return published

    def tend(self) -> None:
        """Keep the connection alive; about once a second."""
        if self._socket is not None:
            self._client.loop_misc()
            self._flush()

    def cut(self, *, forget: bool = False) -> None:
        """End it as a broken line does, until `start`: the broker hears nothing and sends the last
        will.

        Args:
            forget: what is in memory is gone too, as when the power fails.
        """
        self._halt()
        self._hang_up()
        if forget:
            self._client = self._made()

    def close(self) -> None:
        """Disconnect in order: no last will goes out."""
        self._halt()
        if self._socket is not None:
            self._client.disconnect()
            self._flush()
            self._hang_up()

    def _halt(self) -> None:
        """Do not connect again."""
        self.up = False
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    async def _stay(self) -> None:
        """Connect, wait for the end, connect again."""
        while True:
            self._ended.clear()
            if await self._connect():
                await self._ended.wait()
            await asyncio.sleep(random.uniform(*_AGAIN_S))

    async def _connect(self) -> bool:
        client, five = self._client, self._terms.version is MQTTProtocolVersion.MQTTv5

        def connect() -> Any:
            properties = None
            if five and self._session:
                properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
                properties.SessionExpiryInterval = 0xFFFFFFFF
            client.connect(
                self._address.host,
                self._address.port,
                keepalive=_KEEPALIVE_S,
                clean_start=not self._session if five else mqtt.MQTT_CLEAN_START_FIRST_ONLY,
                properties=properties,
            )
            return client.socket()

        # A thread cannot be cancelled: should we be stopped meanwhile, its socket is closed when it
        # comes, and nobody uses the client before that.
        if self._connecting is not None:
            await asyncio.wait({self._connecting})
        self._connecting = self._loop.run_in_executor(self._pool, connect)
        try:
            opened = await asyncio.shield(self._connecting)
        except (OSError, ValueError):  # ssl.SSLError is an OSError; ValueError: no such host name
            return False
        except asyncio.CancelledError:
            self._connecting.add_done_callback(_close_what_came)
            raise
        if opened is None:
            return False
        self._socket = opened
        self._loop.add_reader(opened.fileno(), self._readable)
        self._flush()
        return True

    def _readable(self) -> None:
        while self._socket is not None:
            opened = self._socket
            self._client.loop_read()
            # What TLS has decrypted already, no socket tells of.
            if not isinstance(opened, ssl.SSLSocket) or self._socket is None:
                break
            if not opened.pending():
                break
        self._flush()

    def _flush(self) -> None:
        """Write what the socket takes; the loop calls again when it takes more."""
        self._flushing = False
        if self._socket is not None and self._client.want_write():
            self._client.loop_write()
        wanted = self._socket is not None and self._client.want_write()
        if wanted and not self._writing:
            self._loop.add_writer(self._socket.fileno(), self._flush)
        elif not wanted and self._writing and self._socket is not None:
            self._loop.remove_writer(self._socket.fileno())
        self._writing = wanted

    def _hang_up(self) -> None:
        """Close the socket and nothing else."""
        opened = self._socket
        if opened is not None:
            self._on_socket_close(self._client, None, opened)
            opened.close()

    # called by paho, in the event loop's thread

    def _on_socket_close(self, client: mqtt.Client, userdata: Any, sock: Any) -> None:
        if sock is not self._socket:
            return
        self._loop.remove_reader(sock.fileno())
        if self._writing:
            self._loop.remove_writer(sock.fileno())
        self._socket, self._writing, self.up = None, False, False
        self._ended.set()

    def _on_connect(
        self,
        client: mqtt.Client,
        userdata: Any,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:  # it is tried again
            _log.warning("broker refuses a gateway", gateway=self.gateways[0], reason=str(reason))
            return
        if self._receipts is None:
            self._is_up()
        else:
            client.subscribe(self._receipts, qos=1)

    def _on_subscribe(
        self, client: mqtt.Client, userdata: Any, mid: int, reasons: Any, properties: Any
    ) -> None:
        # Only now: a receipt for what is sent earlier could be missed.
        self._is_up()

    def _on_publish(
        self, client: mqtt.Client, userdata: Any, mid: int, reason: ReasonCode, properties: Any
    ) -> None:
        if reason.is_failure:
            self._inbox.put(Refused(str(reason)))
        else:
            self._inbox.wake()

    def _is_up(self) -> None:
        self.up = True
        self._inbox.put(Connected(self))

    def _on_disconnect(
        self, client: mqtt.Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        self.up = False

    def _on_message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        topic = parse_topic(message.topic)
        if topic is not None:
            self._inbox.put(Received(topic.gateway, bytes(message.payload), topic.rest))


def _close_what_came(connecting: asyncio.Future[Any]) -> None:
    """The socket of a connection that nobody waits for any more."""
    if not connecting.cancelled() and connecting.exception() is None:
        opened = connecting.result()
        if opened is not None:
            opened.close()
