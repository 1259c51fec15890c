"""Declare how an endpoint's signatures are configured: schemes, certificates, registry."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from contracts.iso20022.parties import BIC, LEI
from runtime.section import HeaderName, Name, Section
from runtime.token_configuration import JwsAlgorithm

Bic = Annotated[str, StringConstraints(pattern=f"^{BIC.pattern}$")]
Lei = Annotated[str, StringConstraints(pattern=f"^{LEI.pattern}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$", to_lower=True)]
Network = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F:.]+(/[0-9]{1,3})?$")]


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
        given = (self.header is not None, bool(self.edges))
        if given != (self.seen_by == "edge",) * len(given):
            raise ValueError("seen_by: edge needs header and edges; seen_by: esito takes neither")
        if any(one.endswith("/0") for one in self.edges):
            raise ValueError(
                "edges: a network of all addresses lets anybody hand over any certificate; "
                "name the addresses of the edge"
            )
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
        if self.unknown_revocation == "reject" and not self.crl_files:
            raise ValueError(
                "unknown_revocation: reject needs crl_files: without a list, every certificate "
                "would be rejected"
            )
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
