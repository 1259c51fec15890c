"""Certificates: trusted by each kind of chain, and refused for each reason under its own code."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import RejectionCode as Code
from contracts.errors import Rejected
from tests.certificates import (
    ISSUING,
    KeyType,
    checked,
    intermediate,
    issue,
    leaf,
    pem,
    refusal,
    root,
    trust,
)
from tests.updates import NOON
from workers.verifier.certificates import (
    CERTIFICATE_BYTES_MAX,
    CHAIN_BYTES_MAX,
    check_certificate,
    read_certificate,
    read_chain,
)

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
ROOT = root()
ISSUING_CA = intermediate(ROOT)
BANK = leaf(ISSUING_CA)


def test_chain_to_a_root_gives_the_fingerprint() -> None:
    assert checked(BANK, ISSUING_CA) == BANK.fingerprint


@pytest.mark.parametrize("key_type", ["rsa", "ec", "ec-384", "ec-521"])
def test_every_accepted_key_type_is_trusted_all_along_the_chain(key_type: KeyType) -> None:
    anchor = root(f"Root {key_type}", key_type=key_type)
    issuing = intermediate(anchor, f"CA {key_type}", key_type=key_type)
    bank = leaf(issuing, f"Bank {key_type}", key_type=key_type)

    assert checked(bank, issuing, by=trust(anchor)) == bank.fingerprint


def test_chain_may_hold_the_leaf_the_root_and_strangers_in_any_order() -> None:
    stranger = root("Stranger")

    assert checked(BANK, stranger, ROOT, ISSUING_CA, BANK) == BANK.fingerprint


def test_configured_intermediate_may_be_left_out_of_the_chain() -> None:
    assert checked(BANK, by=trust(ROOT, intermediates=[ISSUING_CA])) == BANK.fingerprint


def test_pinned_certificate_needs_no_chain() -> None:
    assert checked(BANK, by=trust(pinned=[BANK])) == BANK.fingerprint


def test_either_path_of_a_cross_signed_ca_is_enough() -> None:
    new = root("New Root")
    old = root("Old Root")
    crossed = issue(old, "New Root", ca=True, key_usage=ISSUING)
    issuing = intermediate(new, "Crossed CA")
    bank = leaf(issuing)

    assert checked(bank, issuing, by=trust(new)) == bank.fingerprint
    assert checked(bank, issuing, crossed, by=trust(old)) == bank.fingerprint
    assert checked(bank, crossed, issuing, by=trust(new, old)) == bank.fingerprint


def test_sound_path_is_found_behind_a_broken_one() -> None:
    """The same CA twice: its former certificate has expired, its present one has not."""
    former = issue(
        ROOT, "Test Issuing CA", ca=True, key_usage=ISSUING, not_after=NOON - timedelta(days=1)
    )

    assert checked(BANK, former, ISSUING_CA) == BANK.fingerprint


def test_longest_chain_is_trusted_and_one_more_is_not() -> None:
    chain = [ROOT]
    for number in range(8):
        chain.append(intermediate(chain[-1], f"CA {number}"))
    ten = leaf(chain[-1])
    eleven = leaf(intermediate(chain[-1], "CA 8"))

    assert checked(ten, *chain[1:]) == ten.fingerprint
    assert (
        refusal(eleven, *chain[1:], intermediate(chain[-1], "CA 8")) is Code.CERTIFICATE_UNTRUSTED
    )


def test_certificate_is_read_from_der_and_from_pem() -> None:
    assert read_certificate(BANK.der) == BANK.certificate
    assert read_certificate(BANK.pem) == BANK.certificate
    assert read_certificate(b"\r\n" + BANK.pem) == BANK.certificate
    assert read_chain(pem(BANK, ISSUING_CA)) == (BANK.certificate, ISSUING_CA.certificate)


@pytest.mark.parametrize(
    "given_bytes",
    [
        b"",
        b"junk",
        BANK.der[:-1],
        BANK.der + b"\0",
        BANK.pem[:-40],
        pem(BANK, ISSUING_CA),
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        b"\x30" * CERTIFICATE_BYTES_MAX,
        BANK.pem + b" " * CERTIFICATE_BYTES_MAX,
    ],
)
def test_certificate_that_cannot_be_read_is_malformed(given_bytes: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        read_certificate(given_bytes)

    assert caught.value.code is Code.CERTIFICATE_MALFORMED


def test_certificate_whose_serial_number_is_not_positive_is_malformed() -> None:
    one = issue(ROOT, "Bank A", serial=0x11223344)
    negative = one.der.replace(b"\x02\x04\x11\x22\x33\x44", b"\x02\x04\x91\x22\x33\x44")

    with pytest.raises(Rejected, match="serial number that is not positive"):
        read_certificate(negative)


@pytest.mark.parametrize(
    "given_bytes",
    [b"", b"junk", BANK.der, BANK.pem * 11, BANK.pem + b" " * CHAIN_BYTES_MAX],
)
def test_chain_that_cannot_be_read_is_malformed(given_bytes: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        read_chain(given_bytes)

    assert caught.value.code is Code.CERTIFICATE_MALFORMED


def judged(der: bytes, chain: bytes) -> str:
    sent = [read_certificate(chain)]
    return check_certificate(read_certificate(der), sent, trust(ROOT), at=NOON)


@given(place=st.integers(0, len(BANK.der) - 1), mask=st.integers(1, 255))
def test_certificate_with_a_changed_byte_is_refused(place: int, mask: int) -> None:
    changed = bytearray(BANK.der)
    changed[place] ^= mask

    with pytest.raises(Rejected) as caught:
        judged(bytes(changed), ISSUING_CA.der)

    assert caught.value.code in {Code.CERTIFICATE_MALFORMED, Code.CERTIFICATE_UNTRUSTED}


@given(place=st.integers(0, len(ISSUING_CA.der) - 1), mask=st.integers(1, 255))
def test_chain_with_a_changed_byte_is_refused(place: int, mask: int) -> None:
    changed = bytearray(ISSUING_CA.der)
    changed[place] ^= mask

    with pytest.raises(Rejected) as caught:
        judged(BANK.der, bytes(changed))

    assert caught.value.code in {Code.CERTIFICATE_MALFORMED, Code.CERTIFICATE_UNTRUSTED}


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: BANK.pem[:300] + tail))
def test_arbitrary_bytes_are_no_certificate(given_bytes: bytes) -> None:
    for read in (read_certificate, read_chain):
        with pytest.raises(Rejected) as caught:
            read(given_bytes)

        assert caught.value.code is Code.CERTIFICATE_MALFORMED
