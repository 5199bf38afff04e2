"""The world outside, for messages: a mail server and a web hook. The push service has a file of
its own.

They hold senders to the standards by code of their own: nothing here is of the libraries that send.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message as Mail
from email.policy import default as default_policy
from typing import Any

from aiohttp import web

from tests.support.served import served


@dataclass
class Hook:
    """What a web hook has been told: (headers, JSON)."""

    url: str = ""
    """For Apprise."""
    status: int = 200
    told: list[tuple[dict[str, str], Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        content = await request.json()
        if self.status == 200:
            self.told.append((dict(request.headers), content))
        return web.Response(status=self.status)


@asynccontextmanager
async def web_hook() -> AsyncIterator[Hook]:
    """What stands for a chat or an SMS gateway with an HTTP API."""
    hook = Hook()
    async with served("/hook", hook.handle) as origin:
        hook.url = f"json://{origin.removeprefix('http://')}/hook"
        yield hook


class MailServer:
    """Takes mail by SMTP (RFC 5321), as far as a plain submission goes."""

    def __init__(self) -> None:
        self.port = 0
        self.mails: list[Mail] = []
        self.recipients: list[str] = []
        self.refuses = False

    @property
    def url(self) -> str:
        """For Apprise."""
        return f"mailto://127.0.0.1:{self.port}?from=saimi@example.org&to=nurse@example.org"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 here")
        try:
            while line := (await reader.readline()).decode().strip():
                verb = line[:4].upper()
                if verb == "DATA":
                    say("354 go on")
                    content = await reader.readuntil(b"\r\n.\r\n")
                    if self.refuses:
                        say("451 not now")
                    else:
                        self.mails.append(message_from_bytes(content[:-5], policy=default_policy))
                        say("250 taken")
                elif verb == "QUIT":
                    say("221 bye")
                    break
                else:
                    if verb == "RCPT":
                        self.recipients.append(line)
                    say("250 yes")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """A mail server on this machine."""
    server = MailServer()
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
