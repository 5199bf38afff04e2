"""The dashboards as documents, and as files for a container."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from grafana_foundation_sdk.models.dashboard import Dashboard

from core.catalogue import catalogue
from core.errors import UserError
from dashboards.boards import Audience, as_json, boards
from dashboards.client import SLOW, VITAL_SIGNS
from dashboards.links import Links
from dashboards.operations import EXPRESSIONS
from dashboards.render import render
from dashboards.texts import LANGUAGES, Language, texts

AUDIENCES: tuple[Audience, ...] = get_args(Audience)
SAIMI = Links("https://saimi.example")
EVERY = [(audience, language) for audience in AUDIENCES for language in LANGUAGES]


def _documents(
    audience: Audience, language: Language, links: Links = SAIMI
) -> list[dict[str, Any]]:
    made = boards(audience, language, links, with_prometheus=True)
    return [json.loads(as_json(board)) for board in made]


def _without_targets(document: Any) -> Any:
    """Targets are of a plug-in that the SDK does not know, and so are annotations' queries."""
    if isinstance(document, dict):
        return {
            key: _without_targets(value)
            for key, value in document.items()
            if key not in ("targets", "rawQuery")
        }
    if isinstance(document, list):
        return [_without_targets(one) for one in document]
    return document


@pytest.mark.parametrize(("audience", "language"), EVERY)
def test_the_documents_are_what_the_sdks_types_read_back(
    audience: Audience, language: Language
) -> None:
    for document in _documents(audience, language):
        again = json.loads(as_json(Dashboard.from_json(document)))
        assert _without_targets(again) == _without_targets(document)


@pytest.mark.parametrize(("audience", "language"), EVERY)
def test_each_panel_has_a_place_a_title_and_the_data_source(
    audience: Audience, language: Language
) -> None:
    for document in _documents(audience, language):
        taken: set[tuple[int, int]] = set()
        titles = [(panel["type"], panel["title"]) for panel in document["panels"]]
        assert len(titles) == len(set(titles)), titles
        for panel in document["panels"]:
            place = panel["gridPos"]
            cells = {
                (place.get("x", 0) + x, place.get("y", 0) + y)
                for x in range(place.get("w", 24))
                for y in range(place.get("h", 1))
            }
            assert not cells & taken, panel["title"]
            taken |= cells
            assert max(x for x, _ in cells) < 24
            if panel["type"] != "row":
                assert panel["targets"]
                assert panel["datasource"]["uid"] in ("saimi", "saimi-prometheus")


@pytest.mark.parametrize(("audience", "language"), EVERY)
def test_no_title_is_left_unfilled_and_overrides_name_columns_that_there_are(
    audience: Audience, language: Language
) -> None:
    for document in _documents(audience, language):
        text = json.dumps(document)
        assert set(re.findall(r"\$\{(\w+)\}", text)) <= {"__from", "__to", "client"}
        for panel in document["panels"]:
            aliases = {
                alias
                for target in panel.get("targets", ())
                for alias in re.findall(r'AS "([^"]+)"', target.get("rawSql", ""))
            }
            for override in panel.get("fieldConfig", {}).get("overrides", ()):
                assert override["matcher"]["options"] in aliases, panel["title"]
                for value in override["properties"]:
                    if value["id"] == "custom.fillBelowTo":
                        assert value["value"] in aliases


def test_units_and_decimals_are_the_catalogues() -> None:
    panels = {panel["title"]: panel for panel in _documents("area", "en")[1]["panels"]}
    for name in (*VITAL_SIGNS, *SLOW):
        panel = panels[texts("en")[name]]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["fieldConfig"]["defaults"]["decimals"] == catalogue()[name].decimals
        assert f"r.metric_id = {catalogue()[name].id} " in panel["targets"][0]["rawSql"]
    assert panels["Blood glucose"]["fieldConfig"]["defaults"]["unit"] == "suffix: mmol/L"


def test_the_languages_say_the_same_things() -> None:
    assert texts("fi").keys() == texts("sv").keys() == texts("en").keys()


def test_links_into_a_clients_dashboard_pass_through_saimi() -> None:
    team = json.dumps(_documents("area", "en")[0])
    assert "https://saimi.example/clients/${__value.text}/grafana?from=${__from}" in team
    assert "https://saimi.example/episodes/${__value.raw}" in team
    assert "/d/saimi-client" not in team
    alone = json.dumps(_documents("area", "en", Links())[0])
    assert "/d/saimi-client?var-client=${__value.text}" in alone
    assert "/episodes/" not in alone


def test_the_county_is_shown_no_client() -> None:
    for document in _documents("county", "en"):
        sql = json.dumps(document)
        for view in ("client", "reading", "alert", "visit", "care", "band", "pause"):
            assert f"grafana.{view} " not in sql


def test_what_prometheus_is_asked_for_is_what_the_services_show() -> None:
    # Services show what docs/operations.md lists; its own test holds the two together.
    shown = set(re.findall(r"`(saimi_\w+)", Path("docs/operations.md").read_text()))
    shown |= {f"{name}_bucket" for name in shown}
    for _, expression in EXPRESSIONS.values():
        assert set(re.findall(r"saimi_\w+", expression)) <= shown, expression


@pytest.mark.parametrize("audience", AUDIENCES)
def test_rendering_writes_a_provisioning_folder(tmp_path: Path, audience: Audience) -> None:
    other: Audience = "county" if audience == "area" else "area"
    render(tmp_path / "grafana", other, "sv", with_prometheus=True)
    written = render(tmp_path / "grafana", audience, "sv", with_prometheus=True)
    names = {
        "area": ("saimi-team.json", "saimi-client.json"),
        "county": ("saimi-county.json", "saimi-operations.json"),
    }[audience]
    there = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert there == {path.relative_to(tmp_path).as_posix() for path in written}
    assert there == {
        "grafana/datasources/saimi.yaml",
        "grafana/dashboards/saimi.yaml",
        *(f"grafana/dashboards/saimi/{name}" for name in names),
    }
    assert "password: $SAIMI" in written[0].read_text()
    assert ("type: prometheus" in written[0].read_text()) == (audience == "county")


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another folder"):
        render(tmp_path / "file")
