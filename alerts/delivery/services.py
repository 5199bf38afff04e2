"""What is known of who takes messages outside: whether they work, how much may be asked. Pure.

The numbers stand in `ops.delivery_service`, shared by all workers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.delivery.channels import Broken, Limits
from alerts.delivery.sending import Outcome
from alerts.finding import Severity


@dataclass(frozen=True, slots=True)
class Standing:
    """One service's row."""

    name: str
    failures: int = 0
    failing_since: datetime | None = None
    broken_at: datetime | None = None
    paused_until: datetime | None = None
    tried_at: datetime | None = None
    allowance: float | None = None
    counted_at: datetime | None = None


def allowance(standing: Standing, limits: Limits, wall: datetime) -> float:
    """How many messages may go by a service now: a bucket that fills up to `burst`."""
    if standing.allowance is None or standing.counted_at is None:
        return float(limits.burst)
    since = max((wall - standing.counted_at).total_seconds(), 0.0)
    return min(float(limits.burst), standing.allowance + since * limits.per_minute / 60.0)


def spend(
    standing: Standing, limits: Limits, *, count: int, severity: int, wall: datetime
) -> float | timedelta:
    """What is left after `count` messages, or how long they have to wait.

    An emergency never waits: it overdraws, by `burst` at most, and the others wait for that.
    """
    left = allowance(standing, limits, wall)
    # More addresses than the bucket ever holds go when it is full.
    needed = min(count, limits.burst)
    if severity < Severity.EMERGENCY and left < needed:
        return timedelta(seconds=(needed - left) * 60.0 / limits.per_minute)
    return max(left - count, -float(limits.burst))


def after(standing: Standing, outcomes: list[Outcome], broken: Broken, wall: datetime) -> Standing:
    """How a service stands after one message to one or more of its addresses."""
    outcomes = [outcome for outcome in outcomes if outcome.by_service and outcome.result != "gone"]
    if not outcomes:
        return standing
    if any(outcome.result == "sent" for outcome in outcomes):
        return replace(standing, failures=0, failing_since=None, broken_at=None, paused_until=None)
    pauses = [o.retry_after_s for o in outcomes if o.retry_after_s is not None]
    if pauses:
        return replace(standing, paused_until=wall + timedelta(seconds=max(pauses)))
    failures = standing.failures + 1
    since = standing.failing_since or wall
    lasting = failures > 1 and wall - since >= timedelta(seconds=broken.for_s)
    is_broken = failures >= broken.failures or lasting
    return replace(
        standing,
        failures=failures,
        failing_since=since,
        broken_at=standing.broken_at or (wall if is_broken else None),
    )
