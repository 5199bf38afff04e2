"""What the broker has sent in this session and not been told to forget.

A session outlives its connections. After a lost connection the broker sends again what was not
acknowledged, marked as a duplicate and with the same packet identifier: so it can be recognised
even where the message itself says neither when it was measured nor which message it is. What a
process that was killed had committed without acknowledging it is `committed`: digests by
identifier.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from ingest.connection import Connection
from ingest.message import Message
from ingest.unacknowledged import packet_digest


class Session:
    """Messages by packet identifier; for one thread."""

    def __init__(self, committed: Mapping[int, bytes] | None = None) -> None:
        # A plain dict looks over all that was ever removed at its front for what is first now.
        self._open: OrderedDict[int, Message] = OrderedDict()
        self._committed = dict(committed or {})
        self.acknowledged_until = 0
        """Arrival of the last message acknowledged; all before it are, or are not the broker's any
        more. Written by the thread."""

    def begin_anew(self) -> None:
        """The broker has forgotten the session: identifiers mean nothing any more."""
        self._open.clear()
        self._committed.clear()

    def sent(self, message: Message) -> None:
        """The broker has sent `message`, at QoS 1."""
        if self._committed:
            self._committed.pop(message.mid, None)
        self._open[message.mid] = message

    def sent_again(self, connection: Connection, mid: int, topic: str, payload: bytes) -> bool:
        """Whether a duplicate is of a message that is held already or stored; if so, it is
        acknowledged on this connection, now or once it is stored."""
        before = self._open.get(mid)
        if before is None and self._committed.get(mid) == packet_digest(topic, payload):
            # Committed by a process that was killed before it acknowledged.
            del self._committed[mid]
            before = self._open[mid] = Message(topic, payload, 0, mid=mid, stored=True)
        if before is None or before.topic != topic or before.payload != payload:
            return False
        before.connection = connection
        if before.stored:
            self.stored(before, connection)
        return True

    def stored(self, message: Message, connection: Connection | None) -> None:
        """`message` is in the database; tell the broker if it was sent on `connection`.

        Acknowledged is in the order of sending (MQTT 4.6; rumqttd hangs up on another).
        """
        message.stored = True
        if not message.mid or connection is None or message.connection is not connection:
            return
        if self._open.get(message.mid) is not message:
            connection.acknowledge((message.mid,))
            return
        while self._open:
            first = next(iter(self._open.values()))
            if first.connection is connection:
                if not first.stored:
                    return
                connection.acknowledge((first.mid,))
                self.acknowledged_until = max(self.acknowledged_until, first.arrival)
            # Else the broker has sent later ones again and not this: it does not have it any more.
            del self._open[first.mid]
