"""Value templates: the usual ones are worth what Home Assistant says, the others are stopped."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.decoders.homeassistant_budget import Budget
from ingest.decoders.homeassistant_parsing import check
from ingest.decoders.homeassistant_template import render
from ingest.decoders.record import DecodeError

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
SECONDS_PER_KILOBYTE = 0.5
"""Ten times what is allowed, as the machine may be busy."""


def worth(template: str, value: str = "", **value_json: Any) -> str:
    variables = {"value": value, "value_json": value_json}
    return render(template, variables, Budget(len(value)))


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ value_json.t }}", "21.5"),
        ("{{ value_json['t'] | float | round(0) }}", "22"),
        ("{{ (value_json.t | float * 1.8 + 32) | round(1) }}", "70.7"),
        ("{{ value_json.deep.list[0] }}", "7"),
        ("{{ value_json.missing }}", ""),
        ("{{ value_json.missing | default(3) }}", "3"),
        ("{{ 'ON' if value_json.on else 'OFF' }}", "ON"),
        ("{% if value_json.t > 20 %}warm{% elif value_json.t > 10 %}cool{% else %}cold{% endif %}",
         "warm"),
        ("{% set x = value_json.t | int %}{{ x // 2 }}", "10"),
        ("{{ value.split(',')[1] | float }}", "2.5"),
        ("{{ value | regex_replace('[^0-9.]', '') }}", "12.5"),
        ("{{ value | regex_findall_index('[0-9]+') }}", "1"),
        ("{{ value_json.on | iif('a', 'b') }}", "a"),
        ("{{ value_json.deep | to_json }}", '{"list": [7]}'),
        ("{{ value_json.t is defined and value_json.t is number }}", "True"),
        ("{{ value_json.get('t', 0) }}", "21.5"),
        ("{{ 2 ** 3 }} {{ 7 % 4 }} {{ 'a' ~ 1 }}", "8.0 3 a1"),
        ("{{ value in ['1,2.5'] }}", "True"),
    ],
)  # fmt: skip
def test_usual_templates(template: str, text: str) -> None:
    assert worth(template, "1,2.5", t=21.5, on=True, deep={"list": [7]}) == text


PARTS = [
    {"name": "Smoke", "state": "on", "zone": {"id": 3}},
    {"name": "door", "state": "off", "zone": {"id": 1}},
    {"name": "pir", "state": "off", "n": 4},
]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (("{% for p in value_json.parts %}{{ p.name }}{% if not loop.last %},{% endif %}"
         "{% endfor %}"), "Smoke,door,pir"),
        (("{% for p in value_json.parts if p.state == 'on' %}{{ loop.index }}{{ p.name }}"
         "{% else %}none{% endfor %}"), "1Smoke"),
        ("{% for p in value_json.nothing %}x{% else %}OFF{% endfor %}", "OFF"),
        ("{% for key, one in value_json.flags.items() %}{{ key }}={{ one }};{% endfor %}",
         "smoke=1;co=0;"),
        (("{% set ns = namespace(found=false) %}{% for p in value_json.parts %}"
         "{% if p.name == 'Smoke' and p.state == 'on' %}{% set ns.found = true %}{% endif %}"
         "{% endfor %}{{ 'ON' if ns.found else 'OFF' }}"), "ON"),
        ("{% set x = 1 %}{% for i in range(3) %}{% set x = 5 %}{% endfor %}{{ x }}", "1"),
        ("{% for i in range(2) %}{% for j in range(2) %}{{ i }}{{ j }} {% endfor %}{% endfor %}",
         "00 01 10 11"),
        ("{{ value_json.parts | selectattr('state', 'eq', 'on') | list | count > 0 }}", "True"),
        ("{{ value_json.parts | selectattr('n') | map(attribute='name') | first }}", "pir"),
        ("{{ value_json.parts | selectattr('n', 'defined') | list | length }}", "1"),
        (("{{ value_json.parts | rejectattr('state', 'eq', 'off') | map(attribute='name')"
         " | join(',') }}"), "Smoke"),
        ("{{ value_json.parts | map(attribute='zone.id', default=0) | sum }}", "4"),
        ("{{ value_json.parts | map(attribute='name') | map('upper') | join('/') }}",
         "SMOKE/DOOR/PIR"),
        ("{{ value_json.numbers | select('gt', 2) | list }}", "[3, 5]"),
        ("{{ value_json.numbers | reject('eq', 5) | sort(reverse=true) | join }}", "31"),
        ("{{ value_json.numbers | max }} {{ value_json.numbers | min }}", "5 1"),
        ("{{ value_json.numbers | sum }}", "9"),
        ("{{ value_json.parts | sort(attribute='name') | map(attribute='name') | list | last }}",
         "pir"),
        ("{{ ['a', 'A', 'b'] | unique | list | count }}", "2"),
        ("{{ value_json.flags | dictsort | map('first') | join(',') }}", "co,smoke"),
        ("{{ 'on' in value_json.parts | map(attribute='state') }}", "True"),
    ],
)  # fmt: skip
def test_loops_and_what_is_done_with_each(template: str, text: str) -> None:
    check(template)
    flags = {"smoke": 1, "co": 0}
    assert worth(template, parts=PARTS, numbers=[3, 5, 1], flags=flags) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ value['__class__']['__mro__'].x.y() }}",
        "{{ value|attr('__class__') }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{{ value|center(10**9) }}",
        "{{ '%1000000000d'|format(1) }}",
        "{{ lipsum(10**6) }}",
        "{{ states('sensor.x') }}",
        "{{ value.encode('utf-8') }}",
        "{{ value.format(1) }}",
        "{{ ''.join(['a']) }}",
        "{{ min(*[1, 2]) }}",
        "{{ {{ }}",
        "{{" + "(" * 900 + "1" + ")" * 900 + "}}",
        "x" * 3_000,
    ],
)
def test_what_is_refused_by_name(template: str) -> None:
    with pytest.raises(DecodeError) as refusal:
        _checked_and_worth(template)
    assert refusal.value.reason == "template"


def _checked_and_worth(template: str) -> str:
    check(template)
    return worth(template)


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'a' * 10**9 }}",
        "{{ [value] * 99999999 }}",
        "{{ 9**9**9**9**9 }}",
        "{{ " + "9999999999 * " * 100 + "1 }}",
        "{% set a = value %}" + "{% set a = a ~ a %}" * 60 + "{{ a }}",
        "{% set a = value %}" + "{% set a = a + a %}" * 60 + "{{ a }}",
        "{% set a = [value] %}" + "{% set a = [a, a] %}" * 60 + "{{ a }}",
        "{% set a = [value] %}" + "{% set a = [a, a] %}" * 60 + "{{ a | to_json }}",
        "{{ value | replace('a', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb')" + " | upper" * 200 + " }}",
        "{{ value[:100] | regex_search('(a+)+$') }}",
        "{{ value[:100] | regex_search('a*a*a*a*b') }}",
        "{{ value[:100] | regex_search('(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)b') }}",
        "{{ value | regex_search('a*b') }}",
        "{{ value / 0 }}",
        "{{ 1 / 0 }}",
        "{{ (-8) ** 0.5 }}",
        "{{ value | int }}",
        "{{ value_json.a.b.c + 1 }}",
        "{% for i in range(10**9) %}x{% endfor %}",
        "{% for i in range(0, 10**18, 3) %}x{% endfor %}",
        "{% for i in range(1000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}",
        (
            "{% for a in value %}{% for b in value %}{% for c in value %}x{% endfor %}{% endfor %}"
            "{% endfor %}"
        ),
        "{% for i in range(1000) if i == 2000 %}{% endfor %}" * 30,
        (
            "{% set n = namespace(x=value) %}{% for i in range(1000) %}{% set n.x = n.x ~ n.x %}"
            "{% endfor %}"
        ),
        (
            "{% set n = namespace(x=[1]) %}{% for i in range(1000) %}{% set n.x = [n.x, n.x] %}"
            "{% endfor %}"
        ),
        (
            "{% set n = namespace(x=[1]) %}{% for i in range(1000) %}{% set n.x = {'a': n.x} %}"
            "{% endfor %}{{ n.x }}"
        ),
        (
            "{% set n = namespace(x=2) %}{% for i in range(1000) %}{% set n.x = n.x * n.x %}"
            "{% endfor %}"
        ),
        "{% set a = [1] %}{% set b = [1] %}"
        + "{% set a = [a, a] %}{% set b = [b, b] %}" * 40
        + "{{ a == b }}",
        "{{ '%s' % value_json }}{% set a = [1] %}" + "{% set a = [a, a] %}" * 60 + "{{ '%s' % a }}",
        "{{ range(1000) | map('regex_replace', 'a*', 'b') | list }}",
        "{{ range(1000) | map('default', value * 1) | map('upper') | join(value) }}",
        "{% set n = namespace() %}{% set n.x = n %}{{ n.x }}",
        "{% set n = namespace() %}{{ [n] }}",
        "{% set n = namespace() %}{{ n }}",
        "{{ [3, 'x', value_json] | sort }}",
        "{% for a, b in [[1, 2, 3]] %}{% endfor %}",
        "{% for a in 5 %}{% endfor %}",
    ],
)
def test_what_is_stopped(template: str) -> None:
    start = time.thread_time()
    with pytest.raises(DecodeError, match=r"template|Template"):
        worth(template, "a" * 1_000)
    assert time.thread_time() - start < SECONDS_PER_KILOBYTE * (1 + len(template) / 1000)


def test_a_slow_expression_within_the_bounds_is_still_fast() -> None:
    start = time.thread_time()
    worth("{{ value | regex_search('a*a*a?(a|a|a)b') }}", "a" * 64)
    assert time.thread_time() - start < SECONDS_PER_KILOBYTE


def test_comparing_costs_what_is_compared() -> None:
    half = [list(range(100)) for _ in range(100)]
    told = {"a": half, "b": [list(one) for one in half]}
    again = "{% for i in range(1000) %}{% if value_json.a == value_json.b %}{% endif %}{% endfor %}"
    with pytest.raises(DecodeError, match="too much work"):
        render(again, {"value_json": told}, Budget(40_000))
    assert (
        render("{{ value_json.a == value_json.b }}", {"value_json": told}, Budget(40_000)) == "True"
    )


def test_a_message_cannot_have_any_number_of_long_templates_read() -> None:
    budget, long = Budget(0), "x" * 2_000
    for number in range(20):
        render(long + str(number), {}, budget)
    rest = (render(long + str(number), {}, budget) for number in range(20, 100))
    with pytest.raises(DecodeError) as refusal:
        list(rest)
    assert refusal.value.reason == "template_limit"


_PIECES = st.sampled_from(
    ["value", "value_json", "a", "'x'", "1", "2.5", "9999999999", "(", ")", "[", "]", "{", "}", "|",
     "~", "+", "*", "**", "/", "%", ".", ",", ":", "if", "else", "is", "not", "in", "and", "or",
     "float", "int", "round", "default", "upper", "replace('x','yy')", "split", "to_json",
     "from_json", "join", "list", "sum", "max", "length", "{{", "}}", "{%", "%}", "set a =",
     "{% if", "{% endif %}", "__class__", "abs", "regex_findall('.*')", "bool", "==",
     "{% for x in", "{% endfor %}", "map('int')", "map(attribute='a')", "select('eq', 1)",
     "selectattr('a')", "range(9)", "namespace()", "sort", "unique", "a.x", "loop.index", "items()"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=30), st.text(max_size=50))
@settings(unhurried, max_examples=300)
def test_no_template_breaks_it(pieces: list[str], value: str) -> None:
    for template in (" ".join(pieces), "{{ " + " ".join(pieces) + " }}"):
        with suppress(DecodeError):
            render(template, {"value": value, "value_json": {"a": [1, value]}}, Budget(100))
