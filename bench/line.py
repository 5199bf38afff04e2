"""The broker's side of a measurement: fills it beforehand, and receives while doing nothing.

paho is driven as ingest drives it (its documented `loop_read`, `loop_write`, `loop_misc`, over a
socket with large buffers), which is faster than its own loop: so the limit is the better one.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from core.broker import BrokerAddress
from core.errors import BrokerError
from core.wire import SENML
from ingest.piecewise import PiecewiseClient, PiecewiseSocket

READINGS = f"saimi/v1/+/{SENML}/#"
_IN_FLIGHT = 1_000
_PATIENCE_S = 60.0
_AT_ONCE = 64  # messages handed to paho between two looks at the socket


class Received(NamedTuple):
    """A message-receiving run."""

    seconds: float
    cpu_s: float
    """Of this process; nothing else must run in it meanwhile."""


class Line:
    """One connection of paho's, for one thread; MQTT 3.1.1, which costs paho the least."""

    def __init__(self, url: str, client_id: str, *, keep: bool = False) -> None:
        self._address = BrokerAddress.parse(url)
        self.client = PiecewiseClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=not keep,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self._address.introduce(self.client)
        self.client.max_inflight_messages_set(2 * _IN_FLIGHT)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        # Having one keeps paho from writing each packet at once.
        self.client.on_socket_register_write = lambda *_: None
        self._answered = False
        self._refused: str | None = None
        self._socket: PiecewiseSocket | None = None

    def open(self) -> None:
        """Connect.

        Raises:
            BrokerError: the broker is away or refuses us.
        """
        try:
            self.client.connect(self._address.host, self._address.port)
        except OSError as error:
            raise BrokerError(
                f"The broker at {self._address} does not answer ({error}): start it, or correct "
                "SAIMI_MQTT_URL."
            ) from error
        opened: Any = self.client.socket()
        self._socket = opened
        self._wait_for_answer()

    def subscribe(self) -> None:
        """Have the broker keep readings for us."""
        self.client.subscribe(READINGS, qos=1)
        self._wait_for_answer()

    def turn(self, wait_s: float) -> None:
        """Send what waits, and take in what has come within `wait_s`.

        Raises:
            BrokerError: the connection broke.
        """
        line = self._socket
        assert line is not None  # noqa: S101 - `open` comes first
        if self.client.want_write():
            self.client.loop_write()
        line.flush()
        readable, _, _ = select.select([line.fileno()], [line.fileno()] if line.unsent else [], [],
                                       wait_s)  # fmt: skip
        if readable:
            line.fill()
            while line.pending():
                before = line.pending()
                if self.client.loop_read() is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                    raise BrokerError(f"The connection to the broker at {self._address} broke.")
                if line.pending() == before:
                    break
        self.client.loop_misc()

    def close(self) -> None:
        """Send what waits, and take leave."""
        if self._socket is not None:
            self.turn(0.0)
            self.client.disconnect()
            self.client.loop_write()
            self._socket.close()

    def _wait_for_answer(self) -> None:
        self._answered = False
        deadline = time.monotonic() + _PATIENCE_S
        while not self._answered:
            self.turn(0.2)
            if time.monotonic() > deadline:
                raise BrokerError(f"The broker at {self._address} takes us, but says nothing.")
        if self._refused:
            raise BrokerError(f"The broker at {self._address} refuses us: {self._refused}.")

    def _on_connect(self, client: Client, userdata: Any, flags: Any, reason: Any, _: Any) -> None:
        self._answered = True
        self._refused = str(reason) if reason.is_failure else None

    def _on_subscribe(
        self, client: Client, userdata: Any, mid: int, reasons: list[Any], _: Any
    ) -> None:
        self._answered = True
        self._refused = next((str(reason) for reason in reasons if reason.is_failure), None)


def keep_readings(url: str, client_id: str) -> None:
    """Open a session for which the broker keeps readings from now on."""
    line = Line(url, client_id, keep=True)
    line.open()
    line.subscribe()
    line.close()


def forget(url: str, client_id: str) -> None:
    """Let the broker forget a session and what it has kept for it."""
    line = Line(url, client_id)
    line.open()
    line.close()


def fill(
    url: str, messages: Iterable[tuple[str, bytes]], progress: Callable[[int], object]
) -> None:
    """Publish all messages at QoS 1; returns when the broker has taken responsibility for each.

    `progress` is told how many it has.

    Raises:
        BrokerError: it takes no more.
    """
    taken = sent = 0

    def on_publish(*_: Any) -> None:
        nonlocal taken
        taken += 1

    line = Line(url, "saimi-bench-fill")
    line.client.on_publish = on_publish
    line.open()
    ahead = iter(messages)
    more = True
    moved = time.monotonic()
    while more or taken < sent:
        before = taken
        while more and sent - taken < _IN_FLIGHT:
            for _ in range(_AT_ONCE):
                message = next(ahead, None)
                if message is None:
                    more = False
                    break
                line.client.publish(*message, qos=1)
                sent += 1
            line.turn(0.0)
        line.turn(0.2)
        progress(taken)
        if taken > before or more:
            moved = time.monotonic()
        elif time.monotonic() - moved > _PATIENCE_S:
            raise BrokerError("The broker takes no more messages: give it more memory or disk.")
    line.close()


def receive(url: str, client_id: str, count: int) -> Received:
    """Receive `count` messages kept for a session, acknowledge each, and do nothing else.

    Raises:
        BrokerError: the broker has fewer.
    """
    got = 0

    def on_message(client: Client, userdata: Any, message: MQTTMessage) -> None:
        nonlocal got
        got += 1
        client.ack(message.mid, 1)

    line = Line(url, client_id, keep=True)
    line.client.on_message = on_message
    began, cpu = time.monotonic(), time.process_time()
    line.open()
    moved = began
    while got < count:
        before = got
        line.turn(0.2)
        if got > before:
            moved = time.monotonic()
        elif time.monotonic() - moved > _PATIENCE_S:
            raise BrokerError(f"The broker gave back {got:,} of {count:,} messages.")
    line.turn(0.0)
    seconds, cpu_s = time.monotonic() - began, time.process_time() - cpu
    line.close()
    return Received(seconds, cpu_s)
