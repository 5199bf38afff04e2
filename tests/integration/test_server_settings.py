"""What a county's server is set to, by a server that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.database import connect
from tests.support.databases import postgres_server
from tests.support.server_settings import read_settings

_CONF = Path(__file__).resolve().parents[2] / "deploy" / "postgresql" / "saimi.conf"


async def test_a_server_takes_every_setting_that_a_county_is_told(tmp_path: Path) -> None:
    wanted = read_settings(_CONF)
    assert len(wanted) > 5
    with postgres_server("timescaledb", tmp_path, wanted) as server:
        connection = await connect(server.url)
        try:
            for name, value in wanted.items():
                equal = "SELECT pg_size_bytes(current_setting($1)) = pg_size_bytes($2)"
                if value.endswith(("GB", "kB")):
                    assert await connection.fetchval(equal, name, value), name
                else:
                    assert await connection.fetchval("SELECT current_setting($1)", name) == value
        finally:
            await connection.close()


def test_a_line_that_is_no_setting_is_named(tmp_path: Path) -> None:
    conf = tmp_path / "saimi.conf"
    conf.write_text("jit = off\nshared_buffers 4GB\n")
    with pytest.raises(ValueError, match="'shared_buffers 4GB' is no setting"):
        read_settings(conf)
