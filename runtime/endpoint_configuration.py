"""Declare what an endpoint is configured as: its path, its credentials and its limits."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from runtime.endpoint_keys import Keys
from runtime.mac import Encoding, Hash, MacProfile, Part, TimestampFormat
from runtime.notification_configuration import Notifications
from runtime.section import Count, HeaderName, Name, Section
from runtime.service_configuration import RemoteStream
from runtime.signature_configuration import (
    Certificates,
    ClientCertificate,
    DetachedJws,
    DetachedSignature,
    ServiceProvider,
    Xmldsig,
)
from runtime.token_configuration import Tokens

UrlPath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9/._~-]*$")]


class ApiKey(Keys):
    """Authenticate by a static key in a header."""

    header: HeaderName | None = Field(
        None, description="Default: what the provider documents.", examples=["x-api-key"]
    )


class Hmac(Keys):
    """Authenticate by an HMAC; the recipe has no default, and the golden vector proves it."""

    hash: Hash = Field(description="The hash function of the HMAC.")
    parts: Annotated[tuple[Part, ...], Field(min_length=1)] = Field(
        description="What is signed, in this order.", examples=[["timestamp", "body"]]
    )
    separator: str = Field(description="What stands between the parts.", examples=["."])
    encoding: Encoding = Field(description="How the code is written in the signature header.")
    prefix: str = Field("", description="What stands before the code in that header.")
    timestamp_format: TimestampFormat = Field(description="How the timestamp header is written.")
    tolerance_seconds: Annotated[float, Field(gt=0, le=86_400)] = Field(
        description="How far the signed timestamp may be from the time of receipt, either way.",
        examples=[300],
    )
    golden_vector_file: Path = Field(
        description="One captured request that the profile must reproduce.",
        examples=["keys/uaepass-golden-vector.json"],
    )

    @model_validator(mode="after")
    def _covers_body_and_time(self) -> Self:
        if not {Part.BODY, Part.BODY_SHA256_HEX} & set(self.parts):
            raise ValueError(
                "parts must contain body or body_sha256_hex, else anybody can change the body"
            )
        if Part.TIMESTAMP not in self.parts:
            raise ValueError("parts must contain timestamp, else an old callback can be replayed")
        return self

    @property
    def profile(self) -> MacProfile:
        """Return the recipe."""
        return MacProfile(
            self.hash, self.parts, self.separator, self.encoding, self.timestamp_format, self.prefix
        )


class EndpointLimits(Section):
    """What one endpoint may hold, so that a noisy provider does not shut out the others."""

    # Pivot's callbacks are 4 kB, and it never retries a 413: a cap no honest callback reaches.
    body_bytes_max: Annotated[int, Field(gt=0, le=8_388_608)] = Field(
        262_144, description="A larger body is answered 413."
    )
    waiting_callbacks_max: Count = Field(
        2_000, description="Callbacks that may wait for Kafka; one more is answered 429."
    )
    waiting_bytes_max: Count = Field(
        16_777_216, description="Bytes that may wait for Kafka; more is answered 429."
    )


class Endpoint(Section):
    """One URL of ours: a provider, its credentials, and what we expect of its transactions."""

    name: Name = Field(
        description="Part of every record key: renaming an endpoint begins new transactions.",
        examples=["pivot-id"],
    )
    provider: Name = Field(
        description="A file of contracts/providers, without its ending.", examples=["pivot"]
    )
    path: UrlPath = Field(
        description="What the provider calls; some providers leave no choice.",
        examples=["/callbacks/pivot"],
    )
    more_paths: tuple[UrlPath, ...] = Field(
        (),
        description="Further paths of the same transactions: another version, cancellations.",
        examples=[["/rtp/cb/v2/send", "/rtp/cb/v1/cancel"]],
    )
    host: str | None = Field(
        None,
        description="Take the path only under this Host; default: any.",
        examples=["callbacks.example.org"],
    )
    api_key: ApiKey | None = Field(None, description="Where the provider sends an API key.")
    hmac: Hmac | None = Field(None, description="Where the provider signs by HMAC.")
    path_token: Keys | None = Field(
        None, description="Where the provider calls <path>/<a segment made for one transaction>."
    )
    client_certificate: ClientCertificate | None = Field(
        None, description="Where the provider calls with a TLS certificate."
    )
    xmldsig: Xmldsig | None = Field(None, description="Where messages carry an XML signature.")
    detached_signature: DetachedSignature | None = Field(
        None, description="Where requests are signed in the X-SRTP-Signature headers."
    )
    detached_jws: DetachedJws | None = Field(
        None, description="Where bodies are signed by a detached JWS."
    )
    certificates: Certificates | None = Field(
        None, description="Whose certificates are trusted; needed by all four above."
    )
    service_providers: tuple[ServiceProvider, ...] = Field(
        (), description="Who may call, and in whose name; needed by all four above."
    )
    tokens: Tokens | None = Field(None, description="Where the payload carries JWTs.")
    notifications: Notifications | None = Field(
        None, description="Where public bodies send notification requests (provider send)."
    )
    remote_stream: RemoteStream | None = Field(
        None, description="Where we read somebody else's SEND stream (provider send)."
    )
    schema_directory: Path | None = Field(
        None,
        description="Where the XSDs of the provider's messages lie; they are not shipped.",
        examples=["schemas/iso20022"],
    )
    expectations: Keys | None = Field(
        None, description="Our own side's credential for POST /expectations/<name>; absent: closed."
    )
    registration: Literal["optional", "required"] = Field(
        "optional", description="required: a transaction nobody announced is unsolicited."
    )
    early_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0,
        description="How long a callback may wait for its expectation before it is unsolicited; "
        "above 0 with path_token.",
    )
    settle_seconds: Annotated[float, Field(ge=0, le=3_600)] = Field(
        0,
        description="How long elements of a timeline are held, so that they are decided in order.",
        examples=[30],
    )
    # Ten years at most: further away, the deadline would be no date any more.
    deadline_seconds: Annotated[float, Field(gt=0, le=315_360_000)] | None = Field(
        None,
        description="Deadline of an expectation that names none, counted from its arrival.",
        examples=[86_400],
    )
    limits: EndpointLimits = Field(EndpointLimits(), description="What it may hold at a time.")

    @model_validator(mode="after")
    def _callback_may_overtake_its_expectation(self) -> Self:
        if self.path_token is not None and not self.early_seconds:
            raise ValueError(
                "path_token needs early_seconds above 0, such as 60: else a callback that comes "
                "before its expectation is unsolicited, and nothing parks it"
            )
        return self

    @model_validator(mode="after")
    def _service_providers_differ(self) -> Self:
        ids = [one.id for one in self.service_providers]
        if len(set(ids)) != len(ids):
            raise ValueError("two service_providers have one id; give each its own")
        return self
