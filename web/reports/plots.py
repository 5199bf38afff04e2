"""Columns as SVG, small enough for a phone, the same on paper.

Colours are attributes, which paper obeys; on screens the style sheet has the last word, so that
they follow day and night. What a picture shows is said in its title too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

_WIDTH, _HEIGHT = 360, 170
_LEFT, _TOP, _FOOT = 44, 10, 24
_STEPS = 4


@dataclass(frozen=True)
class Column:
    """One column: what stands below it (nothing: ''), its height, and a whisker's end above it."""

    label: str
    value: float | None
    """None: nothing is known, and nothing is drawn."""
    high: float | None = None
    strong: bool = False


def step(top: float) -> float:
    """A round step, so that a few of them reach `top`.

    >>> [step(top) for top in (0, 3, 7, 31, 1200)]
    [1.0, 1.0, 2.0, 10.0, 500.0]
    """
    if top <= _STEPS:
        return 1.0
    rough = top / _STEPS
    size = 10.0 ** math.floor(math.log10(rough))
    return next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)


def columns(
    title: str, given: Sequence[Column], number: Callable[[float], str] = lambda n: f"{n:g}"
) -> Markup:
    """A picture of columns from 0; `number` writes the numbers of the axis."""
    known = [v for one in given for v in (one.value, one.high) if v is not None]
    each = step(max(known, default=0))
    top = each * max(1, math.ceil(max(known, default=0) / each))
    plain = _HEIGHT - _TOP - _FOOT

    def y(value: float) -> float:
        return _TOP + plain * (1 - value / top)

    parts = [
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" viewBox="0 0 {} {}"'
            ' font-family="sans-serif" font-size="12"><title>{}</title>'
        ).format(_WIDTH, _HEIGHT, title)
    ]
    for level in range(round(top / each) + 1):
        at = y(level * each)
        parts.append(
            Markup(
                '<path class="plot-grid" d="M{} {:.1f}H{}" stroke="#d5dbd3" stroke-width="1"/>'
                '<text class="plot-text" x="{}" y="{:.1f}" text-anchor="end" fill="#4a5853">{}'
                "</text>"
            ).format(_LEFT, at, _WIDTH, _LEFT - 6, at + 4, number(level * each))
        )
    wide = (_WIDTH - _LEFT) / max(1, len(given))
    for place, one in enumerate(given):
        middle = _LEFT + wide * (place + 0.5)
        if one.value is not None:
            parts.append(
                Markup(
                    '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"'
                    ' fill="{}"/>'
                ).format(
                    "plot-strong" if one.strong else "plot-column",
                    middle - wide * 0.36,
                    y(one.value),
                    wide * 0.72,
                    y(0) - y(one.value),
                    "#0b5f66" if one.strong else "#5f9da0",
                )
            )
        if one.value is not None and one.high is not None:
            parts.append(
                Markup(
                    '<path class="plot-whisker" d="M{0:.1f} {1:.1f}'
                    'V{2:.1f}M{3:.1f} {2:.1f}H{4:.1f}"'
                    ' stroke="#14201d" stroke-width="1.5" fill="none"/>'
                ).format(middle, y(one.value), y(one.high), middle - 4, middle + 4)
            )
        if one.label:
            parts.append(
                Markup(
                    '<text class="plot-text" x="{:.1f}" y="{}" text-anchor="middle" fill="#4a5853">'
                    "{}</text>"
                ).format(middle, _HEIGHT - 7, one.label)
            )
    return Markup("").join([*parts, Markup("</svg>")])
