"""A socket that is read and written in large pieces, whatever size is asked for, and paho's client
on one."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from typing import Any

from paho.mqtt.client import Client

_READ = 256 * 1024
_WRITE = 64 * 1024
_CLOSE_S = 1.0


class PiecewiseSocket:
    """What paho needs of a socket, with buffers on both sides; never blocks."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        if inner.family in (socket.AF_INET, socket.AF_INET6):
            # What is sent is gathered here already; the system's own gathering (Nagle's) would hold
            # a receipt back until the broker acknowledges what went before, up to 40 ms.
            inner.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._place = 0
        self._end: int | None = None  # of what may be read
        self._ended = False
        self._unsent = bytearray()

    def fill(self) -> None:
        """Read what has come, in one piece."""
        pieces = [self._received[self._place :]]
        try:
            piece = self._inner.recv(_READ)
            self._ended = not piece
            pieces.append(piece)
            while isinstance(self._inner, ssl.SSLSocket) and self._inner.pending():
                pieces.append(self._inner.recv(_READ))
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self._ended = True
        self._received, self._place, self._end = b"".join(pieces), 0, None

    def flush(self) -> bool:
        """Send what can be sent; whether nothing is left."""
        while self._unsent:
            try:
                sent = self._inner.send(self._unsent)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
            except OSError:
                self._ended = True
                self._unsent.clear()
                return True
            del self._unsent[:sent]
        return True

    @property
    def unsent(self) -> bool:
        """Whether something waits for the system to take more."""
        return bool(self._unsent)

    def pending(self) -> int:
        """Bytes that can be read without asking the system; 1 for the end of the stream."""
        return len(self._received) - self._place or int(self._ended)

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self._ended

    @property
    def unread(self) -> tuple[bytes, int]:
        """What has come, and from where on it was not read yet."""
        return self._received, self._place

    def read_to(self, place: int) -> None:
        """Somebody has read what `unread` gave up to here."""
        self._place = place

    def show(self, end: int | None) -> None:
        """Give what lies before `end` and no more to who reads, until the next `fill`."""
        self._end = end

    def recv(self, size: int) -> bytes:
        start = self._place
        end = start + size if self._end is None else min(start + size, self._end)
        piece = self._received[start:end]
        if not piece and not (self._ended and self._end is None):
            raise BlockingIOError
        self._place = start + len(piece)
        return piece

    def send(self, data: bytes | bytearray) -> int:
        self._unsent += data
        if len(self._unsent) > _WRITE:
            self.flush()
        return len(data)

    def setblocking(self, flag: bool) -> None:
        self._inner.setblocking(flag)

    def fileno(self) -> int:
        return self._inner.fileno()

    def close(self) -> None:
        """Send what waits and hear the other side out (for a second at most each), then close.

        A socket that is closed while something comes in is reset, and then the other side may never
        read what was sent last: a thousand acknowledgements, say.
        """
        with contextlib.suppress(OSError):
            self._inner.settimeout(_CLOSE_S)
            self._inner.sendall(self._unsent)
            self._inner.shutdown(socket.SHUT_WR)
            deadline = time.monotonic() + _CLOSE_S
            while self._inner.recv(_READ) and time.monotonic() < deadline:
                pass
        self._unsent.clear()
        self._inner.close()


class PiecewiseClient(Client):
    """paho's client, for a loop of one's own: `socket()` is a `PiecewiseSocket`."""

    def _create_socket(self) -> Any:
        # Where paho wraps a socket for TLS or WebSockets. If a later paho makes its socket
        # elsewhere, `socket()` tells: whoever drives it looks.
        inner: Any = super()._create_socket()
        return PiecewiseSocket(inner)
