"""What the simulator signs is what independent libraries verify, and keys are new every time."""

import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.verifier import SignatureConfiguration, XMLVerifier

from contracts.errors import Broken
from simulator.pki import Identity
from simulator.pki_files import BANK_A, Pki, make_pki, read_identity, write_pki
from simulator.sign_detached import (
    CERTIFICATE,
    DIGESTS,
    SIGNATURE,
    Padding,
    canonical_request,
    signature_headers,
)
from simulator.sign_jws import (
    key_set,
    new_token_key,
    public_jwk,
    sign_detached_jws,
    sign_token,
)
from simulator.sign_xml import DS, business_message, sign_business_message, sign_document

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
URI = "https://callbacks.example.org/rtp/cb/v1/send"
HEADERS = {"Content-Type": "application/json", "X-Request-ID": "7", "Accept": "*/*"}
DOCUMENT = (
    b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.014.001.07">'
    b"<CdtrPmtActvtnReqStsRpt><GrpHdr><MsgId>m1</MsgId></GrpHdr></CdtrPmtActvtnReqStsRpt>"
    b"</Document>"
)


@pytest.fixture(scope="module", name="pki")
def _pki() -> Pki:
    return make_pki(now=NOW)


def test_every_pki_has_keys_of_its_own(pki: Pki) -> None:
    again = make_pki(now=NOW)

    fingerprints = {one.fingerprint for made in (pki, again) for one in made.identities.values()}

    assert len(fingerprints) == 2 * len(pki.identities)


def test_seal_names_its_organization_and_may_sign(pki: Pki) -> None:
    certificate = pki.identities["bank-a"].certificate

    (organization,) = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value

    assert organization.value == BANK_A.organization
    assert usage.digital_signature
    assert usage.content_commitment


def test_bad_seals_are_bad_in_one_way_each(pki: Pki) -> None:
    named = {name: one.certificate for name, one in pki.identities.items()}

    assert named["bank-a-expired"].not_valid_after_utc < NOW
    assert named["bank-a-not-yet-valid"].not_valid_before_utc > NOW
    usage = named["bank-a-wrong-usage"].extensions.get_extension_for_class(x509.KeyUsage).value
    assert not usage.digital_signature
    assert not usage.content_commitment
    revoked = named["bank-a-revoked"].serial_number
    assert pki.crl.get_revoked_certificate_by_serial_number(revoked) is not None
    assert pki.crl.next_update_utc is not None
    assert pki.crl.next_update_utc > NOW + timedelta(days=1)
    assert named["bank-a-other-root"].issuer == pki.other_root.certificate.subject


@pytest.mark.parametrize("name", ["bank-a", "bank-b", "bank-a-other-root", "server"])
def test_identity_is_read_as_it_was_written(pki: Pki, tmp_path: Path, name: str) -> None:
    write_pki(pki, tmp_path)

    found = read_identity(tmp_path, name)

    assert found.certificate == pki.identities[name].certificate
    assert found.issuers == pki.identities[name].issuers
    assert found.key.public_key() == found.certificate.public_key()
    assert (tmp_path / "identities" / f"{name}.key").stat().st_mode & 0o777 == 0o600


def test_pki_is_not_written_over_another(pki: Pki, tmp_path: Path) -> None:
    write_pki(pki, tmp_path)

    with pytest.raises(Broken, match="exists; give a new directory"):
        write_pki(pki, tmp_path)


def test_canonical_request_is_as_in_the_published_vectors() -> None:
    assert canonical_request("post", URI, HEADERS, b"\xff{}") == (
        b"POST\n" + URI.encode() + b"\ncontent-type: application/json\nx-request-id: 7\n\xff{}"
    )
    assert canonical_request("GET", URI, {}, b"") == b"GET\n" + URI.encode()


@pytest.mark.parametrize("uri", ["/rtp/cb/v1/send", "mailto:somebody@example.org"])
def test_canonical_request_of_a_relative_uri_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="absolute"):
        canonical_request("POST", uri, {}, b"")


@pytest.mark.parametrize("digest", DIGESTS)
@pytest.mark.parametrize("pad", Padding)
def test_detached_signature_of_rsa_holds(pki: Pki, digest: str, pad: Padding) -> None:
    signer, algorithm = pki.identities["bank-a"], DIGESTS[digest]

    found = signature_headers(
        signer, target_uri=URI, body=b"{}", headers=HEADERS, digest=digest, pad=pad
    )

    key = x509.load_der_x509_certificate(b64decode(found[CERTIFICATE])).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    salt = {
        Padding.PSS_DIGEST_LENGTH: algorithm.digest_size,
        Padding.PSS_MAX_LENGTH: padding.calculate_max_pss_salt_length(key, algorithm),
    }.get(pad)
    expected: AsymmetricPadding = padding.PKCS1v15()
    if salt is not None:
        expected = padding.PSS(padding.MGF1(algorithm), salt)
    signed = canonical_request("POST", URI, HEADERS, b"{}")
    key.verify(b64decode(found[SIGNATURE]), signed, expected, algorithm)


@pytest.mark.parametrize("digest", DIGESTS)
def test_detached_signature_of_an_elliptic_curve_holds(pki: Pki, digest: str) -> None:
    signer = pki.identities["bank-b"]

    found = signature_headers(signer, target_uri=URI, body=b"{}", headers=HEADERS, digest=digest)

    key = x509.load_der_x509_certificate(b64decode(found[CERTIFICATE])).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    signed = canonical_request("POST", URI, HEADERS, b"{}")
    key.verify(b64decode(found[SIGNATURE]), signed, ec.ECDSA(DIGESTS[digest]))


@pytest.mark.parametrize("name", ["bank-a", "bank-b"])
def test_enveloped_signature_is_the_last_child_and_holds(pki: Pki, name: str) -> None:
    signer = pki.identities[name]

    signed = sign_document(DOCUMENT, signer)

    assert etree.fromstring(signed)[-1].tag == f"{{{DS}}}Signature"
    found = XMLVerifier().verify(
        signed,
        x509_cert=signer.certificate,
        expect_config=SignatureConfiguration(location="./", expect_references=1),
    )
    assert not isinstance(found, list)
    assert found.signed_xml is not None
    assert etree.tostring(found.signed_xml, method="c14n") == DOCUMENT


def test_business_message_has_three_references_in_its_header(pki: Pki) -> None:
    signed = etree.fromstring(sign_business_message(_message(), pki.identities["bank-a"]))

    (place,) = signed.iterfind(f"{{*}}AppHdr/{{*}}Sgntr/{{{DS}}}Signature")
    references = place.findall(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")

    assert [one.get("URI") for one in references] == ["", None, "#key-info"]


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "RS256", "PS256", "EdDSA"])
def test_token_holds_by_the_key_of_the_key_set(algorithm: str) -> None:
    key = new_token_key("k1", algorithm)

    token = sign_token({"iss": "https://wallet.example.org"}, key)

    (published,) = json.loads(key_set([key]))["keys"]
    assert published == public_jwk(key)
    claims = jwt.decode(token, jwt.PyJWK(published), algorithms=[algorithm])
    assert claims == {"iss": "https://wallet.example.org"}


def test_header_of_a_token_may_be_forged() -> None:
    token = sign_token({}, new_token_key("k1"), header={"kid": None, "typ": "kb+jwt"})

    assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "kb+jwt"}


@pytest.mark.parametrize(("name", "algorithm"), [("bank-a", "PS256"), ("bank-b", "ES256")])
def test_detached_jws_holds_over_the_raw_body(pki: Pki, name: str, algorithm: str) -> None:
    signer: Identity = pki.identities[name]

    token = sign_detached_jws(b"\xff{}", signer)

    assert token.split(".")[1] == ""
    decoded = jwt.PyJWS().decode_complete(
        token, signer.key.public_key(), algorithms=[algorithm], detached_payload=b"\xff{}"
    )
    assert decoded["header"]["crit"] == ["b64"]
    assert b64decode(decoded["header"]["x5c"][0]) == signer.der


def _message() -> bytes:
    return business_message(
        DOCUMENT,
        sender=BANK_A.bic,
        receiver="ESTCITMM",
        identifier="m1",
        created="2026-11-21T12:00:00Z",
        definition="pain.014.001.07",
    )
