"""What of Jinja's language is understood: Jinja parses; what is not in these lists is refused."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, TemplateError, nodes

from ingest.decoders.homeassistant_each import EACH
from ingest.decoders.homeassistant_filters import FILTERS, FUNCTIONS, METHODS, TESTS
from ingest.decoders.record import DecodeError

MAX_TEMPLATE = 2_048
"""Characters."""
NAMESPACE = "namespace"
_UNDERSTOOD: frozenset[type[nodes.Node]] = frozenset(
    {
        # statements, and parts of them
        nodes.Template, nodes.Output, nodes.If, nodes.For, nodes.Assign, nodes.NSRef,
        nodes.TemplateData, nodes.Pair, nodes.Keyword, nodes.Operand, nodes.Slice,
        # expressions
        nodes.Const, nodes.Name, nodes.List, nodes.Tuple, nodes.Dict, nodes.Getattr, nodes.Getitem,
        nodes.Compare, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Concat,
        nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Call, nodes.Add, nodes.Sub, nodes.Mul,
        nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow,
    }
)  # fmt: skip
_JINJA = Environment(autoescape=True)  # only its parser is used


def check(template: str) -> None:
    """Refuse what `render` would refuse whatever the values are.

    Raises:
        DecodeError: no template, too long, or with a part that is not understood.
    """
    waiting: list[nodes.Node] = [parsed(template)]
    while waiting:
        node = waiting.pop()
        admit(node)
        waiting.extend(node.iter_child_nodes())


def parsed(template: str) -> nodes.Template:
    """The tree of a template.

    Raises:
        DecodeError: no template, or too long.
    """
    if len(template) > MAX_TEMPLATE:
        raise DecodeError(
            "template",
            f"The template is longer than {MAX_TEMPLATE:,} characters, so it was not read.",
        )
    tree = _tree(template)
    if tree is None:
        raise DecodeError(
            "template", "The template is not written as Jinja writes them, so it was not used."
        )
    return tree


@lru_cache(maxsize=4_096)
def _tree(template: str) -> nodes.Template | None:
    """The tree of a template; None if it is none, which is remembered as well."""
    try:
        return _JINJA.parse(template)
    except (TemplateError, ValueError, ArithmeticError, RecursionError):
        return None


def admit(node: nodes.Node) -> None:
    """Refuse a part of a template that is not understood, by name.

    Raises:
        DecodeError: it is not understood.
    """
    if type(node) not in _UNDERSTOOD:
        raise refused(f"{type(node).__name__.lower()!r}")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS and node.name not in EACH:
        raise refused(f"the filter {node.name[:40]!r}")
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        raise refused(f"the test {node.name[:40]!r}")
    if isinstance(node, (nodes.Getattr, nodes.NSRef)) and node.attr.startswith("_"):
        raise refused(f"the attribute {node.attr[:40]!r}")
    if isinstance(node, nodes.Call):
        called = node.node
        if isinstance(called, nodes.Name) and called.name not in (*FUNCTIONS, NAMESPACE):
            raise refused(f"the function {called.name[:40]!r}")
        if isinstance(called, nodes.Getattr) and called.attr not in METHODS:
            raise refused(f"the method {called.attr[:40]!r}")
        if not isinstance(called, (nodes.Name, nodes.Getattr)):
            raise refused("a call of what is no function")


def refused(what: str) -> DecodeError:
    """The error of a part that is not run; `what` names it."""
    return DecodeError(
        "template",
        f"The template uses {what}, which is not run here: only values, arithmetic, conditions, "
        "loops and the usual filters are.",
    )
