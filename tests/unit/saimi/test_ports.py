"""Ports for servers of our own."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from saimi.embedded.ports import LOOPBACK, free_port, require_free


def test_a_free_port_is_none_that_the_kernel_gives_to_others() -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        kernels = other.getsockname()[1]
        ports = {free_port() for _ in range(20)}
    assert len(ports) > 10
    assert kernels not in ports
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(20_000 <= port < first for port in ports)


def test_a_port_in_use_is_not_free() -> None:
    with socket.socket() as server:
        server.bind((LOOPBACK, free_port()))
        server.listen()
        assert server.getsockname()[1] not in {free_port() for _ in range(50)}


def test_a_forked_copy_of_the_probe_is_in_nobodys_way(monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[socket.socket] = []

    class Copied(socket.socket):
        """As when another thread forks between bind and close."""

        def __exit__(self, *error: object) -> None:
            copies.append(self.dup())
            super().__exit__(*error)

    monkeypatch.setattr(socket, "socket", Copied)
    try:
        require_free(free_port(), "a server")
    finally:
        for copy in copies:
            copy.close()
