"""What the requests of the trends have in common: their query, and the look that is put on record.

Times are RFC 3339 with an offset; a range is at most LONGEST. Who may see whom is the database's to
say. Errors are one sentence, as everywhere.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from aiohttp import web

from core.catalogue import catalogue
from core.database import Connection
from core.errors import UserError
from web.access import purpose_of, record_looks
from web.openapi.operation import Query
from web.parts import caller, parts, texts_of
from web.trends.comparing import CHOICES, NotEarlierError, earlier
from web.trends.readings import LONGEST, MOST_POINTS, POINTS
from web.trends.subject import Subject, find_subject

_TIME = {"type": "string", "format": "date-time"}
SUBJECT = Query("subject", "The client's pseudonym.", {"type": "string"}, required=True)
METRICS = Query(
    "metrics", "Names from the catalogue, with commas.", {"type": "string"}, required=True
)
POINTS_ASKED = Query(
    "points", f"Most points of a chart; never over {MOST_POINTS}.", {
        "type": "integer", "minimum": 0, "maximum": 999_999, "default": POINTS,
    },
)  # fmt: skip
WITH = Query(
    "with",
    "The earlier period: `before` (just before), `year` (52 weeks earlier), or the date on which it"
    " begins; it is as long, and begins at the same hour of the county's day.",
    {"type": "string", "default": CHOICES[0]},
)
RANGE = (
    Query("from", f"Not more than {LONGEST.days} days before `to`; else a day.", _TIME),
    Query("to", "Else now.", _TIME),
)


def time_range(request: web.Request, *, default: timedelta) -> tuple[datetime, datetime]:
    """`from` and `to` of the query, RFC 3339.

    Raises:
        UserError: not times, backwards, or longer than LONGEST.
    """
    text = texts_of(request)
    now = parts(request).clock.now()
    try:
        until = _time(request.query.get("to")) or now
        since = _time(request.query.get("from")) or until - default
    except (ValueError, OverflowError):
        raise UserError(text.gettext("The times of the range cannot be understood.")) from None
    if not since < until:
        raise UserError(text.gettext("The range ends before it begins: swap its ends."))
    if until - since > LONGEST:
        raise UserError(
            text.ngettext(
                "The range is too long: at most %(n)s day can be shown.",
                "The range is too long: at most %(n)s days can be shown.",
                LONGEST.days,
            )
        )
    return since, until


def earlier_range(
    request: web.Request, since: datetime, until: datetime
) -> tuple[datetime, datetime]:
    """The period to compare with, by `with` of the query.

    Raises:
        UserError: it names no period, or one that is not earlier.
    """
    text = texts_of(request)
    try:
        return earlier(since, until, request.query.get("with", CHOICES[0]))
    except NotEarlierError:
        raise UserError(
            text.gettext("The period to compare with must begin on an earlier day.")
        ) from None
    except (ValueError, OverflowError):
        raise UserError(text.gettext("The times of the range cannot be understood.")) from None


def points_asked(request: web.Request) -> int:
    """`points` of the query, as many as a chart may have.

    Raises:
        UserError: no number.
    """
    given = request.query.get("points", str(POINTS))
    if not (given.isascii() and given.isdigit() and len(given) < 7):
        raise UserError(texts_of(request).gettext("This request cannot be understood."))
    return max(2, min(int(given), MOST_POINTS))


def _time(given: str | None) -> datetime | None:
    if given is None:
        return None
    at = datetime.fromisoformat(given)
    if at.tzinfo is None or not 1970 <= at.year <= 2200:
        raise ValueError(given)
    return at


def metrics_asked(request: web.Request, *, default: str = "") -> list[str]:
    """`metrics` of the query, each once.

    Raises:
        UserError: none, or one that is not in the catalogue.
    """
    given = request.query.get("metrics", default).split(",")
    metrics = list(dict.fromkeys(name for name in given if name))
    if not metrics or any(catalogue().get(name) is None for name in metrics):
        raise UserError(texts_of(request).gettext("There is no such measurement."))
    return metrics


async def charted(
    request: web.Request,
    connection: Connection,
    pseudonym: str,
    since: datetime,
    until: datetime,
    what: dict[str, object],
) -> Subject:
    """Whose chart is asked for, the look being on record."""
    member, shared = caller(request), parts(request)
    subject = await find_subject(connection, pseudonym)
    await record_looks(
        connection,
        [(member.id, subject.id)],
        what="trends",
        wall=shared.wall(),
        detail={**what, "from": since.isoformat(), "to": until.isoformat()},
        purpose=purpose_of(member),
    )
    return subject


def subject_asked(request: web.Request) -> str:
    """Whose: the pseudonym of the query."""
    return request.query.get("subject", "")
