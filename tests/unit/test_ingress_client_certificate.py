"""A client certificate comes from our handshake or a trusted edge, and from nobody else."""

import base64
import hashlib
from contextlib import suppress
from typing import Final, Literal
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from contracts.codes import RefusalCode
from contracts.errors import Broken
from ingress.authenticate import Refused
from ingress.client_certificate import CERTIFICATE_BYTES_MAX, Edges, read_der
from runtime.signature_configuration import ClientCertificate
from tests.certificates import leaf, root

HEADER: Final = "x-client-certificate"
EDGE: Final = ("10.1.2.3", 4711)
BANK: Final = leaf(root(), "Bank A")
PEM: Final = BANK.pem.decode()
BODY: Final = base64.b64encode(BANK.der).decode()
BEGIN: Final = "-----BEGIN CERTIFICATE-----"
END: Final = "-----END CERTIFICATE-----"


def edges(
    *networks: str, encoding: Literal["pem_urlencoded", "der_base64"] = "pem_urlencoded"
) -> Edges:
    section = ClientCertificate(
        seen_by="edge", header=HEADER, encoding=encoding, edges=networks or ("10.0.0.0/8",)
    )
    return Edges("bank", section)


def refusal_of(one: Edges, *values: str, peer: object = EDGE) -> RefusalCode:
    with pytest.raises(Refused) as refusal:
        one.certificate(CIMultiDict((HEADER, value) for value in values), peer)
    return refusal.value.code


@pytest.mark.parametrize(
    ("value", "encoding"),
    [
        (quote(PEM), "pem_urlencoded"),
        (quote(PEM, safe=""), "pem_urlencoded"),
        # An application load balancer leaves these three as they are.
        (quote(PEM, safe="+=/"), "pem_urlencoded"),
        (quote(PEM.replace("\n", "\r\n")), "pem_urlencoded"),
        (quote(f"{BEGIN}{BODY}{END}"), "pem_urlencoded"),
        (BODY, "der_base64"),
    ],
)
def test_certificate_of_a_trusted_edge_is_taken(
    value: str, encoding: Literal["pem_urlencoded", "der_base64"]
) -> None:
    fields = CIMultiDict({"X-Client-Certificate": value})

    found = edges(encoding=encoding).certificate(fields, EDGE)

    assert found.base64 == BODY
    assert found.fingerprint == hashlib.sha256(BANK.der).hexdigest() == BANK.fingerprint


@pytest.mark.parametrize(
    ("peer", "networks"),
    [
        (("10.1.2.3", 1), ("10.0.0.0/8",)),
        (("10.1.2.3", 1), ("192.0.2.0/24", "10.1.2.3")),
        (("::ffff:10.1.2.3", 1, 0, 0), ("10.0.0.0/8",)),
        (("::ffff:10.1.2.3", 1, 0, 0), ("::ffff:10.0.0.0/104",)),
        (("2001:db8::1", 1, 0, 0), ("2001:db8::/32",)),
        (("fe80::1%eth0", 1, 0, 2), ("fe80::/10",)),
    ],
)
def test_edge_is_known_by_the_address_of_its_socket(
    peer: object, networks: tuple[str, ...]
) -> None:
    found = edges(*networks).certificate(CIMultiDict({HEADER: quote(PEM)}), peer)

    assert found.fingerprint == BANK.fingerprint


@pytest.mark.parametrize(
    "peer",
    [
        ("11.1.2.3", 1),
        ("::ffff:11.1.2.3", 1, 0, 0),
        ("::10.1.2.3", 1, 0, 0),
        ("64:ff9b::10.1.2.3", 1, 0, 0),
        ("", 1),
        ("10.1.2.3.example.org", 1),
        "10.1.2.3",
        "/run/esito.sock",
        b"",
        "",
        None,
    ],
)
@pytest.mark.parametrize("value", [quote(PEM), "junk", ""])
def test_header_of_anybody_else_is_refused_whatever_it_says(peer: object, value: str) -> None:
    assert refusal_of(edges(), value, peer=peer) == RefusalCode.EDGE_UNTRUSTED


def test_caller_who_claims_nothing_lacks_a_certificate_wherever_it_is() -> None:
    codes = {refusal_of(edges(), peer=peer) for peer in (EDGE, ("192.0.2.1", 1), None)}

    assert codes == {RefusalCode.CREDENTIALS_MISSING}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([""], RefusalCode.CREDENTIALS_MISSING),
        ([quote(PEM), quote(PEM)], RefusalCode.CREDENTIALS_AMBIGUOUS),
        (["(null)"], RefusalCode.CREDENTIALS_WRONG),
        ([BODY], RefusalCode.CREDENTIALS_WRONG),
        ([quote_plus(PEM)], RefusalCode.CREDENTIALS_WRONG),
        ([quote(PEM + PEM)], RefusalCode.CREDENTIALS_WRONG),
        ([quote(BEGIN + END)], RefusalCode.CREDENTIALS_WRONG),
        ([quote(f"{BEGIN}{BODY[:-8]}{END}")], RefusalCode.CREDENTIALS_WRONG),
        ([quote(f"{BEGIN}{BODY}====={END}")], RefusalCode.CREDENTIALS_WRONG),
        ([quote(PEM.replace("CERTIFICATE", "PRIVATE KEY"))], RefusalCode.CREDENTIALS_WRONG),
        ([quote("junk" + PEM)], RefusalCode.CREDENTIALS_WRONG),
        (["%FF%00\udcff"], RefusalCode.CREDENTIALS_WRONG),
        ([" " * (CERTIFICATE_BYTES_MAX + 1)], RefusalCode.CREDENTIALS_WRONG),
        ([quote(PEM + "\n" * CERTIFICATE_BYTES_MAX)], RefusalCode.CREDENTIALS_WRONG),
    ],
)
def test_header_that_is_not_one_certificate_is_refused(
    values: list[str], code: RefusalCode
) -> None:
    assert refusal_of(edges(), *values) == code


@pytest.mark.parametrize(
    "value", ["0", "====", BODY + "A", BODY + "\udcff", BODY[:40] + "\n" + BODY[40:], quote(PEM)]
)
def test_base64_that_is_none_is_refused(value: str) -> None:
    assert refusal_of(edges(encoding="der_base64"), value) == RefusalCode.CREDENTIALS_WRONG


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30",
        b"\x30\x01",
        b"\x30\x80",
        b"\x30\xff",
        b"\x31" + BANK.der[1:],
        BANK.der[:-1],
        BANK.der + b"\x00",
        BANK.der * 2,
        b"\x30\x82\x3f\xfd" + b"\x00" * 0x3FFD,
    ],
)
def test_bytes_that_are_not_one_sequence_are_refused(der: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        read_der(der)

    assert refusal.value.code == RefusalCode.CREDENTIALS_WRONG


def test_network_that_is_none_is_told_with_the_fix() -> None:
    with pytest.raises(Broken, match=r"endpoint bank: .*edges: 10\.0\.0\.1/8 is no network"):
        edges("10.0.0.1/8")


@given(value=st.binary(max_size=60), encoding=st.sampled_from(["pem_urlencoded", "der_base64"]))
def test_any_header_is_a_certificate_or_refused(
    value: bytes, encoding: Literal["pem_urlencoded", "der_base64"]
) -> None:
    fields = CIMultiDict({HEADER: value.decode("utf-8", "surrogateescape")})

    with suppress(Refused):
        edges(encoding=encoding).certificate(fields, EDGE)
