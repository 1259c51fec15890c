"""Tell stories of SEND in which something is wrong: refusals, and what is not taken at all.

Each says by hand what must come of it: the code of the refusal, the problem, the anomaly. Pure.
"""

from collections.abc import Mapping
from random import Random
from typing import Any, Final

from contracts.codes import AnomalyCode
from simulator.plan import Fault, Presents
from simulator.send.acts import (
    PROVINCIA,
    REGIONE,
    Ask,
    Element,
    Learn,
    Load,
    Preload,
    SendStory,
    Tell,
    Upload,
    step,
    story,
)
from simulator.send.cast import (
    SendCast,
    new_name,
    new_person,
    uploads,
)
from simulator.send.refusals import REFUSALS, Tale
from simulator.send.requests import pago_pa
from simulator.send.stories import (
    DIGITAL,
    accepted_step,
    elements_of,
    private_of,
    seen,
    statuses_of,
    told,
)

_DUPLICATED: Final = "PN_GENERIC_INVALIDPARAMETER_DUPLICATED"
_REQUIRED: Final = "PN_GENERIC_INVALIDPARAMETER_REQUIRED"
_PATTERN: Final = "PN_GENERIC_INVALIDPARAMETER_PATTERN"
_SIZE: Final = "PN_GENERIC_INVALIDPARAMETER_SIZE"


def faulty_story(fault: Fault, rng: Random, cast: SendCast) -> SendStory:
    """Return a story about `fault`."""
    return FAULTS[fault](rng, cast)


def _invalid_request(rng: Random, cast: SendCast) -> SendStory:
    """Send requests of which each is answered 400, each for another reason; the last for three."""
    name, document = new_name(rng), cast.document(rng)
    people = [new_person(rng)]
    wrong: tuple[tuple[dict[str, Any], set[str]], ...] = (
        ({"subject": None}, {_REQUIRED}),
        ({"taxonomyCode": "none"}, {_PATTERN}),
        ({"subject": "x" * 135}, {_SIZE}),
        ({"paFee": 101}, {"PN_GENERIC_INVALIDPARAMETER_MAX"}),
        ({"paFee": -1}, {"PN_GENERIC_INVALIDPARAMETER_MIN"}),
        ({"senderTaxId": cast.sender(REGIONE)[1]}, {"PN_DELIVERY_INVALID_SENDER_TAX_ID"}),
        ({"recipients": [people[0].members] * 2}, {_DUPLICATED}),
        ({"notificationFeePolicy": "FREE"}, {"PN_GENERIC_INVALIDPARAMETER"}),
        (
            {"subject": None, "taxonomyCode": "none", "abstract": "x" * 1_025},
            {_REQUIRED, _PATTERN, _SIZE},
        ),
    )
    asks = [
        Ask(
            members={**cast.request(name, document, people), **changes},
            answer=400,
            codes=frozenset(codes),
        )
        for changes, codes in wrong
    ]
    return story(
        name,
        step(*uploads(document), *asks),
        fault=Fault.INVALID_REQUEST,
        private=private_of(people),
    )


def _repeated_request(rng: Random, cast: SendCast) -> SendStory:
    """Send an accepted request again, and another one that names the same notice."""
    name, document = new_name(rng), cast.document(rng)
    payment = pago_pa(rng, cast.sender(PROVINCIA)[1])
    people = [new_person(rng, payments=[payment])]
    again = cast.request(name, document, people)
    same_notice = cast.request(f"{name}-again", document, people)
    codes = frozenset({_DUPLICATED})
    return story(
        name,
        accepted_step(cast, name, document, people),
        step(
            *seen(document),
            Ask(members=again, answer=409, codes=codes),
            Ask(members=same_notice, answer=409, codes=codes),
        ),
        fault=Fault.REPEATED_REQUEST,
        private=private_of(people),
    )


def _bad_upload(rng: Random, cast: SendCast) -> SendStory:
    """Send files that are not taken; the right one to the same slot then is."""
    name, document, people = new_name(rng), cast.document(rng), [new_person(rng)]
    bad = (
        Preload(files=(document,)),
        Upload(file=document, flaw="other_content", answer=400),
        Upload(file=document, flaw="wrong_secret", answer=403),
        Upload(file=document, flaw="wrong_type", answer=403),
        Upload(file=document, flaw="expired_slot", answer=403),
    )
    return story(
        name,
        accepted_step(cast, name, document, people, *bad),
        step(*seen(document), told(rng, DIGITAL), statuses=statuses_of(name, DIGITAL)),
        fault=Fault.BAD_UPLOAD,
        private=private_of(people),
    )


def _other_body(rng: Random, cast: SendCast) -> SendStory:
    """Ask as another body for what is not its own: it is as if there were nothing."""
    name, document, people = new_name(rng), cast.document(rng), [new_person(rng)]
    return story(
        name,
        accepted_step(cast, name, document, people),
        step(
            *seen(document),
            Learn(body=REGIONE, status="", answer=404),
            Load(body=REGIONE, file=document, answer=404),
        ),
        fault=Fault.OTHER_BODY,
        private=private_of(people),
    )


def _wrong_key(rng: Random, cast: SendCast) -> SendStory:
    name, document, people = new_name(rng), cast.document(rng), [new_person(rng)]
    wrong = Presents.WRONG_KEY
    members = cast.request(name, document, people)
    strangers = (
        Preload(files=(document,), presents=wrong, answer=401),
        Ask(members=members, presents=wrong, answer=401),
    )
    stranger = Tell(elements=elements_of(DIGITAL), presents=wrong, answer=401)
    return story(
        name,
        accepted_step(cast, name, document, people, *strangers),
        step(*seen(document), stranger, told(rng, DIGITAL), statuses=statuses_of(name, DIGITAL)),
        fault=Fault.WRONG_KEY,
        private=private_of(people),
    )


def _duplicates(rng: Random, cast: SendCast) -> SendStory:
    tell = told(rng, DIGITAL)
    return _told(Fault.DUPLICATES, rng, cast, (tell, tell))


def _reordering(rng: Random, cast: SendCast) -> SendStory:
    """Tell the later half before the earlier one, within the time in which elements settle."""
    elements = elements_of(DIGITAL)
    later, earlier = Tell(elements=elements[3:]), Tell(elements=elements[:3])
    return _told(Fault.REORDERING, rng, cast, (later, earlier))


def _told(fault: Fault, rng: Random, cast: SendCast, tells: tuple[Tell, ...]) -> SendStory:
    name, document, people = new_name(rng), cast.document(rng), [new_person(rng)]
    return story(
        name,
        accepted_step(cast, name, document, people),
        step(*seen(document), *tells, statuses=statuses_of(name, DIGITAL)),
        fault=fault,
        private=private_of(people),
    )


def _contradiction(rng: Random, cast: SendCast) -> SendStory:
    """Tell that the only recipient views what was viewed already: no such step is known."""
    again = Element("NOTIFICATION_VIEWED", 3_600, 0)
    return _odd(Fault.CONTRADICTION, rng, cast, again, AnomalyCode.CONFLICT)


def _unknown_event(rng: Random, cast: SendCast) -> SendStory:
    unknown = Element("SOMETHING_NEW", 3_600, 0)
    return _odd(Fault.UNKNOWN_EVENT, rng, cast, unknown, AnomalyCode.UNKNOWN_STATUS)


def _other_iun(rng: Random, cast: SendCast) -> SendStory:
    """Tell an element under the IUN of another notification."""
    foreign = Element("NOTIFICATION_VIEWED", 3_600, 0, iun="other")
    return _odd(Fault.OTHER_IUN, rng, cast, foreign, AnomalyCode.TERMS_BROKEN)


def _odd(fault: Fault, rng: Random, cast: SendCast, odd: Element, code: AnomalyCode) -> SendStory:
    name, document, people = new_name(rng), cast.document(rng), [new_person(rng)]
    return story(
        name,
        accepted_step(cast, name, document, people),
        step(*seen(document), told(rng, DIGITAL), statuses=statuses_of(name, DIGITAL)),
        step(Tell(elements=(odd,)), anomalies=((name, code),)),
        fault=fault,
        private=private_of(people),
    )


FAULTS: Final[Mapping[Fault, Tale]] = {
    **REFUSALS,
    Fault.INVALID_REQUEST: _invalid_request,
    Fault.REPEATED_REQUEST: _repeated_request,
    Fault.BAD_UPLOAD: _bad_upload,
    Fault.OTHER_BODY: _other_body,
    Fault.WRONG_KEY: _wrong_key,
    Fault.DUPLICATES: _duplicates,
    Fault.REORDERING: _reordering,
    Fault.CONTRADICTION: _contradiction,
    Fault.UNKNOWN_EVENT: _unknown_event,
    Fault.OTHER_IUN: _other_iun,
}
