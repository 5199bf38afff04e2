"""What a change of rules would have done, as data: kept with a proposal, and shown beside it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from alerts.backtest.outcomes import Load


class LoadReport(msgspec.Struct, frozen=True):
    """What a replay asks of people."""

    clients: int
    alerts: int
    alerts_per_100: float
    """A day, per 100 monitored clients."""
    reviews: int
    pages: int
    pages_a_night: float

    @classmethod
    def of(cls, load: Load) -> LoadReport:
        """As counted."""
        return cls(
            load.clients, load.alerts, load.alerts_per_100, load.reviews, load.pages,
            load.pages_a_night,
        )  # fmt: skip


class RuleChange(msgspec.Struct, frozen=True):
    """Alerts and pages of one rule at one severity."""

    rule: str
    severity: int
    alerts_before: int
    alerts_after: int
    pages_before: int
    pages_after: int


class OutcomeChange(msgspec.Struct, frozen=True):
    """Recorded episodes of one outcome."""

    recorded: int
    kept: int
    lost: int
    gained: int
    neither: int
    """No replay calls for it."""
    median_earlier_h: float | None
    """Of those kept; negative: later."""


class EpisodeChange(msgspec.Struct, frozen=True):
    """One recorded episode; times UTC."""

    id: int
    client: str
    """Pseudonym."""
    kind: str
    rule: str
    outcome: str
    opened_at: datetime
    before: datetime | None
    after: datetime | None
    earlier_h: float | None
    change: str


class ChangeReport(msgspec.Struct, frozen=True):
    """`saimi backtest` on the database."""

    start: datetime
    end: datetime
    rules_before: str
    rules_after: str
    readings: int
    recorded: int
    reproduced: int
    before: LoadReport
    after: LoadReport
    false_pages_saved: int
    outcomes: dict[str, OutcomeChange]
    by_rule: list[RuleChange]
    episodes: list[EpisodeChange]
