"""Decide what one verified update does to its transaction, by the provider's table. Pure.

Precedence, first that holds:
1. an expectation registers the transaction; what it says itself is decided then, and after that
   what was parked, in the order it came
2. a status the table does not know moves nothing: `unknown_status`, or `probe`
3. a transaction that must be registered and is not: parked for a while if it may be early,
   else unsolicited
4. a statement of another signer than the transaction's moves nothing: `signer_changed`; nor does
   one that does not keep to the terms registered: `terms_broken`
5. a fact heard before: duplicate; with other content: conflict
6. the table's move: applied (late ones with an anomaly), stale, or conflict

A statement with a sort key, where the endpoint lets statements settle, is held first, and decided
in the order of the keys once time says so (`release`).

A witness belongs to no transaction: an id that may be used once, a duplicate while it is used for
the same, else `id_reused`; what waits behind it goes on to its own transaction, or nowhere. An
expectation that comes again with other terms is a conflict.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, assert_never

from contracts.codes import AnomalyCode
from contracts.instants import epoch_milliseconds
from contracts.lifecycle import Move
from contracts.provider import Breach, Standing
from contracts.raw import Source
from contracts.update import Expectation, Statement, VerifiedUpdate, Witness
from workers.state_machine.decision import Decision, Notice, Outcome, Rules
from workers.state_machine.digests import statement_digest, terms_digest
from workers.state_machine.settle import hold, settled
from workers.state_machine.snapshot import NEVER, Snapshot, thirteen_digits
from workers.state_machine.timers import after_update

# A caller who varies the amount without end must not make a snapshot grow without end; what lies
# beyond is published again and again under one id each, and not remembered.
_CONTRADICTIONS_MAX: Final = 16
_CONTRADICTION: Final = "#"  # no lifecycle table has a status with this character
# What is remembered beside statements' facts, under names that no status has.
_WITNESSED: Final = "(witness)"
_TERMS: Final = "(terms)"
_SIGNER: Final = "(signer)"


def decide(snapshot: Snapshot | None, update: VerifiedUpdate, rules: Rules) -> tuple[Decision, ...]:
    """Return the decisions that `update` leads to: on it, and on each that waited for it."""
    return _decide(snapshot or Snapshot(), update, rules)


def decide_held(standing: Snapshot, update: VerifiedUpdate, rules: Rules) -> Decision:
    """Return the decision on an update that is held no longer."""
    if not isinstance(update.what, Statement):
        raise TypeError("only statements are held")
    one = _decide_statement(standing, update, update.what, rules)
    # That it is held no longer must be written, even where it moved nothing.
    return replace(one, after=one.after or after_update(standing, update, rules))


Attempt = Callable[[Snapshot, VerifiedUpdate, Rules], Decision]


def release(
    before: Snapshot, now: int, rules: Rules, attempt: Attempt = decide_held
) -> tuple[Decision, ...]:
    """Return the decisions on the held updates that have settled at `now` (milliseconds).

    No time comes with a record, since others that happened before may still wait to be verified: at
    0 only those are decided that are too many.
    """
    due, rest = settled(before.held, now, rules.settle_milliseconds)
    decisions: list[Decision] = []
    for update in due:
        standing = replace(_standing(decisions, before), held=rest)
        decisions.append(attempt(standing, update, rules))
    return tuple(decisions)


def _standing(decisions: Sequence[Decision], before: Snapshot) -> Snapshot:
    return (decisions[-1].after or decisions[-1].before) if decisions else before


def _decide(before: Snapshot, update: VerifiedUpdate, rules: Rules) -> tuple[Decision, ...]:
    match update.what:
        case Expectation():
            return _registered(before, update, update.what, rules)  # 1
        case Statement() as what:
            if what.sort_key and rules.settle_milliseconds and before.expected:
                return (_held(before, update, what, rules),)
            return (_decide_statement(before, update, what, rules),)
        case Witness():
            return (_decide_witness(before, update, update.what, rules),)
        case unreachable:
            assert_never(unreachable)


def _registered(
    before: Snapshot, update: VerifiedUpdate, what: Expectation, rules: Rules
) -> tuple[Decision, ...]:
    then = (update.model_copy(update={"what": what.then}),) if what.then else ()
    if before.expected:
        again = _registered_again(before, update, what, rules)
        standing = again.after or before
        return (again, *(one for said in then for one in _decide(standing, said, rules)))
    deadline = thirteen_digits(epoch_milliseconds(what.deadline)) if what.deadline else NEVER
    after = after_update(
        before,
        update,
        rules,
        expected=True,
        deadline=deadline,
        parked=(),
        parked_until=NEVER,
        terms={**what.terms, **what.assigned},
    )
    decisions = [Decision(Outcome.REGISTERED, update, before, after)]
    for waiting in (*then, *before.parked):
        decisions.extend(_decide(_standing(decisions, before), waiting, rules))
    return tuple(decisions)


def _held(before: Snapshot, update: VerifiedUpdate, what: Statement, rules: Rules) -> Decision:
    """Keep a statement until those that happened before it have had the time to come."""
    unknown = _unknown(update, what, rules)
    if unknown is not None:
        return Decision(Outcome.NOTED, update, before, None, unknown)
    held = hold(before.held, update)
    if held is None:
        return Decision(Outcome.DUPLICATE, update, before, None)
    return Decision(Outcome.HELD, update, before, after_update(before, update, rules, held=held))


def _registered_again(
    before: Snapshot, update: VerifiedUpdate, what: Expectation, rules: Rules
) -> Decision:
    notice = Notice(AnomalyCode.CONFLICT, "announced again with other terms; the first stand")
    said = {name: text for name, text in before.terms.items() if name not in what.assigned}
    first, terms = terms_digest(said), terms_digest(what.terms)
    return _said_before(before, update, rules, (_TERMS, first, terms), notice)


def _decide_witness(
    before: Snapshot, update: VerifiedUpdate, what: Witness, rules: Rules
) -> Decision:
    first = before.facts.get(_WITNESSED)
    forward = update.model_copy(update={"what": what.then}) if what.then else None
    if first == what.mark:
        # It goes on every time: where it goes it is a duplicate too, and a replay loses nothing.
        return Decision(Outcome.DUPLICATE, update, before, None, forward=forward)
    if first is not None:
        # Marks are digests: they may be shown, and one of them may be the key of a transaction.
        notice = Notice(AnomalyCode.ID_REUSED, f"first for {first}, then for {what.mark}")
        return _said_before(before, update, rules, (_WITNESSED, first, what.mark), notice)
    facts = {**before.facts, _WITNESSED: what.mark}
    after = after_update(before, update, rules, facts=facts)
    return Decision(Outcome.WITNESSED, update, before, after, forward=forward)


def _decide_statement(
    before: Snapshot, update: VerifiedUpdate, what: Statement, rules: Rules
) -> Decision:
    unknown = _unknown(update, what, rules)  # 2
    if unknown is not None:
        return Decision(Outcome.NOTED, update, before, None, unknown)
    digest = statement_digest(what)  # of what was said: the terms do not change what is heard again
    if rules.registration_required and not before.expected:  # 3
        return _unannounced(before, update, what, digest, rules)
    if rules.provider.one_signer:
        bound = _bound_to_signer(before, update)
        if bound is None:
            notice = Notice(AnomalyCode.SIGNER_CHANGED, f"{update.proof.signer} is not who may")
            return Decision(Outcome.NOTED, update, before, None, notice)
        before = bound
    if rules.provider.keep is not None:  # 4
        facts = [fact for fact in before.facts if _CONTRADICTION not in fact]
        try:
            what = rules.provider.keep(Standing(before.status, before.terms, facts), what)
        except Breach as error:
            notice = Notice(error.code, str(error))
            return Decision(Outcome.NOTED, update, before, None, notice)
        update = update.model_copy(update={"what": what})
    heard = before.facts.get(what.fact)  # 5
    if heard is not None:
        notice = Notice(AnomalyCode.CONFLICT, "the same fact with other content; the first stands")
        return _said_before(before, update, rules, (what.fact, heard, digest), notice)
    return _moved(before, update, what, digest, rules)  # 6


def _bound_to_signer(before: Snapshot, update: VerifiedUpdate) -> Snapshot | None:
    """Return the snapshot, bound to who signed the update; None: it is another signer's."""
    signer = update.proof.signer
    bound = before.terms.get("signer") or before.facts.get(_SIGNER)
    if bound is None:
        return replace(before, facts={**before.facts, _SIGNER: signer})
    return before if bound == signer else None


def _said_before(
    before: Snapshot,
    update: VerifiedUpdate,
    rules: Rules,
    said: tuple[str, str, str],
    notice: Notice,
) -> Decision:
    """Return what follows when `said` (fact, first content, content now) has been heard before.

    The same content, or a contradiction told before, is a duplicate.
    """
    fact, first, digest = said
    other = f"{fact}{_CONTRADICTION}{digest}"
    if digest == first or other in before.facts:
        return Decision(Outcome.DUPLICATE, update, before, None)
    if sum(_CONTRADICTION in fact for fact in before.facts) >= _CONTRADICTIONS_MAX:
        return Decision(Outcome.CONFLICT, update, before, None, notice)
    after = after_update(before, update, rules, facts={**before.facts, other: digest})
    return Decision(Outcome.CONFLICT, update, before, after, notice)


def _unknown(update: VerifiedUpdate, what: Statement, rules: Rules) -> Notice | None:
    provider = rules.provider
    if what.native_status in provider.probes:
        return Notice(AnomalyCode.PROBE, "a test callback")
    if not provider.lifecycle.knows(what.native_status):
        return Notice(AnomalyCode.UNKNOWN_STATUS, "not in the lifecycle table")
    allowed = provider.callback_statuses
    if (
        update.source is Source.CALLBACK
        and allowed is not None
        and what.native_status not in allowed
    ):
        return Notice(AnomalyCode.UNKNOWN_STATUS, "documented, but not as a callback")
    return None


def _unannounced(
    before: Snapshot, update: VerifiedUpdate, what: Statement, digest: str, rules: Rules
) -> Decision:
    if rules.early_milliseconds == 0:
        notice = Notice(AnomalyCode.UNSOLICITED, "registration is required")
        return Decision(Outcome.PARKED, update, before, None, notice)
    if any(_says(one, what.fact, digest) for one in before.parked):
        return Decision(Outcome.DUPLICATE, update, before, None)
    if len(before.parked) >= rules.parked_updates_max:
        notice = Notice(AnomalyCode.UNSOLICITED, "more updates than are parked for one transaction")
        return Decision(Outcome.PARKED, update, before, None, notice)
    until = before.parked_until
    if not before.parked:
        until = thirteen_digits(epoch_milliseconds(update.received_at) + rules.early_milliseconds)
    parked = (*before.parked, update)
    after = after_update(before, update, rules, parked=parked, parked_until=until)
    return Decision(Outcome.PARKED, update, before, after)


def _moved(
    before: Snapshot, update: VerifiedUpdate, what: Statement, digest: str, rules: Rules
) -> Decision:
    facts = {**before.facts, what.fact: digest}
    match rules.provider.lifecycle.move(before.status, what.native_status):
        case Move.APPLY:
            outcome, notice = Outcome.APPLIED, None
        case Move.LATE:
            outcome, notice = Outcome.APPLIED, Notice(AnomalyCode.LATE, f"replaced {before.status}")
        case Move.SAME:
            outcome, notice = Outcome.DUPLICATE, None
        case Move.STALE:
            outcome, notice = Outcome.STALE, None
        case Move.CONFLICT:
            notice = Notice(AnomalyCode.CONFLICT, f"{before.status} stands")
            outcome = Outcome.CONFLICT
        case unreachable:
            assert_never(unreachable)
    if outcome is not Outcome.APPLIED:
        return Decision(
            outcome, update, before, after_update(before, update, rules, facts=facts), notice
        )
    status, sequence = what.native_status, before.sequence + 1
    after = after_update(before, update, rules, facts=facts, status=status, sequence=sequence)
    return Decision(outcome, update, before, after, notice)


def _says(update: VerifiedUpdate, fact: str, digest: str) -> bool:
    what = update.what
    return isinstance(what, Statement) and what.fact == fact and statement_digest(what) == digest
