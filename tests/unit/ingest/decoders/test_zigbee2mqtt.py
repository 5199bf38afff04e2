"""zigbee2mqtt: what each known definition means, and what must be understood without one."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.catalogue import catalogue
from ingest.decoders.record import MAX_RECORDS, Decoded, DecodeError
from ingest.decoders.zigbee2mqtt import decode
from tests.support.recordings import cases

ARRIVAL = 1_780_000_000.0
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Home:
    """One gateway's zigbee2mqtt, with what it has told."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}

    def hears(self, rest: str, payload: Any) -> Decoded:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        decoded = decode(rest, raw, ARRIVAL, self.definitions)
        for key, value in decoded.learned.items():
            if value is None:
                self.definitions.pop(key, None)
            else:
                self.definitions[key] = json.loads(json.dumps(value))  # as it comes back from disk
        assert decoded.records or decoded.nothing
        for record in decoded.records:
            metric = catalogue()[record.channel.metric]
            assert metric.conversion(record.channel.unit) is not None
        return decoded

    def reads(self, rest: str, payload: Any) -> dict[tuple[str, str], Any]:
        return {
            (record.channel.device, record.channel.metric): record.value
            for record in self.hears(rest, payload).records
        }

    def has(self, *devices: dict[str, Any]) -> None:
        self.hears("bridge/devices", list(devices))


def device(name: str, *exposes: dict[str, Any], **entry: Any) -> dict[str, Any]:
    about = entry.pop("description", "A device")
    return {
        "ieee_address": entry.pop("ieee", "0x00158d0001234567"),
        "friendly_name": name,
        "definition": {"model": "M", "vendor": "V", "description": about, "exposes": exposes},
        **entry,
    }


def number(name: str, unit: str | None = None) -> dict[str, Any]:
    return {"type": "numeric", "name": name, "property": name, "access": 1, "unit": unit}


def binary(name: str, on: Any = True, off: Any = False, access: int = 1) -> dict[str, Any]:
    said = {"type": "binary", "name": name, "property": name, "access": access}
    return {**said, "value_on": on, "value_off": off}


def enum(name: str, *values: str, access: int = 1) -> dict[str, Any]:
    said = {"type": "enum", "name": name, "property": name, "access": access}
    return {**said, "values": list(values)}


def flat(exposes: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for one in exposes:
        if one["type"] != "composite" and "features" in one:
            found |= flat(one["features"])
        else:
            found[one["property"]] = one
    return found


MEANT = {
    "fall": ("fall",), "sos": ("help",), "bed": ("bed",), "presence-mmwave": ("presence",),
    "pir": ("motion", "presence"), "contact": ("door",), "leak": ("water_leak",),
    "smoke": ("smoke",), "co-gas": ("carbon_monoxide", "gas"), "vibration": ("vibration",),
    "temphum": ("room_temperature",), "co2-air": ("carbon_dioxide",), "plug": ("power",),
    "lock": ("lock",), "thermostat": ("room_temperature",),
}  # fmt: skip
OTHERWISE = {
    # The words that found these are settings of theirs, or of what the device does, not senses.
    "fall": {"HS2NLV", "VZM30-SN", "VZM31-SN", "VZM32-SN", "VZM35-SN", "MFKZQ01LM", "SBDV-00197",
             "SBDV-00200", "Neptun.Smart", "EZ-104UPT", "MFP-UP"},
    "co-gas": {"MiCASAGasCounter", "ZHEMI101"},  # gas in cubic metres: a bill, no alarm
    "lock": {"ZB-ZL01", "SG-V100-ZB"},  # a number without a meaning; a gas valve's switch
    "vibration": {"F00MB00-04-1", "Senoro.Win v2"},  # a setting; a number without a meaning
}  # fmt: skip
"""Models that the data files under a category whose metric they cannot tell."""
TELLS = {
    "fall": {"status": "falling", "fall_status": "fall_alarm", "fall_down_status": "fall"},
    "bed": {"pressure_state": "sit"},
    "lock": {"lock_state": "unlocked", "state": "UNLOCK"},
}  # fmt: skip


def telling(category: str, exposes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A state in which everything yes-or-no is on, and enums say what the category is about."""
    state: dict[str, Any] = {}
    for name, one in exposes.items():
        if one["type"] == "binary":
            state[name] = one["value_on"]
        elif one["type"] == "numeric":
            state[name] = "21.5"
        elif name == "action":
            calls = [v for v in one["values"] if v in ("emergency", "sos", "panic", "fall")]
            state[name] = calls[0] if calls else one["values"][0] if one["values"] else None
        if name in TELLS.get(category, {}):
            state[name] = TELLS[category][name]
    return state


@pytest.mark.parametrize("category", sorted(MEANT))
def test_each_known_definition_gives_the_metric_of_its_category(category: str) -> None:
    checked, wrong = 0, []
    for case in cases("zigbee2mqtt_exposes"):
        if case["expected"]["category"] != category:
            continue
        home = Home()
        definition = json.loads(case["payload"])
        home.has({"friendly_name": "it", "ieee_address": "0x1", "definition": definition})
        state = telling(category, flat(definition["exposes"]))
        got = {metric: value for (_, metric), value in home.reads("it", state).items()}
        told = [metric for metric in MEANT[category] if got.get(metric) in (1.0, 21.5)]
        if bool(told) == (definition["model"] in OTHERWISE.get(category, ())):
            wrong.append((definition["model"], definition["description"], got, state))
        checked += 1
    assert not wrong
    assert checked >= 4


def test_units_come_from_the_definition() -> None:
    units = {"°C": "Cel", "%": "%", "V": "V", "mV": "mV", "kPa": "kPa", "hPa": "hPa", "W": "W",
             "kWh": "kWh", "A": "A", "mA": "mA", "lx": "lx", "ppm": "[ppm]", "µg/m³": "ug/m3",
             "VOC Index points": "1", "breaths/min": "/min"}  # fmt: skip
    seen: set[str] = set()
    for case in cases("zigbee2mqtt_exposes"):
        definition = json.loads(case["payload"])
        home = Home()
        home.has({"friendly_name": "it", "definition": definition})
        for name, one in flat(definition["exposes"]).items():
            if one["type"] != "numeric":
                continue
            for record in home.hears("it", {name: 20}).records:
                assert record.channel.unit == units[one["unit"]], (definition["model"], name)
                seen.add(one["unit"])
    assert seen == set(units)


def test_a_definition_by_itself_is_understood_and_holds_for_devices_without_one() -> None:
    home = Home()
    lone = {"model": "M", "exposes": [number("voltage", "mV"), number("battery", "%")]}
    assert home.hears("bridge/devices", lone).nothing == "a definition"
    assert home.reads("Whatever", {"voltage": 3000}) == {("Whatever", "battery_voltage"): 3000.0}


def test_a_sensor_read_by_its_definition_with_the_time_it_spoke() -> None:
    home = Home()
    home.has(
        device("Keittiön anturi", number("temperature", "°C"), number("pressure", "kPa")),
        {"friendly_name": "Coordinator", "type": "Coordinator", "definition": None},
    )
    state = {"temperature": "21.5", "pressure": 100.1, "humidity": None, "linkquality": 88}
    for seen in ("2026-05-28T20:26:30.000Z", "2026-05-28T23:26:30+03:00", 1779999990000):
        records = home.hears("Keittiön anturi", state | {"last_seen": seen}).records
        assert [(*one.channel, one.value) for one in records] == [
            ("Keittiön anturi", "room_temperature", "Cel", 21.5),
            ("Keittiön anturi", "air_pressure", "kPa", 100.1),
        ]
        assert {(one.time, one.dated) for one in records} == {(1779999990.0, True)}
    for unset in ("1970-01-01T00:01:00Z", None, "soon", 1e300, -5, 10**30):
        for one in home.hears("Keittiön anturi", state | {"last_seen": unset}).records:
            assert (one.time, one.dated) == (ARRIVAL, False)


@pytest.mark.parametrize(
    ("property_", "words", "falls", "over", "unknown"),
    [
        ("status", ("occupied", "sitting", "falling"), "falling", "sitting", "asleep"),
        ("fall_status", ("normal", "fall_warning", "fall_alarm"), "fall_alarm", "normal",
         "fall_warning"),
        ("fall_down_status", ("none", "maybe_fall", "fall"), "fall", "none", "maybe_fall"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("defined", [True, False])
def test_a_fall_in_three_ways(
    property_: str, words: tuple[str, ...], falls: str, over: str, unknown: str, *, defined: bool
) -> None:
    home = Home()
    if defined:
        home.has(device("Radar", enum(property_, *words)))
    assert home.reads("Radar", {property_: falls})["Radar", "fall"] == 1.0
    expected = None if property_ == "status" and not defined else 0.0
    assert home.reads("Radar", {property_: over}).get(("Radar", "fall")) == expected
    assert ("Radar", "fall") not in home.reads("Radar", {property_: unknown})
    assert ("Radar", "fall") not in home.reads("Radar", {property_: None})


@pytest.mark.parametrize("value", [True, "true", "ON", 1, "1", "alarm", "Detected"])
@pytest.mark.parametrize(
    ("key", "metric"),
    [
        ("smoke", "smoke"), ("carbon_monoxide", "carbon_monoxide"), ("sos", "help"),
        ("co_alarm", "carbon_monoxide"), ("fall_detected", "fall"), ("smokeAlarm", "smoke"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("defined", ["never", "otherwise", "so"])
def test_an_alarm_is_never_missed(key: str, metric: str, value: Any, defined: str) -> None:
    home = Home()
    if defined == "otherwise":
        home.has(device("Hälytin", number("temperature", "°C")))
    if defined == "so" and key != "smokeAlarm":
        home.has(device("Hälytin", binary(key)))
    if key == "smokeAlarm" and not isinstance(value, (bool, str)):
        return  # a number under a name that nobody knows is no alarm
    assert home.reads("Hälytin", {key: value}) == {("Hälytin", metric): 1.0}


def test_settings_that_sound_like_alarms_are_none() -> None:
    home = Home()
    home.has(
        device("Lukko", binary("quick_sos_enabled", "ON", "OFF", access=7), number("gas", "m³"),
               binary("fall_detection", "ON", "OFF", access=7), binary("smoke_alarm_silenced"))
    )  # fmt: skip
    on = {"quick_sos_enabled": "ON", "gas": 3, "fall_detection": "ON", "smoke_alarm_silenced": True}
    assert home.reads("Lukko", on) == {}
    assert home.reads("Tuntematon", on | {"gas": None}) == {}


def test_a_self_test_is_not_smoke() -> None:
    home = Home()
    home.has(device("Palovaroitin", binary("smoke"), binary("test")))
    assert home.reads("Palovaroitin", {"smoke": False, "test": True}) == {
        ("Palovaroitin", "smoke"): 0.0,
        ("Palovaroitin", "self_test"): 1.0,
    }


@pytest.mark.parametrize("call", ["emergency", "sos", "panic", "help", "emergency_1", "hätä"])
def test_a_call_and_the_nothing_that_follows_it(call: str) -> None:
    home = Home()
    for _ in range(2):
        assert home.reads("Nappi", {"action": call}) == {("Nappi", "help"): 1.0}
        assert home.reads("Nappi", {"action": ""}) == home.reads("Nappi", {"action": None}) == {}
        home.has(device("Nappi", enum("action", "emergency", "sos")))
    assert home.reads("Nappi", {"action": "single"}) == {("Nappi", "button"): 1.0}
    assert home.reads("Nappi", {"action": "hold_release"}) == {("Nappi", "button"): 0.0}


def test_a_pad_in_the_bed_and_a_door() -> None:
    home = Home()
    home.has(
        device("Sänky", binary("contact", on=False, off=True), description="Sleeping pad monitor"),
        device("Patja", binary("pressure"), description="Pressure pad sensor"),
        device("Ovi", binary("contact", on=False, off=True), description="Bedroom door"),
    )
    assert home.reads("Sänky", {"contact": False}) == {("Sänky", "bed"): 1.0}
    assert home.reads("Patja", {"pressure": "true"}) == {("Patja", "bed"): 1.0}
    assert home.reads("Ovi", {"contact": False}) == {("Ovi", "door"): 1.0}
    assert home.reads("Ovi", {"contact": "true"}) == {("Ovi", "door"): 0.0}
    assert home.reads("Ovi", {"contact": 0}) == {("Ovi", "door"): 1.0}
    assert home.reads("Muu", {"contact": False}) == {("Muu", "door"): 1.0}


def test_what_is_no_measurement_is_left_out() -> None:
    home = Home()
    home.has(
        device("A", number("temperature", "°C"), number("battery", "%"), number("co2", "ppm"),
               binary("water_leak"), power_source="Battery"),
        device("B", number("battery", "%"), number("voltage", "V"), number("power", "W"),
               power_source="Mains (single phase)"),
    )  # fmt: skip
    marks = {"temperature": 3276.7, "battery": 127, "co2": 65535, "water_leak": None}
    assert home.reads("A", marks) == home.reads("A", {"temperature": "", "battery": "x"}) == {}
    assert home.reads("A", {"battery": 0}) == {("A", "battery"): 0.0}
    assert home.reads("B", {"battery": 0, "voltage": 231}) == {("B", "voltage"): 231.0}
    assert home.reads("C", {"battery": 0, "voltage": 231}) == {}


def test_a_lock_says_locked_and_the_metric_unlocked() -> None:
    home = Home()
    state = binary("state", "LOCK", "UNLOCK", access=7)
    home.has(device("Lukko", {"type": "lock", "features": [state]}))
    assert home.reads("Lukko", {"state": "UNLOCK"}) == {("Lukko", "lock"): 1.0}
    assert home.reads("Lukko", {"state": "LOCK"}) == {("Lukko", "lock"): 0.0}


def test_of_two_alarms_of_a_device_one_is_enough() -> None:
    said = {"smoke": False, "smoke_alarm": True, "fire": False}
    assert Home().reads("Savu", said) == {("Savu", "smoke"): 1.0}


def test_a_fall_under_a_name_that_nobody_knows() -> None:
    for said in ({"person_status": "falling"}, {"radar_state": "fall"}, {"action": "fall"}):
        assert Home().reads("Tutka", said) == {("Tutka", "fall"): 1.0}
    assert Home().reads("Ilmapuntari", {"pressure_tend": "fall"}) == {}


def test_two_relays_are_two_devices_and_one_endpoint_is_the_device() -> None:
    home = Home()
    relays = [
        {**binary(f"state_{end}", "ON", "OFF", 7), "name": "state", "endpoint": end}
        for end in ("l1", "l2")
    ]
    home.has(
        device("Rele", {"type": "switch", "features": relays[:1], "endpoint": "l1"},
               {"type": "switch", "features": relays[1:], "endpoint": "l2"},
               number("temperature_38", "°C"))
    )  # fmt: skip
    assert home.reads("Rele", {"state_l1": "ON", "state_l2": "OFF", "temperature_38": 30}) == {
        ("Rele/l1", "switch"): 1.0,
        ("Rele/l2", "switch"): 0.0,
        ("Rele", "room_temperature"): 30.0,
    }


def test_one_topic_for_each_property_and_names_with_slashes() -> None:
    home = Home()
    assert home.reads("urgent/Olo huone/temperature", b"20.5") == {
        ("urgent/Olo huone", "room_temperature"): 20.5
    }
    home.has(device("urgent/Olo huone", number("voltage", "mV"), enum("action", "sos")))
    name = "urgent/Olo huone"
    assert home.reads(name + "/voltage", b"2950") == {(name, "battery_voltage"): 2950.0}
    assert home.reads(name + "/action", b"sos") == {(name, "help"): 1.0}
    assert home.reads(name, {"voltage": 2950}) == {(name, "battery_voltage"): 2950.0}
    assert home.reads(name + "/device", {"temperature": 1}) == {}
    assert home.reads("zigbee2mqtt/" + name, {"voltage": 1}) == {(name, "battery_voltage"): 1.0}
    echoes = [("availability", b"online"), ("availability", b'{"state":"offline"}'), ("", b"")]
    for echo, said in [*echoes, ("set", b'{"smoke":true}'), ("get", b'{"state":""}')]:
        assert home.reads(f"{name}/{echo}".rstrip("/"), said) == {}
        assert home.reads(f"Tuntematon/{echo}".rstrip("/"), said) == {}


def test_renamed_swapped_and_removed_devices() -> None:
    home = Home()
    home.has(device("Vanha", number("voltage", "mV"), ieee="0xabc"), device("Pois"))
    home.hears("bridge/response/device/rename",
               {"data": {"from": "Vanha", "to": "Uusi"}, "status": "ok"})  # fmt: skip
    assert home.reads("Uusi", {"voltage": 3000}) == {("Uusi", "battery_voltage"): 3000.0}
    assert home.reads("0xabc", {"voltage": 3000}) == {("Uusi", "battery_voltage"): 3000.0}
    assert home.reads("Vanha", {"voltage": 3000}) == {}
    home.has(device("Uusi", number("voltage", "V")))
    assert set(home.definitions) == {"device:Uusi"}
    again = decode("bridge/devices", json.dumps([device("Uusi", number("voltage", "V"))]).encode(),
                   ARRIVAL, home.definitions)  # fmt: skip
    assert again.learned == {}


def test_what_is_kept_of_a_definition_can_be_kept() -> None:
    home = Home()
    odd = [binary("smoke\0"), binary("contact", "\ud800", 10**400), enum("status", "falling", "\0")]
    home.has(device("A\0", binary("smoke")), device("A", *odd, ieee="\0"))
    kept = json.dumps(home.definitions)
    assert set(home.definitions) == {"device:A"}
    assert "\\u0000" not in kept
    assert "\\ud800" not in kept
    assert home.reads("A", {"status": "falling"})["A", "fall"] == 1.0


def test_what_the_bridge_says_of_itself_is_no_reading() -> None:
    home = Home()
    for rest in ("state", "info", "logging", "groups", "event", "definitions", "extensions",
                 "health", "response/networkmap", "request/restart"):  # fmt: skip
        assert home.hears(f"bridge/{rest}", {"smoke": True}).nothing


@pytest.mark.parametrize(
    "payload",
    [
        b'{"a":' * 100_000, b"[" * 200_000, b'{"smoke":NaN}', b'{"temperature":1e400}',
        b'{"a":' + b"9" * 10_000 + b"}", b'{"smoke":false,"smoke":true}', b'{"a":"\xff"}', b"{",
    ],
)  # fmt: skip
def test_broken_json_is_refused_in_one_sentence(payload: bytes) -> None:
    for rest in ("A", "A/b", "bridge/devices"):
        with pytest.raises(DecodeError, match=r"\.$"):
            decode(rest, payload, ARRIVAL, {})


def test_huge_messages_take_little_time() -> None:
    wide = json.dumps({f"smoke{one}": True for one in range(50_000)}).encode()
    many = json.dumps([device(f"d{one}", number("a")) for one in range(4_000)]).encode()
    deep = json.dumps({"exposes": [binary("smoke")] * 10_000}).encode()
    before = time.process_time()
    for rest, payload in (("A", wide), ("bridge/devices", many), ("bridge/devices", deep)):
        assert len(decode(rest, payload, ARRIVAL, {}).records) <= MAX_RECORDS
    with pytest.raises(DecodeError, match="256 characters"):
        decode("a/" * 30_000 + "smoke", b"1", ARRIVAL, {})
    assert time.process_time() - before < 10


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["alarm", "falling", "ON", "emergency", "°C", "numeric", "binary", "enum"]),
    lambda inner: st.lists(inner, max_size=5)
    | st.dictionaries(
        st.sampled_from(["smoke", "fall_status", "action", "temperature", "battery", "exposes",
                         "last_seen", "features", "property", "type", "values", "value_on", "unit",
                         "friendly_name", "definition", "data", "from", "to", "status", "access"])
        | st.text(max_size=8), inner, max_size=6),
    max_leaves=30,
)  # fmt: skip


@unhurried
@given(
    st.sampled_from(["A", "A/temperature", "bridge/devices", "bridge/response/device/rename", ""]),
    JSON,
    JSON,
)
def test_any_json_is_decoded_or_refused(rest: str, told: Any, said: Any) -> None:
    definitions: dict[str, Any] = {}
    for topic, value in (("bridge/devices", [{"friendly_name": "A", "definition": told}]),
                         ("bridge/devices", told), (rest, said), ("A", said)):  # fmt: skip
        try:
            decoded = decode(topic, json.dumps(value).encode(), ARRIVAL, definitions)
        except DecodeError:
            continue
        definitions |= {k: v for k, v in decoded.learned.items() if v is not None}
        for record in decoded.records:
            assert isinstance(record.value, float)
            assert math.isfinite(record.value)
            assert math.isfinite(record.time)
