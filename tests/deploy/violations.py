"""Break a rendered overlay in one place: for each rule, what it must notice."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.deploy.objects import Rendered

Change = Callable[[Rendered], None]
# By rule, then by what is wrong.
Table = Mapping[str, Mapping[str, Change]]
GONE: Final = object()
POD: Final = "spec/template/spec"
BOX: Final = f"{POD}/containers/0"


@dataclass(frozen=True)
class Violation:
    """One change of one overlay, and the rule that must notice it."""

    rule: str
    what: str
    change: Change
    overlay: str

    def __str__(self) -> str:
        """Return what pytest calls it."""
        return f"{self.rule}: {self.what}"


def put(kind: str, name: str, path: str, value: object = GONE) -> Change:
    """Return the change that sets what lies at `path`, or takes it away."""

    def change(rendered: Rendered) -> None:
        place: Any = rendered.named(kind, name)
        steps = (one.replace("~", "/") for one in path.split("/"))
        *above, last = (int(one) if one.isdigit() else one for one in steps)
        for step in above:
            place = place[step]
        if value is GONE:
            del place[last]
        else:
            place[last] = value

    return change


def lose(kind: str, name: str) -> Change:
    """Return the change that takes an object away."""
    return lambda rendered: rendered.objects.remove(rendered.named(kind, name))


def add(kind: str, name: str, path: str, value: object) -> Change:
    """Return the change that adds one to the list at `path`."""

    def change(rendered: Rendered) -> None:
        place: Any = rendered.named(kind, name)
        for step in path.split("/"):
            place = place[int(step) if step.isdigit() else step]
        place.append(value)

    return change


def say(old: str, new: str) -> Change:
    """Return the change that writes something else into esito.yaml."""

    def change(rendered: Rendered) -> None:
        text = rendered.configuration_text
        if old not in text:
            raise LookupError(f"{old}: nowhere in esito.yaml")
        kept = next(one for one in rendered.of("ConfigMap") if "esito.yaml" in one["data"])
        kept["data"]["esito.yaml"] = text.replace(old, new)
        vars(rendered).pop("configuration_text", None)

    return change


def both(*changes: Change) -> Change:
    """Return the change that makes several."""

    def change(rendered: Rendered) -> None:
        for one in changes:
            one(rendered)

    return change


def gathered(changes: Table, overlay: str = "overlays/production") -> Iterator[Violation]:
    """Yield the violations of a table."""
    for rule, broken in changes.items():
        for what, change in broken.items():
            yield Violation(rule, what, change, overlay)
