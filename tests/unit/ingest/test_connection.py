"""The socket in pieces, the broker's address, and recognising what the broker sends again."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import cast

import pytest

from ingest.connection import Connection
from ingest.message import Message
from ingest.piecewise import PiecewiseSocket
from ingest.session import Session


@pytest.fixture
def pair() -> Iterator[tuple[PiecewiseSocket, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    with near, far:
        yield PiecewiseSocket(near), far


def test_reads_come_from_one_piece(pair: tuple[PiecewiseSocket, socket.socket]) -> None:
    near, far = pair
    with pytest.raises(BlockingIOError):
        near.recv(1)
    far.sendall(b"abcdef")
    near.fill()
    assert near.pending() == 6
    assert (near.recv(1), near.recv(1), near.recv(3)) == (b"a", b"b", b"cde")
    far.sendall(b"gh")
    near.fill()
    assert near.recv(100) == b"fgh"
    with pytest.raises(BlockingIOError):
        near.recv(1)


def test_the_end_of_the_stream_is_told_after_the_last_byte(
    pair: tuple[PiecewiseSocket, socket.socket],
) -> None:
    near, far = pair
    far.sendall(b"a")
    far.close()
    near.fill()
    near.fill()
    assert (near.recv(10), near.recv(10)) == (b"a", b"")


def test_writes_wait_until_flushed_and_closing_sends_them(
    pair: tuple[PiecewiseSocket, socket.socket],
) -> None:
    near, far = pair
    assert near.send(b"abc") == 3
    assert near.unsent
    assert near.flush()
    assert far.recv(10) == b"abc"
    near.send(b"last")
    near.close()
    assert far.recv(10) == b"last"


class _Line:
    """Stands for a connection; remembers what was acknowledged on it."""

    def __init__(self) -> None:
        self.acknowledged: list[int] = []

    def acknowledge(self, mids: tuple[int, ...]) -> None:
        self.acknowledged += mids


def line() -> Connection:
    return cast(Connection, _Line())


def acknowledged(connection: Connection) -> list[int]:
    return cast(_Line, connection).acknowledged


def test_a_message_is_acknowledged_on_its_own_connection_only() -> None:
    session, first, second = Session(), line(), line()
    message = Message("t", b"p", 1, mid=5, connection=first)
    session.sent(message)
    session.stored(message, second)
    assert acknowledged(second) == []
    assert message.stored


def test_what_is_sent_again_while_it_waits_is_taken_once() -> None:
    session, first, second = Session(), line(), line()
    message = Message("t", b"p", 1, mid=5, connection=first)
    session.sent(message)
    assert session.sent_again(second, 5, "t", b"p")
    assert acknowledged(second) == []
    session.stored(message, second)
    assert acknowledged(second) == [5]
    assert not session.sent_again(second, 5, "t", b"p")


def test_what_is_sent_again_after_it_was_stored_is_only_acknowledged() -> None:
    session, first, second = Session(), line(), line()
    message = Message("t", b"p", 1, mid=5, connection=first)
    session.sent(message)
    session.stored(message, None)
    assert session.sent_again(second, 5, "t", b"p")
    assert acknowledged(second) == [5]


def test_acknowledged_is_in_the_order_of_sending_whatever_is_stored_first() -> None:
    session, first, second = Session(), line(), line()
    messages = [Message("t", b"p", 1, mid=mid, connection=first) for mid in (7, 8, 3)]
    for message in messages:
        session.sent(message)
    session.stored(messages[1], first)
    assert acknowledged(first) == []
    session.stored(messages[0], first)
    assert acknowledged(first) == [7, 8]
    later = Message("t", b"q", 2, mid=9, connection=second)
    session.sent(later)  # of a broker that has dropped the third, which was too old
    session.stored(later, second)
    assert acknowledged(second) == [9]


def test_another_message_under_the_same_identifier_is_another_message() -> None:
    session = Session()
    session.sent(Message("t", b"p", 1, mid=5, connection=line()))
    assert not session.sent_again(line(), 5, "t", b"other")
    session.begin_anew()
    assert not session.sent_again(line(), 5, "t", b"p")
