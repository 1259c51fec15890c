"""SD-JWT presentations, one for each line of the checklist (RFC 9901 §7.1, SD-JWT VC): by name."""

from typing import Any

from contracts.codes import RejectionCode
from simulator.sd_jwt import Hidden, digest, disclosure
from simulator.sign_jws import encode
from tests.presented.issuers import (
    ALGORITHM,
    AUDIENCE,
    CREDENTIAL,
    DISCLOSURE,
    EXPIRED,
    ISSUER,
    LEEWAY,
    MALFORMED,
    MISSING,
    NONCE,
    NOW,
    SECOND,
    TOO_EARLY,
    UNTRUSTED,
    WRONG_TYPE,
    Named,
    Variant,
    credential,
    decoded,
    issuers,
    seconds,
)
from tests.presented.sd_jwt_issuer import algorithms, issuer_keys, signatures


def sd_jwt_variants() -> Named:
    """Yield every variant but those of key binding, which are in tests/presented/key_binding.py."""
    for number, group in enumerate(
        (
            _split,
            algorithms,
            signatures,
            issuer_keys,
            _hashes,
            _digests,
            _shapes,
            _recursion,
            _life,
            _audiences,
        ),
        1,
    ):
        for name, variant in group():
            yield f"sd-jwt {number}: {name}", variant


def _split() -> Named:
    whole = credential().present()
    compact, _, rest = whole.partition("~")
    yield "everything disclosed", Variant(whole)
    yield "nothing disclosed", Variant(credential().present([]))
    yield "two disclosures", Variant(credential().present(["birthdate", '"IT"']))
    yield "no tilde", Variant(compact, MALFORMED)
    yield "no last tilde", Variant(whole.rstrip("~"), RejectionCode.PRESENTATION_BINDING_INVALID)
    yield "an empty disclosure", Variant(f"{compact}~~{rest}", DISCLOSURE)
    yield "no issuer's JWT", Variant(f"~{rest}", MALFORMED)
    yield "two parts of a JWT", Variant(f"{compact.rpartition('.')[0]}~{rest}", MALFORMED)
    yield "not ASCII", Variant(f"{whole}\u00e9", MALFORMED)
    yield "too long", Variant(f"{whole}{'A' * 1_048_576}", MALFORMED)
    twice = '{"iss":"a","iss":"b"}'
    head = compact.partition(".")[0]
    yield "a claim twice", Variant(f"{head}.{encode(twice.encode())}.AA~", MALFORMED)


def _hashes() -> Named:
    yield "sha-384", Variant(credential(hash_name="sha-384").present())
    yield "sha-512", Variant(credential(hash_name="sha-512").present())
    yield "absent is sha-256", Variant(credential(hash_name=None).present())
    yield "sha-1", Variant(credential(hash_name="sha-1").present(), ALGORITHM)
    yield "no text", Variant(credential(hash_name=None, _sd_alg=256).present(), ALGORITHM)
    swapped = credential(hash_name=None, _sd_alg="sha-512").present()
    yield "not the one used", Variant(swapped, DISCLOSURE)


def _digests() -> Named:
    issued = credential()
    spaced = encode(decoded(issued.disclosures["birthdate"]) + b" ")
    yield "written with another space", Variant(f"{issued.present([])}{spaced}~", DISCLOSURE)
    yield "with padding", Variant(f"{issued.present(['birthdate'])[:-1]}=~", DISCLOSURE)
    other = disclosure("salt", "birthdate", "1980-01-01")
    yield "of another value", Variant(f"{issued.present(['given_name'])}{other}~", DISCLOSURE)
    another = credential().disclosures["birthdate"]
    yield "of another credential", Variant(f"{issued.present([])}{another}~", DISCLOSURE)


def _shapes() -> Named:
    for name, text in (
        ("two parts in an object", disclosure("salt", "value")),
        ("four parts", disclosure("salt", "name", "value", 1)),
        ("no parts", disclosure()),
        ("no array", encode(b'{"salt":"name"}')),
        ("no JSON", encode(b"[")),
        ("a member beside", encode(b'["salt","name",1],"other":1')),
        ("a name twice", encode(b'["salt","name",{"a":1,"a":2}]')),
        ("salt is no text", disclosure(1, "name", "value")),
        ("name is no text", disclosure("salt", 1, "value")),
        ("named _sd", disclosure("salt", "_sd", [])),
        ("named ...", disclosure("salt", "...", "value")),
        ("a claim that is there", disclosure("salt", "age_over_18", False)),  # noqa: FBT003 - a JSON value
        ("over the exp", disclosure("salt", "exp", 1)),
    ):
        issued = credential(_sd=[digest(text, "sha-256")])
        yield name, Variant(f"{issued.present([])}{text}~", DISCLOSURE)
    element = disclosure("salt", "name", "value")
    issued = credential(nationalities=[{"...": digest(element, "sha-256")}])
    yield "three parts in an array", Variant(f"{issued.present([])}{element}~", DISCLOSURE)
    one, two = disclosure("salt", "name", 1), disclosure("tlas", "name", 2)
    issued = credential(_sd=[digest(one, "sha-256"), digest(two, "sha-256")])
    yield "one name by two", Variant(f"{issued.present([])}{one}~{two}~", DISCLOSURE)
    for name, claims in (
        ("digest twice", {"_sd": ["a", "a"]}),
        ("digest on two levels", {"_sd": ["a"], "nationalities": [{"...": "a"}]}),
        ("digest is no text", {"_sd": [1]}),
        ("digests are no list", {"place": {"_sd": "a"}}),
        ("element's digest is no text", {"nationalities": [{"...": 1}]}),
        ("a claim named ...", {"place": {"...": "a", "b": 1}}),
    ):
        yield name, Variant(credential(**claims).present([]), DISCLOSURE)
    issued = credential()
    again = issued.present(["birthdate"]) + issued.disclosures["birthdate"]
    yield "disclosure twice", Variant(f"{again}~", DISCLOSURE)
    stray = disclosure("salt", "name", "value")
    yield "referenced by no digest", Variant(f"{credential().present()}{stray}~", DISCLOSURE)
    yield from _withheld()


def _withheld() -> Named:
    for name, value in (("exp", seconds(60)), ("vct", CREDENTIAL), ("iss", ISSUER), ("cnf", {})):
        withheld: dict[str, Any] = {name: Hidden(value)}
        yield f"{name} withheld", Variant(_with(**withheld), DISCLOSURE)


def _recursion() -> Named:
    yield "decoys", Variant(credential(decoys=5).present())
    yield "an object without its parts", Variant(credential().present(["address"]))
    yield "an object with its parts", Variant(credential().present(["address", "locality"]))
    yield "a part without its object", Variant(credential().present(["locality"]), DISCLOSURE)
    for name, levels, code in (("deepest", 30, None), ("too deep", 32, DISCLOSURE)):
        value: Any = 1
        for _ in range(levels):
            value = [Hidden(value)]
        yield name, Variant(credential(deep=value).present(), code)
    for name, count, code in (("most", 494, None), ("too many", 501, DISCLOSURE)):
        many: dict[str, Any] = {f"claim_{number}": Hidden(number) for number in range(count)}
        yield name, Variant(_with(**many), code)


def _life() -> Named:
    yield "just before the end of leeway", Variant(_with(exp=seconds(-59)))
    yield "a fraction of a second", Variant(_with(exp=seconds(9) + 0.5))
    yield "iat withheld", Variant(_with(iat=Hidden(seconds(-9))))
    yield "older typ", Variant(credential(header={"typ": "vc+sd-jwt"}).present())
    yield "typ in full", Variant(credential(header={"typ": "application/DC+SD-JWT"}).present())
    yield "expired", Variant(_with(exp=seconds(-LEEWAY.total_seconds())), EXPIRED)
    yield "nbf to come", Variant(_with(nbf=seconds(LEEWAY / SECOND + 1)), TOO_EARLY)
    yield "iat to come", Variant(_with(iat=seconds(LEEWAY / SECOND + 1)), TOO_EARLY)
    yield "iat to come, disclosed", Variant(_with(iat=Hidden(seconds(999))), TOO_EARLY)
    yield "no exp", Variant(_with(exp=None), MISSING)
    yield "no vct", Variant(_with(vct=None), MISSING)
    yield "vct is no text", Variant(_with(vct=[CREDENTIAL]), MISSING)
    for name in ("exp", "nbf", "iat"):
        for value in ("1", True, [1]):
            yield f"{name} is {value!r}", Variant(_with(**{name: value}), MISSING)
    yield "another vct", Variant(_with(vct="urn:example:loyalty"), WRONG_TYPE)
    for kind in ("JWT", "kb+jwt", None, 1):
        yield f"typ {kind}", Variant(credential(header={"typ": kind}).present(), MALFORMED)


def _audiences() -> Named:
    for name, aud in (
        ("another", "https://other.example.org"),
        ("several others", ["https://other.example.org", "https://third.example.org"]),
        ("a number", 1),
        ("nothing", [None]),
        ("withheld and disclosed", Hidden("https://other.example.org")),
    ):
        for demanded in (True, False):
            variant = Variant(_with(aud=aud), UNTRUSTED, demanded=demanded)
            yield f"aud is {name}{', demanded' if demanded else ''}", variant
    for name, aud in (("ours", AUDIENCE), ("ours among others", ["other", AUDIENCE])):
        bound = issuers().holder.bind(_with(aud=aud), audience=AUDIENCE, nonce=NONCE, now=NOW)
        yield f"aud is {name}", Variant(bound, demanded=True, binding="verified")
        yield f"aud is {name}, and we have no name", Variant(_with(aud=aud), UNTRUSTED)


def _with(**claims: Any) -> str:  # noqa: ANN401 - JSON holds any value
    return credential(**claims).present()
