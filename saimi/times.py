"""Times that people write on the command line."""

from __future__ import annotations

from datetime import datetime, tzinfo

from core.clock import LOCAL
from core.errors import UserError


def parse_time(option: str, text: str, zone: tzinfo = LOCAL) -> datetime:
    """A time; one without zone is read in `zone`.

    Raises:
        UserError: it is none; names `option`.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"{option} {text} is no time: write it as 2019-04-01 or 2019-04-01T12:00."
        ) from None
    return time if time.tzinfo is not None else time.replace(tzinfo=zone)
