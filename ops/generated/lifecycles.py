"""Draw each provider's lifecycle table: a state diagram, and what each native status is called."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from contracts.lifecycle import UNBORN, Lifecycle, Move
from contracts.provider import Provider
from ops.generated.markdown import code, page, table
from ops.generated.state_diagram import Arrow, Box, state_diagram

_FOLDER: Final = "lifecycles"
_READING = (
    "Arrows lead from a status to those that follow it. Callbacks may skip steps: whatever lies "
    "further along the arrows is taken, and what lies behind is older news (`stale`). An arrow "
    "marked *late* replaces a final status and is reported as an anomaly; two final statuses "
    "without an arrow contradict each other (`conflict`), and the first stands. The whole tables "
    "stand in `contracts/providers/`. Each diagram is also a picture, where a thick frame is a "
    "final status."
)


class Diagram(NamedTuple):
    """One kind of transaction of one provider: its native statuses and the moves between them."""

    provider: Provider
    number: int
    statuses: list[str]
    arrows: list[Arrow]

    @property
    def path(self) -> str:
        """Return where the picture lies, seen from docs/."""
        return f"{_FOLDER}/{self.provider.name}-{self.number}.svg"


def lifecycles_page(providers: Iterable[Provider]) -> str:
    """Return docs/LIFECYCLES.md."""
    sections = [part for provider in providers for part in _sections(provider)]
    return page("Lifecycles", _READING, *sections)


def lifecycle_pictures(providers: Iterable[Provider]) -> dict[str, str]:
    """Return each picture by its path below docs/."""
    return {one.path: _picture(one) for provider in providers for one in diagrams(provider)}


def diagrams(provider: Provider) -> list[Diagram]:
    """Return a diagram of each kind of transaction."""
    lifecycle = provider.lifecycle
    return [
        Diagram(provider, number, kind, list(_arrows(lifecycle, kind)))
        for number, kind in enumerate(_kinds(lifecycle), 1)
    ]


def _sections(provider: Provider) -> Iterator[str]:
    lifecycle = provider.lifecycle
    yield f"## {provider.name}"
    yield f"From <{provider.documentation}>."
    for one in diagrams(provider):
        yield "\n".join(["```mermaid", "stateDiagram-v2", *_mermaid(one), "```"])
        yield f"[The same as a picture]({one.path})"
    yield table(
        ("native status", "status", "final"),
        (
            (code(native), code(status), "yes" if native in lifecycle.final else "")
            for native, status in lifecycle.statuses.items()
        ),
    )


def _mermaid(diagram: Diagram) -> Iterator[str]:
    for arrow in diagram.arrows:
        late = " : late" if arrow.late else ""
        yield f"    {_name(arrow.start)} --> {_name(arrow.end)}{late}"
    for native in diagram.statuses:
        if native in diagram.provider.lifecycle.final:
            yield f"    {_name(native)} --> [*]"


def _picture(diagram: Diagram) -> str:
    lifecycle = diagram.provider.lifecycle
    boxes = [
        Box(native, lifecycle.statuses[native].value, thick=native in lifecycle.final)
        for native in diagram.statuses
    ]
    title = f"{diagram.provider.name}: lifecycle {diagram.number}"
    return state_diagram(title, boxes, diagram.arrows, start=UNBORN)


def _kinds(lifecycle: Lifecycle) -> list[list[str]]:
    """Return the native statuses of each kind of transaction: those with a move between them."""
    kinds: list[list[str]] = []
    for native in lifecycle.statuses:
        kind = next((one for one in kinds if _related(lifecycle, native, one[0])), None)
        if kind is None:
            kinds.append([native])
        else:
            kind.append(native)
    # Statuses that do nothing but contradict each other are the ends of one kind.
    ends = [native for kind in kinds if len(kind) == 1 for native in kind]
    longer = [kind for kind in kinds if len(kind) > 1]
    return [ends, *longer] if ends else longer


def _related(lifecycle: Lifecycle, one: str, other: str) -> bool:
    moves = {lifecycle.table[one][other], lifecycle.table[other][one]}
    return moves != {Move.CONFLICT}


def _arrows(lifecycle: Lifecycle, kind: list[str]) -> Iterator[Arrow]:
    for current in (UNBORN, *kind):
        for said in _next(lifecycle, current, kind):
            yield Arrow(current, said)
        for said in kind:
            if lifecycle.table[current][said] is Move.LATE:
                yield Arrow(current, said, late=True)


def _next(lifecycle: Lifecycle, current: str, kind: list[str]) -> Iterator[str]:
    """Yield what `current` moves on to directly: not what is reached through another status."""
    moves = [said for said in kind if lifecycle.table[current][said] is Move.APPLY]
    for said in moves:
        between = [one for one in moves if one not in {current, said}]
        if not any(lifecycle.table[one][said] is Move.APPLY for one in between):
            yield said


def _name(native: str) -> str:
    # Mermaid takes no point in a name, and has a sign of its own for the beginning.
    return "[*]" if native == UNBORN else native.replace(".", "_")
