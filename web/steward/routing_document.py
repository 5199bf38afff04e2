"""Routing in force as one document, and a form as a change of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import msgspec

from alerts.decided import read_routing
from alerts.delivery.channels import Kind, Policy, shipped_policy
from alerts.delivery.in_force import with_channels
from alerts.finding import Severity
from alerts.routing.in_force import decided_values
from alerts.routing.rota import DAYS
from alerts.routing.values import Fault, RoutingError, Values, shipped_values
from core.database import Connection
from core.errors import SaimiError, UserError
from web.i18n import Texts, mark
from web.steward.filling import Form, number_of

WEEK = 7 * 24 * 60
KINDS: tuple[Kind, ...] = get_args(Kind)
MINUTES: dict[str, str] = {
    "unreached_min": mark("Nobody was reached: the next is called after, minutes"),
    "unseen_min": mark("Reached, but nobody has looked: after, minutes"),
    "unacknowledged_min": mark("Looked at, but nobody takes it: after, minutes"),
    "remind_min": mark("Everybody was called: the desk is reminded every, minutes"),
    "lease_min": mark("An acknowledgement holds, minutes"),
    "handover_min": mark("What was handed over must be confirmed within, minutes"),
    "far_min": mark("Further away than this by car is far, minutes"),
}
FAULTS: dict[Fault, str] = {
    "patience": mark(
        "The times must not fall in this order: nobody reached, nobody has looked, nobody takes it."
    ),
    "handover": mark("A handover must be confirmed before an acknowledgement would have ended."),
    "must_always_page": mark("Urgent alerts and emergencies call somebody at any time."),
    "emergency_waits": mark("An emergency waits for 10 minutes at most."),
    "slower_than_milder": mark(
        "What is more severe would wait longer than what is milder: look at the other one as well."
    ),
    "hours": mark("Working hours must end after they begin."),
}


@dataclass(frozen=True)
class Routing:
    """What is in force."""

    number: int
    """Of the change that made it so; 0: it is what ships."""
    values: Values
    policy: Policy
    error: str = ""
    """Why what the desk set cannot be used, so that what ships is in force."""

    def document(self) -> dict[str, Any]:
        """As it is kept."""
        severities = {severity.name.lower(): severity for severity in reversed(Severity)}
        parts: dict[str, Any] = msgspec.to_builtins(
            {
                "service": self.values.service,
                "severity": {name: self.values.of(one) for name, one in severities.items()},
                "working_hours": self.values.working_hours,
                "neighbours": self.values.neighbours,
                "travel": self.values.travel,
            }
        )
        ways = {name: self.policy.of(one) for name, one in severities.items()}
        parts["channels"] = {
            name: {"kinds": list(way.kinds), "at_once": way.at_once, "quiet": way.quiet}
            for name, way in ways.items()
        }
        return parts


async def read_in_force(connection: Connection) -> Routing:
    """What is in force now; where it cannot be used, what ships, as the engine does."""
    number, text = await read_routing(connection)
    if not text:
        return Routing(0, shipped_values(), shipped_policy())
    document = msgspec.json.decode(text)
    try:
        policy = with_channels(shipped_policy(), document.get("channels"))
        return Routing(number, decided_values(document), policy)
    except SaimiError as error:
        return Routing(number, shipped_values(), shipped_policy(), str(error))


def with_severity(
    form: Form, text: Texts, document: Mapping[str, Any], name: str
) -> dict[str, Any]:
    """The document with what the form says of one severity.

    Raises:
        UserError: a field is wrong, or contradicts another; says what.
    """
    urgency: dict[str, Any] = {
        key: _number(form, text, key, text.gettext(label), 1 / 60, WEEK)
        for key, label in MINUTES.items()
    }
    urgency["pages"] = "working_hours" if form.one("pages") == "working_hours" else "always"
    kinds = [form.one(f"kind.{place}") for place in range(1, len(KINDS) + 1)]
    kinds = [kind for kind in kinds if kind in KINDS]
    if not kinds or len(set(kinds)) < len(kinds):
        raise UserError(text.gettext("Choose at least one channel, and each of them once."))
    quiet = form.one("quiet") == "yes"
    if quiet and name in ("urgent", "emergency"):
        raise UserError(text.gettext("Urgent alerts and emergencies wait for no quiet hours."))
    at_once = _number(form, text, "at_once", text.gettext("Channels at once"), 1, len(KINDS))
    way = {"kinds": kinds, "at_once": int(at_once), "quiet": quiet}
    return checked(
        text,
        {
            **document,
            "severity": {**document["severity"], name: urgency},
            "channels": {**document["channels"], name: way},
        },
    )


def with_county(form: Form, text: Texts, document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with what the form says of all severities.

    Raises:
        UserError: a field is wrong, or contradicts another; says what.
    """
    service = form.one("service")
    days = [day for day in DAYS if day in form.ticked("days")]
    if not 1 <= len(service) <= 200 or not days:
        raise UserError(
            text.gettext("Say which service is called first, and at least one working day.")
        )
    most = _number(form, text, "most", text.gettext("Members of other teams, at most"), 0, 20)
    return checked(
        text,
        {
            **document,
            "service": service,
            "working_hours": {"days": days, "start": form.one("start"), "end": form.one("end")},
            "neighbours": {
                "most": int(most),
                "within_min": _number(
                    form, text, "within_min", text.gettext("And no further than, minutes by car"),
                    1, WEEK,
                ),
            },
        },
    )  # fmt: skip


def checked(text: Texts, document: dict[str, Any]) -> dict[str, Any]:
    """The document, if the engine could go by it.

    Raises:
        UserError: it could not; says why, in the member's language where people can mend it.
    """
    try:
        decided_values(document)
        with_channels(shipped_policy(), document["channels"])
    except RoutingError as error:
        if error.fault is None:
            raise
        raise UserError(text.gettext(FAULTS[error.fault])) from error
    return document


def _number(form: Form, text: Texts, field: str, label: str, least: float, most: float) -> float:
    found = number_of(form, text, field, label, least, most)
    if found is None:
        raise UserError(text.gettext("%(field)s: say how many.", field=label))
    return found
