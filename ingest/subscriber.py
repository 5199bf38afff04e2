"""Takes a session's messages from the broker in a thread of its own and hands them to asyncio.

Messages wait in a bounded queue, of which asyncio is woken once however many have come. They are
acknowledged when asyncio says that they are committed, in the order they came, and only on the
connection on which they came; a connection that is lost is made again, for ever. While the queue is
full nothing is read, so the broker keeps what it has. A session that others may take over is
connected to only as long as it is said to be ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import structlog
from paho.mqtt.enums import MQTTProtocolVersion

from core.broker import BrokerAddress
from core.clock import Clock
from core.errors import BrokerError
from ingest.broker import RefusedError, WrongVersionError
from ingest.connection import CONNECT_TIMEOUT_S, RECEIVE_MAXIMUM, Connection
from ingest.fairness import take_in_turn
from ingest.instants import micros
from ingest.message import Message
from ingest.packets import Publish
from ingest.session import Session
from ingest.subscription import Subscription, everything

MAX_HELD = 2 * RECEIVE_MAXIMUM
"""Messages taken from the broker and not committed yet, at most (and what one read brings)."""
MAX_HELD_BYTES = 128 * 1024 * 1024
FEW = 100
PUBLISH_EVERY_S = 0.5
"""Seconds that more than a few messages wait before more are sent."""
_MAX_OUTGOING = 100_000
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0

_log = structlog.get_logger()


class Subscriber:
    """The service's side of the broker; `start` it, then `take` and `done`, over and over.

    `arrived` is set when there is something to take, or the subscriber has failed; it is to be
    cleared before one looks whether there is, else what comes in between wakes nobody. `care`:
    where the session may be another's, connect only while `allow` allows it; set when it has to be
    asked anew, and when a session that was to be read to its end has ended. `committed`: see
    `session`.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        clock: Clock,
        subscription: Subscription | None = None,
        *,
        arrived: asyncio.Event,
        care: asyncio.Event | None = None,
        committed: Mapping[int, bytes] | None = None,
    ) -> None:
        self.name = client_id
        self.ready = asyncio.Event()
        """Subscribed, at least once."""
        self.failed: BrokerError | None = None
        """Why it has given up: the broker refused us before it ever took us."""
        self.connected = False
        """The broker can hand us messages now; written by the thread."""
        self.ended = False
        """All that the session had is stored, and it is no more."""
        self._subscription = subscription or everything(client_id)
        self._allowed_until = float("inf") if care is None else 0.0
        self._care = care
        self._marked = False
        self._address = BrokerAddress.parse(url)
        self._client_id = client_id
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._near, self._far = socket.socketpair()
        for end in (self._near, self._far):
            end.setblocking(False)
        # Shared; under the lock. Counters are written by one thread each.
        self._lock = threading.Lock()
        self._queue: deque[Message] = deque()
        self._done: deque[Sequence[Message]] = deque()
        self._outgoing: dict[object, tuple[str, bytes]] = {}
        self._arrived = arrived
        self._paused = False
        self._leaving = threading.Event()
        self._released, self._released_bytes = 0, 0
        # The thread's own.
        self._held, self._held_bytes = 0, 0
        self._fresh: list[Message] = []
        self._arrival = 0
        self._published = 0.0
        self._session = Session(committed)
        self._version = MQTTProtocolVersion.MQTTv5

    # What asyncio calls.

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._thread.start()

    def allow(self, seconds: float) -> None:
        """The session is ours for so long from now: the thread may connect to it."""
        self._allowed_until = time.monotonic() + seconds

    @property
    def allowed(self) -> bool:
        """Whether the session is ours for all that is known; a lost connection asks anew."""
        return time.monotonic() < self._allowed_until

    def take(self, most: int, most_bytes: int) -> list[Message]:
        """Up to `most` messages (and about `most_bytes`), by `fairness.take_in_turn`."""
        with self._lock:
            return take_in_turn(self._queue, most, most_bytes)

    def done(self, messages: Sequence[Message]) -> None:
        """These are in the database for good, or need not be: the broker may forget them."""
        self._released += len(messages)
        self._released_bytes += sum(len(message.payload) for message in messages)
        self._done.append(messages)
        self._wake()

    def publish(self, key: object, topic: str, payload: bytes) -> None:
        """Publish at QoS 1, in place of what waits under the same `key`; may be lost."""
        with self._lock:
            self._outgoing[key] = (topic, payload)
            if len(self._outgoing) > _MAX_OUTGOING:
                self._outgoing.pop(next(iter(self._outgoing)))

    def flush(self) -> None:
        """Send what was given to `publish`."""
        self._wake()

    def pause(self) -> None:
        """Take no more messages."""
        self._paused = True
        self._wake()

    @property
    def acknowledged_until(self) -> int:
        """Arrival of the last message acknowledged: none before it is sent again."""
        return self._session.acknowledged_until

    @property
    def waiting(self) -> int:
        """Messages in the queue."""
        return len(self._queue)

    @property
    def held(self) -> tuple[int, int]:
        """Messages, and bytes of payload, taken from the broker and not committed."""
        return self._held - self._released, self._held_bytes - self._released_bytes

    @property
    def oldest(self) -> int | None:
        """When the first message in the queue arrived, microseconds since 1970."""
        with self._lock:
            return self._queue[0].arrival if self._queue else None

    async def close(self) -> None:
        """Acknowledge what is done, take leave of the broker, end the thread."""
        self._leaving.set()
        self._wake()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)
        self._near.close()
        self._far.close()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it is awake; or closed
            self._near.send(b"w")

    # What the thread does.

    def _run(self) -> None:
        try:
            self._stay_connected()
        except Exception as error:
            # Without its thread the service would live on, deaf: it has to end and be restarted.
            _log.exception("the connection to the broker failed")
            self._give_up(
                BrokerError(f"Ingest's connection to the broker failed ({error}): see the log.")
            )

    def _stay_connected(self) -> None:
        pause = _FIRST_PAUSE_S
        said = ""
        while not self._leaving.is_set():
            if self._full or self._paused or not self.allowed:
                self._rest(_FIRST_PAUSE_S)
                continue
            connection = self._new_connection()
            try:
                if self._connect(connection):
                    pause, said = _FIRST_PAUSE_S, ""
                    _log.info("subscribed", broker=str(self._address), mqtt=self._version.name)
                    self._serve(connection)
                    if self._leaving.is_set() or self.ended:
                        return
                    _log.warning("connection to the broker lost", why=connection.closed)
                    self._lost()
                    self._version = MQTTProtocolVersion.MQTTv5
                else:
                    self._other_version()
            except WrongVersionError:
                self._other_version()
            except BrokerError as error:
                if isinstance(error, RefusedError) and not self.ready.is_set():
                    self._give_up(error)
                    return
                if self._subscription.needs_five:
                    self._version = MQTTProtocolVersion.MQTTv5
                if str(error) != said:
                    said = str(error)
                    _log.warning("waiting for the broker", why=said)
            finally:
                self.connected = False
                connection.close(end_session=self.ended)
                if self.ended and self._care is not None:
                    self._call(self._care.set)
            self._rest(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _new_connection(self) -> Connection:
        receive = self._on_message if self._subscription.mark is None else self._on_last_messages
        return Connection(
            self._address,
            self._client_id,
            self._subscription,
            version=self._version,
            on_message=receive,
            owner=self,
        )

    def _lost(self) -> None:
        if self._care is not None:
            # Somebody else may have connected as us (Mosquitto 2.0.11 does not say so).
            self._allowed_until = 0.0
            self._call(self._care.set)

    def _other_version(self) -> None:
        five = self._version is MQTTProtocolVersion.MQTTv5
        self._version = MQTTProtocolVersion.MQTTv311 if five else MQTTProtocolVersion.MQTTv5

    def _rest(self, seconds: float) -> None:
        """Wait, while there is no connection."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._far, selectors.EVENT_READ)
            deadline = time.monotonic() + seconds
            while not self._leaving.is_set() and (left := deadline - time.monotonic()) > 0:
                if selector.select(left):
                    self._clear_wake()
                    self._settle(None)

    def _connect(self, connection: Connection) -> bool:
        """Whether the broker took us; False if it hung up on us instead of answering."""
        connection.open()
        deadline = time.monotonic() + CONNECT_TIMEOUT_S
        with selectors.DefaultSelector() as selector:
            selector.register(connection.fileno(), selectors.EVENT_READ)
            while not (connection.ready or connection.ended() or self._leaving.is_set()):
                connection.tend()
                if time.monotonic() > deadline:
                    raise BrokerError(f"The broker at {self._address} takes us, but says nothing.")
                if selector.select(0.2):
                    self._read(connection)
        connection.tend()
        if not connection.ready:
            return False
        if not connection.session_present:
            self._session.begin_anew()
        self.connected = True
        self._call(self.ready.set)
        return True

    def _serve(self, connection: Connection) -> None:
        if connection.ended():
            return
        with selectors.DefaultSelector() as selector:
            selector.register(self._far, selectors.EVENT_READ)
            watched = selectors.EVENT_READ
            selector.register(connection.fileno(), watched)
            while not connection.ended():
                leaving = self._leaving.is_set()  # asked first: what was done before it is settled
                self._settle(connection)
                connection.tend()
                if self._marked and not self._held - self._released:
                    self.ended = True
                if leaving or self.ended or connection.ended():
                    return  # `close` sends what waits
                wanted = 0 if self._paused or self._full else selectors.EVENT_READ
                wanted |= selectors.EVENT_WRITE if connection.unsent else 0
                if wanted != watched:
                    _watch(selector, connection.fileno(), watched, wanted)
                    watched = wanted
                for key, events in selector.select(PUBLISH_EVERY_S):
                    if key.fd == self._far.fileno():
                        self._clear_wake()
                    elif events & selectors.EVENT_READ:
                        self._read(connection)

    def _read(self, connection: Connection) -> None:
        # Stamped once per read: what comes in one piece has arrived together.
        self._arrival = max(micros(self._clock.now()), self._arrival + 1)
        connection.read()
        if not self._fresh:
            return
        with self._lock:
            self._queue.extend(self._fresh)
        self._fresh = []
        if not self._arrived.is_set():
            self._call(self._arrived.set)

    def _on_message(self, connection: Connection, received: Publish) -> None:
        topic, payload, mid, retain, dup = received
        if dup and mid and self._session.sent_again(connection, mid, topic, payload):
            return
        self._arrival += 1
        message = Message(topic, payload, self._arrival, retain, mid, connection)
        if mid:
            self._session.sent(message)
        self._held += 1
        self._held_bytes += len(payload)
        self._fresh.append(message)

    def _on_last_messages(self, connection: Connection, received: Publish) -> None:
        wanted = self._subscription
        if received.topic == wanted.mark and received.payload == wanted.token:
            self._marked = True
        elif received.retain or not wanted.retained_only:
            self._on_message(connection, received)

    def _settle(self, connection: Connection | None) -> None:
        """Acknowledge what is done and publish what waits."""
        while self._done:
            for message in self._done.popleft():
                self._session.stored(message, connection)
        if connection is not None and self._outgoing:
            self._publish(connection)

    def _publish(self, connection: Connection) -> None:
        """Send what waits: few at once; of many, which replace one another while they wait, only
        so often."""
        now = time.monotonic()
        many = len(self._outgoing) > FEW
        if many and now < self._published + PUBLISH_EVERY_S and not self._leaving.is_set():
            return
        with self._lock:
            keys = list(itertools.islice(self._outgoing, connection.room))
            ready = [self._outgoing.pop(key) for key in keys]
            if not self._outgoing:
                self._published = now
        for topic, payload in ready:
            connection.publish(topic, payload)

    @property
    def _full(self) -> bool:
        return (
            self._held - self._released >= MAX_HELD
            or self._held_bytes - self._released_bytes >= MAX_HELD_BYTES
        )

    def _give_up(self, error: BrokerError) -> None:
        self.failed = error
        self._call(self.ready.set)
        self._call(self._arrived.set)

    def _clear_wake(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            self._far.recv(65_536)

    def _call(self, callback: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            self._loop.call_soon_threadsafe(callback)


def _watch(selector: selectors.BaseSelector, fd: int, before: int, wanted: int) -> None:
    """Watch `fd` for the `wanted` events, which may be none, instead of those `before`."""
    if not before:
        selector.register(fd, wanted)
    elif not wanted:
        selector.unregister(fd)
    else:
        selector.modify(fd, wanted)
