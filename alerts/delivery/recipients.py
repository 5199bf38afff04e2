"""A message in the outbox, its recipient, and where they can be reached with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.delivery.by_url import scheme_of
from alerts.delivery.channels import Policy
from alerts.delivery.outbox import HOME, Message, enqueue
from alerts.delivery.route import Address
from alerts.delivery.webpush import SubscriptionError, host_of, parse_subscription
from alerts.delivery.wording import Language, Outgoing
from core.database import Connection, load_queries

_USELESS = ("refused", "gone")
"""Results after which an address is of no use to a message."""

_queries = load_queries("alerts")


@dataclass(frozen=True, slots=True)
class Row:
    """A message as stored, with what its episode and its recipient say."""

    id: int
    key: Any
    episode: int
    step: str
    member: int | None
    channel: str
    severity: int
    what: Any
    created_at: datetime
    expires_at: datetime | None
    attempts: int
    closed_at: datetime | None
    acknowledged_since: bool | None
    language: Any
    disabled: bool


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message in hand, and where it is to go now."""

    row: Row
    message: Outgoing
    tries: tuple[tuple[int, Address], ...]
    """Number of each try, and its address."""
    within_s: Mapping[str, float]
    """By kind: how long it may take."""


async def find_addresses(
    connection: Connection, row: Row, tries: Sequence[Any], policy: Policy
) -> tuple[list[Address], Language]:
    """Where the recipient can be reached with this message, and in which language.

    `tries`: what has been tried of it (address, service, result).
    """
    if row.channel == HOME:
        gateways = [one async for one in _queries.home_gateways(connection, episode=row.episode)]
        language = gateways[0]["language"] if gateways else row.language
        return [Address(None, HOME, HOME, one["name"]) for one in gateways], language
    if row.disabled:
        return [], row.language
    useless = {one["address"] for one in tries if one["result"] in _USELESS}
    allowed = (row.channel,) if row.channel else policy.of(row.severity).kinds
    rows = [one async for one in _queries.addresses(connection, member=row.member)]
    usable = [one for one in rows if one["kind"] in allowed and one["id"] not in useless]
    return [_address(one) for one in usable], row.language


async def tell_desk(connection: Connection, row: Row, *, now: datetime) -> None:
    """Where a member is not reached with a page, the desk gets it: once, whoever finds it."""
    if row.member is not None and row.what in ("page", "reminder"):
        message = Message(
            episode=row.episode,
            step=row.step,
            member=None,
            severity=row.severity,
            what=row.what,
            expires_at=row.expires_at,
        )
        await enqueue(connection, [message], now=now)


def _address(row: Any) -> Address:
    kind, secret = row["kind"], row["address"]
    where = scheme_of(secret)
    if kind == "webpush":
        try:
            where = host_of(parse_subscription(secret).endpoint)
        except SubscriptionError:
            where = "unknown"
    quiet = None
    if row["quiet_from"] is not None:
        quiet = (row["quiet_from"], row["quiet_until"])
    return Address(row["id"], kind, f"{kind}:{where}", secret, quiet)
