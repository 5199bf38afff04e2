"""The socket that reads and writes in large pieces, against another end on this machine."""

from __future__ import annotations

import socket
import threading

from ingest.piecewise import PiecewiseSocket


def test_what_was_sent_last_is_read_even_if_more_comes_in_while_we_close() -> None:
    """Closed with something unread, TCP resets, and the other end loses what it has not read."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        theirs, _ = listening.accept()
    line = PiecewiseSocket(ours)
    line.setblocking(False)
    theirs.sendall(b"x" * 100_000)  # never taken in
    last = b"y" * 50_000
    line.send(last)
    got = bytearray()
    closing = threading.Thread(target=line.close)
    closing.start()
    with theirs:
        theirs.settimeout(10)
        theirs.sendall(b"z" * 10_000)
        while piece := theirs.recv(1_000):
            got += piece
    closing.join(10)
    assert bytes(got) == last
