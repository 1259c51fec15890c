"""Draw each provider's lifecycle table: a state diagram, and what each native status is called."""

from collections.abc import Iterable, Iterator

from contracts.lifecycle import UNBORN, Lifecycle, Move
from contracts.provider import Provider
from ops.generated.markdown import code, page, table

_READING = (
    "A solid arrow is a move of the table; one marked *late* replaces a final status and is "
    "reported as an anomaly. Statuses without an arrow between them contradict each other "
    "(`conflict`: the first stands) or are older news (`stale`). The whole tables stand in "
    "`contracts/providers/`."
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
    return kinds


def _related(lifecycle: Lifecycle, one: str, other: str) -> bool:
    moves = {lifecycle.table[one][other], lifecycle.table[other][one]}
    return moves != {Move.CONFLICT}


def _arrows(lifecycle: Lifecycle, kind: list[str]) -> Iterator[str]:
    for native in kind:
        if lifecycle.table[UNBORN][native] is Move.APPLY:
            yield f"    [*] --> {_name(native)}"
    for current in kind:
        for said in kind:
            move = lifecycle.table[current][said]
            if move in {Move.APPLY, Move.LATE}:
                label = " : late" if move is Move.LATE else ""
                yield f"    {_name(current)} --> {_name(said)}{label}"
    for native in kind:
        if native in lifecycle.final:
            yield f"    {_name(native)} --> [*]"


def _name(native: str) -> str:
    # Mermaid takes no point in a name.
    return native.replace(".", "_")
