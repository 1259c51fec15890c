"""Whatever a callback's members are, they become statements or a rejection, the same for XML."""

import json
from contextlib import suppress
from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import Rejected
from contracts.iso20022.envelope import NAMESPACES, document_text
from contracts.provider import SignedFields
from contracts.providers.srtp import speaker, translate
from contracts.update import Statement, Witness
from tests.property.strategies import json_values, mutated_payloads
from tests.srtp_messages import DATA_SETS, SHAPES, Tree, as_json, as_xml, bare, report

SAMPLES = [json.dumps(shape(one)).encode() for one in DATA_SETS.values() for shape in SHAPES]
# Names of the standard, so that what is drawn is near a message and not always unknown.
names = st.sampled_from(
    [
        "Document",
        "CdtrPmtActvtnReqStsRpt",
        "RsltnOfInvstgtn",
        "GrpHdr",
        "MsgId",
        "InitgPty",
        "Id",
        "OrgId",
        "AnyBIC",
        "TxSts",
        "OrgnlGrpInfAndSts",
        "OrgnlMsgId",
        "OrgnlPmtInfAndSts",
        "TxInfAndSts",
        "StsRsnInf",
        "Rsn",
        "Cd",
        "OrgnlTxRef",
        "Amt",
        "InstdAmt",
        "Assgnmt",
        "Assgne",
        "CxlDtls",
        "Sts",
        "Conf",
        "TxCxlSts",
        "OrgnlGrpInf",
        "DbtrDcsnDtTm",
        "#text",
        "@Ccy",
        "AsynchronousSepaRequestToPayResponse",
        "SepaRequestToPayCancellationResponse",
    ]
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=80)
    | st.sampled_from(["ACTC", "RJCT", "AC02", "", "MOCKSP04", "2026-11-02T00:00:00Z"])
)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=30,
)
bodies = st.dictionaries(names, trees, max_size=4)
words = st.sampled_from(["ACTC", "ACCP", "RJCT", "RCVD", "", "PATC", None])
reasons = st.sampled_from(["AC02", "NOAR", "ALAC", "ACSC", None])


def outcome(fields: SignedFields) -> tuple[Any, ...] | str:
    """Return what is told, without findings and digests of the body; or why nothing is."""
    try:
        told = translate(fields)
    except Rejected as rejection:
        return str(rejection)
    assert [type(one) for one in told] == [*[Statement] * (len(told) - 1), Witness]
    return tuple(
        one.model_copy(update={"findings": ()}) if isinstance(one, Statement) else None
        for one in told
    )


@given(bodies, st.sampled_from(["", "urn:x", *NAMESPACES]))
def test_any_members_are_told_or_rejected(members: Tree, namespace: str) -> None:
    fields = SignedFields(members, as_json({}).signed, namespace)

    told = outcome(fields)

    if isinstance(told, tuple):
        assert speaker(fields)
    with suppress(Rejected):
        document_text(members)


@given(st.sampled_from(SAMPLES).flatmap(mutated_payloads), st.sampled_from(["", *NAMESPACES]))
def test_changed_message_is_told_or_rejected(body: bytes, namespace: str) -> None:
    try:
        fields = as_json(json.loads(body))
    except Rejected:
        return
    outcome(SignedFields(fields.members, fields.signed, namespace))


@st.composite
def messages(draw: st.DrawFn) -> Tree:
    """Draw a status report: any of its levels, shapes of lists, and fields left out."""
    parts = [
        report(draw(words), draw(reasons), decided=draw(st.booleans()))["OrgnlPmtInfAndSts"][0]
        for _ in range(draw(st.integers(0, 3)))
    ]
    for number, payment in enumerate(parts):
        payment["PmtInfSts"] = draw(words)
        one = payment["TxInfAndSts"]
        one["OrgnlInstrId"] = draw(st.sampled_from([f"i{number}", None, "i0"]))
        payment["TxInfAndSts"] = draw(st.sampled_from([one, [one], [one, deepcopy(one)], [], None]))
    message = report("ACTC")
    message["OrgnlGrpInfAndSts"]["GrpSts"] = draw(words)
    inside = draw(st.booleans())
    place = message["OrgnlGrpInfAndSts"] if inside else message
    if inside:
        del message["OrgnlPmtInfAndSts"]
    place["OrgnlPmtInfAndSts"] = draw(
        st.sampled_from([parts, *([parts[0]] if parts else []), None])
    )
    return message


@given(messages())
def test_json_and_xml_of_one_message_say_the_same(message: Tree) -> None:
    assert outcome(as_json(bare(message))) == outcome(as_xml(message))


@given(json_values)
def test_rejection_holds_no_value_of_the_body(value: Any) -> None:  # noqa: ANN401 - JSON holds any value
    message = report("ACTC")
    message["OrgnlPmtInfAndSts"][0]["TxInfAndSts"]["TxSts"] = ["Mario Rossi", value]
    message["GrpHdr"]["MsgId"] = value

    told = outcome(SignedFields(bare(message), as_json({}).signed))

    assert isinstance(told, str)
    assert "Mario" not in told
