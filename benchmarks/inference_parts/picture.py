"""The curves of benchmarks/inference.py as one SVG: three lines need no plotting library."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 420, 260, 56, 40, 44
_COLOURS = {"lrm-eval": "#0b62a4", "least time": "#7a7a7a", "generate, one by one": "#c0392b"}


def draw(curves: Sequence[Mapping[str, Any]], title: str) -> str:
    """One panel a curve, both axes logarithmic.

    Args:
        curves: each with `what` (the horizontal axis), `at` (its values) and `lines`: name -> seconds an image.
        title: above all.
    """
    width = _WIDTH * len(curves)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT + 30}" role="img" '
        f'font-family="sans-serif" font-size="12"><title>{title}</title>',
        f'<rect width="{width}" height="{_HEIGHT + 30}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="20" font-size="14" fill="#222">{title}</text>',
    ]
    for number, curve in enumerate(curves):
        parts += _panel(curve, number * _WIDTH)
    legend = _LEFT
    for name, colour in _COLOURS.items():
        parts.append(f'<rect x="{legend}" y="{_HEIGHT + 10}" width="14" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{legend + 20}" y="{_HEIGHT + 16}" fill="#222">{name}</text>')
        legend += 40 + 7 * len(name)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(curve: Mapping[str, Any], left: int) -> list[str]:
    at: list[float] = list(curve["at"])
    values = [value for line in curve["lines"].values() for value in line]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    right, bottom = left + _WIDTH - 20, _HEIGHT - _BOTTOM

    def x(value: float) -> float:
        span = math.log(max(at) / min(at)) or 1
        return left + _LEFT + math.log(value / min(at)) / span * (right - left - _LEFT)

    def y(value: float) -> float:
        return bottom - (math.log10(value) - low) / (high - low or 1) * (bottom - _TOP)

    parts = []
    for power in range(low, high + 1):
        parts.append(f'<path d="M{left + _LEFT} {y(10.0**power):.1f}H{right}" stroke="#ddd"/>')
        label = f"{10.0**power:g} s"
        parts.append(f'<text x="{left + _LEFT - 6}" y="{y(10.0**power) + 4:.1f}" text-anchor="end">{label}</text>')
    for value in at:
        parts.append(f'<text x="{x(value):.1f}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>')
    middle = (left + _LEFT + right) / 2
    parts.append(f'<text x="{middle:.0f}" y="{bottom + 34}" text-anchor="middle" fill="#222">{curve["what"]}</text>')
    for name, line in curve["lines"].items():
        points = " ".join(f"{x(a):.1f},{y(value):.1f}" for a, value in zip(at, line, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{_COLOURS[name]}" stroke-width="2"/>')
        for point in points.split():
            cx, cy = point.split(",")
            parts.append(f'<circle cx="{cx}" cy="{cy}" r="3" fill="{_COLOURS[name]}"/>')
    return parts
