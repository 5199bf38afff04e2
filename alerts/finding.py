"""A finding: what a rule says of a subject now, with the readings behind it.

Findings carry no language. The web renders `key` and `params` as one sentence; numbers are in the
unit of their metric in the catalogue, times are RFC 3339 in UTC. The keys and their parameters:

    news2                 low, high: int, the total as a range; low == high when nothing is missing
                          band: "low" | "low_medium" | "medium" | "high" (of `low`)
                          points: {parameter: [low, high]} of the seven parameters that are known
                          missing: [parameter, …]; scale: 1 | 2
                          oxygen: "air" | "oxygen" | "air_by_plan" | "unknown"
                          range: bool; true: SpO2 on scale 2 scores differently with and without
                          oxygen, so say "between low and high"; else, with something missing,
                          "at least low"
    below_limit           metric, value, limit (the client's own); qualifier -1 | 0 | 1
    above_limit           the same
    spo2_below_range      value, low, high (the prescribed range; either may be null); qualifier;
                          oxygen as above
    spo2_above_range      the same
    hypoglycaemia         value, limit (3.9 or 3.0), level: 1 | 2; qualifier
    severe_blood_pressure systolic, diastolic: value or null; confirmed: bool (false: no second
                          reading was made in time)
    weight_gain, weight_loss
                          value, before, change: kg; days: between the two
    weight_odd            the same: nobody changes by so much, so it may be another person's
    repeated_falls        falls: with this one; months: in which
    respiratory_pathway   value, limit (of the pathway); qualifier
    copd_worsening        signs: {metric: value} of those that are worse together
    room_cold, room_hot   value, limit; frail: bool, somebody frail lives there
    outside_door          since: time at which the door was last moved
    missed_dose           medicine: as in the care plan, or ""; due: time
    beyond_meter_low      metric, value: the meter said LO; the true value is below `value`
    beyond_meter_high     metric, value: the meter said HI
    help, smoke, carbon_monoxide, fall, call_request
                          count: events so far; newest: time of the newest; late: true where it
                          reached Saimi long after it was measured, so that its age must be said;
                          unknown_device: true where nobody knows the device or its owner
    device_silent         gateway, device, device_kind, location; last: time or null (never heard);
                          expected_minutes; out_since: when whoever carries it went out, or null
    gateway_silent        gateway; last: time or null; devices: how many are silent; said: true
                          where the broker said that it is gone; at_risk: [{subject, needs}];
                          needs: {name: how many clients} (alerts.subjects.at_risk)
    gateway_deaf          the same: it speaks, but hears none of its devices
    area_outage           since; lost, watched: gateways; at_risk, needs
    county_outage         the same; areas: how many are out
    own_outage            since: when messages were taken in last; at_risk, needs
    home_early            pause: "hospital" | "holiday"; until; metric: what was heard; newest: its
                          time; held: true where an emergency in values is held back by the pause
    deterioration         probability: 0 … 1; reasons: [{key, weight, …}], the weightiest first. key
                          above, below: metric, value, usual; more, fewer: measure, value, usual,
                          low, high; silence: hours; together, news2: nothing more
    trend                 metric, before, after; since: date or null
    above_usual           metric, value, usual: newest, and for a day by its level
    inactivity            hours, since: time, one_in, usual_signs, began: "room" | "bed" | "door",
                          alone: bool
    routine               what: "night_bathroom" | "night_door" | "less_by_day"; measure,
                          night: bool, value, low, high
    channel_broken        channel: webpush | sms | email | chat | home; service: who takes messages
                          there, may be empty; since: time of the first of the failures in a row
    assessment_failed     rule: which rule could not be applied; error: kind of error

Whatever the key, there may be besides:

      confirmed             bool: a second reading was asked for, and said the same (false: none was
                          made in time)
      by_hand               [metric, …] a device measured what it cannot measure reliably in this
                          client (atrial fibrillation, pacemaker): to be counted by hand
      medicines             [medicine, …] that change what the reading or the fall means
      care_limits           [limit, …] agreed limits of care that restrict whom it calls

Parameters of NEWS2 are named as metrics are: respiratory_rate, spo2, oxygen, systolic, pulse,
consciousness, temperature ("oxygen" being air or oxygen, entered as the metric oxygen_flow).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Literal, NamedTuple

from core.catalogue import catalogue

KINDS = (
    "help",
    "smoke",
    "carbon_monoxide",
    "fall",
    "call_request",
    "news2",
    "spo2",
    "glucose",
    "blood_pressure",
    "limit",
    "deterioration",
    "trend",
    "inactivity",
    "routine",
    "weight",
    "falls",
    "respiratory",
    "room",
    "door",
    "missed_dose",
    "silence",
    "home_early",
    "outage",
    "technical",
)
"""Every kind of episode. `limit` and `trend` are told apart by their origin, the metric's name;
`routine` by what is unusual; `silence` by the gateway, or gateway/device."""

LEARNED = ("deterioration", "trend", "inactivity", "routine")
"""Kinds that models find (alerts/learned/learned.py)."""

LIFE_SAFETY = frozenset(metric.name for metric in catalogue() if metric.never_filtered)
"""Help, smoke, carbon monoxide, fall: open until contact with a person is recorded; never
inhibited (docs: rules)."""


def rfc3339(moment: datetime) -> str:
    """A time as findings and episodes store it: UTC, to the microsecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Severity(IntEnum):
    """How soon a person must look; its number is what the database stores."""

    REVIEW = 1
    ATTENTION = 2
    URGENT = 3
    EMERGENCY = 4


class Reading(NamedTuple):
    """One stored reading, as the rules see it."""

    metric: str
    value: float
    """In the catalogue's unit."""
    time: datetime
    received_at: datetime
    device: int
    qualifier: int = 0
    """core.reading.Qualifier."""
    state: int = 0
    """core.reading.State."""
    by_hand: bool = False
    """A person entered it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of one subject.

    `severity` is what is true; `pages` is what may open or raise an episode: lower where the
    finding hangs on late measurements, waits for a second reading or is inhibited; 0 where it may
    only keep an episode standing. `hold` says where the value lies (alerts.rules.rule.Hold): one
    that is not beyond the limit at which its rule raises keeps what the rule raised, and does
    nothing else.
    """

    kind: str
    rule: str
    severity: int
    pages: int
    key: str
    params: dict[str, Any]
    evidence: tuple[Reading, ...] = ()
    """Newest first: evidence[0] is the trigger. Empty for devices that were never heard."""
    missing: tuple[str, ...] = ()
    origin: str = ""
    hold: Literal["raise", "lower", "clear"] = "raise"
    points: dict[str, list[int]] = field(default_factory=dict)
    """Metric -> NEWS2 points [low, high], shown beside its evidence."""
    inhibited_by: str = ""
    """The higher cause that explains it (alerts.silence.causes, alerts.silence.pauses): it pages
    nobody."""

    def summary(self) -> dict[str, Any]:
        """As stored in an episode: {rule, key, params, missing}, and inhibited_by if it is."""
        said: dict[str, Any] = {
            "rule": self.rule,
            "key": self.key,
            "params": self.params,
            "missing": list(self.missing),
        }
        return said | {"inhibited_by": self.inhibited_by} if self.inhibited_by else said
