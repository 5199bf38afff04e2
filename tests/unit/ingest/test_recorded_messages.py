"""Every recorded message through the same path as `saimi decode`, against what its source says.

A format that no decoder is registered for must be refused by name.
"""

from __future__ import annotations

import ast
import base64
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.catalogue import catalogue
from core.reading import Qualifier
from ingest.decode import DecodeState, decode_line
from ingest.decoders import FORMATS
from tests.support.recordings import cases

ARRIVAL = 1_790_000_000.0


def shown(case: dict[str, Any], state: DecodeState | None = None) -> dict[str, Any]:
    line = {
        key: case[key] for key in ("topic", "format", "payload", "encoding", "uuid") if key in case
    }
    return decode_line(json.dumps(line).encode(), state or DecodeState(ARRIVAL))


# FHIR: what the recorded observations say, read plainly.

NOT_KEPT = {
    *("9271-8", "9272-6", "443849008", "9273-4", "9274-2"),  # Apgar
    *("11555-0", "11557-6", "789-8", "718-7", "1963-8", "20005", "24701-5", "80219-9"),
    *("48643-1", "48642-3"),  # filtration rate
    *("82284-1", "82262-7", "82271-8", "82261-9"),  # metabolic equivalents
}  # fmt: skip
"""Codes with a number that Saimi has no metric for."""


def numbers(expected: dict[str, Any]) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Codes and quantity of an observation and of its components, where they have a quantity."""
    for part in (expected, *expected.get("components", ())):
        value = part.get("value")
        if isinstance(value, dict) and "value" in value:
            yield [code for _, code in part.get("codes", ())], value


def observations(expected: dict[str, Any]) -> list[dict[str, Any]]:
    if expected.get("resourceType") == "Bundle":
        return list(expected["observations"])
    return [expected] if expected.get("resourceType") == "Observation" else []


@pytest.mark.parametrize("name", ["fhir_r4", "kanta_phr"])
def test_fhir(name: str) -> None:
    compared = 0
    for case in cases(name):
        result = shown(case)
        meant = []
        for one in observations(case["expected"]):
            given = [(codes, value) for codes, value in numbers(one) if codes]
            if one["status"] not in ("cancelled", "entered-in-error"):
                meant += [value for codes, value in given if not NOT_KEPT & set(codes)]
        readings = result["readings"]
        whole = case["expected"].get("resources", {}).get("Observation")
        if whole is not None:  # a Bundle of which the first observations are told
            assert len(readings) == whole
            readings = readings[: len(meant)]
        assert len(readings) == len(meant), case["source"]
        for reading, value in zip(readings, meant, strict=True):
            assert reading["value"] == float(value["value"])  # one is a text
            spelled = {value.get("code"), value.get("unit")}
            assert reading["unit"] in spelled, case["source"]
            assert catalogue()[reading["metric"]].conversion(reading["unit"]) is not None
            if value.get("comparator") == "<":
                assert reading["qualifier"] == Qualifier.BELOW
            compared += 1
        if any(True for one in observations(case["expected"]) for _ in numbers(one)) and not meant:
            assert result["rejected"], case["source"]
    assert compared > (15 if name == "fhir_r4" else 80)


@pytest.mark.parametrize("wanted", ["Apgar", "MDC_ECG", "entered in error", "cancelled"])
def test_what_is_outside_the_list_is_refused_by_name(wanted: str) -> None:
    assert any(wanted in (shown(case)["rejected"] or "") for case in cases("fhir_r4"))


def test_open_mhealth_is_refused_by_name() -> None:
    for case in cases("openmhealth"):
        result = shown(case)
        assert result["readings"] == []
        assert "Open mHealth is not taken" in result["rejected"]


# zigbee2mqtt: a state made of each definition must mean what the definition says.

METRICS = {
    "temperature": {"room_temperature"}, "humidity": {"humidity"}, "illuminance": {"illuminance"},
    "battery": {"battery"}, "voltage": {"battery_voltage", "voltage"}, "co2": {"carbon_dioxide"},
    "pressure": {"air_pressure", "bed"}, "power": {"power"}, "current": {"current"},
    "energy": {"energy"}, "pm25": {"pm2_5"}, "device_temperature": {"device_temperature"},
    "smoke": {"smoke"}, "carbon_monoxide": {"carbon_monoxide"}, "water_leak": {"water_leak"},
    "tamper": {"tamper"}, "battery_low": {"battery_low"}, "vibration": {"vibration"},
    "presence": {"presence"}, "occupancy": {"motion", "presence", "bed"},
    "contact": {"door", "bed"}, "gas": {"gas", "carbon_monoxide"}, "sos": {"help"},
}  # fmt: skip
STORED = {"°C": 1.0, "%": 1.0, "lx": 1.0, "V": 1.0, "mV": 0.001, "ppm": 1.0, "W": 1.0, "A": 1.0,
          "kWh": 1.0, "hPa": 1.0, "kPa": 10.0, "µg/m³": 1.0, "Pa": 0.01}  # fmt: skip
"""What one of a definition's unit is in the unit that Saimi stores."""


def exposed(entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        if entry.get("type") != "composite":
            yield from exposed(entry.get("features", []))
        if entry.get("property") in METRICS and entry.get("access", 1) & 1:
            yield entry


def test_a_state_means_what_the_devices_definition_says() -> None:
    compared = 0
    for case in cases("zigbee2mqtt_exposes"):
        definition = json.loads(case["payload"])
        for entry in exposed(definition["exposes"]):
            state = DecodeState(ARRIVAL)
            shown(case, state)
            name, kind = entry["property"], entry["type"]
            settable = entry.get("access", 1) & 2
            if kind == "numeric" and entry.get("unit") in STORED and not settable:
                told = [(7.0, 7.0 * STORED[entry["unit"]])]
            elif kind == "binary" and not settable:
                told = [(entry["value_on"], 1.0), (entry["value_off"], 0.0)]
                if name == "contact":  # true is closed, whichever the definition calls on
                    told = [(False, 1.0), (True, 0.0)]
            else:
                continue
            for value, stored in told:
                line = {"topic": "zigbee2mqtt/hall", "payload": json.dumps({name: value})}
                readings = decode_line(json.dumps(line).encode(), state)["readings"]
                assert len(readings) == 1, (definition["model"], name, value, entry)
                reading = readings[0]
                metric = catalogue()[reading["metric"]]
                where = f"{definition['model']} {name}={value} read as {reading}"
                assert metric.name in METRICS[name], where
                conversion = metric.conversion(reading["unit"])
                assert conversion is not None, where
                got = reading["value"] * conversion.factor + conversion.offset
                if metric.name != "bed":
                    assert got == pytest.approx(stored), where
                compared += 1
    assert compared > 600


# Bluetooth characteristics: every number that the source names, in its unit.

GATT = {
    "level": ("battery", "%"), "battery": ("battery", "%"), "heart_rate": ("pulse", "/min"),
    "energy_expended": ("energy_expended", "kJ"), "rr_intervals": ("rr_interval", "s"),
    "bmi": ("body_mass_index", "kg/m2"), "body_fat_percentage": ("body_fat", "%"),
    "basal_metabolism": ("basal_metabolism", "kJ/d"), "impedance": ("impedance", "Ohm"),
    "muscle_percentage": ("muscle_percentage", "%"), "muscle_mass": ("muscle_mass", "kg"),
    "fat_free_mass": ("fat_free_mass", "kg"), "soft_lean_mass": ("soft_lean_mass", "kg"),
    "body_water_mass": ("body_water_mass", "kg"), "weight_SI_test_says": ("weight", "kg"),
    "temperature": ("room_temperature", "Cel"), "humidity": ("humidity", "%"),
    "base_temp": ("room_temperature", "Cel"), "sensor1_temp": ("room_temperature", "Cel"),
}  # fmt: skip
LOCAL = ZoneInfo("Europe/Helsinki")


def characteristic(decoded: Any) -> Iterator[tuple[str, Any]]:
    """Names and values that a library's test says a characteristic has."""
    if isinstance(decoded, dict):
        yield from decoded.items()
    elif isinstance(decoded, int):
        yield "level", decoded
    else:
        for name, value in re.findall(r"(\w+)=(\([^()]*\)|-?[\d.]+)", decoded):
            yield name, ast.literal_eval(value)
        when = re.search(r"datetime\.datetime(\([^)]*\))", decoded)
        if when is not None:
            year, month, day, hour, minute, second = ast.literal_eval(when[1])
            yield "time", f"{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        for name in ("weight", "height"):
            unit = re.search(rf"\b{name}_unit=\w+\.(\w+)", decoded)
            if unit is not None:
                yield f"{name}_unit", unit[1]


def meant_by(decoded: Any) -> tuple[set[tuple[str, str, float]], dict[str, Any]]:
    """Metric, unit and value of each reading; and what else is told."""
    told = dict(characteristic(decoded))
    spelled = {"LB": "[lb_av]", "INCHES": "[in_i]", "KG": "kg", "METERS": "m"}
    units = {name: (spelled[told.get(f"{name}_unit", unit)]) for name, unit in
             (("weight", "KG"), ("height", "METERS"))}  # fmt: skip
    named = GATT | {"weight": ("weight", units["weight"]),
                    "height": ("body_height", units["height"])}  # fmt: skip
    found: set[tuple[str, str, float]] = set()
    for name, value in told.items():
        if name == "rr_interval_1024ths":
            found.add(("rr_interval", "s", value / 1024))
        elif name in named:
            for one in value if isinstance(value, tuple) else (value,):
                found.add((*named[name], float(one)))
    return found, told


def test_bluetooth_characteristics() -> None:
    compared = 0
    for case in cases("gatt_11073"):
        expected = case["expected"]
        if "uuid" in expected:
            case["uuid"] = expected["uuid"]
        result = shown(case)
        assert result["rejected"] is None, case
        readings = result["readings"]
        meant: set[tuple[Any, ...]]
        got = {(one["metric"], one["unit"], one["value"]) for one in readings}
        if "value" in expected:
            meant = {("", None, expected["value"])}
        elif case["format"] == "gatt-date-time-raw":
            meant = {("", None, expected["decoded"])}
        else:
            meant, told = meant_by(expected["decoded"])
            assert {one.get("user") for one in readings} <= {told.get("user_id")}
            if "time" in told:
                local = datetime.fromisoformat(told["time"][:19]).replace(tzinfo=LOCAL)
                assert {one["time"] for one in readings} == {local.timestamp()}
        assert got == meant, case
        assert len(readings) == len(meant)
        compared += len(meant)
    assert compared > 65


# Ruuvi: broadcasts and what the gateway says of them; both in one message must agree.

RUUVI = {
    "temperature": ("room_temperature", 1.0), "humidity": ("humidity", 1.0),
    "pressure": ("air_pressure", 0.01), "pressure_hPa": ("air_pressure", 1.0),
    "battery_mV": ("battery_voltage", 0.001), "voltage": ("battery_voltage", 1.0),
    "acceleration_x": ("acceleration_x", 1.0), "acceleration_y": ("acceleration_y", 1.0),
    "acceleration_z": ("acceleration_z", 1.0), "accelX": ("acceleration_x", 1000.0),
    "accelY": ("acceleration_y", 1000.0), "accelZ": ("acceleration_z", 1000.0),
    "tx_power": ("transmit_power", 1.0), "txPower": ("transmit_power", 1.0),
    "movement_counter": ("movement_count", 1.0), "movementCounter": ("movement_count", 1.0),
    "measurement_sequence_number": ("measurement_count", 1.0),
    "measurementSequenceNumber": ("measurement_count", 1.0),
    "PM1.0": ("pm1_0", 1.0), "PM2.5": ("pm2_5", 1.0), "PM4.0": ("pm4_0", 1.0),
    "PM10.0": ("pm10", 1.0), "CO2": ("carbon_dioxide", 1.0), "VOC": ("voc_index", 1.0),
    "NOx": ("nox_index", 1.0), "luminosity": ("illuminance", 1.0),
    "sound_inst_dba": ("sound_level_instant", 1.0), "sound_avg_dba": ("sound_level", 1.0),
    "sound_peak_spl_db": ("sound_level_peak", 1.0), "flag_button_pressed": ("button", 1.0),
}  # fmt: skip
"""The source's name: Saimi's metric, and what one is in the unit that is stored."""


def in_air(told: dict[str, Any]) -> dict[str, float]:
    """What a source says of a broadcast, by metric in the unit that is stored; null is none."""
    return {
        RUUVI[name][0]: value * RUUVI[name][1]
        for name, value in told.items()
        if name in RUUVI and value is not None
    }


def stored(readings: list[dict[str, Any]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in readings:
        conversion = catalogue()[one["metric"]].conversion(one["unit"])
        assert conversion is not None, one
        assert one["metric"] not in found
        found[one["metric"]] = one["value"] * conversion.factor + conversion.offset
    return found


def shown_to(told: dict[str, Any]) -> float:
    """The gateway shows tenths of format 6, whose broadcast has more."""
    return 0.0501 if told.get("dataFormat") == 6 else 2e-3


def test_broadcasts_of_ruuvi() -> None:
    compared = 0
    for name in ("ruuvi_adv", "ruuvi_gateway"):
        for case in cases(name):
            if not case["format"].endswith("-raw"):
                continue
            expected, result = case["expected"], shown(case)
            if expected.get("accepted") is False:
                assert result["readings"] == []
                assert result["rejected"] or expected.get("meaning") == "end marker"
                continue
            assert result["rejected"] is None, case
            got = stored(result["readings"])
            if expected.get("accepted"):
                assert {"room_temperature", "humidity", "air_pressure"} <= got.keys()
                assert got.pop("signal_strength") < -20
                continue
            if "disputed" in expected:
                expected = {"pressure": 101184}  # the whole word: the source's test cuts it in two
            meant = in_air(expected)
            if meant.get("transmit_power") == -32:  # an example that was not made from its data:
                meant["transmit_power"] = 4.0  # the same bits are 4 dBm in the gateway's own tests
            if name == "ruuvi_adv" and case["format"] == "ruuvi-df3-raw":
                got = {metric: value for metric, value in got.items() if metric in meant}
            assert got == pytest.approx(meant, abs=shown_to(expected), rel=1e-5), case
            mac = expected.get("mac") or (len(expected.get("id", "")) == 17 and expected["id"])
            if mac:
                spelled = mac if ":" in mac else bytes.fromhex(mac).hex(":").upper()
                assert {one["device"] for one in result["readings"]} == {spelled}
            compared += len(meant)
    assert compared == 69


def test_messages_of_ruuvi_gateways() -> None:
    compared = heard = 0
    for case in cases("ruuvi_gateway"):
        if case["format"].endswith("-raw"):
            continue
        told, result = json.loads(case["payload"]), shown(case)
        batch = told.get("data")
        tags = (
            {told_of: (one, one.get("timestamp")) for told_of, one in batch["tags"].items()}
            if isinstance(batch, dict)
            else {case["topic"].rpartition("/")[2]: (told, told.get("ts"))}
            if case["topic"]
            else {}
        )
        if any(one.get("data") in ("AA", "BB") for one, _ in tags.values()):
            assert result["readings"] == []
            assert "not_advertisement" in result["rejected"]
            continue
        assert result["rejected"] is None, case["source"]
        for device, (one, at) in tags.items():
            if "rssi" not in one:
                continue
            readings = [each for each in result["readings"] if each["device"] == device]
            assert {each["time"] for each in readings} == {at or ARRIVAL}
            got = stored(readings)
            assert got.pop("signal_strength") == one["rssi"]
            assert got.keys() >= {"room_temperature", "humidity", "air_pressure"}
            heard += 1
            if "dataFormat" in one:
                assert got == pytest.approx(in_air(one)), case["source"]
                compared += len(got)
                if "data" in one:  # the bare broadcast says the same
                    bare = base64.b64encode(bytes.fromhex(one["data"])).decode()
                    line = {"format": "ruuvi-ble-adv-raw", "payload": bare, "encoding": "base64"}
                    again = decode_line(json.dumps(line).encode(), DecodeState(ARRIVAL))
                    broadcast = stored(again["readings"])
                    if one["dataFormat"] == 6:
                        broadcast["illuminance"] = round(broadcast["illuminance"])
                    assert broadcast == pytest.approx(
                        got | {"transmit_power": 4.0} if one["dataFormat"] == 5 else got,
                        abs=shown_to(one),
                        rel=1e-5,
                    )
    assert compared > 200
    assert heard > 30


@pytest.mark.parametrize("name", ["senml"])
def test_formats_without_a_decoder_are_refused_by_name(name: str) -> None:
    for case in cases(name):
        if case["format"] not in FORMATS:
            result = shown(case)
            assert result["readings"] == []
            assert case["format"] in result["rejected"]
