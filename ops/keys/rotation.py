"""Say how far the change of one key has come, and what is to be done next.

1. the new key stands beside the old one in the configuration, and its file can be used
2. both are valid now
3. every running process holds both
4. the caller uses the new key
5. nobody has used the old key for a while, and the verifier has passed all that came with it
6. the old key is out of the configuration
7. no running process holds it
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from runtime.endpoint_keys import KeyFile


class State(StrEnum):
    """How a step stands."""

    DONE = "done"
    NEXT = "next"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what was found, and what to do if it is the next one."""

    name: str
    state: State
    said: str = ""
    todo: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How often a key was used in the time looked at, and when it was last."""

    count: int = 0
    last: datetime | None = None

    def once_more(self, milliseconds: int) -> "Use":
        """Return it with one use more, at so many milliseconds since 1970."""
        at = datetime.fromtimestamp(milliseconds / 1000, UTC)
        return Use(count=self.count + 1, last=max(at, self.last or at))


@dataclass(frozen=True, slots=True)
class Held:
    """The ids that one process has of the credential; None: it does not have it at all."""

    ids: frozenset[str] | None
    is_ingress: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Everything that is known of the change of one key.

    `running` holds, by address, what a process said; None: it does not answer. `verifiers` is how
    many there are in the provider's group, `waiting` how many records with the old key they have
    still to pass. `faults` are of files, by key id; `same_secret`: the two files hold one secret.
    """

    endpoint: str
    credential: str
    old: str
    new: str
    keys: Mapping[str, KeyFile]
    faults: Mapping[str, str] = field(default_factory=dict)
    same_secret: bool = False
    running: Mapping[str, Held | None] = field(default_factory=dict)
    verifiers: int = 0
    uses: Mapping[str, Use] = field(default_factory=dict)
    waiting: int = 0
    quiet: timedelta = timedelta(days=1)
    now: datetime

    @property
    def is_old_out(self) -> bool:
        """Tell whether the configuration no longer has the old key."""
        return self.old not in self.keys


def steps(rotation: Rotation) -> Sequence[Step]:
    """Return the seven steps; the first that is not done is the next, those after it are later."""
    found: list[Step] = []
    for name, check in _CHECKS.items():
        if found and found[-1].state is not State.DONE:
            found.append(Step(name, State.LATER))
            continue
        said, todo = check(rotation)
        found.append(Step(name, State.NEXT if todo else State.DONE, said, todo))
    return found


_Checked = tuple[str, tuple[str, ...]]


def _made(rotation: Rotation) -> _Checked:
    key = rotation.keys.get(rotation.new)
    if key is None:
        beside = rotation.keys.get(rotation.old)
        file = _beside(beside, rotation)
        return f"the configuration has no key {rotation.new}", (
            f"(umask 077; openssl rand -hex 32 > {file}), or write there what the provider gave",
            f"in esito.yaml, under {rotation.endpoint}, {rotation.credential}, keys, add:",
            f"  - {{id: {rotation.new}, file: {file}}}",
            "keep the old one beside it; esito config check",
        )
    fault = rotation.faults.get(rotation.new)
    if fault:
        return fault, ("write the new secret there",)
    if rotation.same_secret:
        return "both files hold one secret", (f"write another one to {key.file}",)
    return f"{key.file}", ()


def _overlap(rotation: Rotation) -> _Checked:
    new, old = rotation.keys[rotation.new], rotation.keys.get(rotation.old)
    if new.not_before is not None and rotation.now < new.not_before:
        return f"{new.id} begins on {new.not_before.isoformat()}", (
            f"wait, or take not_before from {new.id}",
        )
    if new.not_after is not None and new.not_after <= rotation.now:
        return f"{new.id} ended on {new.not_after.isoformat()}", (f"correct not_after of {new.id}",)
    if old is None:
        return "the old key is out of the configuration already", ()
    if old.not_after is not None and old.not_after <= rotation.now:
        return f"{old.id} ended on {old.not_after.isoformat()}: callers with it are refused", (
            f"move not_after of {old.id} to after the change",
        )
    until = f"until {old.not_after.isoformat()}" if old.not_after else "without an end"
    return f"{old.id} beside {new.id}, {until}", ()


def _held(rotation: Rotation) -> _Checked:
    wanted = frozenset(rotation.keys) & {rotation.old, rotation.new}
    return _processes(rotation, lambda held: not wanted - held, "lacks one of the two")


def _taken_up(rotation: Rotation) -> _Checked:
    use = rotation.uses.get(rotation.new, Use())
    if not use.count:
        old = "" if not rotation.is_old_out else "; the old one is out: callbacks may be refused"
        return f"no callback came with {rotation.new}{old}", (
            "give the new secret to the caller, over a channel you trust",
            "then look again: one callback with it proves the change",
        )
    return f"{use.count} callbacks, the last at {_at(use)}", ()


def _left(rotation: Rotation) -> _Checked:
    use = rotation.uses.get(rotation.old, Use())
    if use.last is not None and use.last > rotation.now - rotation.quiet:
        return f"{rotation.old} was last used at {_at(use)} ({use.count} callbacks)", (
            "ask the caller whether all of its systems have the new key",
            f"look again after {_at(Use(last=use.last + rotation.quiet))}",
        )
    if rotation.waiting:
        back = f"put {rotation.old} back first; " if rotation.is_old_out else ""
        return f"the verifier has still to pass {rotation.waiting} with {rotation.old}", (
            f"{back}without the key they would be rejected",
            "esito lag; look again when it has caught up",
        )
    return f"no callback with {rotation.old} for {_days(rotation.quiet)}, and none waits", ()


def _out(rotation: Rotation) -> _Checked:
    key = rotation.keys.get(rotation.old)
    if key is None:
        return f"the configuration has no {rotation.old}", ()
    made = f"make sure that no path was made with {rotation.old} for {_days(rotation.quiet)}"
    return f"{key.file} is still trusted", (
        *([made] if rotation.credential == "path_token" else ()),
        f"take {rotation.old} out of esito.yaml, under {rotation.endpoint}, {rotation.credential}",
        "esito config check; restart the ingress, then the provider's verifier",
        f"then destroy {key.file}",
    )


def _forgotten(rotation: Rotation) -> _Checked:
    return _processes(rotation, lambda held: rotation.old not in held, f"holds {rotation.old}")


def _processes(
    rotation: Rotation, is_right: Callable[[frozenset[str]], bool], wrong: str
) -> _Checked:
    named = "name the management address of each ingress and verifier: --process HOST:PORT"
    silent = [address for address, one in rotation.running.items() if one is None]
    if silent or not rotation.running:
        return f"not asked: {', '.join(silent) or 'no process was named'}", (named,)
    answers = {address: one for address, one in rotation.running.items() if one is not None}
    strangers = [address for address, one in answers.items() if one.ids is None]
    if strangers:
        said = f"has no {rotation.endpoint}.{rotation.credential}: {', '.join(strangers)}"
        return said, (f"{named} of this endpoint, and no other",)
    late = [a for a, one in answers.items() if one.ids is not None and not is_right(one.ids)]
    if late:
        return f"{wrong}: {', '.join(late)}", (
            "restart it: the names of key files are read at the start alone",
        )
    ingresses = sum(one.is_ingress for one in answers.values())
    verifiers = len(answers) - ingresses
    asked = f"asked: ingress {ingresses}, verifiers {verifiers} of {rotation.verifiers}"
    return asked, () if ingresses and verifiers >= rotation.verifiers else (named,)


_CHECKS = {
    "the new key is made": _made,
    "both keys are valid": _overlap,
    "running processes hold both": _held,
    "the caller uses the new key": _taken_up,
    "nobody uses the old key": _left,
    "the old key is taken out": _out,
    "no running process holds it": _forgotten,
}


def rotation_is_over(found: Sequence[Step]) -> bool:
    """Tell whether every step is done."""
    return all(step.state is State.DONE for step in found)


def _beside(key: KeyFile | None, rotation: Rotation) -> Path:
    name = f"{rotation.endpoint}-{rotation.credential}-{rotation.new}".replace("_", "-")
    return (key.file.parent if key else Path("keys")) / name


def _at(use: Use) -> str:
    return use.last.isoformat(timespec="seconds") if use.last else "-"


def _days(length: timedelta) -> str:
    hours = length.total_seconds() / 3_600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} h"  # noqa: PLR2004 - two days


def lines(found: Sequence[Step]) -> Iterator[str]:
    """Yield the steps for people."""
    marks = {State.DONE: "done ", State.NEXT: "NEXT ", State.LATER: "later"}
    for number, step in enumerate(found, 1):
        yield f"{marks[step.state]}  {number}. {step.name}" + (
            f": {step.said}" if step.said else ""
        )
        for todo in step.todo:
            yield f"           {todo}"
