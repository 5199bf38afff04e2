"""The channels in force: by what each severity goes, as the desk set it last, else as it ships."""

from __future__ import annotations

from typing import Any

import msgspec
import structlog

from alerts.decided import read_routing
from alerts.delivery.channels import ByUrgency, Policy, Ways, check_policy
from alerts.finding import Severity
from core.database import Connection
from core.errors import SettingsError

_log = structlog.get_logger()
_Channels = dict[str, Ways]


class PolicyInForce:
    """A policy of which the desk may change by what each severity goes."""

    def __init__(self, shipped: Policy) -> None:
        self._shipped = shipped
        self._text = ""
        self.policy = shipped

    async def look(self, connection: Connection) -> Policy:
        """The policy in force now. It fails open: where it cannot be used, what ships is."""
        _, text = await read_routing(connection)
        if text != self._text:
            self._text = text
            try:
                document = msgspec.json.decode(text) if text else {}
                self.policy = with_channels(self._shipped, document.get("channels"))
            except SettingsError as error:
                self.policy = self._shipped
                _log.error("channels of the desk are not in force", why=str(error))
        return self.policy


def with_channels(policy: Policy, channels: Any) -> Policy:
    """A policy with the desk's ways for each severity; None: as it is.

    Raises:
        SettingsError: they contradict themselves, or this version cannot use them; says why.
    """
    if channels is None:
        return policy
    try:
        ways = msgspec.convert(channels, _Channels)
    except msgspec.ValidationError as error:
        raise SettingsError(f"The channels of the desk cannot be used: {error}.") from error
    wanted = {severity.name.lower(): str(int(severity)) for severity in Severity}
    if ways.keys() != wanted.keys():
        raise SettingsError("The channels of the desk must be said for each severity.")
    severities: dict[str, ByUrgency] = {
        wanted[name]: msgspec.structs.replace(
            policy.severities[wanted[name]],
            kinds=way.kinds, at_once=way.at_once, quiet=way.quiet,
        )
        for name, way in ways.items()
    }  # fmt: skip
    changed = msgspec.structs.replace(policy, severities=severities)
    check_policy(changed)
    return changed
