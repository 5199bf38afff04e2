"""The client's dashboard as a document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from core.errors import UserError
from dashboards.client import VITAL_SIGNS, client_dashboard
from dashboards.render import render
from dashboards.texts import LANGUAGES, Language, texts


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_document_is_what_the_sdks_types_read_back(language: Language) -> None:
    board = client_dashboard(language)
    document = json.loads(JSONEncoder(sort_keys=True).encode(board))
    # Targets are of a plug-in that the SDK does not know, so they are compared as they are.
    again = Dashboard.from_json(document)
    assert again.title == texts(language)["client_title"]
    assert again.uid == "saimi-client"
    assert [panel.title for panel in again.panels or []] == [
        panel.title for panel in board.panels or []
    ]


def test_every_vital_sign_has_a_panel_with_its_unit() -> None:
    panels = {panel["title"]: panel for panel in json.loads(_json("en"))["panels"]}
    for name in VITAL_SIGNS:
        panel = panels[texts("en")[name]]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert f"r.metric = '{name}'" in panel["targets"][0]["rawSql"]


def test_the_languages_say_the_same_things() -> None:
    assert texts("fi").keys() == texts("sv").keys() == texts("en").keys()


def test_no_title_is_left_unfilled() -> None:
    for language in LANGUAGES:
        assert "${mean}" not in _json(language)
        assert "${metric" not in _json(language)


def test_rendering_writes_a_provisioning_folder(tmp_path: Path) -> None:
    written = render(tmp_path / "grafana", "sv")
    assert {path.relative_to(tmp_path).as_posix() for path in written} == {
        "grafana/datasources/saimi.yaml",
        "grafana/dashboards/saimi.yaml",
        "grafana/dashboards/saimi/client.json",
    }
    assert "password: $SAIMI" in written[0].read_text()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another folder"):
        render(tmp_path / "file")


def _json(language: Language) -> str:
    return JSONEncoder(sort_keys=True, indent=2).encode(client_dashboard(language))
