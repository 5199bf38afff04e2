"""A client's own rules: the county's, as a clinician set them for this client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NoReturn

from alerts.rules.forms import FORMS, Form, Range
from alerts.rules.rule import Rule, RuleError, Rules
from alerts.subjects.subject import Subject
from core.errors import RegistryError
from core.record import OwnRule, Record
from core.registry import Document

_Refuse = Callable[[str], NoReturn]


def own_rules(record: Record, rules: Rules) -> dict[str, Rule]:
    """The rules of this client that differ from the county's, complete.

    Raises:
        RuleError: one of them cannot be used; says which, and why.
    """
    return {one.rule: _own(one, rules) for one in record.rules}


def check_document(document: Document, rules: Rules) -> None:
    """Refuse a registry document with a client's rule that cannot be used.

    Raises:
        RegistryError: names the client, the rule, and why.
    """
    for home in document.homes:
        for client in home.clients:
            try:
                own_rules(client.record, rules)
            except RuleError as error:
                raise RegistryError(f"Client {client.reference!r}: {error}") from error


def of_home(records: Iterable[Record], rules: Rules) -> dict[str, Rule]:
    """For the sensors of a home: what is in force for anybody who lives there.

    Raises:
        RuleError: as `own_rules`.
    """
    found: dict[str, Rule] = {}
    for record in records:
        for name, rule in own_rules(record, rules).items():
            if name not in found or rule.on:
                found[name] = rule
    return found


def set_own(subject: Subject, rules: Rules) -> None:
    """Add what clinicians set for a client, or for those who live in a home."""
    own = () if subject.client is None else (subject.client.record,)
    if not subject.residents and not (own and own[0].rules):
        return
    try:
        subject.rules = of_home((*own, *subject.residents), rules)
    except RuleError as error:
        subject.rules_error = str(error)


def _own(one: OwnRule, rules: Rules) -> Rule:
    def refuse(why: str) -> NoReturn:
        raise RuleError(f"the rule {one.rule!r} set by {one.set_by}: {why}.")

    form = FORMS.get(one.rule)
    if form is None or one.rule not in rules.rules:
        refuse("there is nothing called so")
    county = rules[one.rule]
    if county.changed_by != "clinician":
        refuse(f"a clinician cannot change it for a client ({county.changed_by} may)")
    _check(one.limits, form.limits, refuse)
    limits: Mapping[str, float] = {**county.limits, **one.limits}
    enabled = county.enabled if one.enabled is None else one.enabled
    rule = replace(county, limits=limits, enabled=enabled)
    return _crossed(rule, one, form, refuse) if one.raise_ or one.lower or one.clear else rule


def _crossed(county: Rule, one: OwnRule, form: Form, refuse: _Refuse) -> Rule:
    for given in (one.raise_, one.lower, one.clear):
        _check(given, form.crossed, refuse)
    # Where it raises elsewhere than for everybody, the county's way back says nothing.
    moved = bool(one.raise_)
    raises = {**county.raises.limits, **one.raise_}
    clears = {**(raises if moved else county.clears.limits), **one.clear}
    lowers = {**(clears if moved else county.lowers.limits), **one.lower}
    for outer, inner in ((raises, lowers), (lowers, clears)):
        for name, value in inner.items():
            if value > outer[name] if name in form.above else value < outer[name]:
                refuse(f"{name} {value:g} lies on the dangerous side of {outer[name]:g}")
    return replace(
        county,
        raises=replace(county.raises, limits=raises),
        lowers=replace(county.lowers, limits=lowers),
        clears=replace(county.clears, limits=clears),
    )


def _check(given: Mapping[str, float], ranges: Mapping[str, Range], refuse: _Refuse) -> None:
    for name, value in given.items():
        if name not in ranges:
            refuse(f"it has no limit called {name!r}")
        least, most = ranges[name]
        if not least <= value <= most:  # nor is NaN
            refuse(f"{name} must be from {least:g} to {most:g}")
