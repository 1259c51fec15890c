"""Draw boxes and arrows as SVG, in layers. Whole numbers alone, so every machine draws the same."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Final

_CHARACTER: Final = 9  # wider than any of a 13 px monospace font
_BOX_HEIGHT: Final = 46
_LAYER_HEIGHT: Final = 92
_GAP: Final = 28
_MARGIN: Final = 36
_LOOP: Final = 22
# More dashed arrows than this cover what they join; they are told in words below the drawing.
_LATE_ARROWS_MAX: Final = 6
_STYLE: Final = (
    "text{font:13px monospace;text-anchor:middle;fill:#111}"
    ".word{font-size:11px;fill:#555}.note{text-anchor:start}"
    "rect{fill:#fff;stroke:#111}.final{stroke-width:3}"
    "path{fill:none;stroke:#111}.late{stroke-dasharray:5 4}.paper{stroke:none}"
)
_TIP: Final = (
    '<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><polygon points="0,0 8,4 0,8"/></marker>'
)


@dataclass(frozen=True, slots=True)
class Box:
    """A status: its name, a word below it, and whether its frame is thick."""

    name: str
    word: str
    thick: bool = False

    @property
    def width(self) -> int:
        """Return how wide it must be for its text."""
        return (max(len(self.name), len(self.word)) + 2) * _CHARACTER


@dataclass(frozen=True, slots=True)
class Arrow:
    """A move from one status to another; `late` ones are dashed."""

    start: str
    end: str
    late: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    x: int  # of its middle
    y: int  # of its top
    width: int

    @property
    def below(self) -> int:
        return self.y + _BOX_HEIGHT


def state_diagram(title: str, boxes: Sequence[Box], arrows: Sequence[Arrow], *, start: str) -> str:
    """Return the picture; arrows from `start` come from a dot at its top."""
    layers = _layers(boxes, arrows, start)
    inner = max(_width(layer) for layer in layers)
    late = [arrow for arrow in arrows if arrow.late]
    notes = list(_notes(late)) if len(late) > _LATE_ARROWS_MAX else []
    inner = max(inner, *(len(note) * _CHARACTER for note in notes), 0)
    places = _places(layers, inner)
    middle, bottom = _MARGIN + inner // 2, _MARGIN + (len(layers) + 1) * _LAYER_HEIGHT
    drawn = [one for one in arrows if not (notes and one.late)]
    dot = _Place(middle, _MARGIN, 0)
    lines = [
        f'<circle cx="{middle}" cy="{dot.below - 7}" r="7"/>',
        *(_path(places.get(one.start, dot), places[one.end], late=one.late) for one in drawn),
        *(part for box in boxes for part in _box(box, places[box.name])),
        *(
            f'<text class="note" x="{_MARGIN}" y="{bottom + 20 * number}">{escape(note)}</text>'
            for number, note in enumerate(notes)
        ),
    ]
    return _svg(title, lines, inner + 2 * _MARGIN, bottom + 20 * len(notes))


def _svg(title: str, lines: Iterable[str], width: int, height: int) -> str:
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">'
    )
    paper = f'<rect class="paper" width="{width}" height="{height}"/>'
    head = [opening, f"<title>{escape(title)}</title>", f"<style>{_STYLE}</style>", _TIP, paper]
    return "\n".join([*head, *lines, "</svg>"]) + "\n"


def _layers(boxes: Sequence[Box], arrows: Sequence[Arrow], start: str) -> list[list[Box]]:
    """Return the boxes by their longest way from the start, in the order they were given."""
    forward = [one for one in arrows if not one.late and one.start not in {start, one.end}]
    depth = {box.name: 0 for box in boxes}
    for _ in boxes:
        for arrow in forward:
            depth[arrow.end] = max(depth[arrow.end], depth[arrow.start] + 1)
    found = [[box for box in boxes if depth[box.name] == one] for one in range(len(boxes))]
    return [layer for layer in found if layer]


def _width(layer: Sequence[Box]) -> int:
    return sum(box.width + _GAP for box in layer)


def _places(layers: Sequence[Sequence[Box]], inner: int) -> dict[str, _Place]:
    found = {}
    for number, layer in enumerate(layers, 1):
        x = _MARGIN + (inner - _width(layer) + _GAP) // 2
        for box in layer:
            y = _MARGIN + number * _LAYER_HEIGHT
            found[box.name] = _Place(x + box.width // 2, y, box.width)
            x += box.width + _GAP
    return found


def _box(box: Box, place: _Place) -> Iterator[str]:
    left = place.x - place.width // 2
    kind = ' class="final"' if box.thick else ""
    size = f'width="{place.width}" height="{_BOX_HEIGHT}" rx="8"'
    yield f'<rect{kind} x="{left}" y="{place.y}" {size}/>'
    yield f'<text x="{place.x}" y="{place.y + 20}">{escape(box.name)}</text>'
    yield f'<text class="word" x="{place.x}" y="{place.y + 37}">{escape(box.word)}</text>'


def _path(start: _Place, end: _Place, *, late: bool) -> str:
    kind = ' class="late"' if late else ""
    return f'<path{kind} d="{_line(start, end)}" marker-end="url(#tip)"/>'


def _line(start: _Place, end: _Place) -> str:
    """Return a way from one box to another: down, up, along a layer, or round to itself."""
    if start == end:
        x, y = start.x + start.width // 2, start.y + _BOX_HEIGHT // 2
        return f"M{x} {y - 8} C{x + _LOOP} {y - 14} {x + _LOOP} {y + 14} {x} {y + 8}"
    if start.y < end.y:
        half = (start.below + end.y) // 2
        return f"M{start.x} {start.below} C{start.x} {half} {end.x} {half} {end.x} {end.y}"
    if start.y > end.y:
        half = (end.below + start.y) // 2
        return f"M{start.x} {start.y} C{start.x} {half} {end.x} {half} {end.x} {end.below}"
    low = start.below + _LAYER_HEIGHT // 3
    return f"M{start.x} {start.below} C{start.x} {low} {end.x} {low} {end.x} {end.below}"


def _notes(late: Sequence[Arrow]) -> Iterator[str]:
    """Yield late moves in words: the statuses that are replaced by the same ones in one line."""
    ends: Mapping[str, tuple[str, ...]] = {
        start: tuple(one.end for one in group)
        for start, group in groupby(late, key=lambda one: one.start)
    }
    for followers in dict.fromkeys(ends.values()):
        replaced = ", ".join(start for start, found in ends.items() if found == followers)
        yield f"late: {replaced} to {', '.join(followers)}"
