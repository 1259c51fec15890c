"""Sign ISO 20022 documents for tests, well or as an attacker would; no signxml, as text.

Every choice that XML Signature gives a signer is an argument here, and what comes out is correctly
signed for that choice: what refuses it is our rule, not a digest that happens not to fit.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from tests.certificates import Issued, PrivateKey, leaf
from workers.verifier.certificates import Trust

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
ENVELOPED: Final = f"{DS}enveloped-signature"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
MORE_2007: Final = "http://www.w3.org/2007/05/xmldsig-more#"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
PAIN: Final = "urn:iso:std:iso:20022:tech:xsd:pain.014.001.07"
HEAD: Final = "urn:iso:std:iso:20022:tech:xsd:head.001.001.02"
BANK: Final = leaf(None, "Bank A", key_type="rsa")
OTHER_BANK: Final = leaf(None, "Bank B", key_type="rsa")
EC_BANK: Final = leaf(None, "Bank C", key_type="ec")
STRANGER: Final = leaf(None, "Stranger", key_type="rsa")
HEADER: Final = (
    f'<AppHdr xmlns="{HEAD}"><Fr><FIId><FinInstnId><BICFI>UNCRITMM</BICFI></FinInstnId></FIId></Fr>'
    "<BizMsgIdr>M-1</BizMsgIdr><MsgDefIdr>pain.014.001.07</MsgDefIdr>"
    "<CreDt>2026-11-02T11:59:00Z</CreDt><Sgntr>\n  </Sgntr></AppHdr>"
)


def report(status: str = "ACCP", *, namespace: str = PAIN, extra: str = "") -> str:
    """Return an unsigned status report on one transaction that conforms to its schema."""
    return (
        f'<Document xmlns="{namespace}">\n  <CdtrPmtActvtnReqStsRpt>\n    <GrpHdr>'
        "<MsgId>M-1</MsgId><CreDtTm>2026-11-02T11:59:00.000Z</CreDtTm>"
        "<InitgPty><Id><OrgId><AnyBIC>UNCRITMMXXX</AnyBIC></OrgId></Id></InitgPty></GrpHdr>\n"
        "    <OrgnlGrpInfAndSts><OrgnlMsgId>6588c58bcba84b0382422d45e5d04257</OrgnlMsgId>"
        "<OrgnlMsgNmId>pain.013.001.07</OrgnlMsgNmId></OrgnlGrpInfAndSts>\n"
        "    <OrgnlPmtInfAndSts><OrgnlPmtInfId>302001000000012345</OrgnlPmtInfId><TxInfAndSts>"
        "<OrgnlEndToEndId>302001000000012345</OrgnlEndToEndId>"
        f"<TxSts>{status}</TxSts><OrgnlTxRef><Amt>"
        '<InstdAmt Ccy="EUR">120.50</InstdAmt></Amt><CdtrAgt><FinInstnId><BICFI>BPPIITRR</BICFI>'
        "</FinInstnId></CdtrAgt><Cdtr><Nm>Comune</Nm></Cdtr></OrgnlTxRef></TxInfAndSts>"
        f"</OrgnlPmtInfAndSts>\n  {extra}</CdtrPmtActvtnReqStsRpt>\n</Document>"
    )


def trusting(*pinned: Issued, roots: Sequence[Issued] = ()) -> Trust:
    """Return the trust in these certificates alone."""
    return Trust(
        roots=tuple(one.certificate for one in roots),
        pinned={one.fingerprint: one.certificate for one in pinned},
        intermediates=(),
        crls=(),
        reject_unknown=False,
        skew=timedelta(seconds=60),
    )


@dataclass(frozen=True, slots=True)
class Signed:
    """How to sign. The texts are put where their names say, as they are."""

    signer: Issued = BANK
    method: str = f"{MORE}rsa-sha256"
    digest: str = SHA256
    canonicalization: str = EXCLUSIVE
    transforms: tuple[str, ...] = (ENVELOPED, EXCLUSIVE)
    uri: str | None = ""
    parameter: str = ""  # inside SignatureMethod
    inside: str = ""  # inside the last Transform
    key_info: str | None = None  # what KeyInfo holds; None: the certificate; "": no KeyInfo
    added: str = ""  # after KeyInfo

    def document(self, text: str, *, covered: bytes | None = None) -> bytes:
        """Return the document `text` with its signature before its end; `covered` as if it said."""
        unsigned = canonical(text, self.transforms[-1]) if covered is None else covered
        references = reference(self, self.uri, self.transforms, unsigned)
        place = text.rindex("</")
        return (text[:place] + self.signature(references) + text[place:]).encode()

    def business_message(
        self, document: str, *, header: str = HEADER, omitted: str = "", repeated: str = ""
    ) -> bytes:
        """Return header and document in one envelope; a part may have no reference, or two."""
        key_info = self.key_info_text(' Id="k"')
        parts = {
            "header": reference(self, "", self.transforms, canonical(header)),
            "document": reference(self, None, (EXCLUSIVE,), canonical(document)),
            "key": reference(self, "#k", (EXCLUSIVE,), canonical(key_info)),
        }
        references = "".join(part for name, part in parts.items() if name != omitted)
        references += parts.get(repeated, "")
        signature = self.signature(references, key_info=key_info)
        place = header.index("</Sgntr>")
        return f"<Msg>{header[:place]}{signature}{header[place:]}{document}</Msg>".encode()

    def signature(self, references: str, *, key_info: str | None = None) -> str:
        """Return the ds:Signature over `references`."""
        signed_info = (
            f'<ds:SignedInfo xmlns:ds="{DS}">'
            f'<ds:CanonicalizationMethod Algorithm="{self.canonicalization}"/>'
            f'<ds:SignatureMethod Algorithm="{self.method}">{self.parameter}</ds:SignatureMethod>'
            f"{references}</ds:SignedInfo>"
        )
        value = sign(self.signer.key, self.method, canonical(signed_info, self.canonicalization))
        key = self.key_info_text() if key_info is None else key_info
        content = (
            f"{signed_info}<ds:SignatureValue>{b64encode(value).decode()}</ds:SignatureValue>{key}"
        )
        # Each part was canonical by itself; the declaration of all three stands on their parent.
        content = content.replace(f' xmlns:ds="{DS}"', "")
        return f'<ds:Signature xmlns:ds="{DS}">{content}{self.added}</ds:Signature>'

    def key_info_text(self, attributes: str = "") -> str:
        """Return the ds:KeyInfo."""
        content = x509_data(self.signer) if self.key_info is None else self.key_info
        if not content:
            return ""
        return f'<ds:KeyInfo xmlns:ds="{DS}"{attributes}>{content}</ds:KeyInfo>'


def x509_data(*certificates: Issued) -> str:
    """Return the ds:X509Data of certificates."""
    return (
        "<ds:X509Data>"
        + "".join(
            f"<ds:X509Certificate>{b64encode(one.der).decode()}</ds:X509Certificate>"
            for one in certificates
        )
        + "</ds:X509Data>"
    )


def key_value(issued: Issued) -> str:
    """Return the ds:KeyValue of a certificate's key."""
    key = issued.certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        modulus, exponent = (
            b64encode(number.to_bytes((number.bit_length() + 7) // 8)).decode()
            for number in (numbers.n, numbers.e)
        )
        return (
            f"<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{modulus}</ds:Modulus>"
            f"<ds:Exponent>{exponent}</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>"
        )
    assert isinstance(key, ec.EllipticCurvePublicKey)
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return (
        '<ds:KeyValue><d:ECKeyValue xmlns:d="http://www.w3.org/2009/xmldsig11#">'
        '<d:NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"/>'
        f"<d:PublicKey>{b64encode(point).decode()}</d:PublicKey></d:ECKeyValue></ds:KeyValue>"
    )


def reference(signed: Signed, uri: str | None, transforms: Sequence[str], covered: bytes) -> str:
    """Return a ds:Reference to what canonicalises to `covered`."""
    attribute = "" if uri is None else f' URI="{uri}"'
    last = len(transforms) - 1
    listed = "".join(
        f'<ds:Transform Algorithm="{one}">{signed.inside if number == last else ""}</ds:Transform>'
        for number, one in enumerate(transforms)
    )
    hasher = hashes.Hash(hash_named(signed.digest))
    hasher.update(covered)
    return (
        f"<ds:Reference{attribute}><ds:Transforms>{listed}</ds:Transforms>"
        f'<ds:DigestMethod Algorithm="{signed.digest}"/>'
        f"<ds:DigestValue>{b64encode(hasher.finalize()).decode()}</ds:DigestValue></ds:Reference>"
    )


def canonical(text: str, method: str = EXCLUSIVE) -> bytes:
    """Return the canonical form of an XML text by the method of that name."""
    return etree.tostring(
        etree.fromstring(text),
        method="c14n",
        exclusive=method.startswith(EXCLUSIVE),
        with_comments=method.endswith("#WithComments"),
    )


def sign(key: PrivateKey, method: str, signed: bytes) -> bytes:
    """Return the signature by the method of that URI."""
    hashed = hash_named(method)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.key_size + 7) // 8
        numbers = decode_dss_signature(key.sign(signed, ec.ECDSA(hashed)))
        return b"".join(number.to_bytes(size) for number in numbers)
    assert isinstance(key, rsa.RSAPrivateKey)
    if method.endswith("-MGF1"):
        salted = padding.PSS(padding.MGF1(hashed), hashed.digest_size)
        return key.sign(signed, salted, hashed)
    return key.sign(signed, padding.PKCS1v15(), hashed)


def hash_named(uri: str) -> hashes.HashAlgorithm:
    """Return the hash that an algorithm's URI names; SHA-256 where it names none."""
    found = re.search(r"sha3?-?(1|224|256|384|512)\b", uri.partition("#")[2])
    named = found[0].upper().replace("-", "_") if found else "SHA256"
    hashed: hashes.HashAlgorithm = getattr(hashes, named)()
    return hashed
