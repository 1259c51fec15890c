"""mdoc presentations, one for each check of ISO 18013-5 §9.3.1 and OpenID4VP, by name."""

from datetime import timedelta
from typing import Any

import cbor2
from cbor2 import CBORTag

from simulator.mdoc import (
    device_response,
    embed,
    issue_mdoc,
    item_digest,
    new_item,
    sign1,
    tdate,
    validity,
)
from simulator.pki import Life
from simulator.sign_jws import encode
from tests.presented.issuers import (
    ALGORITHM,
    DAY,
    DISCLOSURE,
    DOCUMENT,
    EXPIRED,
    MALFORMED,
    MISSING,
    NOW,
    REQUEST,
    SECOND,
    TOO_EARLY,
    UNBOUND,
    WRONG_TYPE,
    Named,
    Variant,
    document,
    issuers,
    life_of_a_month,
    mdoc,
    response,
)
from tests.presented.mdoc_issuer import headers, signers


def mdoc_variants() -> Named:
    """Yield every variant."""
    groups = (_responses, signers, headers, _objects, _lives, _items, _devices)
    for number, group in enumerate(groups, 1):
        for name, variant in group():
            binding = "gateway-attested"
            yield f"mdoc {number}: {name}", variant._replace(binding=binding)


def _responses() -> Named:
    yield "everything disclosed", Variant(response())
    one = mdoc().present(REQUEST, ["age_over_18"])
    yield "one element", Variant(device_response([one]))
    yield "no element", Variant(device_response([mdoc().present(REQUEST, [])]))
    yield "two documents", Variant(device_response([one, document()]))
    yield "no documents", Variant(device_response([]), MALFORMED)
    yield "documents absent", Variant(device_response([], documents=None), MALFORMED)
    yield "too many documents", Variant(device_response([one] * 11), MALFORMED)
    yield "a document that is none", Variant(device_response([one, 1]), MALFORMED)
    yield "status is an error", Variant(device_response([one], status=10), MALFORMED)
    yield "status is false", Variant(device_response([one], status=False), MALFORMED)
    yield "no status", Variant(device_response([one], status=None), MALFORMED)
    yield "version 2.0", Variant(device_response([one], version="2.0"), MALFORMED)
    whole = cbor2.dumps({"version": "1.0", "documents": [one], "status": 0})
    doubled = b"\xa4" + whole[1:] + cbor2.dumps("status") + cbor2.dumps(0)
    indefinite = b"\xbf" + whole[1:] + b"\xff"
    deep = b"\x81" * 17 + b"\x01"
    for name, code, raw in (
        ("indefinite length", None, indefinite),
        ("a name twice", MALFORMED, doubled),
        ("bytes after the end", MALFORMED, whole + b"\x00"),
        ("cut", MALFORMED, whole[:-1]),
        ("not a map", MALFORMED, b"\x81" + whole),
        ("empty list", MALFORMED, b"\x80"),
        ("tagged", MALFORMED, b"\xd9\xd9\xf7" + whole),
        ("too deep", MALFORMED, deep),
        ("a list as a key", MALFORMED, b"\xa1\x80\x01"),
        ("a truth value as a key", MALFORMED, b"\xa1\xf5\x01"),
        ("undefined", MALFORMED, b"\xf7"),
        ("not a number", MALFORMED, b"\xf9\x7e\x00"),
        ("text that is not UTF-8", MALFORMED, b"\x61\xff"),
    ):
        yield f"CBOR: {name}", Variant(encode(raw), code)
    yield "base64url with padding", Variant(f"{response()}=", MALFORMED)
    yield "base64", Variant("+/+/", MALFORMED)
    yield "not ASCII", Variant("\u00e9", MALFORMED)
    yield "too long", Variant("A" * 1_048_580, MALFORMED)


def _objects() -> Named:
    for hash_name in ("SHA-384", "SHA-512"):
        yield f"digests by {hash_name}", Variant(response(mdoc(hash_name=hash_name)))
    yield "digests by SHA-1", Variant(response(mdoc(hash_name="SHA-1")), ALGORITHM)
    for name, code, edited in (
        ("digestAlgorithm of another", DISCLOSURE, {"digestAlgorithm": "SHA-512"}),
        ("no digestAlgorithm", ALGORITHM, {"digestAlgorithm": None}),
        ("digestAlgorithm is a number", ALGORITHM, {"digestAlgorithm": 256}),
        ("version 2.0", MALFORMED, {"version": "2.0"}),
        ("no version", MALFORMED, {"version": None}),
        ("another docType", WRONG_TYPE, {"docType": "org.iso.18013.5.1.mDL"}),
        ("no docType", WRONG_TYPE, {"docType": None}),
        ("no device key", MISSING, {"deviceKeyInfo": None}),
        ("device key is text", MISSING, {"deviceKeyInfo": {"deviceKey": "a"}}),
        ("no digests", MISSING, {"valueDigests": None}),
        ("no digests of the namespace", DISCLOSURE, {"valueDigests": {"other": {}}}),
        ("digests are a list", DISCLOSURE, {"valueDigests": {DOCUMENT: [bytes(32)] * 7}}),
        (
            "digests are text",
            DISCLOSURE,
            {"valueDigests": {DOCUMENT: dict.fromkeys(range(7), "a")}},
        ),
        ("no life", MISSING, {"validityInfo": None}),
    ):
        yield name, Variant(response(mdoc(security_object=edited)), code)
    loyalty = issue_mdoc("org.example.loyalty", {}, issuers().signer, life=life_of_a_month())
    yield "a docType that is not taken", Variant(response(loyalty), WRONG_TYPE)
    renamed = {**document(loyalty), "docType": DOCUMENT}
    yield "a docType over the signed one", Variant(device_response([renamed]), WRONG_TYPE)
    for name, payload in (
        ("not embedded", cbor2.dumps({"version": "1.0"})),
        ("embedded text", cbor2.dumps(CBORTag(24, "a"))),
        ("not CBOR", b"\xff"),
        ("embedded junk", cbor2.dumps(CBORTag(24, b"\xff"))),
        ("a list", cbor2.dumps(embed([]))),
    ):
        edited_document = document()
        auth = sign1(payload, issuers().signer.key, unprotected=mdoc().issuer_auth[1])
        edited_document["issuerSigned"]["issuerAuth"] = auth
        yield f"security object {name}", Variant(device_response([edited_document]), MALFORMED)


def _lives() -> Named:
    moment = timedelta(seconds=61)
    for name, code, begins, ends in (
        ("just begun", None, NOW + 60 * SECOND, NOW + DAY),
        ("just over", None, NOW - 3600 * SECOND, NOW - 60 * SECOND),
        ("to come", TOO_EARLY, NOW + moment, NOW + DAY),
        ("over", EXPIRED, NOW - 3600 * SECOND, NOW - moment),
    ):
        yield name, Variant(response(mdoc(life=Life(begins, ends))), code)
    right = validity(life_of_a_month())
    signed_later = {**right, "signed": tdate(NOW + moment)}
    yield "signed later", Variant(_living(signed_later), TOO_EARLY)
    begins_later = {**right, "validFrom": tdate(NOW + moment)}
    yield "valid later", Variant(_living(begins_later), TOO_EARLY)
    fraction = {**right, "signed": CBORTag(0, "2026-11-21T11:00:00.5Z")}
    yield "signed at a fraction", Variant(_living(fraction))
    for name in right:
        yield f"no {name}", Variant(_living({**right, name: 0}), MISSING)
    for written in (
        "2026-11-21",
        "2026-11-21T11:00:00",
        "2026-11-21T11:00:00+00:00",
        "2026-11-31T11:00:00Z",
        "2026-11-21T11:00:00Z ",
        "0000-11-21T11:00:00Z",
        "\u0662026-11-21T11:00:00Z",
    ):
        odd = {**right, "validUntil": CBORTag(0, written)}
        yield f"until {written!a}", Variant(_living(odd), MISSING)
    epoch = {**right, "validUntil": CBORTag(1, 1_900_000_000)}
    yield "until an epoch", Variant(_living(epoch), MISSING)


def _living(validity_info: dict[str, Any]) -> str:
    return response(mdoc(security_object={"validityInfo": validity_info}))


def _items() -> Named:
    issued = mdoc()
    items = issued.items[DOCUMENT]
    name, right = "given_name", items["given_name"]
    for fault, code, edited in (
        ("another value", DISCLOSURE, new_item(0, name, "Other")),
        ("an added element", DISCLOSURE, new_item(99, "admin", value=True)),
        ("not embedded", DISCLOSURE, cbor2.loads(right.value)),
        ("embedded junk", DISCLOSURE, CBORTag(24, b"\xff")),
        ("embedded, another tag", DISCLOSURE, CBORTag(25_000, right.value)),
        ("embedded list", DISCLOSURE, embed([])),
    ):
        edited_document = document(issued)
        edited_document["issuerSigned"]["nameSpaces"][DOCUMENT] = [edited]
        yield f"item: {fault}", Variant(device_response([edited_document]), code)
    for fault, spaces in (
        ("a namespace that is not signed", {"org.example": [right]}),
        ("a namespace beside", {DOCUMENT: [right], "org.example": [new_item(0, "admin", 1)]}),
        ("an item twice", {DOCUMENT: [right, right]}),
        ("a namespace that is a number", {1: [right]}),
    ):
        edited_document = document(issued)
        edited_document["issuerSigned"]["nameSpaces"] = spaces
        yield fault, Variant(device_response([edited_document]), DISCLOSURE)
    for fault, other_spaces in (
        ("namespaces are a list", [right]),
        ("items are a map", {DOCUMENT: {}}),
    ):
        edited_document = document(issued)
        edited_document["issuerSigned"]["nameSpaces"] = other_spaces
        yield fault, Variant(device_response([edited_document]), MALFORMED)
    for fault, count, most in (("most items", 500, None), ("too many items", 501, DISCLOSURE)):
        elements = {DOCUMENT: dict.fromkeys(map(str, range(count)), 1)}
        yield fault, Variant(response(mdoc(elements=elements)), most)
    yield from _signed_items()


def _signed_items() -> Named:
    """Yield items that the issuer did sign, and that are wrong all the same."""
    for fault, first in (
        ("too little salt", new_item(0, "given_name", "a", random=bytes(15))),
        ("no salt", new_item(0, "given_name", "a", random=None)),
        ("no name", new_item(0, "given_name", "a", elementIdentifier=None)),
        ("no value", new_item(0, "given_name", None)),
        ("name is a number", new_item(0, "given_name", "a", elementIdentifier=1)),
        ("id is text", new_item(0, "given_name", "a", digestID="0")),
        ("id is false", new_item(0, "given_name", "a", digestID=False)),
    ):
        yield f"signed item: {fault}", Variant(_listing([first]), DISCLOSURE)
    twice = [new_item(0, "given_name", "a"), new_item(1, "given_name", "b")]
    yield "signed item: one name twice", Variant(_listing(twice), DISCLOSURE)
    yield "signed item: right", Variant(_listing([new_item(0, "given_name", "a")]))


def _listing(items: list[CBORTag]) -> str:
    digests = {DOCUMENT: {number: item_digest(one) for number, one in enumerate(items)}}
    edited = document(mdoc(security_object={"valueDigests": digests}))
    edited["issuerSigned"]["nameSpaces"] = {DOCUMENT: items}
    return device_response([edited])


def _devices() -> Named:
    yield "a verified holder is demanded", Variant(response(), UNBOUND, demanded=True)
    surfaced = document()
    spaces = embed({DOCUMENT: {"admin": True}})
    surfaced["deviceSigned"]["nameSpaces"] = spaces
    yield "what the device says of itself", Variant(device_response([surfaced]))
    mac = document()
    mac["deviceSigned"]["deviceAuth"] = {"deviceMac": [b"\xa1\x01\x05", {}, None, bytes(32)]}
    yield "a MAC by the device", Variant(device_response([mac]))
    for name, given in (
        ("absent", None),
        ("empty", {}),
        ("without deviceAuth", {"nameSpaces": spaces}),
        ("with an empty deviceAuth", {"nameSpaces": spaces, "deviceAuth": {}}),
        (
            "with an empty signature",
            {"nameSpaces": spaces, "deviceAuth": {"deviceSignature": [b"", {}, None, b""]}},
        ),
    ):
        edited = {**document(), "deviceSigned": given}
        yield f"deviceSigned {name}", Variant(device_response([edited]), UNBOUND)
