"""A plan as the form that would make it, so that the page has one way to show fields."""

from __future__ import annotations

from datetime import timedelta

from web.i18n import Texts
from web.steward.filling import Form
from web.steward.plan import Plan


def shown(plan: Plan, text: Texts) -> Form:
    """The fields as they are filled in where nothing is to change."""
    record = plan.record
    fields: dict[str, list[str]] = {
        "spo2_scale": [str(plan.spo2_scale)],
        "oxygen": [{True: "yes", False: "no", None: ""}[plan.oxygen_prescribed]],
        "oxygen_flow": [number_text(record.oxygen_flow, text)],
        "known_conditions": list(plan.conditions),
        "conditions": list(plan.conditions),
        "medicines": list(record.medicines),
        "usual_cognition": [record.usual_cognition],
        "frail": ["yes"] if record.frail else [],
        "limits_of_care": [plan.limits_of_care],
    }
    if record.care_limits is not None:
        care = record.care_limits
        fields |= {
            "care_limits": list(care.agreed),
            "agreed_by": [care.agreed_by],
            "agreed_on": [care.agreed_on.isoformat()],
            "review_on": [care.review_on.isoformat()],
        }
    for metric, bounds in plan.limits.items():
        for end, value in zip(("low", "high"), bounds, strict=True):
            fields[f"limit.{metric}.{end}"] = [number_text(value, text)]
    for own in record.rules:
        fields[f"rule.{own.rule}.on"] = [{True: "on", False: "off", None: ""}[own.enabled]]
        for level, limits in (
            ("raise", own.raise_),
            ("lower", own.lower),
            ("clear", own.clear),
            ("limits", own.limits),
        ):
            for limit, value in limits.items():
                fields[f"rule.{own.rule}.{level}.{limit}"] = [number_text(value, text)]
    return Form(fields)


def merged(form: Form, seen: Form, now: Form) -> Form:
    """What was filled in where it differs from what was `seen`, elsewhere what holds `now`."""
    fields = dict(form.fields)
    for name in {*form.fields, *now.fields, *seen.fields}:
        was, given = _cleaned(seen, name), _cleaned(form, name)
        # Fields that no plan has: who asks, why, the number of the action.
        known = name in seen.fields or name in now.fields
        if known and given == was:
            fields[name] = list(now.fields.get(name, []))
    return Form(fields)


def _cleaned(form: Form, name: str) -> list[str]:
    return sorted(filter(None, form.lines(name)))


def number_text(value: float | None, text: Texts) -> str:
    """A number as people type it, every digit kept: 37,5 or 37.5."""
    if value is None:
        return ""
    plain = f"{value:.10g}"
    return plain if text.language == "en" else plain.replace(".", ",")


def length_text(length: timedelta, text: Texts) -> str:
    """How long, exactly, in one unit where that does: 0,5 min, 45 min, 4 t, 1 vrk; else in two."""
    minutes = length / timedelta(minutes=1)
    if minutes != int(minutes):
        return text.gettext("%(minutes)s min", minutes=number_text(minutes, text))
    if minutes and minutes % 1440 == 0:
        return text.gettext("%(days)s d", days=int(minutes) // 1440)
    if minutes and minutes % 60 == 0:
        return text.gettext("%(hours)s h", hours=int(minutes) // 60)
    return text.duration(length)
