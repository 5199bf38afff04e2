"""FHIR R4: what a device is called by, and never a person."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.ingest.decoders.test_fhir import observation, only, quantity, told


@pytest.mark.parametrize(
    ("fields", "device"),
    [
        ({"device": {"reference": "Device/cuff"}}, "Device/cuff"),
        ({"device": {"identifier": {"value": "SN-7"}, "display": "Cuff"}}, "SN-7"),
        ({"device": {"display": "tandemCIQ1002717799999"}}, "tandemCIQ1002717799999"),
        ({"device": None, "subject": {"reference": "Patient/p1"}}, "Patient/p1"),
        ({"device": None}, "scale"),
        (
            {
                "device": {"reference": "#d"},
                "contained": [{"resourceType": "Device", "id": "d", "serialNumber": "X1"}],
            },
            "X1",
        ),
    ],
)
def test_the_device(fields: Any, device: str) -> None:
    resource = observation("8867-4", valueQuantity=quantity(72, "/min")) | fields
    (record,) = told(resource, "scale").records
    assert record.channel.device == device


@pytest.mark.parametrize(
    "written", ["131052-308T", "131052a308t", "hetu_131052-308T.", "x/010190+123Y"]
)
def test_nothing_is_called_by_a_personal_identity_code(written: str) -> None:
    resource = observation("8867-4", valueQuantity=quantity(72, "/min"), device=None)
    resource["subject"] = {"reference": f"Patient/{written}"}
    assert only(resource).channel.device.startswith("subject-")


@pytest.mark.parametrize(
    "written",
    [
        "0e131052a308c9f0aa3d17be",
        "131052b3081aa3d17be0e9f0",
        "12131052-3081-4c1e-9f00-aa3d17be0e9f",
    ],
)
def test_random_digits_that_hold_the_like_of_one_are_a_name(written: str) -> None:
    resource = observation("8867-4", valueQuantity=quantity(72, "/min"), device=None)
    resource["subject"] = {"reference": f"Patient/{written}"}
    assert only(resource).channel.device == f"Patient/{written}"
