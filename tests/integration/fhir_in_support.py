"""An installation that takes Observations in, and what is brought to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from tests.integration.fhir_support import Api, Identity, fhir_api
from tests.integration.web_support import NOW, County, county

WRITE = "user/*.crs"
AT = (NOW - timedelta(minutes=5)).isoformat()


@dataclass
class Served:
    place: County
    identity: Identity
    session: aiohttp.ClientSession
    aino: str

    def api(self, username: str = "nurse", scope: str = WRITE, **claims: Any) -> Api:
        return Api(self.session, self.identity.token(username, scope, **claims))

    def observation(
        self, loinc: str = "8867-4", value: float = 61.5, **more: Any
    ) -> dict[str, Any]:
        return {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
            "subject": {"reference": f"Patient/{self.aino}"},
            "effectiveDateTime": AT,
            "device": {"identifier": {"system": "urn:saimi:device", "value": "gw-1/monitor-1"}},
            "valueQuantity": {
                "value": value, "system": "http://unitsofmeasure.org", "code": "/min",
            },
        } | more  # fmt: skip

    async def have_both_in_care(self, username: str) -> None:
        """Put a member of Aino's team on Berta's as well."""
        await self.place.connection.execute(
            "INSERT INTO registry.team_member SELECT t.id, m.id FROM registry.team t,"
            " registry.member m WHERE t.name = 'Lappeenranta team' AND m.username = $1",
            username,
        )

    async def readings(self) -> list[tuple[Any, ...]]:
        return await stored(self.place.connection)


async def stored(connection: asyncpg.Connection) -> list[tuple[Any, ...]]:
    """What is stored, by names that are the same on every installation."""
    rows = await connection.fetch(
        "SELECT coalesce(c.reference, s.kind), g.name, d.name, m.name, m.unit, r.time, r.value,"
        " r.qualifier, r.state FROM telemetry.reading r"
        " JOIN telemetry.metric m ON m.id = r.metric JOIN registry.subject s ON s.id = r.subject"
        " LEFT JOIN registry.client c ON c.subject = s.id"
        " JOIN registry.device d ON d.id = r.device JOIN registry.gateway g ON g.id = d.gateway"
        " ORDER BY m.name, r.time, d.name"
    )
    return [tuple(row) for row in rows]


@asynccontextmanager
async def installation(url: str, folder: Path) -> AsyncIterator[Served]:
    identity = Identity(folder)
    async with county(url) as place, fhir_api(place, identity) as session:
        yield Served(place, identity, session, await place.pseudonym("aino"))


def entries(*observations: dict[str, Any]) -> list[dict[str, Any]]:
    request = {"method": "POST", "url": "Observation"}
    return [{"resource": one, "request": request} for one in observations]
