"""Draw the panels of a dashboard as SVG, from what Prometheus answered to their queries."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

from tests.monitoring import Shown

_COLUMNS: Final = 3
_WIDTH, _HEIGHT = 400, 250
_LEFT, _TOP, _RIGHT, _BOTTOM = 52, 30, 12, 84
_LEGENDS_MAX: Final = 10
_COLOURS: Final = (
    *("#2f6fb3", "#d9822b", "#3a8f4a", "#b33a3a", "#7a52a0"),
    *("#8a6d3b", "#c64f96", "#5f6b73", "#9a9a1f", "#1f9aa0"),
)
Series = Sequence[Mapping[str, Any]]


def picture(title: str, panels: Sequence[Shown], history: Mapping[str, Series]) -> str:
    """Return one picture with all panels, three in a row."""
    rows = math.ceil(len(panels) / _COLUMNS)
    size = f'width="{_COLUMNS * _WIDTH}" height="{rows * _HEIGHT + 36}"'
    drawn = "\n".join(
        f'<g transform="translate({index % _COLUMNS * _WIDTH} {index // _COLUMNS * _HEIGHT + 36})">'
        f"{''.join(_panel(panel, history))}</g>"
        for index, panel in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n'
        f'<text x="12" y="24" font-size="16">{escape(title)}</text>\n{drawn}\n</svg>\n'
    )


def _panel(panel: Shown, history: Mapping[str, Series]) -> Iterator[str]:
    lines = [
        (_named(legend, one["metric"]), _points(one["values"]))
        for expression, legend in panel.expressions.items()
        for one in history[expression]
    ]
    points = [point for _, line in lines for point in line]
    yield f'<text x="{_LEFT}" y="18" font-weight="bold">{escape(panel.title)}</text>'
    if not points:
        yield f'<text x="{_LEFT}" y="{_TOP + 40}" fill="#888">no data</text>'
        return
    begin, end = min(x for x, _ in points), max(x for x, _ in points)
    top = max((y for _, y in points), default=0) or 1
    yield from _axes(top, panel.unit, end - begin)
    for index, (_, line) in enumerate(lines):
        placed = " ".join(f"{_across(x, begin, end):.1f},{_down(y, top):.1f}" for x, y in line)
        colour = _COLOURS[index % len(_COLOURS)]
        yield f'<polyline points="{placed}" fill="none" stroke="{colour}" stroke-width="1.4"/>'
    yield from _legend([name for name, _ in lines])


def _axes(top: float, unit: str, seconds: float) -> Iterator[str]:
    floor, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for share in (0, 0.5, 1):
        y = _down(share * top, top)
        yield f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="#ddd"/>'
        label = f"{share * top:.3g}{unit if unit in {'s', 'd'} else ''}"
        yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{label}</text>'
    yield f'<text x="{right}" y="{floor + 13}" text-anchor="end" fill="#555">{seconds:.0f} s</text>'


def _legend(names: Sequence[str]) -> Iterator[str]:
    for index, name in enumerate(names[:_LEGENDS_MAX]):
        x, y = _LEFT + index % 2 * 172, _HEIGHT - _BOTTOM + 24 + index // 2 * 12
        colour = _COLOURS[index % len(_COLOURS)]
        more = f" (+{len(names) - _LEGENDS_MAX})" if index == _LEGENDS_MAX - 1 else ""
        text = escape(name[-26:] + (more if len(names) > _LEGENDS_MAX else ""))
        yield f'<text x="{x}" y="{y}" font-size="9" fill="{colour}">{text}</text>'


def _named(legend: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), legend) or "value"


def _points(values: Sequence[tuple[float, str]]) -> list[tuple[float, float]]:
    return [(x, float(y)) for x, y in values if math.isfinite(float(y))]


def _across(x: float, begin: float, end: float) -> float:
    return _LEFT + (x - begin) / ((end - begin) or 1) * (_WIDTH - _LEFT - _RIGHT)


def _down(y: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - max(y, 0) / top * (_HEIGHT - _BOTTOM - _TOP)
