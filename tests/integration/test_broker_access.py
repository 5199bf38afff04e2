"""The county's broker by effect: real Mosquitto, deploy's configuration, TLS, the access rules."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from core.broker import BrokerAddress
from core.clock import wall_time
from core.errors import BrokerAccessError, BrokerError, SettingsError
from core.settings import load_settings
from saimi.broker_access import admission, control, expulsion
from saimi.broker_probe import probe
from saimi.certificates import Authority, create_authority, issue_gateway, load_authority
from saimi.denied import count_denied
from saimi.embedded.ports import LOOPBACK
from tests.support.county import County
from tests.support.waiting import wait_for

VERSIONS = pytest.mark.parametrize(
    "version", [MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5], ids=["3.1.1", "5"]
)
OWN = "saimi/v1/gw-1"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    with County(tmp_path_factory.mktemp("county") / "broker") as running:
        yield running


@pytest.fixture
def county(started: County, monkeypatch: pytest.MonkeyPatch) -> Iterator[County]:
    """With gateways gw-1 (password `one`), gw-2 (`two`) and gw-c (a certificate)."""
    monkeypatch.setenv("SAIMI_MQTT_CA", str(started.ca))
    load_settings.cache_clear()
    for name, password in (("gw-1", "one"), ("gw-2", "two"), ("gw-c", None)):
        control(started.admin_url, expulsion(name), again=True)
        control(started.admin_url, admission(name, password))
    yield started
    load_settings.cache_clear()


class Line:
    """A connected client that notes what it gets."""

    def __init__(self, client: mqtt.Client) -> None:
        self.client = client
        self.messages: list[str] = []
        self.codes: list[str] = []
        self.connected: list[bool] = []
        self.granted: list[bool] = []
        self.ended = 0
        client.on_connect = lambda _c, _d, _f, code, _p: self.connected.append(not code.is_failure)
        client.on_disconnect = lambda *_: setattr(self, "ended", self.ended + 1)
        client.on_subscribe = lambda _c, _d, _m, codes, _p: self.granted.append(
            not codes[0].is_failure
        )
        client.on_publish = lambda _c, _d, _m, code, _p: self.codes.append(str(code))
        client.on_message = lambda _c, _d, message: self.messages.append(message.topic)

    def subscribe(self, topic: str) -> bool:
        before, ended = len(self.granted), self.ended
        self.client.subscribe(topic, 1)
        wait_for(lambda: len(self.granted) > before or self.ended > ended, what="a SUBACK")
        return len(self.granted) > before and self.granted[-1]

    def publish(self, topic: str) -> str:
        """The reason code of the acknowledgement."""
        before = len(self.codes)
        self.client.publish(topic, b"x", 1)
        wait_for(lambda: len(self.codes) > before, what="a PUBACK")
        return self.codes[-1]


@contextmanager
def line(
    url: str, version: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5, name: str = ""
) -> Iterator[Line]:
    address = BrokerAddress.parse(url)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=version)
    address.introduce(client)
    with _running(client, address.host, address.port) as running:
        yield running


@contextmanager
def certified(county: County, certificate: Path, key: Path) -> Iterator[Line]:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set(ca_certs=str(county.ca), certfile=str(certificate), keyfile=str(key))
    with _running(client, LOOPBACK, county.certificate_port) as running:
        yield running


@contextmanager
def _running(client: mqtt.Client, host: str, port: int) -> Iterator[Line]:
    one = Line(client)
    client.reconnect_delay_set(1, 1)
    client.connect(host, port)
    client.loop_start()
    try:
        wait_for(lambda: one.connected or one.ended, what="an answer of the broker")
        yield one
    finally:
        client.disconnect()
        client.loop_stop()


@VERSIONS
def test_what_a_gateway_writes_outside_its_prefix_reaches_nobody_and_is_counted(
    county: County, version: MQTTProtocolVersion
) -> None:
    before = count_denied(county.log.splitlines())["gw-1"]
    # Mosquitto 2.0 ends the connection of whoever is denied; paho is back a second later.
    outside = ["saimi/v1/gw-2/senml", f"{OWN}/down/receipt", "$CONTROL/dynamic-security/v1"]
    with (
        line(county.ingest_url) as ingest,
        line(county.url("gw-2", "two")) as other,
        line(county.url("gw-1", "one"), version) as gateway,
    ):
        assert ingest.subscribe("saimi/v1/#")
        assert other.subscribe("saimi/v1/gw-2/down/#")
        codes = [gateway.publish(topic) for topic in outside]
        gateway.publish(f"{OWN}/senml")
        # Messages of one connection keep their order: whatever came through came before this.
        wait_for(lambda: ingest.messages, what="the gateway's own message")
        assert ingest.messages == [f"{OWN}/senml"]
        assert other.messages == []
    if version is MQTTProtocolVersion.MQTTv5:
        assert set(codes) == {"Not authorized"}
    assert count_denied(county.log.splitlines())["gw-1"] - before == len(outside)


@VERSIONS
def test_what_a_gateway_subscribes_outside_its_own_never_arrives(
    county: County, version: MQTTProtocolVersion
) -> None:
    with (
        line(county.url("gw-1", "one"), version) as gateway,
        line(county.url("gw-2", "two")) as other,
        line(county.ingest_url) as ingest,
    ):
        outside = ["#", "saimi/v1/#", "saimi/v1/+/down/#", "saimi/v1/gw-2/down/#", f"{OWN}/#",
                   "$share/a/saimi/v1/#", "$SYS/#"]  # fmt: skip
        assert [gateway.subscribe(topic) for topic in outside] == [False] * len(outside)
        assert gateway.subscribe(f"{OWN}/down/#")
        other.publish("saimi/v1/gw-2/senml")
        assert ingest.publish("saimi/v1/gw-2/down/receipt") != "Not authorized"
        ingest.publish(f"{OWN}/down/receipt")
        wait_for(lambda: gateway.messages, what="the receipt")
        assert gateway.messages == [f"{OWN}/down/receipt"]


def test_who_delivers_writes_messages_to_homes_and_nothing_else(county: County) -> None:
    with line(county.deliver_url) as deliver, line(county.url("gw-1", "one")) as gateway:
        assert gateway.subscribe(f"{OWN}/down/#")
        assert not deliver.subscribe("saimi/v1/#")
        assert deliver.publish(f"{OWN}/down/message") == "Success"
        wait_for(lambda: gateway.messages, what="the message")
        assert gateway.messages == [f"{OWN}/down/message"]
        assert deliver.publish(f"{OWN}/down/receipt") == "Not authorized"
    # A gateway writes to nobody's home, its own included.
    with line(county.url("gw-1", "one")) as gateway, line(county.url("gw-2", "two")) as other:
        assert other.subscribe("saimi/v1/gw-2/down/#")
        assert gateway.publish("saimi/v1/gw-2/down/message") == "Not authorized"
        assert other.messages == []


def test_ingest_may_share_its_subscription_and_write_down_alone(county: County) -> None:
    with line(county.ingest_url) as ingest, line(county.url("gw-1", "one")) as gateway:
        assert ingest.subscribe("$share/ingest/saimi/v1/+/#")
        gateway.publish(f"{OWN}/senml/urgent")
        wait_for(lambda: ingest.messages, what="the gateway's message")
        assert ingest.messages == [f"{OWN}/senml/urgent"]
        assert not ingest.subscribe("#")
        assert ingest.publish(f"{OWN}/senml") == "Not authorized"


@VERSIONS
def test_a_revoked_gateway_is_cut_off_at_once_and_stays_out(
    county: County, version: MQTTProtocolVersion
) -> None:
    with line(county.url("gw-1", "one"), version) as gateway:
        control(county.admin_url, expulsion("gw-1"))
        wait_for(lambda: gateway.ended, what="the end of the connection")
        wait_for(lambda: False in gateway.connected, what="a refused return")
        assert gateway.connected[0]
        assert not any(gateway.connected[1:])


@pytest.mark.parametrize(("user", "password"), [("gw-1", "two"), ("gw-1", ""), ("nobody", "one")])
def test_a_wrong_password_is_refused(county: County, user: str, password: str) -> None:
    with line(county.url(user, password)) as one:
        assert not any(one.connected)


def test_nobody_unnamed_comes_in(county: County) -> None:
    with line(f"mqtts://{LOOPBACK}:{county.port}") as one:
        assert not any(one.connected)
    with pytest.raises(BrokerError):  # in clear
        probe(f"mqtt://gw-1:one@{LOOPBACK}:{county.port}")


def test_a_certificates_name_is_the_gateway(county: County, tmp_path: Path) -> None:
    authority = load_authority(county.folder)
    paths = issue_gateway(authority, "gw-c", tmp_path, wall_time())
    with line(county.ingest_url) as ingest, certified(county, *paths) as gateway:
        assert ingest.subscribe("saimi/v1/#")
        assert gateway.publish("saimi/v1/gw-1/senml") == "Not authorized"
        gateway.publish("saimi/v1/gw-c/senml")
        wait_for(lambda: ingest.messages, what="the gateway's own message")
        assert ingest.messages == ["saimi/v1/gw-c/senml"]


def test_a_revoked_certificate_is_cut_off_and_can_do_nothing_any_more(
    county: County, tmp_path: Path
) -> None:
    paths = issue_gateway(load_authority(county.folder), "gw-c", tmp_path, wall_time())
    with line(county.ingest_url) as ingest, certified(county, *paths) as gateway:
        assert ingest.subscribe("saimi/v1/#")
        control(county.admin_url, expulsion("gw-c"))
        wait_for(lambda: gateway.ended, what="the end of the connection")
        with certified(county, *paths) as again, line(county.url("gw-1", "one")) as witness:
            # Mosquitto takes the certificate for a name; the name has no rights.
            if any(again.connected):
                assert again.publish("saimi/v1/gw-c/senml") == "Not authorized"
            with certified(county, *paths) as reader:
                assert not reader.subscribe("saimi/v1/gw-c/down/#")
            witness.publish(f"{OWN}/senml")
            wait_for(lambda: ingest.messages, what="the witness's message")
            assert ingest.messages == [f"{OWN}/senml"]


@pytest.mark.parametrize("wrong", ["expired", "foreign"])
def test_an_expired_or_foreign_certificate_is_refused(
    county: County, tmp_path: Path, wrong: str
) -> None:
    now = wall_time()
    authority: Authority = load_authority(county.folder)
    if wrong == "expired":
        now -= timedelta(days=10)
    else:
        authority = create_authority(tmp_path / "foreign", now)
    paths = issue_gateway(authority, "gw-c", tmp_path, now, days=1)
    try:
        with certified(county, *paths) as one:
            assert not any(one.connected)
    except (ssl.SSLError, ConnectionError):
        pass  # refused in the handshake already


def test_the_brokers_own_certificate_is_checked(
    county: County, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "MQTT 5" in probe(county.ingest_url).protocol
    create_authority(tmp_path / "foreign", wall_time())
    monkeypatch.setenv("SAIMI_MQTT_CA", str(tmp_path / "foreign" / "ca.crt"))
    load_settings.cache_clear()
    with pytest.raises(BrokerError):
        probe(county.ingest_url)
    with pytest.raises(BrokerAccessError, match="run the same command again"):
        control(county.admin_url, expulsion("gw-1"))
    monkeypatch.setenv("SAIMI_MQTT_CA", str(tmp_path / "nothing"))
    load_settings.cache_clear()
    with pytest.raises(SettingsError, match="SAIMI_MQTT_CA"):
        probe(county.ingest_url)


def test_only_the_administrator_changes_the_rules(county: County) -> None:
    for url in (county.ingest_url, county.url("gw-1", "one")):
        with pytest.raises(BrokerAccessError, match="may not administer"):
            control(url, expulsion("gw-2"))
