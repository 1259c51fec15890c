"""Declare how the tokens of an endpoint's payloads are configured: issuers, presentations."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from runtime.section import Seconds, Section

# Asymmetric, and of today's strength; "none" and HMAC are not among them.
JwsAlgorithm = Literal[
    "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"
]


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
        if self.jwks_file and (self.jwks_ca_file or self.allow_private_addresses):
            raise ValueError(
                "jwks_ca_file and allow_private_addresses are for jwks_uri; with jwks_file, remove "
                "them"
            )
        return self

    @model_validator(mode="after")
    def _times_fit(self) -> Self:
        if self.refresh_seconds < self.refresh_seconds_min:
            raise ValueError("refresh_seconds must be refresh_seconds_min at least")
        if self.stale_seconds_max < self.refresh_seconds:
            raise ValueError(
                "stale_seconds_max must be refresh_seconds at least: else keys are given up while "
                "nobody reads them again"
            )
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
        None,
        description="The aud of key bindings; with holder_binding: verified, and only there.",
        examples=["x509_hash:abc"],
    )
    nonce_claim: str | None = Field(
        None,
        description="The token's claim that repeats the nonce; as audience.",
        examples=["nonce"],
    )
    binding_age_seconds_max: Seconds = Field(
        600, description="How old a key binding may be when the callback comes."
    )

    @model_validator(mode="after")
    def _issuers_are_named(self) -> Self:
        trusted = self.issuer_root_files or self.issuer_jwks_files
        if self.policy != "off" and not (trusted and self.credential_types):
            raise ValueError("name issuer_root_files or issuer_jwks_files, and credential_types")
        return self

    @model_validator(mode="after")
    def _what_is_configured_is_checked(self) -> Self:
        checks = {
            "issuer_root_files": bool(self.issuer_root_files),
            "issuer_jwks_files": bool(self.issuer_jwks_files),
            "credential_types": bool(self.credential_types),
            "holder_binding: verified": self.holder_binding == "verified",
        }
        if self.policy == "off" and any(checks.values()):
            named = ", ".join(name for name, given in checks.items() if given)
            raise ValueError(f"policy: off checks nothing of {named}; remove it, or set required")
        bound = {"audience": self.audience is not None, "nonce_claim": self.nonce_claim is not None}
        if self.holder_binding == "verified" and not all(bound.values()):
            missing = " and ".join(name for name, given in bound.items() if not given)
            raise ValueError(
                f"holder_binding: verified needs {missing}: else a presentation made for another, "
                "or an old one, could not be told apart; add it, or set gateway_attested"
            )
        if self.holder_binding != "verified" and any(bound.values()):
            named = " and ".join(name for name, given in bound.items() if given)
            raise ValueError(
                f"{named} would not be compared with anything: set holder_binding: verified, or "
                "remove it"
            )
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
