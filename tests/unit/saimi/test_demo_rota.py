"""The made-up county's rota: somebody is on duty for every team, whenever it is started."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.routing.rota import gaps, shifts
from gateway_sim.county import County
from saimi.demo import demo_rota


@pytest.mark.parametrize("hour", range(0, 24, 3))
@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24", "2026-12-24"])
def test_nobody_is_without_a_nurse_for_a_year(day: str, hour: int) -> None:
    now = datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)
    rota = demo_rota(now)
    document = County(7, 1).document()
    assert set(rota.teams) == {team.name for team in document.teams}
    assert set(rota.members) < {member.username for member in document.members}
    assert gaps(shifts(rota), rota.teams, now, now + timedelta(days=365)) == []
