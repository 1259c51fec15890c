"""mdoc: every check by a variant of its own, and nothing hostile gets through."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import cbor2
import pytest
from cbor2 import CBORTag
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import Rejected
from simulator.mdoc import device_response, embed, new_item, sign1
from simulator.sign_jws import encode
from tests.presented.issuers import (
    DOCUMENT,
    ELEMENTS,
    NOW,
    REQUEST,
    Variant,
    attested,
    decoded,
    document,
    issuers,
    mdoc,
    response,
)
from tests.presented.variants import variants
from workers.verifier.cbor import DEPTH_MAX, plain, read_cbor
from workers.verifier.mdoc import verify_mdoc
from workers.verifier.presentation_policy import Disclosed

MDOCS = {name: one for name, one in variants().items() if name.startswith("mdoc")}
ACCEPTED = {name: one for name, one in MDOCS.items() if one.code is None}
REJECTED = {name: one for name, one in MDOCS.items() if one.code is not None}
CBOR = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.binary(max_size=9)
    | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.integers(0, 40) | st.text(max_size=5), inner, max_size=4)
        | st.builds(CBORTag, st.sampled_from([0, 1, 2, 24, 28, 29, 35, 258, 1004, 99_999]), inner)
    ),
    max_leaves=12,
)


def verified(text: str) -> tuple[Disclosed, ...]:
    return verify_mdoc(text, attested(), at=NOW)


@pytest.mark.parametrize("variant", ACCEPTED.values(), ids=ACCEPTED)
def test_presentation_that_holds_is_accepted(variant: Variant) -> None:
    found = verify_mdoc(variant.vp_token, variant.policy, at=NOW)

    assert {one.format for one in found} == {"mso_mdoc"}
    assert {one.holder_binding for one in found} == {"gateway-attested"}


@pytest.mark.parametrize("variant", REJECTED.values(), ids=REJECTED)
def test_presentation_with_a_fault_is_rejected_and_shows_no_value(variant: Variant) -> None:
    with pytest.raises(Rejected) as raised:
        verify_mdoc(variant.vp_token, variant.policy, at=NOW)

    assert raised.value.code is variant.code
    assert raised.value.detail
    assert "Specimen" not in raised.value.detail


def test_what_is_disclosed_is_what_was_issued_and_nothing_more() -> None:
    issued = mdoc()

    (everything,) = verified(response(issued))
    (little,) = verified(device_response([issued.present(REQUEST, ["age_over_18"])]))

    assert everything.claims == {DOCUMENT: {name: plain(one) for name, one in ELEMENTS.items()}}
    assert little.claims == {DOCUMENT: {"age_over_18": True}}
    assert little.names == {f"{DOCUMENT}/age_over_18"}


def test_what_the_device_says_of_itself_is_never_surfaced() -> None:
    edited = document()
    edited["deviceSigned"]["nameSpaces"] = embed({DOCUMENT: {"admin": True}})

    (found,) = verified(device_response([edited]))

    assert "admin" not in str(found.claims)
    assert f"{DOCUMENT}/admin" not in found.names


def test_one_bad_document_among_good_ones_is_enough() -> None:
    bad = document()
    bad["issuerSigned"]["nameSpaces"]["org.example"] = [new_item(0, "admin", value=True)]

    with pytest.raises(Rejected, match="presentation_disclosure_invalid"):
        verified(device_response([document(), bad]))


def test_digest_is_over_the_tagged_bytes() -> None:
    item = new_item(0, "given_name", "a")

    # #6.24(bstr): tag 24, then the head of a byte string of this length.
    written = b"\xd8\x18\x58" + bytes([len(item.value)]) + item.value

    assert cbor2.dumps(item) == written
    assert hashlib.sha256(written).digest() == hashlib.sha256(cbor2.dumps(item)).digest()


@pytest.mark.parametrize("bits", [1, 128])
def test_any_byte_that_the_issuer_signed_changed_is_rejected(bits: int) -> None:
    issued = mdoc()

    for edited in _flipped(document(issued), bits):
        with pytest.raises(Rejected):
            verified(device_response([edited]))


def test_any_byte_at_all_changed_is_rejected_or_adds_nothing() -> None:
    """What to show is the holder's choice, so nobody signed that everything is shown."""
    raw = decoded(response())
    (right,) = verified(response())

    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1
        with suppress(Rejected):
            (found,) = verified(_encoded(changed))
            assert found.claims in (right.claims, {})


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_rejected(raw: bytes) -> None:
    with pytest.raises(Rejected):
        verified(_encoded(raw))


@given(st.text(max_size=50))
def test_arbitrary_text_is_rejected(text: str) -> None:
    with pytest.raises(Rejected):
        verified(text)


@given(CBOR, st.sampled_from(["docType", "issuerSigned", "deviceSigned", "auth", "spaces", ""]))
def test_whatever_stands_in_a_document_ends_in_a_verdict(value: Any, part: str) -> None:  # noqa: ANN401 - CBOR holds any value
    edited = document()
    match part:
        case "auth":
            edited["issuerSigned"]["issuerAuth"] = value
        case "spaces":
            edited["issuerSigned"]["nameSpaces"] = value
        case "":
            edited = value
        case _:
            edited[part] = value

    with suppress(Rejected):
        verified(device_response([edited]))


@given(
    CBOR,
    st.sampled_from(
        ["version", "digestAlgorithm", "valueDigests", "deviceKeyInfo", "docType", "validityInfo"]
    ),
)
def test_whatever_an_issuer_signs_ends_in_a_verdict(value: Any, part: str) -> None:  # noqa: ANN401 - CBOR holds any value
    with suppress(Rejected):
        verified(response(mdoc(security_object={part: value})))


@given(CBOR)
def test_whatever_a_signed_payload_is_ends_in_a_verdict(value: Any) -> None:  # noqa: ANN401 - CBOR holds any value
    edited = document()
    auth = sign1(cbor2.dumps(embed(value)), issuers().signer.key, unprotected=mdoc().issuer_auth[1])
    edited["issuerSigned"]["issuerAuth"] = auth

    with pytest.raises(Rejected):
        verified(device_response([edited]))


@given(CBOR)
def test_cbor_is_read_as_it_was_written(value: Any) -> None:  # noqa: ANN401 - CBOR holds any value
    assert read_cbor(cbor2.dumps(value)) == value


@given(st.binary(max_size=60))
def test_cbor_reader_fails_only_in_its_declared_way(raw: bytes) -> None:
    with suppress(ValueError):
        read_cbor(raw)


def test_no_tag_makes_an_object_of_its_own() -> None:
    """The library gives a meaning to tags; one that a later version adds would show here."""
    strangers = [
        number
        for number in (*range(70_000), 2**32, 2**63)
        if not isinstance(read_cbor(_tagged(number)), CBORTag)
    ]

    assert strangers == []


@pytest.mark.parametrize("head", [b"\x9b", b"\xbb", b"\x5b", b"\x7b"])
def test_length_that_is_a_lie_is_refused_at_once(head: bytes) -> None:
    with pytest.raises(ValueError, match="malformed"):
        read_cbor(head + b"\x7f" + b"\xff" * 7)


def test_deepest_cbor_is_read_and_one_level_more_is_not() -> None:
    assert read_cbor(b"\x81" * DEPTH_MAX + b"\x01")
    with pytest.raises(ValueError, match="too deep"):
        read_cbor(b"\x81" * (DEPTH_MAX + 1) + b"\x01")


def _flipped(right: dict[str, Any], bits: int) -> Iterator[dict[str, Any]]:
    """Yield the document with each byte changed of the headers, payload, signature and items."""
    auth = right["issuerSigned"]["issuerAuth"]
    spaces = right["issuerSigned"]["nameSpaces"]
    for part in (0, 2, 3):
        for changed in _flips(auth[part], bits):
            edited_auth = [*auth[:part], changed, *auth[part + 1 :]]
            yield {**right, "issuerSigned": {"nameSpaces": spaces, "issuerAuth": edited_auth}}
    for number, item in enumerate(spaces[DOCUMENT]):
        for changed in _flips(item.value, bits):
            items = [*spaces[DOCUMENT]]
            items[number] = CBORTag(24, changed)
            yield {**right, "issuerSigned": {"nameSpaces": {DOCUMENT: items}, "issuerAuth": auth}}


def _flips(raw: bytes, bits: int) -> Iterator[bytes]:
    for place in range(len(raw)):
        yield raw[:place] + bytes([raw[place] ^ bits]) + raw[place + 1 :]


def _tagged(number: int) -> bytes:
    return b"\xdb" + number.to_bytes(8, "big") + b"\x80"


def _encoded(raw: bytes | bytearray) -> str:
    return encode(bytes(raw))
