"""The county: the same from one seed, and a document that the registry can take."""

from __future__ import annotations

from collections import Counter

import msgspec

from core.registry import parse_document
from gateway_sim.county import County


def test_the_same_seed_gives_the_same_county_however_large() -> None:
    large, small = County(3, 60).document(), County(3, 9).document()
    assert large.homes[:9] == small.homes
    assert large.homes != County(4, 60).document().homes


def test_the_document_is_complete() -> None:
    document = parse_document(msgspec.json.encode(County(7, 200).document()))
    areas = {area.code for area in document.areas}
    assert len(areas) == 9
    assert {home.area for home in document.homes} == areas
    members = {member.username: member.role for member in document.members}
    assert members["hoitaja"] == "member"
    assert members["laakari"] == "clinician"
    assert members["paivystys"] == "coordinator"
    teams = {team.name: team for team in document.teams}
    for team in document.teams:
        assert set(team.members) <= members.keys()
        assert set(team.areas) <= areas
    assert "hoitaja" in document.teams[0].members
    assert len({home.gateway for home in document.homes}) == 200
    references = Counter(client.reference for home in document.homes for client in home.clients)
    assert max(references.values()) == 1
    for home in document.homes:
        own = {client.reference for client in home.clients}
        assert 1 <= len(own) <= 2
        assert all(
            home.area in teams[name].areas for client in home.clients for name in client.teams
        )
        assert len({device.name for device in home.devices}) == len(home.devices)
        assert {device.subject for device in home.devices} <= own | {None}
        for device in home.devices:
            assert device.assigned_from is not None
            if device.kind in ("wearable", "button", "cuff"):
                assert device.subject in own
            if device.kind == "motion":
                assert (device.subject is None) == (len(own) == 2), "two live here: whose motion?"


def test_any_county_has_clients_for_the_first_team() -> None:
    assert [len(County(7, n).clients_of_first_team()) for n in (1, 2)] == [1, 1]
    share = Counter(home.area for home in County(7, 1000).homes)
    assert 0.5 < share["lappeenranta"] / 1000 < 0.65
