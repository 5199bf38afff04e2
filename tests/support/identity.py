"""The provider of `identity_provider` as a process of the tests'."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from saimi.embedded.ports import free_port
from tests.support.identity_provider import CLIENT, SECRET
from tests.support.waiting import DEADLINE_S
from web.tokens import Client, Issuer, Provider


@dataclass(frozen=True)
class Joined:
    """Saimi's port, and Saimi as the provider knows it."""

    port: int
    client: Client

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def identity_provider() -> AsyncIterator[Joined]:
    """The provider, running, with Saimi registered at a port that is free."""
    provider, ours = free_port(), free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.identity_provider", str(provider),
        f"http://127.0.0.1:{ours}/login/return", f"http://127.0.0.1:{ours}/login",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        said = await asyncio.wait_for(process.stdout.readline(), DEADLINE_S)
        assert said == b"ready\n"
        issuer = Issuer(f"http://127.0.0.1:{provider}/o")
        yield Joined(ours, Client(Provider(issuer), CLIENT, SECRET))
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), DEADLINE_S)
