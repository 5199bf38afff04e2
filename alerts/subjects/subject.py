"""What is known of a subject when it is assessed: facts, newest readings, new events, devices."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from alerts.finding import LEARNED, Finding, Reading
from alerts.rules.rule import Rule, Rules
from alerts.subjects.at_risk import AtRisk
from alerts.subjects.line import Line
from core.catalogue import catalogue
from core.reading import Qualifier
from core.record import EMPTY, Record

AWAY = frozenset({"hospital", "holiday"})
"""Kinds of pause in which nobody is to be heard of."""


BY_HAND = ("pulse", "systolic", "diastolic")
"""What cuffs and pulse readings get wrong with atrial fibrillation or a pacemaker."""
_UNRELIABLE = frozenset({"atrial fibrillation", "pacemaker"})
SLOW = {
    "weight": "weight",
    "room_temperature": "room",
    "missed_dose": "missed_dose",
    "door": "door",
}
"""Metrics that are read only where they are new (alerts.worker.slow), and the kind told from
each."""
SLOW_KINDS = frozenset(SLOW.values())
_STEPS = {metric.name: (metric.decimals, 10.0**metric.decimals) for metric in catalogue()}
"""Decimals that people are shown, and steps to a unit."""


class Limit(NamedTuple):
    """A client's own limits of one metric, in the catalogue's unit; None: no limit that way."""

    low: float | None
    high: float | None


class Pause(NamedTuple):
    """What is not expected for a time (core.pauses); alerts.silence.pauses says what it
    suspends."""

    kind: str
    """hospital, holiday or guests."""
    since: datetime
    until: datetime


@dataclass(slots=True)
class Client:
    """What of a client's record the rules go by."""

    born: date
    spo2_scale: int = 1
    oxygen_prescribed: bool | None = None
    conditions: frozenset[str] = frozenset()
    """In lower case."""
    limits: dict[str, Limit] = field(default_factory=dict)
    """By metric."""
    pauses: tuple[Pause, ...] = ()
    """Those that are on now, the client's own and the home's."""
    record: Record = EMPTY

    def has(self, condition: str) -> bool:
        """Whether the client has a condition (core.record.CONDITIONS), in whatever case."""
        return condition.casefold() in self.conditions

    @property
    def by_hand(self) -> bool:
        """Whether cuffs and pulse readings of devices are not to be relied on: count by hand."""
        return not _UNRELIABLE.isdisjoint(self.conditions)

    def age(self, on: date) -> int:
        """Completed years."""
        return on.year - self.born.year - ((on.month, on.day) < (self.born.month, self.born.day))


@dataclass(slots=True)
class Device:
    """A device that is expected to be heard at least every `silent_after`."""

    id: int
    name: str
    kind: str
    location: str
    gateway: str
    owner: int
    """The subject its readings are about."""
    silent_after: timedelta
    heard_at: datetime
    """Time of its last reading; for one never heard, since when it has been listened for."""
    last: Reading | None = None
    gateway_online: bool = False
    gateway_heard_at: datetime | None = None


class BrokenService(NamedTuple):
    """A service that takes no messages to people any more."""

    name: str
    """What kind of channel, and where: webpush:fcm.googleapis.com."""
    since: datetime
    """Of the first of its failures in a row; wall time."""


@dataclass(slots=True)
class Subject:
    """Everything the rules may look at."""

    id: int
    kind: str = "client"
    client: Client | None = None
    residents: tuple[Record, ...] = ()
    """Of a home: the records of those who live there, where they hold anything."""
    rules: Mapping[str, Rule] = field(default_factory=dict)
    """Rules that a clinician set otherwise for this client, or anybody in the home, complete."""
    rules_error: str = ""
    """Why the client's own rules cannot be used."""
    pauses: tuple[Pause, ...] = ()
    """Those that are on now: of a client, own and the home's; of a home, its own, and hospital or
    holiday where everybody who lives there is away."""
    next_pause: datetime | None = None
    """When the next one begins."""
    signs: list[Reading] = field(default_factory=list)
    """Of somebody who is away: the newest sign of life of each metric since the pause began."""
    newest: dict[str, list[Reading]] = field(default_factory=dict)
    """By metric, newest first, OK and within their validity; as many as DEPTHS of
    alerts.worker.newest says."""
    events: list[Reading] = field(default_factory=list)
    """Events that have not been dealt with yet."""
    devices: list[Device] | None = None
    """Regularly heard devices of its gateways; None: not looked at this time."""
    slow: dict[str, list[Reading]] = field(default_factory=dict)
    """Of metrics in SLOW that are new, or waited for: readings of their window, newest first."""
    back_at: datetime | None = None
    """With an outside door in `slow`: when somebody was last noticed inside after it."""
    falls_before: int | None = None
    """With a new fall: how many there were before it."""
    unseen: frozenset[str] = frozenset(LEARNED) | SLOW_KINDS
    """Kinds of findings that were not looked for (fully) this time."""
    lost: frozenset[str] = frozenset()
    """Gateways of its home that an outage above the home has silenced (alerts.worker.survey)."""
    at_risk: list[AtRisk] = field(default_factory=list)
    """Of a home whose devices are looked at: who in it is at risk when it is not heard."""
    door_at: datetime | None = None
    """Of a home with one resident, where something carried is silent: the front door last."""
    moved_at: datetime | None = None
    """The same: when somebody last moved in it."""

    @property
    def frail(self) -> bool:
        """Whether the client, or anybody who lives in the home, is frail."""
        own = self.client is not None and self.client.record.frail
        return own or any(record.frail for record in self.residents)

    @property
    def away(self) -> Pause | None:
        """The hospital stay or journey that is on, the longest if there are several."""
        if not self.pauses:
            return None
        on = [pause for pause in self.pauses if pause.kind in AWAY]
        return max(on, key=lambda pause: pause.until, default=None)

    def before(self, moment: datetime) -> Subject:
        """What was known without the readings made at `moment` or later."""
        newest = {
            metric: [one for one in readings if one.time < moment]
            for metric, readings in self.newest.items()
        }
        slow = {
            metric: [one for one in readings if one.time < moment]
            for metric, readings in self.slow.items()
        }
        newest = {metric: found for metric, found in newest.items() if found}
        return replace(self, newest=newest, slow=slow)

    def latest(self, metric: str) -> Reading | None:
        """The newest valid reading of a metric."""
        found = self.newest.get(metric)
        return found[0] if found else None


GAP_OF_JOURNEYS = 3
"""alerts.subjects.line.GAP in allowances for a reading's way here: what is deaf for longer is
out."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is the same for all subjects of a batch."""

    now: datetime
    rules: Rules
    line: Line = field(default_factory=Line)
    delay: timedelta = timedelta(0)
    """What a reading's way here may take by the shared clock: wall seconds, times its factor."""
    broken: tuple[BrokenService, ...] = ()
    """Who takes no messages to people any more; only where nobody's subject is looked at."""

    def rule(self, subject: Subject, name: str) -> Rule:
        """The rule as it holds for a subject."""
        return subject.rules.get(name) or self.rules[name]

    @property
    def deaf(self) -> bool:
        """Whether we ourselves cannot hear anybody now."""
        alive = self.line.alive_at
        return alive is not None and self.now - alive > GAP_OF_JOURNEYS * self.delay

    def timely(self, reading: Reading) -> bool:
        """Whether a reading reached Saimi soon enough to page somebody (promise 5)."""
        return reading.received_at - reading.time <= self.rules.late_after + self.delay


@dataclass(slots=True)
class Assessment:
    """What the rules say of one subject."""

    findings: list[Finding] = field(default_factory=list)
    due: dict[str, datetime] = field(default_factory=dict)
    """By rule: when to look again, even if nothing arrives."""
    failed: bool = False
    """A rule could not be applied, so that the absence of findings means nothing."""

    def look_again(self, rule: str, at: datetime) -> None:
        """Look again at `at`, or sooner where it was asked before."""
        self.due[rule] = min(at, self.due.get(rule, at))


Assess = Callable[[Sequence[Subject], Context], Iterable[tuple[int, Finding | datetime]]]
"""A rule: of each subject by its index, findings, or a time at which to look again."""


def by_hand(subject: Subject, *readings: Reading) -> dict[str, list[str]]:
    """The parameter that says which of these readings are to be counted by hand; {}: none is."""
    if subject.client is None or not subject.client.by_hand:
        return {}
    found = [one.metric for one in readings if one.metric in BY_HAND and not one.by_hand]
    return {"by_hand": found} if found else {}


def shown(reading: Reading) -> float:
    """The value as people are shown it, rounded half up to the metric's decimals.

    Limits are compared with this, so that 70 mg/dL, stored as 3.8857 mmol/L, is 3.9 and not below
    3.9, and nobody sees "38.0 is above 38.0".
    """
    if not math.isfinite(reading.value):
        return reading.value
    decimals, scale = _STEPS[reading.metric]
    # As models.news2.round_half_up: a millionth of a step is the noise of binary fractions.
    return round(math.floor(reading.value * scale + 0.5 + 1e-6) / scale, decimals)


def is_below(reading: Reading, limit: float) -> bool:
    """Whether a reading is certainly below `limit`: LO at the limit is below it."""
    value = shown(reading)
    return value < limit or (value == limit and reading.qualifier == Qualifier.BELOW)


def is_above(reading: Reading, limit: float) -> bool:
    """Whether a reading is certainly above `limit`: HI at the limit is above it."""
    value = shown(reading)
    return value > limit or (value == limit and reading.qualifier == Qualifier.ABOVE)


def newest_first(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Evidence in its order: the trigger first."""
    return tuple(sorted(readings, key=lambda reading: reading.time, reverse=True))
