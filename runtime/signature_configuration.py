"""Declare how an endpoint's signatures are configured: schemes, certificates, registry, tokens."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from runtime.section import HeaderName, Name, Seconds, Section

# ISO 9362 and ISO 17442, in upper case as ISO 20022 prescribes them.
Bic = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$")]
Lei = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{18}[0-9]{2}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$", to_lower=True)]
Network = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F:.]+(/[0-9]{1,3})?$")]
# Asymmetric, and of today's strength; "none" and HMAC are not among them.
JwsAlgorithm = Literal[
    "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"
]


class Scheme(Section):
    """One scheme of signature: configured is checked; required is also demanded."""

    required: bool = Field(
        default=True, description="false: checked where a callback has it, not demanded."
    )


class Xmldsig(Scheme):
    """An XML signature inside the message."""


class DetachedSignature(Scheme):
    """A signature in the X-SRTP-Signature headers, over the request line, headers and body."""


class DetachedJws(Scheme):
    """A detached JWS over the raw body (RFC 7797)."""

    header: HeaderName = Field("x-jws-signature", description="The header that carries it.")
    algorithms: Annotated[tuple[JwsAlgorithm, ...], Field(min_length=1)] = Field(
        ("ES256", "PS256", "RS256"), description="No other is taken."
    )


class ClientCertificate(Section):
    """The caller's TLS certificate, seen by Esito itself or handed over by the edge."""

    seen_by: Literal["esito", "edge"] = Field(
        description="esito: ingress.tls.client_ca_file asks for it; edge: a header hands it over."
    )
    header: HeaderName | None = Field(
        None, description="Where the edge puts the certificate.", examples=["x-client-certificate"]
    )
    encoding: Literal["pem_urlencoded", "der_base64"] = Field(
        "pem_urlencoded", description="How the edge writes it; nginx: pem_urlencoded."
    )
    edges: tuple[Network, ...] = Field(
        (),
        description="Addresses of the edge; from anywhere else the header is refused with 403.",
        examples=[["10.0.0.0/8"]],
    )

    @model_validator(mode="after")
    def _edge_is_named(self) -> Self:
        if (self.seen_by == "edge") != bool(self.header and self.edges):
            raise ValueError("seen_by: edge needs header and edges; seen_by: esito takes neither")
        return self


class Certificates(Section):
    """Whom we trust to sign or to call with a certificate; nothing is trusted by default."""

    root_files: tuple[Path, ...] = Field(
        (),
        description="PEM: pinned roots that a chain must lead to.",
        examples=[["trust/qtsp.pem"]],
    )
    pinned_files: tuple[Path, ...] = Field(
        (), description="PEM: certificates trusted as they are.", examples=[["trust/bank-a.pem"]]
    )
    intermediate_files: tuple[Path, ...] = Field(
        (),
        description="PEM: issuers between root and leaf that callbacks may leave out.",
        examples=[["trust/qtsp-issuing.pem"]],
    )
    crl_files: tuple[Path, ...] = Field(
        (),
        description="PEM or DER: revocation lists, read again when they change.",
        examples=[["trust/qtsp.crl"]],
    )
    unknown_revocation: Literal["accept", "reject"] = Field(
        "accept", description="What to do with a certificate that no current list covers."
    )
    skew_seconds: Annotated[float, Field(ge=0, le=300)] = Field(
        60, description="How far clocks may differ at both ends of a certificate's life."
    )

    @model_validator(mode="after")
    def _somebody_is_trusted(self) -> Self:
        if not self.root_files and not self.pinned_files:
            raise ValueError("root_files or pinned_files must name whom to trust")
        return self


class IssuedCertificate(Section):
    """A certificate named by who issued it and under which number: neither alone is unique."""

    issuer: str = Field(
        description="The issuer's distinguished name (RFC 4514).",
        examples=["CN=Example QSealC CA,O=Example,C=IT"],
    )
    serial: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{1,64}$", to_upper=True)] = (
        Field(description="The serial number in hexadecimal.", examples=["0A1B2C"])
    )


class ServiceProvider(Section):
    """One party that may call: the names it speaks under, and the certificates that are its own."""

    id: Name = Field(description="What events, logs and metrics call it.", examples=["bank-a"])
    bics: tuple[Bic, ...] = Field((), description="Its BICs.", examples=[["UNCRITMM"]])
    leis: tuple[Lei, ...] = Field((), description="Its LEIs.", examples=[["549300TRUWO2CD2G5692"]])
    organization_identifiers: tuple[str, ...] = Field(
        (),
        description="organizationIdentifier of its certificates (ETSI EN 319 412-1).",
        examples=[["PSDIT-BI-12345"]],
    )
    certificates: tuple[IssuedCertificate, ...] = Field(
        (),
        description="Its certificates by issuer and serial number.",
        examples=[[{"issuer": "CN=Example QSealC CA,O=Example,C=IT", "serial": "0A1B2C"}]],
    )
    fingerprints: tuple[Sha256, ...] = Field(
        (), description="Its certificates by the SHA-256 of their DER.", examples=[["ab" * 32]]
    )

    @model_validator(mode="after")
    def _has_names_and_certificates(self) -> Self:
        if not self.bics and not self.leis:
            raise ValueError("bics or leis must say in whose name it speaks")
        if not (self.organization_identifiers or self.certificates or self.fingerprints):
            raise ValueError(
                "organization_identifiers, certificates or fingerprints must say what proves it"
            )
        return self


class TokenIssuer(Section):
    """An issuer of JWTs: where its keys are, and what its tokens must be."""

    issuer: str = Field(
        description="The iss claim, exactly.", examples=["https://wallet.example.org"]
    )
    jwks_uri: Annotated[str, StringConstraints(pattern=r"^https://[^/?#@]+/[^#]*$")] | None = Field(
        None,
        description="Where its key set is; a token's own jwks_uri is only compared with it.",
        examples=["https://wallet.example.org/jwks.json"],
    )
    jwks_file: Path | None = Field(
        None, description="Its key set as a file, instead.", examples=["trust/wallet-jwks.json"]
    )
    jwks_ca_file: Path | None = Field(
        None,
        description="PEM: who signed the server's certificate; default: the system's.",
        examples=["trust/private-ca.pem"],
    )
    allow_private_addresses: bool = Field(
        default=False, description="Fetch the key set from a private address too."
    )
    algorithms: Annotated[tuple[JwsAlgorithm, ...], Field(min_length=1)] = Field(
        ("ES256",), description="No other is taken."
    )
    types: tuple[str, ...] = Field(
        ("JWT",), description="Taken typ headers, any case; an absent one counts as JWT."
    )
    audiences: tuple[str, ...] = Field(
        (),
        description="A token's aud must name one of these; empty: a token with aud is refused.",
        examples=[["esito"]],
    )
    required_claims: tuple[str, ...] = Field(
        ("iss", "verification_id"), description="Claims without which a token is rejected."
    )
    leeway_seconds: Annotated[float, Field(ge=0, le=300)] = Field(
        60, description="How far clocks may differ for exp, nbf and iat."
    )
    age_seconds_max: Seconds | None = Field(
        None, description="A token whose iat is older is rejected; needs iat.", examples=[3600]
    )
    refresh_seconds: Seconds = Field(300, description="How often the key set is read again.")
    refresh_seconds_min: Seconds = Field(
        10, description="Never more often than this, whatever tokens ask for."
    )
    stale_seconds_max: Seconds = Field(
        86_400, description="How long a key set is used while its server is away."
    )
    unknown_key_seconds: Seconds = Field(
        30, description="How long a callback with a new kid waits before it is rejected."
    )

    @model_validator(mode="after")
    def _one_key_source(self) -> Self:
        if (self.jwks_uri is None) == (self.jwks_file is None):
            raise ValueError("exactly one of jwks_uri and jwks_file")
        if self.age_seconds_max is not None and "iat" not in self.required_claims:
            raise ValueError("age_seconds_max needs iat among required_claims")
        return self


class Presentations(Section):
    """What is demanded of the credentials (vp_token) inside a verified token."""

    policy: Literal["required", "if_present", "off"] = Field(
        description="off: the gateway's word is taken, and status events say so."
    )
    issuer_root_files: tuple[Path, ...] = Field(
        (),
        description="PEM: roots of credential issuers (x5c of SD-JWTs, IACA of mdocs).",
        examples=[["trust/credential-issuers.pem"]],
    )
    issuer_jwks_files: dict[str, Path] = Field(
        default_factory=dict,
        description="Key sets of SD-JWT issuers by their iss claim.",
        examples=[{"https://issuer.example.org": "trust/issuer-jwks.json"}],
    )
    credential_types: Annotated[tuple[str, ...], Field()] = Field(
        (),
        description="Taken vct (SD-JWT) and docType (mdoc) values.",
        examples=[["urn:eudi:pid:1", "eu.europa.ec.eudi.pid.1"]],
    )
    holder_binding: Literal["verified", "gateway_attested"] = Field(
        "gateway_attested",
        description="verified: we demand and check a key binding (audience, nonce_claim).",
    )
    audience: str | None = Field(
        None, description="The aud of key bindings.", examples=["x509_hash:abc"]
    )
    nonce_claim: str | None = Field(
        None, description="The token's claim that repeats the nonce.", examples=["nonce"]
    )
    binding_age_seconds_max: Seconds = Field(
        600, description="How old a key binding may be when the callback comes."
    )

    @model_validator(mode="after")
    def _issuers_are_named(self) -> Self:
        trusted = self.issuer_root_files or self.issuer_jwks_files
        if self.policy != "off" and not (trusted and self.credential_types):
            raise ValueError("name issuer_root_files or issuer_jwks_files, and credential_types")
        if self.holder_binding == "verified" and self.audience is None:
            raise ValueError("holder_binding: verified needs audience")
        return self


class Tokens(Section):
    """Whose JWTs are taken, and what their presentations must prove."""

    issuers: Annotated[tuple[TokenIssuer, ...], Field(min_length=1)] = Field(
        description="All the issuers there are; a token of another is rejected."
    )
    presentations: Presentations = Field(description="What is demanded of vp_token.")

    @field_validator("issuers")
    @classmethod
    def _issuers_differ(cls, issuers: tuple[TokenIssuer, ...]) -> tuple[TokenIssuer, ...]:
        if len({one.issuer for one in issuers}) != len(issuers):
            raise ValueError("two issuers have one name")
        return issuers
