"""A change of rules on recorded history: before and after, as data."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from alerts.backtest.backtest import Progress, replay
from alerts.backtest.load import Stretch
from alerts.backtest.outcomes import Compared, Fate, compare, reproduced
from alerts.backtest.report import (
    ChangeReport,
    EpisodeChange,
    LoadReport,
    OutcomeChange,
    RuleChange,
)
from alerts.backtest.truth import median
from alerts.handling.handling import OUTCOMES
from alerts.learned.learned import Learned
from alerts.rules.in_force import Decided, shipped_text
from alerts.rules.shipped import Rules, parse_rules, read_rules, shipped_rules
from core.settings import load_settings
from models.county import load


class Alerting(NamedTuple):
    """By what alerts are made."""

    name: str
    rules: Rules
    learned: Learned | None = None
    text: str = ""
    """The rule file, as it is written."""

    def changed(self, rules: Path | None, models: Path | None) -> Alerting:
        """The same with other rules, or other models, or both.

        Raises:
            RuleError, ModelError: they cannot be used; says why.
        """
        names = ["the rules in force" if rules is None else f"the rules of {rules.name}"]
        if models is not None:
            names.append(f"the models of {models.name}")
        elif self.learned is not None:
            names.append("the models in force")
        return Alerting(
            " and ".join(names),
            self.rules if rules is None else read_rules(rules),
            self.learned if models is None else Learned(load(models)),
            self.text if rules is None else rules.read_text(encoding="utf-8"),
        )

    def asked(self, text: str) -> Alerting:
        """The same with the rule file that the desk asks about.

        Raises:
            RuleError: it cannot be used; says why.
        """
        models = "no models" if self.learned is None else "the models in force"
        rules = parse_rules(text, name="the rules as asked for")
        return Alerting(f"the rules as asked for and {models}", rules, self.learned, text)


def alerting_in_force(*, decided: Decided | None = None, with_models: bool = True) -> Alerting:
    """What `saimi alerts` would go by, if it started now: SAIMI_RULES_FILE, else what was `decided`
    at the desk, else the rules that ship; and SAIMI_MODEL_DIR.

    Raises:
        RuleError, ModelError: they cannot be used; the engine would go on without, a judgement
            of it must not.
    """
    settings = load_settings()
    file, folder = settings.rules_file, settings.model_dir
    if file is not None:
        names = [f"the rules in force ({file.name})"]
        rules, written = read_rules(file), file.read_text(encoding="utf-8")
    elif decided is not None:
        names = [f"the rules in force ({decided.name})"]
        rules, written = decided.rules, decided.text
    else:
        names = ["the rules that ship"]
        rules, written = shipped_rules(), shipped_text()
    learned = None
    if folder is not None and with_models:
        learned = Learned(load(folder))
        names.append(f"the models in force ({folder.name})")
    else:
        names.append("no models")
    return Alerting(" and ".join(names), rules, learned, written)


def backtest_change(
    stretch: Stretch,
    before: Alerting,
    after: Alerting,
    *,
    start: datetime,
    end: datetime,
    progress: Progress | None = None,
) -> ChangeReport:
    """Replay recorded history by two sets of rules and models."""
    history = stretch.history

    def half(number: int) -> Progress:
        def reach(done: float, total: float) -> None:
            if progress is not None:
                progress(number * total + done, 2 * total)

        return reach

    was = replay(history, before.rules, learned=before.learned, progress=half(0))
    will = replay(history, after.rules, learned=after.learned, progress=half(1))
    compared = compare(was, will, stretch.recorded, clients=history.clients, start=start, end=end)
    kept, total = reproduced(stretch.recorded, was, start=start, end=end)
    names = {number: person.name for number, person in history.people.items()}
    return ChangeReport(
        start=start,
        end=end,
        rules_before=before.name,
        rules_after=after.name,
        readings=len(history.readings),
        recorded=total,
        reproduced=kept,
        before=LoadReport.of(compared.before),
        after=LoadReport.of(compared.after),
        false_pages_saved=compared.false_pages_saved,
        outcomes={name: _outcome(compared.of(name)) for name in OUTCOMES},
        by_rule=_by_rule(compared),
        episodes=[_episode(one, names) for one in compared.fates],
    )


def _outcome(fates: list[Fate]) -> OutcomeChange:
    count = dict.fromkeys(("kept", "lost", "gained", "neither"), 0)
    for fate in fates:
        count[fate.change] += 1
    hours = sorted(fate.earlier_h for fate in fates if fate.earlier_h is not None)
    return OutcomeChange(recorded=len(fates), median_earlier_h=median(hours), **count)


def _by_rule(compared: Compared) -> list[RuleChange]:
    before, after = compared.before, compared.after
    keys = before.pages_by_rule.keys() | after.pages_by_rule.keys()
    return [
        RuleChange(
            *key, before.by_rule[key], after.by_rule[key],
            before.pages_by_rule[key], after.pages_by_rule[key],
        )
        for key in sorted(keys)
    ]  # fmt: skip


def _episode(fate: Fate, names: dict[int, str]) -> EpisodeChange:
    one = fate.recorded
    return EpisodeChange(
        one.id, names.get(one.subject, "?"), one.kind, one.rule, one.outcome or "", one.opened_at,
        fate.before, fate.after, fate.earlier_h, fate.change,
    )  # fmt: skip
