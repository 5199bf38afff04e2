"""In what routing differs from before, a sentence each, for its history; and as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from alerts.delivery.channels import ByUrgency
from alerts.finding import Severity
from alerts.routing.values import Urgency
from web.i18n import Texts, mark
from web.steward.routing_document import MINUTES
from web.steward.showing import length_text
from web.steward.wording import named
from web.words import CHANNELS, SEVERITIES, service_name

DAY_NAMES: dict[str, str] = {
    "mon": mark("Mon"),
    "tue": mark("Tue"),
    "wed": mark("Wed"),
    "thu": mark("Thu"),
    "fri": mark("Fri"),
    "sat": mark("Sat"),
    "sun": mark("Sun"),
    "holiday": mark("public holidays"),
}
Document = Mapping[str, Any]


def told(text: Texts, urgency: Urgency, way: ByUrgency) -> list[str]:
    """What happens at one severity, a sentence each."""

    def length(minutes: float) -> str:
        return length_text(timedelta(minutes=minutes), text)

    channels = text.listing(named(text, CHANNELS, kind) for kind in way.kinds)
    lines = [
        text.gettext("Calls at any time.")
        if urgency.pages == "always"
        else text.gettext("Calls in working hours."),
        text.gettext(
            "The next is called after %(unreached)s where nobody was reached, %(unseen)s where "
            "nobody has looked, %(untaken)s where nobody takes it.",
            unreached=length(urgency.unreached_min),
            unseen=length(urgency.unseen_min),
            untaken=length(urgency.unacknowledged_min),
        ),
        text.gettext(
            "An acknowledgement holds for %(lease)s; in the end the desk is reminded every "
            "%(remind)s.",
            lease=length(urgency.lease_min),
            remind=length(urgency.remind_min),
        ),
        text.ngettext(
            "By %(channels)s, in this order, %(n)s at once.",
            "By %(channels)s, in this order, %(n)s at once.",
            way.at_once,
            channels=channels,
        ),
    ]
    if way.quiet:
        lines.append(text.gettext("Waits for the end of quiet hours."))
    return lines


def routing_differences(text: Texts, before: Document, after: Document) -> list[str]:
    """ "Urgent: An acknowledgement holds, minutes: 60 → 45" and so on."""
    nothing = text.gettext("nothing")
    was, now = dict(_flat(text, before)), dict(_flat(text, after))
    return [
        f"{label}: {was.get(label) or nothing} → {now.get(label) or nothing}"
        for label in dict.fromkeys([*was, *now])
        if was.get(label) != now.get(label)
    ]


def team_differences(
    text: Texts, before: Document, after: Document, areas: Mapping[int, str]
) -> list[str]:
    """The same of what a team does and where."""

    def shown(team: Document) -> dict[str, str]:
        return {
            text.gettext("Service"): service_name(text, team["service"]),
            text.gettext("Areas"): text.listing(
                sorted(areas.get(area, str(area)) for area in team["areas"])
            ),
            text.gettext("Base"): areas.get(team["base"], ""),
        }

    nothing = text.gettext("nothing")
    was, now = shown(before), shown(after)
    return [
        f"{after['name']}: {label}: {was[label] or nothing} → {now[label] or nothing}"
        for label in was
        if was[label] != now[label]
    ]


def _flat(text: Texts, document: Document) -> Iterator[tuple[str, str]]:
    yes = {True: text.gettext("yes"), False: text.gettext("no")}
    for severity in reversed(Severity):
        name, level = severity.name.lower(), text.gettext(SEVERITIES[severity])
        urgency, way = document["severity"][name], document["channels"][name]
        for key, label in MINUTES.items():
            yield f"{level}: {text.gettext(label)}", _number(text, urgency[key])
        more = {
            text.gettext("Calls at any time"): yes[urgency["pages"] == "always"],
            text.gettext("Channels"): text.listing(
                named(text, CHANNELS, kind) for kind in way["kinds"]
            ),
            text.gettext("Channels at once"): str(way["at_once"]),
            text.gettext("Waits for the end of quiet hours"): yes[way["quiet"]],
        }
        for label, value in more.items():
            yield f"{level}: {label}", value
    hours, near = document["working_hours"], document["neighbours"]
    yield text.gettext("Service that is called first"), service_name(text, document["service"])
    days = ", ".join(named(text, DAY_NAMES, day) for day in hours["days"])
    yield text.gettext("Working hours"), f"{days} {hours['start']}–{hours['end']}"
    yield text.gettext("Members of other teams, at most"), str(near["most"])
    yield text.gettext("And no further than, minutes by car"), _number(text, near["within_min"])


def _number(text: Texts, value: float) -> str:
    return text.number(value, 0 if value == int(value) else 1)
