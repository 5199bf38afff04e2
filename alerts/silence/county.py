"""What a survey finds of a county: areas that are out, and what is said of them. Pure.

So that the worker (alerts.worker.survey) and the backtest (alerts.backtest.county) find the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.finding import Finding, Severity, rfc3339
from alerts.rules.rule import Rules
from alerts.silence.causes import inhibited
from alerts.silence.outages import Limits, Lost, Outage, follow, is_countywide
from alerts.subjects import at_risk
from alerts.subjects.at_risk import AtRisk

SERVICE = -1
"""The subject that stands for Saimi itself (core/migrations: causes)."""


def limits_of(rules: Rules) -> Limits:
    """What makes an outage, by the rules."""
    limits = rules["area_outage"].limits
    return Limits(
        at_least=int(limits["at_least"]),
        within=timedelta(minutes=limits["within_min"]),
        alone=limits["alone_per_1000"] / 1000,
        chance=limits["chance_per_million"] / 1e6,
        ends_after=timedelta(minutes=limits["ends_after_min"]),
    )


@dataclass(slots=True)
class County:
    """What one survey has found."""

    lost: dict[int, list[Lost]] = field(default_factory=dict)
    """By area's subject."""
    outages: dict[int, Outage] = field(default_factory=dict)
    watched: Mapping[int, int] = field(default_factory=dict)
    """Gateways that could be lost, by area's subject; told only where areas may be out."""
    at_risk: Mapping[int, list[AtRisk]] = field(default_factory=dict)
    """By gateway."""

    def suspects(self, rules: Rules) -> list[int]:
        """Areas of which so many gateways are lost that it may be an outage."""
        least = limits_of(rules).at_least
        return [area for area, lost in self.lost.items() if len(lost) >= least]

    def follow(self, area: int, before: Outage | None, now: datetime, rules: Rules) -> None:
        """Find whether an area is out, which `before` was or was not."""
        outage = follow(
            before,
            self.lost.get(area, ()),
            watched=self.watched.get(area, 0),
            now=now,
            limits=limits_of(rules),
        )
        if outage is not None:
            self.outages[area] = outage

    @property
    def silenced(self) -> set[int]:
        """Gateways that an outage has silenced."""
        return {gateway for one in self.outages.values() for gateway in one.gateways}

    def findings(self, rules: Rules) -> dict[int, list[Finding]]:
        """What is the matter with areas, and with the county (SERVICE), by subject."""
        share = rules["county_outage"].limits["share_pct"] / 100
        whole = sum(self.watched.values())
        countywide = is_countywide(self.outages, watched=whole, share=share)
        found: dict[int, list[Finding]] = {}
        for area, outage in self.outages.items():
            finding = outage_finding(
                "area_outage", rules, self._params(area, outage), origin="area"
            )
            if countywide:
                finding = inhibited(finding, "county_outage")
            elif outage.ebbing_since is not None:
                # It is all but over: where nobody was called yet, as the county was, none is now.
                finding = replace(finding, pages=0)
            found[area] = [finding]
        if countywide:
            params = {
                "since": rfc3339(min(one.since for one in self.outages.values())),
                "lost": sum(len(one.gateways) for one in self.outages.values()),
                "watched": whole,
                "areas": len(self.outages),
                **at_risk.params(self._clients(self.silenced)),
            }
            found[SERVICE] = [outage_finding("county_outage", rules, params, origin="county")]
        return found

    def _params(self, area: int, outage: Outage) -> dict[str, Any]:
        return {
            "since": rfc3339(outage.since),
            "lost": len(outage.gateways),
            "watched": self.watched.get(area, 0),
            **at_risk.params(self._clients(outage.gateways)),
        }

    def _clients(self, gateways: Iterable[int]) -> list[AtRisk]:
        return [one for gateway in gateways for one in self.at_risk.get(gateway, ())]


def outage_finding(name: str, rules: Rules, params: dict[str, Any], *, origin: str) -> Finding:
    """Urgent at least where somebody lives by a device that may have stopped."""
    rule = rules[name]
    severity = rule.severity
    if at_risk.is_vital(params):
        severity = max(severity, int(Severity.URGENT))
    return Finding(
        kind=rule.kind,
        origin=origin,
        rule=rule.id,
        severity=severity,
        pages=severity if rule.on else 0,
        key=name,
        params=params,
    )
