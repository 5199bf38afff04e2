"""The routing values in force: as the desk set them last, else those that ship."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NoReturn

import msgspec
import structlog

from alerts.decided import read_routing
from alerts.routing.values import Fault, RoutingError, Values, check_values, shipped_values
from core.database import Connection

_log = structlog.get_logger()
_PARTS = ("service", "severity", "working_hours", "neighbours", "travel")


async def values_in_force(connection: Connection) -> Values:
    """Those in force now. It fails open: where they cannot be used, those that ship are."""
    _, text = await read_routing(connection)
    return _values(text) if text else shipped_values()


def decided_values(document: Any) -> Values:
    """The values of what the desk sets.

    Raises:
        RoutingError: they contradict themselves, or this version cannot use them; says why.
    """
    if not isinstance(document, dict):
        raise RoutingError("The routing of the desk is no document.")
    return check_values({name: document.get(name) for name in _PARTS}, _refuse)


@lru_cache(maxsize=8)
def _values(text: str) -> Values:
    try:
        return decided_values(msgspec.json.decode(text))
    except RoutingError as error:
        _log.error("routing of the desk is not in force", why=str(error))
        return shipped_values()


def _refuse(section: str, key: str, why: str, fault: Fault | None = None) -> NoReturn:
    where = f"{section}, " if section else ""
    error = RoutingError(f"{where}{key}: {why}. Nothing of this routing is in force: correct it.")
    error.fault = fault
    raise error
