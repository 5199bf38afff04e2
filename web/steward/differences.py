"""In what a plan differs from the one before, a sentence each, for its history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from core.record import CareLimits, OwnRule
from web.i18n import Texts
from web.rule_sentences import CARE_LIMITS
from web.steward.plan import Bounds, Plan
from web.steward.wording import LEVELS, LIMITS, MEDICINES, RULES, named
from web.values import metric_name, value_text


def differences(text: Texts, before: Plan, after: Plan) -> list[str]:
    """ "Oxygen saturation: 88–92 % → 90–94 %" and so on; [] where nothing differs."""
    return list(_differences(text, before, after))


def _differences(text: Texts, before: Plan, after: Plan) -> Iterator[str]:
    for metric in dict.fromkeys([*before.limits, *after.limits]):
        yield from _changed(
            text,
            metric_name(text, metric),
            *(_bounds(text, metric, one.limits.get(metric)) for one in (before, after)),
        )
    oxygen = {None: text.gettext("not known"), True: text.gettext("yes"), False: text.gettext("no")}
    old, new = before.record, after.record
    for label, was, now in (
        (text.gettext("NEWS2 scale"), str(before.spo2_scale), str(after.spo2_scale)),
        (
            text.gettext("Oxygen prescribed"),
            oxygen[before.oxygen_prescribed],
            oxygen[after.oxygen_prescribed],
        ),
        (
            text.gettext("Prescribed flow, l/min"),
            _number(text, old.oxygen_flow),
            _number(text, new.oxygen_flow),
        ),
        (
            text.gettext("Conditions"),
            text.listing(before.conditions),
            text.listing(after.conditions),
        ),
        (
            text.gettext("Medicines that matter"),
            *(text.listing(named(text, MEDICINES, m) for m in one.medicines) for one in (old, new)),
        ),
        (text.gettext("Usual cognition"), old.usual_cognition, new.usual_cognition),
        (
            text.gettext("Frail"),
            *(text.gettext("yes") if one.frail else text.gettext("no") for one in (old, new)),
        ),
        (
            text.gettext("Agreed limits of care"),
            _care(text, old.care_limits),
            _care(text, new.care_limits),
        ),
        (text.gettext("More on limits of care"), before.limits_of_care, after.limits_of_care),
    ):
        yield from _changed(text, label, was, now)
    rules = [{one.rule: one for one in record.rules} for record in (old, new)]
    for name in dict.fromkeys([*rules[0], *rules[1]]):
        yield from _changed(
            text, named(text, RULES, name), *(_rule(text, one.get(name)) for one in rules)
        )
    rest = ("pathways", "doses", "contacts", "remote_visit")
    if any(getattr(old, name) != getattr(new, name) for name in rest):
        yield text.gettext("Care pathways, doses, contacts or the remote visit were changed.")


def _changed(text: Texts, label: str, was: str, now: str) -> Iterator[str]:
    if was != now:
        nothing = text.gettext("nothing")
        yield f"{label}: {was or nothing} → {now or nothing}"


def _bounds(text: Texts, metric: str, bounds: Bounds | None) -> str:
    if bounds is None:
        return ""
    low, high = bounds
    if low is None:
        return f"≤ {value_text(text, metric, high)}"
    if high is None:
        return f"≥ {value_text(text, metric, low)}"
    return f"{value_text(text, metric, low, unit=False)}–{value_text(text, metric, high)}"


def _number(text: Texts, value: float | None) -> str:
    return "" if value is None else text.number(value, 0 if value == int(value) else 1)


def _care(text: Texts, care: CareLimits | None) -> str:
    if care is None:
        return ""
    return text.gettext(
        "%(limits)s (%(who)s, %(agreed)s; review %(review)s)",
        limits=text.listing(named(text, CARE_LIMITS, one) for one in care.agreed),
        who=care.agreed_by,
        agreed=f"{care.agreed_on:%-d.%-m.%Y}",
        review=f"{care.review_on:%-d.%-m.%Y}",
    )


def _rule(text: Texts, own: OwnRule | None) -> str:
    if own is None:
        return text.gettext("as for everybody")
    levels: Mapping[str, Mapping[str, float]] = {
        "raise": own.raise_,
        "lower": own.lower,
        "clear": own.clear,
        "limits": own.limits,
    }
    told = [
        f"{named(text, LEVELS, level)} {named(text, LIMITS, limit)} {_number(text, value)}"
        for level, limits in levels.items()
        for limit, value in limits.items()
    ]
    if own.enabled is not None:
        told.insert(0, text.gettext("in use") if own.enabled else text.gettext("not in use"))
    return "; ".join(told)
