"""How members and the desk are reached: their channels in the registry.

An address is a secret: it is never logged, never listed, and shown to nobody again.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from alerts.delivery.by_url import check_url, scheme_of
from alerts.delivery.webpush import Subscription, SubscriptionError, host_of, parse_subscription
from core.database import Connection, load_queries, translated
from core.errors import NotFoundError, UserError

MOST_BROWSERS = 10
"""Subscriptions of one member; the oldest give way."""
_LONGEST = 4096

_queries = load_queries("alerts")


async def subscribe(
    connection: Connection, *, member: int, subscription: Subscription, content: str, wall: datetime
) -> bool:
    """Let a browser of `member` get push messages; False: it gets them already.

    A browser is one person's: whoever else had it subscribed before them has it no more.
    """
    async with translated(), connection.transaction():
        await _queries.lock_browsers(connection)
        await _queries.end_browser_of_others(
            connection, endpoint=subscription.endpoint, member=member, wall=wall
        )
        added = await _queries.add_browser(
            connection, member=member, address=content, endpoint=subscription.endpoint, wall=wall
        )
        await _queries.end_oldest_browsers(connection, member=member, most=MOST_BROWSERS, wall=wall)
        return added is not None


async def unsubscribe(
    connection: Connection, *, member: int, endpoint: str, wall: datetime
) -> bool:
    """End a browser's push messages; False: it gets none."""
    async with translated():
        found = await _queries.end_browser(connection, member=member, endpoint=endpoint, wall=wall)
    return found is not None


async def add_channel(
    connection: Connection,
    *,
    username: str | None,
    kind: str,
    url: str,
    quiet: tuple[time, time] | None,
    wall: datetime,
) -> int:
    """Let a member, or the desk (None), be reached by an Apprise URL; the channel's number.

    Raises:
        UserError: nothing can be sent to the URL; NotFoundError: there is no such member.
    """
    if len(url) > _LONGEST:
        raise UserError(f"A URL has {_LONGEST:,} characters at most: this one has {len(url):,}.")
    check_url(url)
    async with translated(), connection.transaction():
        member = None
        if username is not None:
            member = await _queries.member_of(connection, username=username)
            if member is None:
                raise NotFoundError(f"There is no member {username!r}: add them with `saimi user`.")
        begin, end = quiet or (None, None)
        number: int = await _queries.add_channel(
            connection,
            member=member,
            kind=kind,
            address=url,
            quiet_from=begin,
            quiet_until=end,
            wall=wall,
        )
        return number


async def remove_channel(connection: Connection, number: int, *, wall: datetime) -> None:
    """Send nothing there any more.

    Raises:
        NotFoundError: there is none of that number.
    """
    async with translated():
        found = await _queries.end_channel(connection, id=number, wall=wall)
    if found is None:
        raise NotFoundError(f"There is no channel {number} in use: see `saimi channel list`.")


async def list_channels(connection: Connection) -> list[dict[str, Any]]:
    """All that are in use: number, whose, kind, service, quiet hours; no address."""
    async with translated():
        rows = [row async for row in _queries.channels(connection)]
    return [
        {
            "id": row["id"],
            "member": row["username"],
            "kind": row["kind"],
            "service": _service(row["kind"], row["address"]),
            "quiet": (
                None
                if row["quiet_from"] is None
                else f"{row['quiet_from']:%H:%M}-{row['quiet_until']:%H:%M}"
            ),
            "since": row["created_at"],
        }
        for row in rows
    ]


def _service(kind: str, address: str) -> str:
    if kind != "webpush":
        return scheme_of(address)
    try:
        return host_of(parse_subscription(address).endpoint)
    except SubscriptionError:
        return "unknown"
