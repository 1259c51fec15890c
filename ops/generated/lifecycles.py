"""Draw each provider's lifecycle table: a state diagram, and what each native status is called."""

from collections.abc import Iterable, Iterator

from contracts.lifecycle import UNBORN, Lifecycle, Move
from contracts.provider import Provider
from ops.generated.markdown import code, page, table

_READING = (
    "Arrows lead from a status to those that follow it. Callbacks may skip steps: whatever lies "
    "further along the arrows is taken, and what lies behind is older news (`stale`). An arrow "
    "marked *late* replaces a final status and is reported as an anomaly; two final statuses "
    "without an arrow contradict each other (`conflict`), and the first stands. The whole tables "
    "stand in `contracts/providers/`."
)


def lifecycles_page(providers: Iterable[Provider]) -> str:
    """Return docs/LIFECYCLES.md."""
    sections = [part for provider in providers for part in _sections(provider)]
    return page("Lifecycles", _READING, *sections)


def _sections(provider: Provider) -> Iterator[str]:
    lifecycle = provider.lifecycle
    yield f"## {provider.name}"
    yield f"From <{provider.documentation}>."
    for kind in _kinds(lifecycle):
        yield "\n".join(["```mermaid", "stateDiagram-v2", *_arrows(lifecycle, kind), "```"])
    yield table(
        ("native status", "status", "final"),
        (
            (code(native), code(status), "yes" if native in lifecycle.final else "")
            for native, status in lifecycle.statuses.items()
        ),
    )


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


def _arrows(lifecycle: Lifecycle, kind: list[str]) -> Iterator[str]:
    for current in (UNBORN, *kind):
        for said in _next(lifecycle, current, kind):
            yield f"    {_name(current)} --> {_name(said)}"
        for said in kind:
            if lifecycle.table[current][said] is Move.LATE:
                yield f"    {_name(current)} --> {_name(said)} : late"
    for native in kind:
        if native in lifecycle.final:
            yield f"    {_name(native)} --> [*]"


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
