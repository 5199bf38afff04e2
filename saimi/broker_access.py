"""Who may do what at the county's broker: Mosquitto's dynamic security plugin, spoken to over MQTT.

A gateway may write under `saimi/v1/<itself>/` but not under its `down/`, and read its `down/`
alone. Ingest reads everything of Saimi's and writes `down/` alone; who delivers messages to people
writes `down/message` and reads nothing. Everything else is denied, and
so is everything to a client that was deleted: with it goes its connection.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import queue
import secrets
import ssl
from collections.abc import Sequence
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from core.broker import BrokerAddress
from core.errors import BrokerAccessError
from core.wire import PREFIX

INGEST = "saimi-ingest"
DELIVER = "saimi-deliver"
ADMIN = "saimi-admin"
_CONTROL = "$CONTROL/dynamic-security/v1"
_PATIENCE_S = 10.0
# The plugin's own number; our passwords are 192 random bits, which no number of rounds betters.
_ITERATIONS = 101
_MISSING = ("not found", "does not exist")

Command = dict[str, Any]


def new_password() -> str:
    """192 random bits, as 32 characters that need no quoting anywhere."""
    return secrets.token_urlsafe(24)


def gateway_rules(gateway: str) -> list[dict[str, Any]]:
    """The access rules of one gateway, as the plugin writes them."""
    own = f"{PREFIX}/{gateway}"
    return [
        # A client needs the higher number to win; without a rule it is denied.
        _rule("publishClientSend", f"{own}/down/#", allow=False, priority=10),
        _rule("publishClientSend", f"{own}/#"),
        _rule("subscribePattern", f"{own}/down/#"),
        _rule("publishClientReceive", f"{own}/down/#"),
    ]


def ingest_rules() -> list[dict[str, Any]]:
    """The access rules of ingest, of `saimi doctor` too."""
    return [
        _rule("publishClientSend", f"{PREFIX}/+/down/#"),
        _rule("subscribePattern", f"{PREFIX}/#"),
        _rule("subscribePattern", f"$share/+/{PREFIX}/#"),
        _rule("publishClientReceive", f"{PREFIX}/#"),
        _rule("subscribePattern", "$SYS/broker/#"),
        _rule("publishClientReceive", "$SYS/broker/#"),
    ]


def deliver_rules() -> list[dict[str, Any]]:
    """The access rules of who says at home that help is coming."""
    return [_rule("publishClientSend", f"{PREFIX}/+/down/message")]


def admission(gateway: str, password: str | None) -> list[Command]:
    """Commands that let a gateway in; `password` None: it comes with a certificate."""
    role = _role(gateway)
    client: Command = {
        "command": "createClient",
        "username": gateway,
        "roles": [{"rolename": role}],
    }
    if password is not None:
        client["password"] = password
    return [
        {"command": "createRole", "rolename": role, "acls": gateway_rules(gateway)},
        client,
    ]


def expulsion(gateway: str) -> list[Command]:
    """Commands that end a gateway's connection and leave it without any right."""
    return [
        {"command": "deleteClient", "username": gateway},
        {"command": "deleteRole", "rolename": _role(gateway)},
    ]


def new_access_file(admin_password: str, ingest_password: str, deliver_password: str) -> str:
    """The plugin's file of a broker that knows the administrator, ingest and who delivers, and no
    gateway yet."""
    return json.dumps(
        {
            "defaultACLAccess": {
                "publishClientSend": False,
                "publishClientReceive": False,
                "subscribe": False,
                "unsubscribe": True,
            },
            "clients": [
                _client(ADMIN, admin_password, "admin"),
                _client(INGEST, ingest_password, "ingest"),
                _client(DELIVER, deliver_password, "deliver"),
            ],
            "groups": [],
            "roles": [
                {
                    "rolename": "admin",
                    "acls": [
                        _rule(kind, "$CONTROL/dynamic-security/#")
                        for kind in (
                            "publishClientSend",
                            "publishClientReceive",
                            "subscribePattern",
                        )
                    ],
                },
                {"rolename": "ingest", "acls": ingest_rules()},
                {"rolename": "deliver", "acls": deliver_rules()},
            ],
        },
        indent=2,
    )


def control(url: str, commands: Sequence[Command], *, again: bool = False) -> None:
    """Have the broker at `url` (of the administrator) carry out `commands`, in order.

    With `again`, deleting what is not there and creating what is are no errors.

    Raises:
        BrokerAccessError: the broker is away, does not let us in, or refuses.
        SettingsError: `url` is no MQTT address.
    """
    address = BrokerAddress.parse(url)
    answers: queue.Queue[bytes | str] = queue.Queue()
    client = _client_for(address, answers, json.dumps({"commands": list(commands)}))
    try:
        try:
            client.connect(address.host, address.port, keepalive=30)
        except (OSError, ssl.SSLError) as error:
            raise BrokerAccessError(
                f"The broker at {address} cannot be reached ({error}), so its access rules were "
                "not changed; run the same command again once it is there."
            ) from error
        client.loop_start()
        try:
            answer = answers.get(timeout=_PATIENCE_S)
        except queue.Empty:
            answer = f"it gave no answer within {_PATIENCE_S:.0f} s"
    finally:
        client.disconnect()
        client.loop_stop()
    if isinstance(answer, str):
        raise BrokerAccessError(
            f"The broker at {address} did not change its access rules: {answer}. Look at "
            "SAIMI_BROKER_ADMIN_URL, and whether its dynamic security plugin is loaded."
        )
    _check(address, answer, again)


def _client_for(
    address: BrokerAddress, answers: queue.Queue[bytes | str], request: str
) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    address.introduce(client)

    def connected(
        client: mqtt.Client, _d: object, _f: mqtt.ConnectFlags, code: ReasonCode, _p: object
    ) -> None:
        if code.is_failure:
            answers.put(f"it answered {str(code).lower()!r}")
        else:
            client.subscribe(f"{_CONTROL}/response", 1)

    def subscribed(
        client: mqtt.Client, _d: object, _m: int, codes: list[ReasonCode], _p: Properties | None
    ) -> None:
        if any(code.is_failure for code in codes):
            answers.put("this user may not administer it")
        elif client.publish(_CONTROL, request, 1).rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            answers.put("the request could not be sent")

    def received(_c: mqtt.Client, _d: object, message: mqtt.MQTTMessage) -> None:
        answers.put(bytes(message.payload))

    client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, received
    return client


def _check(address: BrokerAddress, answer: bytes, again: bool) -> None:
    try:
        responses = json.loads(answer)["responses"]
        errors = [one["error"] for one in responses if "error" in one]
    except (ValueError, KeyError, TypeError) as error:
        raise BrokerAccessError(f"The broker at {address} gave an unreadable answer.") from error
    for told in errors:
        known = str(told).lower()
        if not (again and ("already exists" in known or any(one in known for one in _MISSING))):
            raise BrokerAccessError(
                f"The broker at {address} refused a change of its access rules: {told}."
            )


def _role(gateway: str) -> str:
    return f"gateway-{gateway}"


def _rule(kind: str, topic: str, *, allow: bool = True, priority: int = 0) -> dict[str, Any]:
    return {"acltype": kind, "topic": topic, "priority": priority, "allow": allow}


def _client(name: str, password: str, role: str) -> dict[str, Any]:
    salt = os.urandom(12)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return {
        "username": name,
        "password": base64.b64encode(key).decode(),
        "salt": base64.b64encode(salt).decode(),
        "iterations": _ITERATIONS,
        "roles": [{"rolename": role}],
    }
