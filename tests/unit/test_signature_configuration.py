"""What would check less than its words say, or nothing at all, is no configuration."""

from typing import Any, Final

import pytest
from pydantic import ValidationError

from runtime.endpoint_configuration import Endpoint
from runtime.section import Section
from runtime.signature_configuration import Certificates, ClientCertificate
from runtime.token_configuration import Presentations, TokenIssuer

KEYS: Final = {"keys": [{"id": "a", "file": "a.key"}]}
EDGE: Final = {"seen_by": "edge", "header": "x-certificate", "edges": ["10.0.0.0/8"]}
ISSUER: Final = {"issuer": "https://wallet.example.org"}
BY_URI: Final = {**ISSUER, "jwks_uri": "https://wallet.example.org/jwks.json"}
BY_FILE: Final = {**ISSUER, "jwks_file": "jwks.json"}
BANK: Final = {"id": "bank-a", "bics": ["UNCRITMM"], "fingerprints": ["ab" * 32]}
CREDENTIALS: Final = {"issuer_root_files": ["roots.pem"], "credential_types": ["urn:eudi:pid:1"]}
REQUIRED: Final = {"policy": "required", **CREDENTIALS}
BOUND: Final = {"holder_binding": "verified", "audience": "esito", "nonce_claim": "nonce"}
ENDPOINT: Final = {"name": "e", "provider": "wallet", "path": "/e"}


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (
            Endpoint,
            {**ENDPOINT, "path_token": KEYS},
            "path_token needs early_seconds above 0, such as 60: else",
        ),
        (
            Endpoint,
            {**ENDPOINT, "service_providers": [BANK, {**BANK, "bics": ["BPPIITRR"]}]},
            "two service_providers have one id; give each its own",
        ),
        (
            ClientCertificate,
            {"seen_by": "edge", "header": "x-certificate"},
            "seen_by: edge needs header and edges; seen_by: esito takes neither",
        ),
        (
            ClientCertificate,
            {"seen_by": "esito", "header": "x-certificate"},
            "seen_by: edge needs header and edges; seen_by: esito takes neither",
        ),
        *(
            (
                ClientCertificate,
                {**EDGE, "edges": ["10.0.0.0/8", everybody]},
                "edges: a network of all addresses lets anybody hand over any certificate",
            )
            for everybody in ("0.0.0.0/0", "::/0")
        ),
        (
            Certificates,
            {"root_files": ["root.pem"], "unknown_revocation": "reject"},
            "unknown_revocation: reject needs crl_files",
        ),
        *(
            (
                TokenIssuer,
                {**BY_FILE, **unused},
                "jwks_ca_file and allow_private_addresses are for jwks_uri",
            )
            for unused in ({"jwks_ca_file": "ca.pem"}, {"allow_private_addresses": True})
        ),
        (
            TokenIssuer,
            {**BY_URI, "refresh_seconds": 5},
            "refresh_seconds must be refresh_seconds_min at least",
        ),
        (
            TokenIssuer,
            {**BY_URI, "stale_seconds_max": 299},
            "stale_seconds_max must be refresh_seconds at least",
        ),
        (
            TokenIssuer,
            {**BY_URI, "age_seconds_max": 60},
            "age_seconds_max needs iat among required_claims",
        ),
        (
            Presentations,
            {**REQUIRED, "holder_binding": "verified"},
            "holder_binding: verified needs audience and nonce_claim: else",
        ),
        (
            Presentations,
            {**REQUIRED, **BOUND, "nonce_claim": None},
            "holder_binding: verified needs nonce_claim: else",
        ),
        (
            Presentations,
            {**REQUIRED, "audience": "esito"},
            "audience would not be compared with anything",
        ),
        (
            Presentations,
            {"policy": "off", **CREDENTIALS, **BOUND},
            "policy: off checks nothing of issuer_root_files, credential_types, holder",
        ),
        (
            Presentations,
            {"policy": "required", "credential_types": ["urn:eudi:pid:1"]},
            "name issuer_root_files or issuer_jwks_files, and credential_types",
        ),
    ],
)
def test_policy_that_would_check_less_than_it_says_is_refused(
    kind: type[Section], given: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        kind.model_validate(given)

    messages = [error["msg"].removeprefix("Value error, ") for error in refused.value.errors()]
    assert [message[: len(said)] for message in messages] == [said]


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (Endpoint, {**ENDPOINT, "path_token": KEYS, "early_seconds": 60}),
        (Endpoint, {**ENDPOINT, "service_providers": [BANK, {**BANK, "id": "bank-b"}]}),
        (ClientCertificate, EDGE),
        (ClientCertificate, {"seen_by": "esito"}),
        (
            Certificates,
            {"root_files": ["r.pem"], "crl_files": ["r.crl"], "unknown_revocation": "reject"},
        ),
        (TokenIssuer, BY_FILE),
        (TokenIssuer, {**BY_URI, "jwks_ca_file": "ca.pem", "allow_private_addresses": True}),
        (TokenIssuer, {**BY_URI, "refresh_seconds": 10, "stale_seconds_max": 10}),
        (Presentations, {**REQUIRED, **BOUND}),
        (Presentations, REQUIRED),
        (Presentations, {"policy": "off"}),
    ],
)
def test_policy_that_checks_what_it_says_is_taken(
    kind: type[Section], given: dict[str, Any]
) -> None:
    assert kind.model_validate(given)
