"""What `saimi backtest` runs, and what it reports: as data, for JSON and for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from alerts.backtest.backtest import Handling, Progress, replay
from alerts.backtest.history import History
from alerts.backtest.memory import Replayed
from alerts.backtest.truth import Judged, Share, judge, pooled, recorded
from alerts.learned.learned import Learned
from alerts.rules.shipped import Rules
from core.errors import UserError
from gateway_sim.files_read import Recording
from saimi.plain_limits import TABLE, PlainLimits
from saimi.recorded_history import Homes, simulated_history
from saimi.simulated_outages import OutageFigures, outage_figures, pooled_outages
from saimi.simulated_truth import matters, outages_of

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Way:
    """One way of alerting that is replayed."""

    name: str
    title: str
    run: Callable[[History, Handling, Progress | None], list[Replayed]]


def by_rules(name: str, title: str, rules: Rules, learned: Learned | None = None) -> Way:
    """The engine with a set of rules, and models if there are any."""

    def run(history: History, handling: Handling, bar: Progress | None) -> list[Replayed]:
        return replay(history, rules, learned=learned, handling=handling, progress=bar)

    return Way(name, title, run)


def by_limits(name: str, limits: PlainLimits, rules: Rules) -> Way:
    """Plain thresholds alone, joined into episodes as everything is."""

    def run(history: History, handling: Handling, bar: Progress | None) -> list[Replayed]:
        everybody = limits.for_everybody(history)
        return replay(everybody, rules, table=TABLE, handling=handling, progress=bar)

    return Way(name, limits.description, run)


class Caught(msgspec.Struct, frozen=True):
    """Illnesses of one kind, or all serious ones."""

    cases: int
    caught: int
    share: float
    median_warning_h: float | None

    @classmethod
    def of(cls, share: Share) -> Caught:
        """As counted."""
        return cls(share.cases, share.caught, share.share, share.median_warning_h)


class OfRule(msgspec.Struct, frozen=True):
    """Alerts that a rule called first, at one severity."""

    rule: str
    severity: int
    alerts: int
    false: int


class WayReport(msgspec.Struct, frozen=True):
    """How one way of alerting does on labelled homes; rates are per 100 clients a day."""

    title: str
    alerts_per_100: float
    false_alerts_per_100: float
    reviews_per_100: float
    alerts: int
    false_alerts: int
    false_alerts_of_the_ill: int
    pages: int
    false_pages: int
    false_night_pages: int
    false_night_pages_per_member: float
    serious: Caught | None
    serious_measured: Caught | None
    """Of those of whom a sign that the illness moves was measured between onset and crisis."""
    illnesses: dict[str, Caught]
    by_rule: list[OfRule]
    outages: OutageFigures | None = None
    """Of areas; None: silent devices were not listened for."""


class LabelledReport(msgspec.Struct, frozen=True):
    """Ways of alerting on the same labelled homes."""

    recordings: list[str]
    seeds: list[int]
    homes: int
    clients: int
    client_days: float
    well_days: float
    warm_up_days: float
    clients_per_member: int
    without_crisis: list[str]
    """Illnesses that have none: caught before recovery."""
    ways: dict[str, WayReport]


@dataclass(frozen=True)
class Labelled:
    """The report, and what it was counted from."""

    report: LabelledReport
    judged: Mapping[str, Sequence[tuple[str, Judged, Mapping[int, str]]]]
    """By way: for each recording its name, what was found, and the names of subjects."""


def backtest_recordings(
    directories: Sequence[Path],
    ways: Sequence[Way],
    *,
    start: datetime | None,
    end: datetime | None,
    warm_up: timedelta,
    clients_per_member: int,
    silence: bool,
    outcomes: bool,
    progress: Callable[[str], Progress | None],
) -> Labelled:
    """Replay simulated homes in every way, and judge each by their labels.

    Args:
        outcomes: whoever closes an alert records what was the matter by the labels; else nothing
            that is remembered.

    Raises:
        UserError: a directory holds no finished simulation, or nothing is left after the warm-up.
    """
    found: dict[str, list[tuple[str, Judged, Mapping[int, str]]]] = {way.name: [] for way in ways}
    outages: dict[str, list[OutageFigures]] = {}
    seeds, homes_count = [], 0
    for directory in directories:
        recording = Recording(directory)
        homes = Homes(recording)
        seeds.append(recording.manifest.seed)
        homes_count += recording.manifest.homes
        history = simulated_history(recording, homes, start=start, end=end, silence=silence)
        first = history.start + warm_up
        if first >= history.end:
            raise UserError(
                f"{directory} has no day after the {warm_up / _DAY:g} that only warm up: choose a "
                "longer stretch or fewer --warm-up-days."
            )
        truth = matters(recording, homes, history.readings)
        out = outages_of(recording, homes)
        names = {number: person.name for number, person in homes.people.items()}
        handling = Handling(outcome=recorded(truth) if outcomes else None)
        for way in ways:
            episodes = way.run(history, handling, progress(f"{directory.name}, {way.name}"))
            judged = judge(
                episodes, truth, clients=list(homes.client.values()), start=first, end=history.end
            )
            found[way.name].append((directory.name, judged, names))
            if silence:
                figures = outage_figures(episodes, out, homes.people, start=first, end=history.end)
                outages.setdefault(way.name, []).append(figures)
    whole = {name: pooled([judged for _, judged, _ in parts]) for name, parts in found.items()}
    one = next(iter(whole.values()))
    report = LabelledReport(
        recordings=[directory.name for directory in directories],
        seeds=seeds,
        homes=homes_count,
        clients=one.clients,
        client_days=one.client_days,
        well_days=one.well_days,
        warm_up_days=warm_up / _DAY,
        clients_per_member=clients_per_member,
        without_crisis=[name for name, share in one.shares().items() if not share.serious],
        ways={
            way.name: _way_report(
                way.title, whole[way.name], clients_per_member, outages.get(way.name)
            )
            for way in ways
        },
    )
    return Labelled(report, found)


def _way_report(
    title: str,
    judged: Judged,
    clients_per_member: int,
    outages: Sequence[OutageFigures] | None,
) -> WayReport:
    serious, measured = judged.serious(), judged.serious(measured=True)
    rules = sorted({(rule, severity) for rule, severity, _ in judged.by_rule})
    return WayReport(
        title=title,
        alerts_per_100=judged.alerts_per_100,
        false_alerts_per_100=judged.false_per_100,
        reviews_per_100=judged.reviews_per_100,
        alerts=judged.alerts,
        false_alerts=judged.false_alerts,
        false_alerts_of_the_ill=judged.false_of_the_ill,
        pages=judged.pages,
        false_pages=judged.false_pages,
        false_night_pages=judged.false_night_pages,
        false_night_pages_per_member=judged.false_night_pages_for(clients_per_member),
        serious=None if serious is None else Caught.of(serious),
        serious_measured=None if measured is None else Caught.of(measured),
        illnesses={name: Caught.of(share) for name, share in judged.shares().items()},
        by_rule=[
            OfRule(
                rule, severity,
                judged.by_rule[(rule, severity, True)] + judged.by_rule[(rule, severity, False)],
                judged.by_rule[(rule, severity, False)],
            )
            for rule, severity in rules
        ],
        outages=pooled_outages(outages) if outages else None,
    )  # fmt: skip


def cases_of(labelled: Labelled) -> Iterable[dict[str, Any]]:
    """One line for each illness and each false alert: for whoever asks why."""
    for way, parts in labelled.judged.items():
        for recording, judged, names in parts:
            for case in judged.cases:
                yield {
                    "way": way, "recording": recording, "client": names[case.subject],
                    "illness": case.name, "onset": case.onset, "crisis": case.crisis,
                    "caught_at": case.at, "kind": case.kind, "rule": case.rule,
                    "warning_h": case.warning_h, "measured": case.measured,
                }  # fmt: skip
            for alert in judged.false_ones:
                yield {
                    "way": way, "recording": recording, "client": names[alert.subject],
                    "false_alert": alert.kind, "origin": alert.origin, "severity": alert.highest,
                    "rule": alert.events[0].rule, "opened_at": alert.opened_at,
                }  # fmt: skip
