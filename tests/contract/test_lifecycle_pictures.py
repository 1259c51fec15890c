"""The pictures of the lifecycles show what the tables say, and can be read."""

import re
from itertools import combinations

import pytest
from lxml import etree

from contracts.providers import all_providers
from ops.generated.lifecycles import Diagram, diagrams, lifecycle_pictures

PICTURES = lifecycle_pictures(all_providers().values())
DIAGRAMS = [one for provider in all_providers().values() for one in diagrams(provider)]
SVG = "{http://www.w3.org/2000/svg}"


def parts(diagram: Diagram, kind: str) -> list[etree._Element]:
    tree = etree.fromstring(PICTURES[diagram.path].encode())
    return [one for one in tree.iter(SVG + kind) if one.get("class") != "paper"]


def edges(box: etree._Element) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom."""
    x, y, width, height = (int(box.get(name, "")) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda one: one.path)
def test_picture_names_every_status_with_its_word_and_frames_the_final_ones(
    diagram: Diagram,
) -> None:
    lifecycle = diagram.provider.lifecycle
    texts = [one.text for one in parts(diagram, "text") if one.get("class") != "note"]
    thick = [one for one in parts(diagram, "rect") if one.get("class") == "final"]

    assert sorted(zip(texts[::2], texts[1::2], strict=True)) == sorted(
        (native, lifecycle.statuses[native].value) for native in diagram.statuses
    )
    assert len(thick) == len(lifecycle.final & set(diagram.statuses))


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda one: one.path)
def test_picture_shows_every_arrow_as_a_line_or_in_words(diagram: Diagram) -> None:
    lines = [one for one in parts(diagram, "path") if one.get("marker-end")]
    notes = [one.text or "" for one in parts(diagram, "text") if one.get("class") == "note"]
    told = [note.removeprefix("late: ").split(" to ") for note in notes]
    in_words = sum(len(start.split(", ")) * len(end.split(", ")) for start, end in told)

    assert len(lines) + in_words == len(diagram.arrows)


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda one: one.path)
def test_picture_has_no_box_over_another_or_outside(diagram: Diagram) -> None:
    tree = etree.fromstring(PICTURES[diagram.path].encode())
    boxes = [edges(one) for one in parts(diagram, "rect")]

    for left, top, right, bottom in boxes:
        assert left >= 0
        assert right <= int(tree.get("width", ""))
        assert bottom <= int(tree.get("height", ""))
        assert top >= 0
    for one, other in combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_picture_has_whole_numbers_alone() -> None:
    """The last digit of a fraction may differ from one machine to another."""
    values = {
        value
        for text in PICTURES.values()
        for one in etree.fromstring(text.encode()).iter()
        for value in one.attrib.values()
    }

    assert [value for value in values if re.search(r"[0-9]\.", str(value))] == []
