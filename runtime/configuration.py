"""Declare the one configuration: every key, its type, its default and its limits.

docs/CONFIGURATION.md is generated from this model; runtime/configuration_file.py reads it.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from runtime.mac import Encoding, Hash, MacProfile, Part, TimestampFormat

PREFIX: Final = "ESITO_"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$", to_lower=True)]
Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """The base of every part of the file: closed to unknown keys, no values in its errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class KeyFile(Section):
    """One secret, named by the file that holds it; the id is what logs and metrics show."""

    id: Name
    file: Path
    not_before: datetime | None = None
    not_after: datetime | None = None


class Keys(Section):
    """The keys of one credential, all valid side by side."""

    keys: Annotated[tuple[KeyFile, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        if len({key.id for key in self.keys}) != len(self.keys):
            raise ValueError("two keys have one id")
        return self


class ApiKey(Keys):
    """Authenticate by a static key in a header."""

    header: HeaderName | None = Field(None, description="Default: what the provider documents.")


class Hmac(Keys):
    """Authenticate by an HMAC; the recipe has no default, and the golden vector proves it."""

    hash: Hash
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]
    separator: str
    encoding: Encoding
    prefix: str = ""
    timestamp_format: TimestampFormat
    tolerance_seconds: Annotated[float, Field(gt=0, le=86_400)]
    golden_vector_file: Path = Field(
        description="One captured request that the profile must reproduce."
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
    body_bytes_max: Annotated[int, Field(gt=0, le=8_388_608)] = 262_144
    waiting_callbacks_max: Count = 2_000
    waiting_bytes_max: Count = 16_777_216


class Endpoint(Section):
    """One URL of ours: a provider, its credentials, and what we expect of its transactions."""

    name: Name
    provider: Name
    path: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9/._~-]*$")]
    host: str | None = Field(None, description="Take the path only under this Host; default: any.")
    api_key: ApiKey | None = None
    hmac: Hmac | None = None
    expectations: Keys | None = Field(
        None, description="Our own side's credential for POST /expectations/<name>; absent: closed."
    )
    registration: Literal["optional", "required"] = Field(
        "optional", description="required: a transaction nobody announced is unsolicited."
    )
    early_seconds: Annotated[float, Field(ge=0)] = Field(
        0,
        description="How long a callback may wait for its expectation before it is unsolicited.",
    )
    deadline_seconds: Seconds | None = Field(
        None, description="Deadline of an expectation that names none, counted from its arrival."
    )
    limits: EndpointLimits = EndpointLimits()


class Tls(Section):
    """Terminate TLS in the ingress; with `client_ca_file`, callers need a certificate of that CA."""

    certificate_file: Path
    key_file: Path
    client_ca_file: Path | None = None


class Ingress(Section):
    """The HTTP side: where it listens, what it bounds, how long it waits."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    public_url: str = Field(
        "http://127.0.0.1:8080", description="What providers call; part of evidence."
    )
    processes: Count = Field(1, description="One per core; they share the port (SO_REUSEPORT).")
    tls: Tls | None = None
    headers_max: Count = 64
    idle_seconds: Seconds = Field(
        75, description="For a head to arrive, and between requests; above a load balancer's 60."
    )
    body_seconds: Seconds = Field(10, description="Time for a body to arrive.")
    connections_max: Count = 4_096
    waiting_callbacks_max: Count = 8_000
    waiting_bytes_max: Count = 67_108_864
    confirm_seconds: Seconds = Field(
        5, description="How long Kafka may take before the answer is 503."
    )
    retry_after_seconds: Count = 5
    linger_milliseconds: Annotated[float, Field(ge=0)] = 2
    # 16 KiB, the client's default, moves seven callbacks a round trip; 256 KiB are twice as fast.
    batch_bytes_max: Annotated[int, Field(ge=262_144)] = 524_288
    grace_seconds: Seconds = Field(25, description="From SIGTERM to exit; below Kubernetes' 30.")


class Breaker(Section):
    """When so many records are rejected that we must be the ones at fault, stop instead."""

    rejected_ratio_max: Annotated[float, Field(gt=0, le=1)] = 0.5
    window_records: Count = 200
    records_min: Count = 20
    retry_seconds: Seconds = 10


class Worker(Section):
    """The consume, process, produce loop."""

    batch_records_max: Count = 500
    fetch_bytes_max: Count = 4_194_304
    backoff_seconds_max: Seconds = 10
    revoke_seconds: Seconds = Field(
        5, description="Budget to finish a Kafka transaction on revocation."
    )
    deaths_max: Count = Field(
        3, description="Deaths at one offset before it is isolated, then given up."
    )
    session_seconds: Seconds = 15
    breaker: Breaker = Breaker()


class State(Section):
    """How long the state machine remembers, in record time."""

    final_retention_days: Seconds = Field(90, description="Pivot redelivers by hand weeks later.")
    open_retention_days: Seconds = 400
    parked_updates_max: Count = 8


class TopicSettings(Section):
    """What `esito topics apply` creates."""

    partitions: Count = 8
    replication_factor: Count = 3
    min_insync_replicas: Count = 2
    raw_retention_days: Seconds = 30
    verified_retention_days: Seconds = 7
    rejected_retention_days: Seconds = 90
    events_retention_days: Seconds = 30


class Configuration(BaseSettings):
    """Everything a process of Esito is told."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    kafka_bootstrap_servers: str = "127.0.0.1:9092"
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_ca_file: Path | None = None
    kafka_certificate_file: Path | None = None
    kafka_key_file: Path | None = None
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password_file: Path | None = None
    topic_prefix: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9._-]*$")] = ""
    log_format: Literal["auto", "json", "human"] = "auto"
    log_level: Literal["info", "warning", "error"] = "info"
    management_host: str = "127.0.0.1"
    management_port: Annotated[int, Field(ge=0, le=65_535)] = 9090
    key_reload_seconds: Seconds = 5

    ingress: Ingress = Ingress()
    worker: Worker = Worker()
    state: State = State()
    topics: TopicSettings = TopicSettings()
    endpoints: Annotated[tuple[Endpoint, ...], Field(min_length=1)]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the environment before the file, and read nothing else."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    @model_validator(mode="after")
    def _endpoints_differ(self) -> Self:
        if len({endpoint.name for endpoint in self.endpoints}) != len(self.endpoints):
            raise ValueError("two endpoints have one name")
        if len({(one.host, one.path) for one in self.endpoints}) != len(self.endpoints):
            raise ValueError("two endpoints have one host and path")
        return self

    def endpoints_of(self, provider: str) -> dict[str, Endpoint]:
        """Return the endpoints of one provider by name."""
        return {one.name: one for one in self.endpoints if one.provider == provider}
