"""A filled form as a plan, or one sentence on what is wrong with it, in the member's language."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NoReturn

import msgspec

from alerts.rules.forms import FORMS
from alerts.rules.rule import Rule, RuleError, Rules
from alerts.subjects.own_rules import own_rules
from core.catalogue import catalogue
from core.errors import RegistryError, UserError
from core.record import CONDITIONS, CareLimits, OwnRule, Record, check_record
from web.i18n import Texts
from web.steward.plan import Bounds, Plan
from web.steward.wording import LIMITS, RULES, named
from web.values import metric_name, value_text

LEVELS = ("raise", "lower", "clear", "limits")
LONGEST = 500
"""Characters of a text in a plan."""
_MOST_CONDITIONS = 40


@dataclass(frozen=True)
class Form:
    """The fields of a form, each as often as it was sent."""

    fields: Mapping[str, list[str]]

    def one(self, name: str) -> str:
        """The field's text, spaces as one; '' where it was not sent."""
        return " ".join(" ".join(self.fields.get(name, [""])).split())

    def lines(self, name: str) -> list[str]:
        """The lines of a long field that hold anything."""
        whole = "\n".join(self.fields.get(name, []))
        return [" ".join(line.split()) for line in whole.splitlines() if line.strip()]

    def ticked(self, name: str) -> list[str]:
        """The boxes of that name that were ticked."""
        return list(self.fields.get(name, []))


@dataclass(frozen=True)
class Filling:
    """Reads one form."""

    form: Form
    text: Texts
    rules: Rules
    """Those of the county in force."""
    member: str
    """Who sets what is new."""

    def plan(self, before: Plan) -> Plan:
        """The plan as the form has it; what the form does not show stays as it was `before`.

        Raises:
            UserError: a field is wrong, or two contradict each other; names them.
        """
        limits = self._limits(before)
        scale = 2 if self.form.one("spo2_scale") == "2" else 1
        low, high = limits.get("spo2", (None, None))
        if scale == 2 and (low is None or high is None):
            self._refuse(
                self.text.gettext(
                    "NEWS2 scale 2 is for a prescribed saturation range only: give both limits of "
                    "the oxygen saturation, or choose scale 1."
                )
            )
        conditions = self._conditions()
        oxygen = {"yes": True, "no": False}.get(self.form.one("oxygen"))
        flow = self.number("oxygen_flow", self.text.gettext("Prescribed flow, l/min"), 0.1, 60)
        if flow is not None and oxygen is not True:
            self._refuse(
                self.text.gettext(
                    "A flow of %(flow)s l/min is given, but oxygen is not said to be prescribed: "
                    "change one of them.",
                    flow=self.text.number(flow, 1),
                )
            )
        record = msgspec.structs.replace(
            before.record,
            oxygen_flow=flow,
            medicines=self._medicines(),
            usual_cognition=self._short("usual_cognition"),
            frail="yes" in self.form.ticked("frail"),
            care_limits=self._care(),
            rules=self._own(before.record),
        )
        self._check(record, conditions)
        return Plan(
            spo2_scale=scale,
            oxygen_prescribed=oxygen,
            conditions=conditions,
            limits_of_care=self._short("limits_of_care"),
            limits=limits,
            record=record,
        )

    def number(self, field: str, label: str, least: float, most: float) -> float | None:
        """A number, with comma or point; None: left empty.

        Raises:
            UserError: it is none, or outside of what makes sense.
        """
        return number_of(self.form, self.text, field, label, least, most)

    def _limits(self, before: Plan) -> dict[str, Bounds]:
        found: dict[str, Bounds] = {}
        for metric in before.metrics():
            entry = catalogue().get(metric)
            if entry is None:
                found[metric] = before.limits[metric]
                continue
            name = metric_name(self.text, metric)
            least, most = entry.possible
            low = self.number(f"limit.{metric}.low", name, least, most)
            high = self.number(f"limit.{metric}.high", name, least, most)
            if low is not None and high is not None and low >= high:
                self._refuse(
                    self.text.gettext(
                        "%(metric)s: the lower limit %(low)s is not below the upper limit "
                        "%(high)s, so every value would alert: change one of them.",
                        metric=name,
                        low=value_text(self.text, metric, low),
                        high=value_text(self.text, metric, high),
                    )
                )
            if low is not None or high is not None:
                found[metric] = (low, high)
        return found

    def _conditions(self) -> tuple[str, ...]:
        ticked = [name for name in CONDITIONS if name in self.form.ticked("known_conditions")]
        known = {name.casefold(): name for name in CONDITIONS}
        for one in self.form.lines("conditions"):
            near = difflib.get_close_matches(one.casefold(), known, n=1, cutoff=0.85)
            if near and one.casefold() not in known:
                self._refuse(
                    self.text.gettext(
                        "%(condition)s is spelt almost like %(known)s, which rules go by: tick "
                        "that one, or write another word.",
                        condition=one[:100],
                        known=known[near[0]],
                    )
                )
            ticked.append(known.get(one.casefold(), one))
        if len(ticked) > _MOST_CONDITIONS or any(len(one) > 200 for one in ticked):
            self._refuse(self.text.gettext("That is too long to be taken: shorten it."))
        return tuple(dict.fromkeys(ticked))

    def _medicines(self) -> tuple[Any, ...]:
        known = ("insulin", "sulfonylurea", "anticoagulant")
        return tuple(name for name in known if name in self.form.ticked("medicines"))

    def _care(self) -> CareLimits | None:
        agreed = [
            name
            for name in ("palliative", "no_cpr", "no_transfer")
            if name in self.form.ticked("care_limits")
        ]
        if not agreed:
            return None
        given = [self.form.one(name) for name in ("agreed_by", "agreed_on", "review_on")]
        try:
            on, review = date.fromisoformat(given[1]), date.fromisoformat(given[2])
        except ValueError:
            on = review = date.min
        if not given[0] or len(given[0]) > 200 or date.min in (on, review):
            self._refuse(
                self.text.gettext(
                    "Limits of care need who agreed them, on which day, and when they are reviewed."
                )
            )
        if review <= on:
            self._refuse(
                self.text.gettext(
                    "Limits of care were agreed on %(agreed)s, but their review on %(review)s is "
                    "not after it: change one of them.",
                    agreed=_day(on),
                    review=_day(review),
                )
            )
        return msgspec.convert(
            {"agreed": agreed, "agreed_by": given[0], "agreed_on": on, "review_on": review},
            CareLimits,
        )

    def _own(self, record: Record) -> tuple[OwnRule, ...]:
        known = {one.rule: one for one in record.rules}
        open_to = dict(changeable(self.rules))
        found = []
        for field in self.form.fields:
            rule_id = field.split(".")[1] if field.startswith("rule.") else None
            if rule_id is not None and rule_id not in open_to and self.form.one(field):
                self._refuse(
                    self.text.gettext(
                        "The rule %(rule)s is not one that is changed for one client: nothing was "
                        "changed.",
                        rule=rule_id[:64],
                    )
                )
        for name, rule in open_to.items():
            before = known.pop(name, None)
            own = self._own_rule(name, rule, before)
            if own is not None:
                found.append(own)
        # Of rules that this file of rules has no more, or no more for a clinician.
        return (*found, *known.values())

    def _own_rule(self, name: str, rule: Rule, before: OwnRule | None) -> OwnRule | None:
        form = FORMS[name]
        given: dict[str, dict[str, float]] = {}
        for level in LEVELS:
            ranges = form.limits if level == "limits" else form.crossed
            given[level] = {}
            for limit, (least, most) in ranges.items():
                label = f"{named(self.text, RULES, name)}, {named(self.text, LIMITS, limit)}"
                value = self.number(f"rule.{name}.{level}.{limit}", label, least, most)
                if value is not None:
                    given[level][limit] = value
        self._refuse_contradiction(name, rule, given)
        on = {"on": True, "off": False}.get(self.form.one(f"rule.{name}.on"))
        if on is None and not any(given.values()):
            return None
        own = OwnRule(
            rule=name, set_by=self.member, enabled=on, raise_=given["raise"], lower=given["lower"],
            clear=given["clear"], limits=given["limits"],
        )  # fmt: skip
        if before is not None and msgspec.structs.replace(own, set_by=before.set_by) == before:
            return before
        return own

    def _refuse_contradiction(
        self, name: str, rule: Rule, given: Mapping[str, Mapping[str, float]]
    ) -> None:
        above = FORMS[name].above
        raises = {**rule.raises.limits, **given["raise"]}
        back = raises if given["raise"] else rule.clears.limits
        clears = {**back, **given["clear"]}
        for limit, clear in clears.items():
            raised = raises[limit]
            if clear > raised if limit in above else clear < raised:
                self._refuse(
                    self.text.gettext(
                        "%(rule)s opens at %(raise)s (%(limit)s) but would clear at %(clear)s, "
                        "which is worse, so it would never come to rest: change one of them.",
                        rule=named(self.text, RULES, name),
                        limit=named(self.text, LIMITS, limit),
                        **{"raise": self._plain(raised), "clear": self._plain(clear)},
                    )
                )

    def _check(self, record: Record, conditions: Iterable[str]) -> None:
        """As the engine and the import check it; their sentences are for operators."""
        try:
            own_rules(record, self.rules)
            check_record("This client", record, conditions)
        except (RuleError, RegistryError) as error:
            self._refuse(str(error))

    def _short(self, field: str) -> str:
        given = self.form.one(field)
        if len(given) > LONGEST:
            self._refuse(self.text.gettext("That is too long to be taken: shorten it."))
        return given

    def _plain(self, value: float) -> str:
        return _plain(self.text, value)

    def _refuse(self, sentence: str) -> NoReturn:
        raise UserError(sentence)


def number_of(
    form: Form, text: Texts, field: str, label: str, least: float, most: float
) -> float | None:
    """A number that was filled in, with comma or point; None: left empty.

    Raises:
        UserError: it is none, or outside of what makes sense.
    """
    given = form.one(field).replace(",", ".").replace("\N{MINUS SIGN}", "-")
    if not given:
        return None
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise UserError(
            text.gettext(
                "%(field)s must be a number from %(least)s to %(most)s.",
                field=label,
                least=_plain(text, least),
                most=_plain(text, most),
            )
        )
    return value


def _plain(text: Texts, value: float) -> str:
    return text.number(value, 0 if value == int(value) else 1)


def changeable(rules: Rules) -> list[tuple[str, Rule]]:
    """The rules that a clinician may change for one client; never what is never filtered."""
    return [
        (name, rule)
        for name, rule in rules.rules.items()
        if rule.changed_by == "clinician" and not rule.never_filtered and name in FORMS
    ]


def _day(day: date) -> str:
    return f"{day:%-d.%-m.%Y}"
