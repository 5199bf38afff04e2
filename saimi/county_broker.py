"""The configuration of the county's Mosquitto and of a home's, as text.

    8883  user and password over TLS: gateways, ingest, the administrator
    8884  a client certificate of the county's authority; its common name is the user

The same limits as the embedded broker's. `deploy/` has these files for the packaged paths.
"""

from __future__ import annotations

from typing import NamedTuple

from core.wire import PREFIX
from saimi.embedded.broker import keeping

PLUGIN = "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so"
HOME_QUEUE_BYTES = 256 * 1024 * 1024
"""What a home's broker keeps while the line is away: weeks of an ordinary home."""
_NOTHING = '""'
_TOPICS = (
    # What a program publishes at home, what of it is cut off, and its source at Saimi.
    ("#", "zigbee2mqtt/", "zigbee2mqtt"),
    ("homeassistant/#", "", "homeassistant"),
    ("+/+/+/state", "", "homeassistant"),  # where ESPHome publishes what it announced
    ("#", "spBv1.0/", "sparkplug"),
    ("shellies/#", "", "shelly"),
    ("+/events/rpc", "", "shelly"),
    ("+/status/+", "", "shelly"),
    ("tele/#", "", "tasmota"),
    ("stat/#", "", "tasmota"),
    ("tasmota/discovery/#", "", "tasmota"),
    ("#", "home/", "theengs"),
    ("#", "ruuvi/", "ruuvi"),
    ("#", "gatt/", "gatt"),
    ("#", "fhir/", "fhir"),
    # Saimi's own format.
    ("#", "saimi/senml/", "senml"),
)


class Places(NamedTuple):
    """Where the county's broker finds its files, and where it listens."""

    certificates: str = "/etc/mosquitto/saimi"
    """ca.crt, server.crt and server.key."""
    access: str = "/var/lib/mosquitto/dynamic-security.json"
    """The plugin writes it, so it is with the data."""
    data: str = "/var/lib/mosquitto"
    plugin: str = PLUGIN
    address: str = "0.0.0.0"  # noqa: S104 - homes come from outside
    password_port: int = 8883
    certificate_port: int = 8884


def county_configuration(places: Places = Places()) -> str:  # noqa: B008 - an immutable tuple
    """mosquitto.conf(5) of the county's broker."""
    tls = (
        f"cafile {places.certificates}/ca.crt",
        f"certfile {places.certificates}/server.crt",
        f"keyfile {places.certificates}/server.key",
        "tls_version tlsv1.2",
    )
    lines = (
        "# Made by `saimi gateway broker`. The county's broker: TLS only, nobody unnamed.",
        "allow_anonymous false",
        f"plugin {places.plugin}",
        f"plugin_opt_config_file {places.access}",
        "",
        f"listener {places.password_port} {places.address}",
        *tls,
        "",
        f"listener {places.certificate_port} {places.address}",
        *tls,
        "require_certificate true",
        "use_identity_as_username true",
        "",
        *keeping(places.data),
        "",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_type information",
        "# What is denied is logged at this level alone; `saimi gateway denied` counts it.",
        "log_type debug",
        "connection_messages true",
    )
    return "\n".join(lines) + "\n"


class Credentials(NamedTuple):
    """How a home's bridge shows who it is: a password, or the paths of certificate and key."""

    password: str | None = None
    certificate: str | None = None
    key: str | None = None


def bridge_configuration(
    gateway: str,
    address: str,
    credentials: Credentials,
    *,
    ca: str = "/etc/mosquitto/saimi/ca.crt",
    data: str = "/var/lib/mosquitto",
    port: int = 1883,
) -> str:
    """mosquitto.conf(5) of the Mosquitto in a home, which forwards as `gateway`.

    `address` is `host:port` of the county's broker. Programs in the home publish to 127.0.0.1 on
    `port` and nothing in them changes. What cannot be sent is kept on disk and sent in order.
    """
    own = f"{PREFIX}/{gateway}"
    lines = [
        f"# Made by `saimi gateway enrol` for {gateway}. It holds a secret: mode 0600.",
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "persistence true",
        f"persistence_location {data.rstrip('/')}/",
        "# What came since the last save is lost in a power cut, so it saves often.",
        "autosave_interval 1",
        "autosave_on_changes true",
        "max_queued_messages 0",
        f"max_queued_bytes {HOME_QUEUE_BYTES}",
        "queue_qos0_messages true",
        "# What programs publish at QoS 0 goes on at QoS 1 from here.",
        "upgrade_outgoing_qos true",
        "",
        *_connection(gateway, gateway, address, credentials, ca),
    ]
    lines += ["", "# What a program publishes as zigbee2mqtt/… arrives as …/zigbee2mqtt/…"]
    lines += [
        f"topic {pattern} out 1 {cut or _NOTHING} {own}/{source}/"
        for pattern, cut, source in _TOPICS
    ]
    lines += [
        f"topic status out 1 saimi/ {own}/",
        f"topic down/# in 1 saimi/ {own}/",
        "",
        "# Calls for help do not wait in the queue of the rest; urgent/senml/… arrives as senml/….",
        *_connection(f"{gateway}-urgent", gateway, address, credentials, ca),
        f"topic # out 1 urgent/ {own}/",
    ]
    return "\n".join(lines) + "\n"


def _connection(
    name: str, gateway: str, address: str, credentials: Credentials, ca: str
) -> list[str]:
    """A bridge to the county's broker, with a queue of its own."""
    lines = [
        f"connection saimi-{name}",
        f"address {address}",
        f"remote_clientid {name}",
        f"bridge_cafile {ca}",
        "bridge_protocol_version mqttv311",
        "cleansession false",
        "restart_timeout 1 30",
        "notifications false",
        "try_private false",
    ]
    if credentials.password is not None:
        lines += [f"remote_username {gateway}", f"remote_password {credentials.password}"]
    else:
        lines += [f"bridge_certfile {credentials.certificate}", f"bridge_keyfile {credentials.key}"]
    return lines
