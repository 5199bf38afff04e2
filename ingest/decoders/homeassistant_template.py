"""Home Assistant's value templates, from hands that nobody knows, without running them as code.

Jinja only parses; this file walks the tree and computes. There is no attribute of any Python
object to reach and nothing to import. Every step costs, in proportion to what it handles, and the
work of all templates of one message comes out of one `Budget`: so loops end, and no value is larger
than the work it took to make. What is not understood is refused by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeGuard

from jinja2 import nodes

from ingest.decoders.homeassistant_budget import Budget, bound, weight
from ingest.decoders.homeassistant_each import EACH, Namespace, each, of_loop
from ingest.decoders.homeassistant_filters import (
    FILTERS,
    FUNCTIONS,
    METHODS,
    SEARCHES,
    TESTS,
    NotTold,
    formatted,
)
from ingest.decoders.homeassistant_lists import UNDEFINED, Undefined, entries_of, truth
from ingest.decoders.homeassistant_parsing import NAMESPACE, admit, parsed, refused
from ingest.decoders.record import DecodeError

MAX_DEPTH = 64
_MAX_INTEGER = 10**30


def render(template: str, variables: dict[str, Any], budget: Budget) -> str:
    """The text that a template makes of `variables`, without blanks at its ends.

    Empty where the template says with `is_defined` that the message is about something else.

    Raises:
        DecodeError: not understood, too much work, or an error such as a division by zero.
    """
    budget.spend(32 * len(template))  # it may have to be parsed
    tree = parsed(template)
    try:
        text = _Walk(dict(variables), budget).block(tree.body)
    except NotTold:
        return ""
    except (ArithmeticError, TypeError, ValueError, LookupError, RecursionError) as error:
        raise DecodeError(
            "template",
            f"The template fails on this message ({type(error).__name__}), so its value is not "
            "known.",
        ) from None
    return text.strip()


class _Walk:
    """One run of one template."""

    def __init__(self, variables: dict[str, Any], budget: Budget) -> None:
        self._variables = variables
        self._budget = budget
        self._depth = 0

    def block(self, body: list[Any]) -> str:
        """The text of a list of statements."""
        parts: list[str] = []
        size = 0
        for node in body:
            self._budget.spend()
            if isinstance(node, nodes.Output):
                for part in node.nodes:
                    if isinstance(part, nodes.TemplateData):
                        text = part.data
                    else:
                        text = self._text(self.value(part))
                    size += len(text)
                    parts.append(text)
            elif isinstance(node, nodes.If):
                parts.append(self._branch(node))
                size += len(parts[-1])
            elif isinstance(node, nodes.For):
                parts.append(self._loop(node))
                size += len(parts[-1])
            elif isinstance(node, nodes.Assign):
                self._assign(node)
            else:
                raise refused(f"{type(node).__name__.lower()!r}")
            bound(size)
        return "".join(parts)

    def _assign(self, node: nodes.Assign) -> None:
        if _makes_namespace(node.node):
            if not isinstance(node.target, nodes.Name):
                raise refused("a namespace that has no name")
            held = {one.key: self.value(one.value) for one in node.node.kwargs}
            self._variables[node.target.name] = Namespace(held)
            return
        value = self.value(node.node)
        if isinstance(node.target, nodes.NSRef):
            admit(node.target)
            kept = self._variables.get(node.target.name)
            if not isinstance(kept, Namespace):
                raise TypeError
            kept.held[node.target.attr] = value
        else:
            self._name_it(node.target, value)

    def _name_it(self, target: nodes.Node, value: Any) -> None:
        """Give a value its name, or its parts theirs."""
        if isinstance(target, nodes.Name):
            self._variables[target.name] = value
            return
        if not isinstance(target, nodes.Tuple) or not isinstance(value, (list, tuple)):
            raise TypeError
        if len(target.items) != len(value):
            raise ValueError
        for one, part in zip(target.items, value, strict=True):
            self._name_it(one, part)

    def _loop(self, node: nodes.For) -> str:
        """A loop: what is set in one turn is forgotten after it, as Jinja has it."""
        if node.recursive:
            raise refused("a loop within itself")
        entries = entries_of(self.value(node.iter))
        self._budget.spend(len(entries))
        around = self._variables
        if node.test is not None:
            entries = [one for one in entries if truth(self._turn(node, around, one, node.test))]
        parts: list[str] = []
        size = 0
        for number, one in enumerate(entries):
            parts.append(self._turn(node, {**around, "loop": of_loop(number, len(entries))}, one))
            size += len(parts[-1])
            bound(size)
        self._variables = around
        return "".join(parts) if entries else self._nested(node.else_)

    def _turn(
        self, node: nodes.For, around: dict[str, Any], one: Any, test: nodes.Node | None = None
    ) -> Any:
        self._budget.spend(16 * len(around))
        self._variables = dict(around)
        self._name_it(node.target, one)
        return self._nested(node.body) if test is None else self.value(test)

    def _branch(self, node: nodes.If) -> str:
        for case in (node, *node.elif_):
            if truth(self.value(case.test)):
                return self._nested(case.body)
        return self._nested(node.else_)

    def _nested(self, body: list[Any]) -> str:
        self._deeper()
        text = self.block(body)
        self._depth -= 1
        return text

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise refused("conditions within conditions, too many of them")

    def value(self, node: nodes.Node) -> Any:
        """What an expression is worth."""
        admit(node)
        self._budget.spend()
        self._deeper()
        compute = _VALUES.get(type(node))
        if compute is None:
            raise refused(f"{type(node).__name__.lower()!r} within an expression")
        result = compute(self, node)
        self._depth -= 1
        if isinstance(result, (str, list, dict, tuple)):
            self._budget.spend(len(result))
        elif isinstance(result, Namespace):
            raise TypeError  # only what it holds is a value
        elif isinstance(result, int) and abs(result) > _MAX_INTEGER:
            raise OverflowError
        elif isinstance(result, complex):
            raise ArithmeticError
        return result

    def _text(self, value: Any) -> str:
        if isinstance(value, Undefined):
            return ""
        if isinstance(value, (list, dict, tuple)):
            self._budget.spend(weight(value, self._budget))
        return str(value)

    def _constant(self, node: Any) -> Any:
        return node.value

    def _name(self, node: Any) -> Any:
        return self._variables.get(node.name, UNDEFINED)

    def _list(self, node: Any) -> Any:
        return self._weighed([self.value(one) for one in node.items])

    def _dict(self, node: Any) -> Any:
        return self._weighed({self.value(one.key): self.value(one.value) for one in node.items})

    def _weighed(self, made: Any) -> Any:
        """What was put together, at the cost of all that it holds; a part that is in it twice
        counts twice, as whoever goes through it later will meet it twice."""
        self._budget.spend(weight(made, self._budget))
        return made

    def _attribute(self, node: Any) -> Any:
        if isinstance(node.node, nodes.Name):
            kept = self._variables.get(node.node.name)
            if isinstance(kept, Namespace):
                return kept.held.get(node.attr, UNDEFINED)
        held = self.value(node.node)
        return held.get(node.attr, UNDEFINED) if isinstance(held, dict) else UNDEFINED

    def _item(self, node: Any) -> Any:
        held = self.value(node.node)
        if isinstance(node.arg, nodes.Slice):
            ends = (node.arg.start, node.arg.stop, node.arg.step)
            return held[slice(*(None if end is None else self.value(end) for end in ends))]
        key = self.value(node.arg)
        if isinstance(held, dict):
            return held.get(key, UNDEFINED)
        if isinstance(held, (str, list, tuple)) and isinstance(key, int):
            return held[key] if -len(held) <= key < len(held) else UNDEFINED
        return UNDEFINED

    def _compare(self, node: Any) -> Any:
        left = self.value(node.expr)
        for operand in node.ops:
            right = self.value(operand.expr)
            self._budget.spend(weight(left, self._budget) + weight(right, self._budget))
            if not _COMPARISONS[operand.op](left, right):
                return False
            left = right
        return True

    def _and(self, node: Any) -> Any:
        left = self.value(node.left)
        return self.value(node.right) if truth(left) else left

    def _or(self, node: Any) -> Any:
        left = self.value(node.left)
        return left if truth(left) else self.value(node.right)

    def _not(self, node: Any) -> Any:
        return not truth(self.value(node.node))

    def _negative(self, node: Any) -> Any:
        return -_numeric(self.value(node.node))

    def _positive(self, node: Any) -> Any:
        return _numeric(self.value(node.node))

    def _arithmetic(self, node: Any) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node, nodes.Add) and isinstance(left, str) and isinstance(right, str):
            bound(len(left) + len(right))
            return left + right
        if isinstance(node, nodes.Mod) and isinstance(left, str):
            self._budget.spend(weight(right, self._budget))
            text = formatted(left, *(right if isinstance(right, tuple) else (right,)))
            bound(len(text), len(left))
            return text
        return _ARITHMETIC[type(node)](_numeric(left), _numeric(right))

    def _joined(self, node: Any) -> Any:
        parts = [self._text(self.value(one)) for one in node.nodes]
        bound(sum(map(len, parts)))
        return "".join(parts)

    def _condition(self, node: Any) -> Any:
        if truth(self.value(node.test)):
            return self.value(node.expr1)
        return UNDEFINED if node.expr2 is None else self.value(node.expr2)

    def _filter(self, node: Any) -> Any:
        given = self.value(node.node) if node.node is not None else UNDEFINED
        if node.name in EACH:
            return self._apply(partial(each, node.name, self._invoke), given, node)
        return self._apply(FILTERS[node.name], given, node)

    def _test(self, node: Any) -> Any:
        return self._apply(TESTS[node.name], self.value(node.node), node)

    def _call(self, node: Any) -> Any:
        if isinstance(node.node, nodes.Name):
            if node.node.name == NAMESPACE:
                raise refused("a namespace within an expression")
            return self._apply(FUNCTIONS[node.node.name], None, node, plain=True)
        held = self.value(node.node.node)
        allowed = (str, dict) if node.node.attr in ("get", "keys", "values", "items") else str
        if not isinstance(held, allowed):
            raise TypeError
        return self._apply(METHODS[node.node.attr], held, node)

    def _apply(
        self, function: Callable[..., Any], given: Any, node: Any, *, plain: bool = False
    ) -> Any:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise refused("arguments that are unpacked")
        positional = [self.value(one) for one in node.args]
        named = {one.key: self.value(one.value) for one in node.kwargs}
        if not plain:
            positional.insert(0, given)
        return self._invoke(function, positional, named)

    def _invoke(
        self,
        function: Callable[..., Any],
        positional: list[Any],
        named: dict[str, Any] | None = None,
    ) -> Any:
        self._budget.spend()
        for one in positional:
            if isinstance(one, (str, list, dict, tuple)):
                self._budget.spend(weight(one, self._budget))
        if function in SEARCHES:
            self._budget.spend(256 * 1_000)
        result = function(*positional, **(named or {}))
        if isinstance(result, (str, list, tuple)):
            bound(len(result), *[len(one) for one in positional if isinstance(one, (str, list))])
        return result


def _makes_namespace(node: nodes.Node) -> TypeGuard[nodes.Call]:
    return (
        isinstance(node, nodes.Call)
        and isinstance(node.node, nodes.Name)
        and node.node.name == NAMESPACE
        and not (node.args or node.dyn_args or node.dyn_kwargs)
    )


def _numeric(value: Any) -> int | float:
    if not isinstance(value, (int, float)):
        raise TypeError
    return value


def _power(base: float, exponent: float) -> float:
    return math.pow(base, exponent)  # of floats: no integer grows without bound


_ARITHMETIC: dict[type[nodes.Node], Callable[[Any, Any], Any]] = {
    nodes.Add: lambda a, b: a + b,
    nodes.Sub: lambda a, b: a - b,
    nodes.Mul: lambda a, b: a * b,
    nodes.Div: lambda a, b: a / b,
    nodes.FloorDiv: lambda a, b: a // b,
    nodes.Mod: lambda a, b: a % b,
    nodes.Pow: _power,
}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "gt": lambda a, b: bool(a > b),
    "gteq": lambda a, b: bool(a >= b),
    "lt": lambda a, b: bool(a < b),
    "lteq": lambda a, b: bool(a <= b),
    "in": lambda a, b: a in b,
    "notin": lambda a, b: a not in b,
}


_VALUES: dict[type[nodes.Node], Callable[[_Walk, Any], Any]] = {
    nodes.Const: _Walk._constant,
    nodes.Name: _Walk._name,
    nodes.List: _Walk._list,
    nodes.Tuple: _Walk._list,
    nodes.Dict: _Walk._dict,
    nodes.Getattr: _Walk._attribute,
    nodes.Getitem: _Walk._item,
    nodes.Compare: _Walk._compare,
    nodes.And: _Walk._and,
    nodes.Or: _Walk._or,
    nodes.Not: _Walk._not,
    nodes.Neg: _Walk._negative,
    nodes.Pos: _Walk._positive,
    nodes.Concat: _Walk._joined,
    nodes.CondExpr: _Walk._condition,
    nodes.Filter: _Walk._filter,
    nodes.Test: _Walk._test,
    nodes.Call: _Walk._call,
    **dict.fromkeys(_ARITHMETIC, _Walk._arithmetic),
}
