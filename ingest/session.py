"""What the broker has sent in this session and not been told to forget.

A session outlives its connections. After a lost connection the broker sends again what was not
acknowledged, marked as a duplicate and with the same packet identifier: so it can be recognised
even where the message itself says neither when it was measured nor which message it is.
"""

from __future__ import annotations

from ingest.connection import Connection
from ingest.message import Message


class Session:
    """Messages by packet identifier; for one thread."""

    def __init__(self) -> None:
        self._open: dict[int, Message] = {}

    def begin_anew(self) -> None:
        """The broker has forgotten the session: identifiers mean nothing any more."""
        self._open.clear()

    def sent(self, message: Message) -> None:
        """The broker has sent `message`, at QoS 1."""
        self._open[message.mid] = message

    def sent_again(self, connection: Connection, mid: int, topic: str, payload: bytes) -> bool:
        """Whether a duplicate is of a message that is held already or stored; if so, it is
        acknowledged on this connection, now or once it is stored."""
        before = self._open.get(mid)
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
            # Else the broker has sent later ones again and not this: it does not have it any more.
            del self._open[first.mid]
