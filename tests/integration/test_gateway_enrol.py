"""Enrolment at the command line, against a real database and the county's broker."""

from __future__ import annotations

import asyncio
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from core.broker import BrokerAddress
from core.settings import load_settings
from ingest.announced import MOST_DEVICES
from ingest.directory import Directory
from saimi.broker_probe import probe
from saimi.county_broker import county_configuration
from saimi.embedded.ports import LOOPBACK, free_port
from saimi.enrolment import revoke
from tests.integration.ingest_homes import NOW, line, pack, register, spo2
from tests.support.commands import Outcome, saimi
from tests.support.county import County, Mosquitto, as_this_user
from tests.support.mqtt import publish
from tests.support.waiting import wait_for


class Desk:
    """An operator's shell."""

    def __init__(self, database: str, county: County) -> None:
        self._settings = {
            "SAIMI_DATABASE_URL": database,
            "SAIMI_BROKER_ADMIN_URL": county.admin_url,
            "SAIMI_MQTT_CA": str(county.ca),
            "SAIMI_CA_DIR": str(county.folder),
        }

    def __call__(self, *arguments: str | Path) -> Outcome:
        return saimi("gateway", *arguments, "--json", settings=self._settings)

    def done(self, *arguments: str | Path) -> dict[str, Any]:
        outcome = self(*arguments)
        assert outcome.status == 0, outcome.err
        report: dict[str, Any] = outcome.report
        return report


@pytest.fixture
def county(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    with County(tmp_path / "county") as running:
        monkeypatch.setenv("SAIMI_MQTT_CA", str(running.ca))
        load_settings.cache_clear()
        yield running
    load_settings.cache_clear()


@pytest.fixture
def desk(plain_database_url: str, county: County) -> Desk:
    asyncio.run(register(plain_database_url))
    return Desk(plain_database_url, county)


def test_a_gateway_is_enrolled_once_and_revoked_for_good(
    desk: Desk, county: County, tmp_path: Path
) -> None:
    enrolled = desk.done(
        "enrol", "gw-new", "--home", "new", "--area", "a", "--device", "m:motion:x"
    )
    assert (enrolled["new"], enrolled["new_home"]) == (True, True)
    assert "MQTT 5" in probe(county.url("gw-new", enrolled["password"])).protocol
    assert enrolled["password"] not in (county.folder / "access.json").read_text()

    again = desk.done("enrol", "gw-new", "--home", "new")
    assert "password" not in again
    assert not again["new"]
    probe(county.url("gw-new", enrolled["password"]))

    certified = desk.done("enrol", "gw-c", "--home", "new", "--certificate", tmp_path / "c")
    assert stat.S_IMODE(Path(certified["key"]).stat().st_mode) == 0o600

    desk.done("revoke", "gw-new", "--reason", "stolen")
    desk.done("revoke", "gw-new", "--reason", "again")
    with pytest.raises(Exception, match="does not take us"):
        probe(county.url("gw-new", enrolled["password"]))
    refused = desk("enrol", "gw-new", "--home", "new")
    assert (refused.status, "under another name" in refused.err) == (2, True)
    listed = {one["name"]: one for one in desk.done("list")["gateways"]}
    assert listed["gw-new"]["revoked_reason"] == "stolen"
    assert listed["gw-c"]["credential"] == "certificate"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("enrol", "a/b", "--home", "north"), "cannot be a gateway's name"),
        (("enrol", "saimi-ingest", "--home", "north"), "cannot be a gateway's name"),
        (("enrol", "g", "--home", "nowhere"), "say in which area"),
        (("enrol", "gw-north", "--home", "south"), "stands in home 'north' already"),
        (("enrol", "g", "--home", "north", "--device", "cuff"), "is no device"),
        (("enrol", "g", "--home", "north", "--bridge", "b.conf"), "--broker host:port"),
        (("revoke", "nobody", "--reason", "x"), "There is no gateway"),
        (("assign", "gw-north", "x:cuff", "--client", "nobody"), "No client 'nobody'"),
    ],
)
def test_a_mistake_is_one_sentence(
    plain_database_url: str, arguments: tuple[str, ...], sentence: str
) -> None:
    asyncio.run(register(plain_database_url))
    settings = {"SAIMI_DATABASE_URL": plain_database_url}
    outcome = saimi("gateway", *arguments, settings=settings)
    assert outcome.status == 2
    assert sentence in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
    assert outcome.out == ""


async def test_what_a_gateway_announces_is_bounded_and_assigned(plain_database_url: str) -> None:
    async with line(plain_database_url) as ingest:
        await ingest.send(pack(spo2(97, device="cuff 1")), pack(spo2(96, device="cuff 1")))
        settings = {"SAIMI_DATABASE_URL": plain_database_url}
        found = await asyncio.to_thread(
            saimi, "gateway", "devices", "gw-north", "--json", settings=settings
        )
        announced = found.report["announced"]
        assert [(one["device"], one["metrics"]) for one in announced] == [("cuff 1", ["spo2"])]
        done = await asyncio.to_thread(
            saimi, "gateway", "assign", "gw-north", "cuff 1:oximeter", "--client", "client-north",
            settings=settings,
        )  # fmt: skip
        assert done.status == 0, done.err
        count = "SELECT count(*) FROM telemetry.announced_device"
        assert await ingest.connection.fetchval(count) == 0
        for first in (0, MOST_DEVICES):
            await ingest.send(
                *(pack(spo2(97, device=f"d{first + n}")) for n in range(MOST_DEVICES - 1))
            )
        assert await ingest.connection.fetchval(count) == MOST_DEVICES
        await ingest.send(pack(spo2(97)), topic="gw-nobody/senml")
        await revoke(ingest.connection, "gw-north", reason="stolen", now=NOW)
        ingest.directory = Directory()  # ingest is told; this one only looks once
        await ingest.send(pack(spo2(97)))
        reasons = [one["reason"] for one in (await ingest.rejected())[-2:]]
        assert reasons == ["unknown_gateway", "revoked_gateway"]


def test_a_homes_bridge_loses_nothing_while_the_county_is_away(
    desk: Desk, county: County, tmp_path: Path
) -> None:
    bridge = tmp_path / "bridge.conf"
    desk.done("enrol", "gw-b", "--home", "north", "--bridge", bridge,
              "--broker", f"{LOOPBACK}:{county.port}")  # fmt: skip
    assert stat.S_IMODE(bridge.stat().st_mode) == 0o600
    home, port = tmp_path / "home", free_port()
    text = bridge.read_text().replace("listener 1883", f"listener {port}")
    text = text.replace("/etc/mosquitto/saimi/ca.crt", str(county.ca))
    text = text.replace("/var/lib/mosquitto/", f"{home}/")
    with Mosquitto(home, port, as_this_user(text)) as local, Inbox(county) as inbox:
        url = f"mqtt://{LOOPBACK}:{port}"
        publish(url, [("zigbee2mqtt/hall", b"0"), ("other/x", b"no")])
        wait_for(lambda: len(inbox.messages) >= 1, what="the first message")
        county.stop()
        publish(url, [("zigbee2mqtt/hall", str(n).encode()) for n in range(1, 200)])
        publish(url, [("tele/plug/SENSOR", b"t"), ("urgent/senml/button", b"u")])
        local.stop()  # in order: the queue is on disk
        local.start()
        county.start()
        wait_for(lambda: len(set(inbox.messages)) >= 202, within=40, what="what was kept")
    own = "saimi/v1/gw-b"
    assert set(inbox.messages) == {
        *((f"{own}/zigbee2mqtt/hall", str(n).encode()) for n in range(200)),
        (f"{own}/tasmota/tele/plug/SENSOR", b"t"),
        (f"{own}/senml/button", b"u"),  # by a connection of its own
    }


class Inbox:
    """Ingest at the county's broker, which comes back when the broker does."""

    def __init__(self, county: County) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self._county = county
        self._ready = threading.Event()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="ingest", clean_session=False
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("saimi/v1/#", 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda _c, _d, one: self.messages.append(
            (one.topic, bytes(one.payload))
        )

    def __enter__(self) -> Self:
        address = BrokerAddress.parse(self._county.ingest_url)
        address.introduce(self._client)
        self._client.connect(address.host, address.port)
        self._client.loop_start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def test_the_file_in_deploy_is_the_one_that_is_tested() -> None:
    root = Path(__file__).parents[2]
    shipped = (root / "deploy" / "mosquitto" / "mosquitto.conf").read_text()
    assert shipped == county_configuration()
