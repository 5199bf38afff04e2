"""What a channel is asked, and what it answers."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from alerts.delivery.route import Address
from alerts.delivery.wording import Outgoing

Result = Literal["sent", "failed", "refused", "gone", "interrupted"]
"""The outside has taken it; it has not, and may the next time; it never will take this message; the
address is no more; nobody knows, so that the next try may be a repeat."""


class Outcome(NamedTuple):
    """What became of one try at one address."""

    result: Result
    error: str | None = None
    """For people and logs; never an address or what the outside said in its own words."""
    receipt: str | None = None
    """What the outside knows the message by."""
    retry_after_s: float | None = None
    """The service is not broken, it asks for a pause."""
    by_service: bool = True
    """Whether it says something of the service, and not of this one address."""


class Sender(Protocol):
    """One kind of channel."""

    async def send(self, address: Address, message: Outgoing, *, within_s: float) -> Outcome:
        """Send one message; never raises for what the outside does, never takes much longer than
        `within_s`."""
        ...
