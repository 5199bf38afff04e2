"""What the watchdog says to those who run Saimi: title and text. No word of any client."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from web.i18n import Texts, mark

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICES: Mapping[str, str] = {
    "alerts": mark("The alert engine is silent: nothing is assessed, nobody is alerted."),
    "ingest": mark("Ingest is silent: no home is heard, calls for help included."),
    "web": mark("The pages are silent: nobody sees alerts."),
    "deliver": mark("Delivery is silent: no message goes out."),
}
"""What it means that a service is silent."""


def page(text: Texts, troubles: Sequence[tuple[str, str, datetime | None]]) -> tuple[str, str]:
    """Title and text of a page; each trouble is (what, service, since)."""
    return (
        text.gettext("Saimi is not watching"),
        " ".join(_trouble(text, *one) for one in troubles),
    )


def all_clear(text: Texts, since: datetime, now: datetime) -> tuple[str, str]:
    """Title and text of the all-clear."""
    return (
        text.gettext("Saimi is watching again"),
        text.gettext(
            "All is well again. Outage since %(time)s, %(length)s.",
            time=text.date_time(since),
            length=text.duration(now - since),
        ),
    )


def _trouble(text: Texts, what: str, service: str, since: datetime | None) -> str:
    if what == "database":
        return text.gettext("The database does not answer: nothing is stored, assessed or shown.")
    if what == "behind":
        said = text.gettext("The alert engine is behind: readings wait to be assessed.")
    else:
        said = text.gettext(SERVICES[service])
    if since is None:
        return said
    more = text.gettext("Since %(time)s.", time=text.date_time(since))
    return f"{said} {more}"
