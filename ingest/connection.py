"""One connection to the broker: paho's client, driven by the thread that made it.

paho is used with a loop of our own (its documented `loop_read`, `loop_write`, `loop_misc`), so that
nothing is locked or woken per message, and with a socket that reads and writes in large pieces:
paho asks for a packet in three reads, each of which would be a system call. Messages and their
acknowledgements, thousands a second, are read and written without it (`packets`).
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Sequence
from typing import Any

from paho.mqtt.client import (
    MQTT_CLEAN_START_FIRST_ONLY,
    CleanStartOption,
    Client,
    ConnectFlags,
)
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from core.broker import BrokerAddress
from core.errors import BrokerError
from ingest.broker import RefusedError, WrongVersionError
from ingest.packets import Publish, acknowledgements, packet_end, publishes
from ingest.piecewise import PiecewiseClient, PiecewiseSocket
from ingest.subscription import Subscription

RECEIVE_MAXIMUM = 10_000
"""Messages the broker may have under way to us before we acknowledge some (MQTT 5)."""
_UNDER_WAY = 1_000
KEEPALIVE_S = 60
CONNECT_TIMEOUT_S = 10.0
_FOREVER = 0xFFFFFFFF
_REFUSED_FOR_GOOD = ("Bad user name or password", "Not authorized", "Banned")
_WRONG_VERSION = "Unsupported protocol version"


class Connection:
    """A connection that has what its subscription asks for.

    All methods are for the thread that made it.
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        subscription: Subscription,
        *,
        version: MQTTProtocolVersion,
        on_message: Callable[[Connection, Publish], None],
        owner: object = None,
    ) -> None:
        self.version = version
        self.owner = owner
        """Whoever made it."""
        self.ready = False
        """The broker has our subscription."""
        self.session_present = False
        """The broker has kept our session, with everything it could not deliver."""
        self.closed: str | None = None
        """Why the connection has ended, once it has."""
        self._address = address
        self._on_message = on_message
        self._subscription = subscription
        self._refused: BrokerError | None = None
        self._under_way = 0
        five = version is MQTTProtocolVersion.MQTTv5
        client = PiecewiseClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if five else not subscription.persistent,
            protocol=version,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        address.introduce(client)
        client.connect_timeout = CONNECT_TIMEOUT_S
        # With a bound of its own, paho looks through all that is under way at each PUBACK.
        client.max_inflight_messages_set(0)
        client.on_publish = self._on_publish
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = self._on_unsubscribe
        client.on_disconnect = self._on_disconnect
        # Having one keeps paho from writing each packet at once; `step` writes.
        client.on_socket_register_write = lambda *_: None
        self._client = client
        self._socket: PiecewiseSocket | None = None

    def ended(self) -> bool:
        """Whether it is of no use any more; `closed` says why."""
        return self.closed is not None

    def open(self) -> None:
        """Connect; `step` then goes on until `ready`.

        Raises:
            BrokerError: nobody answers at the address.
        """
        properties = None
        clean_start: CleanStartOption = MQTT_CLEAN_START_FIRST_ONLY  # what paho takes for 3.1.1
        if self.version is MQTTProtocolVersion.MQTTv5:
            clean_start = not self._subscription.persistent
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
            properties.SessionExpiryInterval = _FOREVER if self._subscription.persistent else 0
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
        try:
            self._client.connect(
                self._address.host,
                self._address.port,
                keepalive=KEEPALIVE_S,
                clean_start=clean_start,
                properties=properties,
            )
        except (OSError, ssl.SSLError) as error:
            raise BrokerError(
                f"The broker at {self._address} does not answer ({error}): start it, or correct "
                "SAIMI_MQTT_URL."
            ) from error
        opened: Any = self._client.socket()
        if not isinstance(opened, PiecewiseSocket):
            raise TypeError(f"paho made its own socket, a {type(opened).__name__}")
        self._socket = opened

    def fileno(self) -> int:
        """Of the socket; -1 when it is closed."""
        return -1 if self._socket is None or self.closed else self._socket.fileno()

    @property
    def unsent(self) -> bool:
        """Whether something waits for the socket to take more."""
        return self._socket is not None and self._socket.unsent

    def read(self) -> None:
        """Take in what has come; calls `on_message` for each message."""
        if self._socket is None:
            return
        line = self._socket
        line.fill()
        while not self.closed:
            data, place = line.unread
            found, place = publishes(data, place, five=self.version is MQTTProtocolVersion.MQTTv5)
            line.read_to(place)
            for message in found:
                self._on_message(self, message)
            # What is no message is paho's, one whole packet at a time.
            end = packet_end(data, place)
            if end is None and not line.ended:
                return
            line.show(end)
            if self._client.loop_read() is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._end("the connection broke")
            elif line.unread[1] == place:
                return

    def tend(self) -> None:
        """Send what waits, keep the connection alive.

        Raises:
            RefusedError: the broker will not have us.
            WrongVersionError: it speaks another version of MQTT.
        """
        if self._refused is not None:
            raise self._refused
        if self.closed or self._socket is None:
            return
        if self._client.loop_misc() is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._end("the broker does not answer any more")
            return
        if self._client.want_write():
            self._client.loop_write()
        if not self.closed:
            self._socket.flush()

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Tell the broker that these messages are in the database, in the order they came."""
        if not self.closed and self._socket is not None:
            self._socket.send(acknowledgements(mids))

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 1; lost with the connection."""
        if not self.closed:
            self._under_way += 1
            self._client.publish(topic, payload, qos=1)

    @property
    def room(self) -> int:
        """How many more may be published before the broker has answered."""
        return max(0, _UNDER_WAY - self._under_way)

    def close(self, *, end_session: bool = False) -> None:
        """Send what waits and take leave; the session stays with the broker, unless it is to end
        (MQTT 5)."""
        if self.closed or self._socket is None:
            return
        with contextlib.suppress(BrokerError):
            self.tend()
        properties = None
        if end_session:
            properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]  # paho's
            properties.SessionExpiryInterval = 0
        self._client.disconnect(properties=properties)
        self._client.loop_write()
        # paho has closed its end after DISCONNECT; until then it only was in our buffer.
        self._end("closed")

    def _end(self, why: str) -> None:
        if self.closed is None:
            self.closed = why
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()

    def _on_publish(self, *_: Any) -> None:
        self._under_way -= 1

    def _on_connect(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            words = str(reason)
            if words == _WRONG_VERSION:
                self._refused = WrongVersionError(f"The broker does not speak {self.version.name}.")
            elif words in _REFUSED_FOR_GOOD:
                self._refused = RefusedError(
                    f"The broker at {self._address} refuses us ({words}): correct the user and "
                    "password in SAIMI_MQTT_URL."
                )
            self._end(f"the broker refused: {words}")
            return
        self.session_present = bool(flags.session_present)
        if self.version is MQTTProtocolVersion.MQTTv5:
            self._ask(client)
        elif self._subscription.needs_five:
            self._refused = RefusedError(
                f"The broker at {self._address} speaks no MQTT 5, which several workers need for "
                "their shared subscription: run one `saimi ingest` without --workers."
            )
        else:
            # A session has its subscription, and the answer to this one may stand behind all that
            # the broker has kept for us (rumqttd).
            self.ready = self.session_present
            client.subscribe(str(self._subscription.subscribe), qos=self._subscription.qos)

    def _ask(self, client: Client) -> None:
        wanted = self._subscription
        if wanted.subscribe is not None:
            options = SubscribeOptions(
                qos=wanted.qos,
                noLocal=not (wanted.shared or wanted.mark),
                retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND
                if wanted.shared
                else SubscribeOptions.RETAIN_SEND_IF_NEW_SUB,
            )
            client.subscribe(wanted.subscribe, options=options)
        if wanted.unsubscribe:
            client.unsubscribe(list(wanted.unsubscribe))

    def _on_subscribe(
        self,
        client: Client,
        userdata: Any,
        mid: int,
        reasons: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._refused = RefusedError(
                f"The broker at {self._address} does not let this user read "
                f"{self._subscription.subscribe or self._subscription.mark}: give the right, or "
                "correct SAIMI_MQTT_URL."
            )
            return
        if self._subscription.mark is not None:
            client.publish(
                self._subscription.mark, self._subscription.token, qos=self._subscription.qos
            )
        self.ready = True

    def _on_unsubscribe(
        self,
        client: Client,
        userdata: Any,
        mid: int,
        reasons: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        if self._subscription.subscribe is None and self._subscription.mark is not None:
            client.subscribe(self._subscription.mark, options=SubscribeOptions(qos=1))

    def _on_disconnect(
        self, client: Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        self._end(f"disconnected: {reason}")
