"""The rule file in force: taken over when it changes, and not where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.rules.changes import changes
from alerts.rules.file import RuleFile
from alerts.rules.shipped import SHIPPED, parse_rules, shipped_rules

TEXT = SHIPPED.read_text(encoding="utf-8")
MILDER = TEXT.replace("raise = { total = 5 }", "raise = { total = 6 }", 1)


def put(path: Path, text: str) -> None:
    """Write as editors do: another file in its place."""
    other = path.with_suffix(".new")
    other.write_text(text, encoding="utf-8")
    other.replace(path)


def test_without_a_file_the_rules_are_those_that_ship() -> None:
    file = RuleFile(None)
    assert file.rules is shipped_rules()
    assert not file.look()
    assert file.told() == {}


def test_a_change_is_taken_over_and_an_error_leaves_the_running_rules(tmp_path: Path) -> None:
    path = tmp_path / "county.toml"
    put(path, MILDER)
    file = RuleFile(path)
    assert file.rules["news2_medium"].raises["total"] == 6
    assert not file.look()

    put(path, MILDER.replace("severity = 4", "severity = 9", 1))
    assert not file.look()
    assert file.rules["news2_medium"].raises["total"] == 6
    assert file.told()["rule_error"].startswith("county.toml, line ")
    assert "rules.help, key severity" in file.told()["rule_error"]
    assert not file.look()  # said once, and it stays said
    assert "rule_error" in file.told()

    put(path, TEXT)
    assert file.look()
    assert file.rules["news2_medium"].raises["total"] == 5
    assert "rule_error" not in file.told()


@pytest.mark.parametrize("text", [None, "[[["])
def test_a_file_that_is_wrong_at_start_leaves_the_shipped_rules(
    tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "county.toml"
    if text is not None:
        put(path, text)
    file = RuleFile(path)
    assert file.rules is shipped_rules()
    assert "rule_error" in file.told()
    put(path, MILDER)
    assert file.look()
    assert "rule_error" not in file.told()


def test_a_file_that_goes_away_changes_nothing_and_is_missed(tmp_path: Path) -> None:
    path = tmp_path / "county.toml"
    put(path, MILDER)
    file = RuleFile(path)
    path.unlink()
    assert not file.look()
    assert file.rules["news2_medium"].raises["total"] == 6
    assert "rule_error" in file.told()


def test_what_a_file_changes_is_told() -> None:
    assert changes(shipped_rules()) == []
    assert changes(parse_rules(MILDER)) == [
        "news2_medium: raises total 5, for 0 min -> total 6, for 0 min",
        "news2_medium: lowers total 5, for 15 min -> total 6, for 15 min",
        "news2_medium: clears total 5, for 15 min -> total 6, for 15 min",
    ]
