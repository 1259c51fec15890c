"""Declare the one configuration: every key, its type, its default and its limits.

docs/CONFIGURATION.md is generated from this model; runtime/configuration_file.py reads it.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from runtime.endpoint_configuration import Endpoint
from runtime.section import Count, Days, Seconds, Section
from runtime.service_configuration import Database, Intake, ObjectStore, Streams, Tracing

PREFIX: Final = "ESITO_"


class Tls(Section):
    """Terminate TLS in the ingress; `client_ca_file` asks callers for a certificate of that CA."""

    certificate_file: Path = Field(
        description="PEM: the server's certificate and those between it and its root.",
        examples=["tls/server.pem"],
    )
    key_file: Path = Field(description="PEM: its private key.", examples=["tls/server.key"])
    client_ca_file: Path | None = Field(
        None,
        description="PEM: who must have signed a caller's certificate; default: none is asked for.",
        examples=["tls/clients.pem"],
    )


class Ingress(Section):
    """The HTTP side: where it listens, what it bounds, how long it waits."""

    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        8080, description="The port to listen on; 0: any free one."
    )
    public_url: str = Field(
        "http://127.0.0.1:8080", description="What providers call; part of evidence."
    )
    processes: Count = Field(1, description="One per core; they share the port (SO_REUSEPORT).")
    tls: Tls | None = Field(
        None, description="Default: plain HTTP, behind something that ends TLS."
    )
    headers_max: Count = Field(64, description="A request with more header fields is answered 431.")
    idle_seconds: Seconds = Field(
        75, description="For a head to arrive, and between requests; above a load balancer's 60."
    )
    body_seconds: Seconds = Field(10, description="Time for a body to arrive.")
    connections_max: Count = Field(4_096, description="One more connection is closed at once.")
    waiting_callbacks_max: Count = Field(
        8_000, description="Callbacks of all endpoints that may wait for Kafka."
    )
    waiting_bytes_max: Count = Field(
        67_108_864, description="Bytes of all endpoints that may wait for Kafka."
    )
    confirm_seconds: Seconds = Field(
        5, description="How long Kafka may take before the answer is 503."
    )
    retry_after_seconds: Count = Field(5, description="What an answer of 429 or 503 asks for.")
    linger_milliseconds: Annotated[float, Field(ge=0)] = Field(
        2, description="How long a batch waits for more callbacks while Kafka is idle."
    )
    # 16 KiB, the client's default, moves seven callbacks a round trip; 256 KiB are twice as fast.
    # The raw topics take no larger batch than 1 MiB.
    batch_bytes_max: Annotated[int, Field(ge=262_144, le=1_048_576)] = Field(
        524_288, description="The largest batch sent to one partition."
    )
    grace_seconds: Seconds = Field(25, description="From SIGTERM to exit; below Kubernetes' 30.")

    @model_validator(mode="after")
    def _processes_share_a_port(self) -> Self:
        if self.processes > 1 and self.port == 0:
            raise ValueError("several processes share one port: name it")
        return self


class Breaker(Section):
    """When so many records are rejected that we must be the ones at fault, stop instead."""

    rejected_ratio_max: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="The share of rejected records above which consuming stops."
    )
    window_records: Count = Field(200, description="Over how many of the last records.")
    records_min: Count = Field(20, description="Fewer records than these prove nothing.")
    retry_seconds: Seconds = Field(10, description="How often a batch held back is tried again.")


class Worker(Section):
    """The consume, process, produce loop."""

    batch_records_max: Count = Field(
        500, description="Records in one Kafka transaction; it takes what is there, up to these."
    )
    fetch_bytes_max: Count = Field(4_194_304, description="What one fetch may bring to memory.")
    backoff_seconds_max: Seconds = Field(
        10, description="The longest pause before something that is away is tried again."
    )
    revoke_seconds: Seconds = Field(
        5, description="Budget to finish a Kafka transaction on revocation."
    )
    deaths_max: Annotated[int, Field(ge=2)] = Field(
        3, description="Deaths at one offset before it is given up; the first may be anybody's."
    )
    session_seconds: Seconds = Field(
        15, description="A worker silent for so long loses its partitions."
    )
    breaker: Breaker = Field(Breaker(), description="When to stop instead of rejecting.")


class State(Section):
    """How long the state machine remembers, in record time."""

    final_retention_days: Days = Field(90, description="Pivot redelivers by hand weeks later.")
    open_retention_days: Days = Field(
        400, description="A transaction that never became final is forgotten after its last update."
    )
    parked_updates_max: Count = Field(
        8, description="Early updates of one transaction that are parked; one more is unsolicited."
    )


class TopicSettings(Section):
    """What `esito topics apply` creates."""

    partitions: Count = Field(
        8, description="Of every topic. Never change it for a running one: keys would move."
    )
    replication_factor: Count = Field(3, description="1 on a single broker.")
    min_insync_replicas: Count = Field(
        2, description="How many replicas a 2xx stands for; 1 on a single broker."
    )
    raw_retention_days: Days = Field(30, description="How long any verdict can be computed again.")
    verified_retention_days: Days = Field(7, description="Of the verified updates.")
    rejected_retention_days: Days = Field(90, description="Of the dead letters.")
    events_retention_days: Days = Field(30, description="Of status events and anomalies.")


class Configuration(BaseSettings):
    """Everything a process of Esito is told."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    kafka_bootstrap_servers: str = Field(
        "127.0.0.1:9092", description="Brokers to ask for the others, comma separated."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to speak to the brokers."
    )
    kafka_ca_file: Path | None = Field(
        None,
        description="PEM: who signed the brokers' certificates; default: the system's.",
        examples=["kafka/ca.pem"],
    )
    kafka_certificate_file: Path | None = Field(
        None,
        description="PEM: our certificate, where brokers ask for one.",
        examples=["kafka/client.pem"],
    )
    kafka_key_file: Path | None = Field(
        None, description="PEM: its private key.", examples=["kafka/client.key"]
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="Needed by both SASL protocols."
    )
    kafka_sasl_username: str | None = Field(
        None, description="Needed by both SASL protocols.", examples=["esito"]
    )
    kafka_sasl_password_file: Path | None = Field(
        None, description="Holds the password alone.", examples=["kafka/password"]
    )
    topic_prefix: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9._-]*$")] = Field(
        "", description="Before every topic, group and transactional id of this installation."
    )
    log_format: Literal["auto", "json", "human"] = Field(
        "auto", description="auto: human in a terminal, else JSON."
    )
    log_level: Literal["info", "warning", "error"] = Field(
        "info", description="The least that is logged."
    )
    management_host: str = Field(
        "127.0.0.1", description="Where /healthz, /readyz and /metrics listen."
    )
    management_port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        9090, description="Their port; 0: any free one. Ingress process n adds n."
    )
    key_reload_seconds: Seconds = Field(5, description="How often secret files are read again.")

    ingress: Ingress = Field(Ingress(), description="The HTTP side.")
    worker: Worker = Field(Worker(), description="Verifiers and state machines.")
    state: State = Field(State(), description="What the state machines remember.")
    database: Database = Field(Database(), description="PostgreSQL of intake and streams.")
    object_store: ObjectStore = Field(ObjectStore(), description="Where attachments lie.")
    intake: Intake = Field(Intake(), description="Where public bodies call.")
    streams: Streams = Field(Streams(), description="Where consumers read.")
    tracing: Tracing = Field(Tracing(), description="Where traces are sent.")
    topics: TopicSettings = Field(TopicSettings(), description="What our topics must be.")
    endpoints: Annotated[tuple[Endpoint, ...], Field(min_length=1)] = Field(
        description="The URLs that providers call."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing but what is given: `load_configuration` joins environment and file."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @field_validator("endpoints")
    @classmethod
    def _endpoints_differ(cls, endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
        names: set[str] = set()
        routes: dict[tuple[str, str], str] = {}
        for one in endpoints:
            if one.name in names:
                raise ValueError(f"two endpoints have the name {one.name}; give each its own")
            names.add(one.name)
            for path in (one.path, *one.more_paths):
                former = routes.setdefault(((one.host or "").lower(), path), one.name)
                if former != one.name:
                    raise ValueError(f"{former} and {one.name} have one path; give each its own")
        return endpoints

    @field_validator("endpoints")
    @classmethod
    def _iuns_differ(cls, endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
        """Demand one permutation of places for all that share a raw topic, and a half of IUNs."""
        first: dict[int, Endpoint] = {}
        for one in endpoints:
            if one.notifications is None:
                continue
            former = first.setdefault(one.notifications.iun_half, one)
            if former.notifications and former.notifications.iun_keys != one.notifications.iun_keys:
                raise ValueError(
                    f"{former.name} and {one.name} could give one IUN twice; give both the same "
                    "iun_keys, or one of them the other iun_half"
                )
        return endpoints

    def endpoints_of(self, provider: str) -> dict[str, Endpoint]:
        """Return the endpoints of one provider by name."""
        return {one.name: one for one in self.endpoints if one.provider == provider}
