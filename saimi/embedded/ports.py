"""TCP ports on the loopback interface."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

from core.errors import EmbeddedError

LOOPBACK = "127.0.0.1"
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST_BY_IANA = 49152
"""RFC 6335: what other systems than Linux give out begins here."""
_LOWEST = 20000
_TRIES = 100


def free_port() -> int:
    """Return a port nobody listens on now, and that the system gives to nobody by itself.

    A port the kernel would choose (bind to 0) is one it also gives to the next outgoing connection,
    which may come before the server that the port is for. Below that range only who names a
    port gets it.
    """
    first = _first_of_the_kernels()
    for _ in range(_TRIES):
        port = _LOWEST + secrets.randbelow(first - _LOWEST) if first > _LOWEST else 0
        with socket.socket() as probe:
            # Another thread that starts a program just now gives it a copy of this socket until
            # it runs; so marked, a copy is in nobody's way. A listening server's port is refused.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise EmbeddedError(
        f"No port is free on {LOOPBACK}: stop some of the programs that listen there."
    )


def _first_of_the_kernels() -> int:
    """The lowest port that the kernel gives out by itself (ip(7), ip_local_port_range)."""
    try:
        return int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _FIRST_BY_IANA


def require_free(port: int, what: str) -> None:
    """Raise EmbeddedError if `port` is taken; `what` names the server that wants it."""
    with socket.socket() as probe:
        # A port in TIME_WAIT after our own restart is free for a server.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise EmbeddedError(
                f"{what} cannot listen on {LOOPBACK}:{port}, because another program already does "
                f"(or the port is reserved); stop that program or choose another port."
            ) from error


def accepts_connections(port: int, timeout: float = 0.5) -> bool:
    """Tell whether something accepts TCP connections on `port`; `timeout` in seconds."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout):
            return True
    except OSError:
        return False
