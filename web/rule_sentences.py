"""What rules found beside scores, as sentences; and what a record adds to any of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from web.i18n import Texts, mark
from web.values import as_time, metric_name, value_text

Params = Mapping[str, Any]

MEDICINES: dict[str, str] = {
    "insulin": mark("Takes insulin: it may fall further."),
    "sulfonylurea": mark("Takes a sulfonylurea: it may come back after treatment."),
    "anticoagulant": mark("Takes an anticoagulant: a blow to the head may bleed."),
}
CARE_LIMITS: dict[str, str] = {
    "palliative": mark("palliative care"),
    "no_cpr": mark("no resuscitation"),
    "no_transfer": mark("no transfer to hospital"),
}


def weight_gain(text: Texts, params: Params) -> str:
    """By how much, and in how many days."""
    days = int(params["days"])
    return text.ngettext(
        "Weight %(value)s: %(change)s more than %(n)s day before.",
        "Weight %(value)s: %(change)s more than %(n)s days before.",
        days,
        **_weight(text, params),
    )


def weight_loss(text: Texts, params: Params) -> str:
    """By how much, and in how many days."""
    days = int(params["days"])
    return text.ngettext(
        "Weight %(value)s: %(change)s less than %(n)s day before.",
        "Weight %(value)s: %(change)s less than %(n)s days before.",
        days,
        **_weight(text, params),
    )


def weight_odd(text: Texts, params: Params) -> str:
    """Perhaps another person's."""
    return text.gettext(
        "Weight %(value)s, before %(before)s: is it this client's? Weigh again.",
        value=value_text(text, "weight", params["value"]),
        before=value_text(text, "weight", params["before"]),
    )


def _weight(text: Texts, params: Params) -> dict[str, str]:
    return {
        "value": value_text(text, "weight", params["value"]),
        "change": value_text(text, "weight", abs(float(params["change"]))),
    }


def repeated_falls(text: Texts, params: Params) -> str:
    """How many, in how many months."""
    return text.gettext(
        "Has fallen %(n)s times in %(months)s months: find out why.",
        n=text.number(params["falls"]),
        months=text.number(params["months"]),
    )


def respiratory_pathway(text: Texts, params: Params) -> str:
    """Against the pathway's limit."""
    return text.gettext(
        "Oxygen saturation %(value)s on the pathway for respiratory infection (limit %(limit)s).",
        value=value_text(text, "spo2", params["value"], params.get("qualifier", 0)),
        limit=value_text(text, "spo2", params["limit"]),
    )


def copd_worsening(text: Texts, params: Params) -> str:
    """Which signs."""
    signs = [
        f"{metric_name(text, metric)} {value_text(text, metric, value)}"
        for metric, value in params["signs"].items()
    ]
    return text.gettext(
        "COPD may be getting worse: %(signs)s. Ask about breathlessness.", signs=text.listing(signs)
    )


def room_cold(text: Texts, params: Params) -> str:
    """Below which limit."""
    return _frail(
        text,
        text.gettext("The home is cold: %(value)s, below %(limit)s.", **_room(text, params)),
        params,
    )


def room_hot(text: Texts, params: Params) -> str:
    """Above which limit."""
    return _frail(
        text,
        text.gettext("The home is hot: %(value)s, above %(limit)s.", **_room(text, params)),
        params,
    )


def _room(text: Texts, params: Params) -> dict[str, str]:
    return {name: value_text(text, "room_temperature", params[name]) for name in ("value", "limit")}


def _frail(text: Texts, said: str, params: Params) -> str:
    more = text.gettext("Somebody frail lives here.")
    return f"{said} {more}" if params.get("frail") else said


def outside_door(text: Texts, params: Params) -> str:
    """Since when."""
    since = as_time(params["since"])
    if since is None:
        raise ValueError
    return text.gettext(
        "Went out at night at %(time)s and has not been noticed inside since.",
        time=text.date_time(since),
    )


def missed_dose(text: Texts, params: Params) -> str:
    """Of what, and when it was due."""
    due = as_time(params["due"])
    if due is None:
        raise ValueError
    medicine = str(params.get("medicine") or "")
    if not medicine:
        return text.gettext("A dose was missed at %(time)s.", time=text.date_time(due))
    return text.gettext(
        "A dose of %(medicine)s was missed, due %(time)s.",
        medicine=medicine,
        time=text.date_time(due),
    )


def besides(text: Texts, key: str, params: Params) -> list[str]:
    """What may stand beside any of them (alerts.finding, "whatever the key")."""
    said = []
    confirmed = params.get("confirmed")
    if confirmed is not None and key != "severe_blood_pressure":  # which says it itself
        said.append(
            text.gettext("Confirmed by a second reading.")
            if confirmed
            else text.gettext("No second reading was made.")
        )
    if by_hand := params.get("by_hand"):
        metrics = text.listing(metric_name(text, str(metric)) for metric in by_hand)
        said.append(
            text.gettext(
                "Measure by hand, devices cannot in this client: %(metrics)s.", metrics=metrics
            )
        )
    said += [
        text.gettext(MEDICINES[name]) for name in params.get("medicines", ()) if name in MEDICINES
    ]
    if care := params.get("care_limits"):
        names = text.listing(text.gettext(CARE_LIMITS[one]) for one in care if one in CARE_LIMITS)
        said.append(text.gettext("Agreed limits of care: %(limits)s.", limits=names))
    return said
