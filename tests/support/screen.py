"""What stands for a phone's lock screen: a desktop's notification service, by its specification.

Chromium shows a page's notifications over D-Bus (org.freedesktop.Notifications 1.2). So a test sees
what a person sees, and taps it as a person does: the browser takes that for a gesture of the user.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

from jeepney import DBusAddress, HeaderFields, MessageType, new_error, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.asyncio import DBusConnection, open_dbus_connection

from tests.support.parts import program
from tests.support.waiting import eventually

_NAME = "org.freedesktop.Notifications"
_US = DBusAddress("/org/freedesktop/Notifications", bus_name=_NAME, interface=_NAME)
_DISMISSED = 2


@dataclass(frozen=True)
class Shown:
    """A notification as it stands there."""

    number: int
    title: str
    body: str
    is_critical: bool
    """It stays until somebody does something about it."""
    is_silent: bool
    replaces: bool
    """It came in the place of one that stood there."""


class Screen:
    """What is shown, and a finger."""

    def __init__(self, address: str, connection: DBusConnection) -> None:
        self.address = address
        """For DBUS_SESSION_BUS_ADDRESS."""
        self.shown: dict[int, Shown] = {}
        self.came: list[Shown] = []
        """All that were ever shown, in order."""
        self._connection = connection

    async def next(self, count: int = 1) -> Shown:
        """Wait until as many have come; the last of them."""

        async def there() -> bool:
            return len(self.came) >= count

        await eventually(there, what=f"notification {count}")
        return self.came[count - 1]

    async def tap(self, one: Shown) -> None:
        await self._say("ActionInvoked", "us", (one.number, "default"))

    async def wipe(self, one: Shown) -> None:
        """Away with it, unread."""
        del self.shown[one.number]
        await self._say("NotificationClosed", "uu", (one.number, _DISMISSED))

    async def _say(self, signal: str, signature: str, body: tuple[Any, ...]) -> None:
        await self._connection.send(new_signal(_US, signal, signature, body))

    async def serve(self) -> None:
        while True:
            asked = await self._connection.receive()
            if asked.header.message_type is not MessageType.method_call:
                continue
            member = asked.header.fields[HeaderFields.member]
            match member:
                case "GetCapabilities":
                    answer = new_method_return(asked, "as", (["actions", "body", "persistence"],))
                case "GetServerInformation":
                    answer = new_method_return(asked, "ssss", ("screen", "tests", "1", "1.2"))
                case "Notify":
                    answer = new_method_return(asked, "u", (self._show(asked.body),))
                case "CloseNotification":
                    self.shown.pop(asked.body[0], None)
                    answer = new_method_return(asked)
                case _:
                    answer = new_error(asked, "org.freedesktop.DBus.Error.UnknownMethod")
            await self._connection.send(answer)

    def _show(self, given: tuple[Any, ...]) -> int:
        _app, before, _icon, title, body, _actions, hints, _expires = given
        number = before or len(self.came) + 1
        one = Shown(
            number,
            title,
            body,
            is_critical=hints.get("urgency", ("y", 1))[1] == 2,
            is_silent=bool(hints.get("suppress-sound", ("b", False))[1]),
            replaces=bool(before),
        )
        self.shown[number] = one
        self.came.append(one)
        return int(number)


@asynccontextmanager
async def screen() -> AsyncIterator[Screen]:
    """A session bus of its own with a notification service on it."""
    daemon = program("dbus-daemon", cure="apt-get install dbus-daemon")
    folder = TemporaryDirectory(prefix="saimi-bus-")  # a socket's path has to be short
    address = f"unix:path={folder.name}/bus"
    process = await asyncio.create_subprocess_exec(
        *(daemon, "--session", "--nofork", "--nopidfile", "--print-address"),
        f"--address={address}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        await process.stdout.readline()  # It listens.
        async with await open_dbus_connection(bus=address) as connection:
            found = Screen(address, connection)
            await connection.send(message_bus.RequestName(_NAME))
            task = asyncio.create_task(found.serve())
            try:
                yield found
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
    finally:
        process.terminate()
        await process.wait()
        folder.cleanup()
