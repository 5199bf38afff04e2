"""TCP ports on the loopback interface."""

from __future__ import annotations

import socket

from core.errors import EmbeddedError

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Return a port nobody listens on now. Somebody else may take it before you do."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


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
