"""Declare the sections of the intake, the streams, their database and the object store."""

from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from runtime.endpoint_keys import KeyFile
from runtime.section import Count, Name, Seconds, Section

_LOCAL_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Database(Section):
    """The PostgreSQL of the intake and the streams."""

    url: Annotated[str, StringConstraints(pattern=r"^postgres(ql)?://")] = Field(
        "postgresql://esito@127.0.0.1:5432/esito",
        description="Without a password: that is read from password_file.",
    )
    password_file: Path | None = Field(None, description="Holds the password alone.")
    connections_max: Count = Field(8, description="Of one process.")


class Tracing(Section):
    """Traces by OpenTelemetry, from a provider's request to its status event."""

    otlp_url: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$")] | None = Field(
        None,
        description="Where spans are sent, OTLP over HTTP; needs `pip install 'esito[tracing]'`. "
        "Without it nothing is traced.",
        examples=["http://127.0.0.1:4318/v1/traces"],
    )
    sampled_ratio: Annotated[float, Field(ge=0, le=1)] = Field(
        1.0, description="The share of callbacks that are traced, chosen by their trace id."
    )
    timeout_seconds: Seconds = Field(5, description="Of one sending; then its spans are dropped.")


class ObjectStore(Section):
    """Where attachments lie; any store that obstore speaks to."""

    url: Annotated[str, StringConstraints(pattern=r"^(file|s3|gs|az|abfs)://")] = Field(
        "file:///var/lib/esito/attachments", description="A directory, or a bucket and a prefix."
    )
    options: dict[str, str] = Field(
        default_factory=dict,
        description="Of the store, as obstore names them; none of them a secret.",
        examples=[{"endpoint": "https://s3.example.org", "region": "eu-south-1"}],
    )
    secret_files: dict[str, Path] = Field(
        default_factory=dict,
        description="Options whose value is a secret: the file that holds it alone.",
        examples=[{"secret_access_key": "store/secret"}],
    )


class Intake(Section):
    """SEND's front door."""

    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(8081, description="0: any free one.")
    public_url: str = Field("http://127.0.0.1:8081", description="What public bodies call.")
    connections_max: Count = Field(1_024, description="One more connection is closed at once.")
    # The raw topic takes no larger record.
    request_bytes_max: Annotated[int, Field(gt=0, le=1_048_576)] = Field(
        1_048_576, description="Of a notification request."
    )
    waiting_requests_max: Count = Field(
        4_000, description="Requests of all bodies that may wait for database and Kafka."
    )
    waiting_bytes_max: Count = Field(67_108_864, description="Their bytes; beyond both: 429.")
    body_requests_max: Count = Field(2_000, description="Of these, requests of one public body.")
    body_bytes_max: Count = Field(33_554_432, description="Their bytes; beyond both: 429.")
    retry_after_seconds: Count = Field(5, description="What an answer of 429 or 503 asks for.")
    upload_bytes_max: Count = Field(209_715_200, description="Of an attachment.")
    upload_idle_seconds: Seconds = Field(30, description="An upload silent for so long is over.")
    uploads_max: Count = Field(
        64, description="At once, of one process; beyond it 503. Each holds 1 MB, with S3 12 MB."
    )
    body_uploads_max: Count = Field(50, description="Of these, uploads of one public body.")
    confirm_seconds: Seconds = Field(5, description="How long Kafka and database may take.")
    relay_seconds: Seconds = Field(
        30, description="After so long, what a process left unsent is sent by another."
    )
    grace_seconds: Seconds = Field(25, description="From SIGTERM to exit; below Kubernetes' 30.")


class ConsumerKey(KeyFile):
    """One API key of a consumer."""


class Consumer(Section):
    """Who may read status events over HTTP, and of which endpoints."""

    id: Name = Field(description="Owns the streams it makes: never change it.")
    keys: Annotated[tuple[ConsumerKey, ...], Field(min_length=1)] = Field(
        description="Its API keys (header x-api-key)."
    )
    endpoints: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="The endpoints whose transactions it may read."
    )


class Streams(Section):
    """Status events over HTTP."""

    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(8082, description="0: any free one.")
    public_url: str = Field("http://127.0.0.1:8082", description="What consumers call.")
    connections_max: Count = Field(1_024, description="One more connection is closed at once.")
    consumers: tuple[Consumer, ...] = Field((), description="Who may read, beside public bodies.")
    page_events: Count = Field(50, description="Events of one answer.")
    streams_max: Count = Field(10, description="Streams that one reader may have enabled.")
    retention_days: Count = Field(7, description="Events that nobody acknowledged are kept so.")
    disabled_days: Count = Field(14, description="A disabled stream is removed after these.")
    retry_milliseconds: Count = Field(60_000, description="retry-after of an empty page.")
    early_readers: Literal["answered", "refused"] = Field(
        "answered", description="refused: 429 to who reads before retry-after is over."
    )
    wait_seconds_max: Seconds = Field(30, description="The longest wait= of a reader.")
    reader_waits_max: Count = Field(
        100, description="Of one consumer, reads that may wait or stay open at once; beyond: 429."
    )
    batch_events_max: Count = Field(1_000, description="Events of one database transaction.")
    grace_seconds: Seconds = Field(25, description="From SIGTERM to exit; below Kubernetes' 30.")

    @model_validator(mode="after")
    def _consumers_differ(self) -> Self:
        if len({one.id for one in self.consumers}) != len(self.consumers):
            raise ValueError("two consumers have one id; give each its own")
        return self


class RemoteStream(Section):
    """A SEND stream of somebody else's that we read: `python -m workers poller`."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$")] = Field(
        description="Of the API, up to and with its version; http on this machine alone.",
        examples=["https://api.notifichedigitali.it/delivery-progresses/v2.8"],
    )
    stream_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")] = Field(
        description="The stream to read; make it before sending requests.",
        examples=["0196f3a0-0000-7000-8000-000000000000"],
    )
    api_key_file: Path = Field(
        description="Holds our API key there alone.", examples=["keys/send-remote.key"]
    )
    ca_file: Path | None = Field(
        None, description="PEM: who signed the server's certificate; default: the system's."
    )
    timeout_seconds: Seconds = Field(20, description="Of one answer.")
    retry_seconds_max: Seconds = Field(300, description="The longest pause, whoever asks for it.")

    @model_validator(mode="after")
    def _key_travels_in_secret(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme == "http" and parts.hostname not in _LOCAL_HOSTS:
            raise ValueError("url: https, or our API key could be read on the way")
        if parts.username or parts.query or parts.fragment:
            raise ValueError("url: neither credentials nor a query belong there")
        return self
