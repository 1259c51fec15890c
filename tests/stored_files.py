"""Keep files in a real store for tests, as the intake leaves them there."""

import secrets
from base64 import b64encode
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

from contracts.instants import instant
from contracts.needs import FileFacts, FileNeed
from runtime.key_ring import Key, KeyRing
from runtime.notification_configuration import Notifications
from runtime.object_store import ObjectStore
from runtime.service_configuration import ObjectStore as StoreSettings
from runtime.slots import Slot, seal_version
from tests.pdfs import pdf_root
from workers.verifier.file_judge import FileJudge
from workers.verifier.stored_files import StoredFiles

ENDPOINT: Final = "send-it"
BODY: Final = "comune"
SECRET: Final = b"a-slot-key-of-these-tests-alone-0123456789"
_BLOCK_BYTES: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was uploaded, as a request names it."""

    key: str
    version_token: str
    sha256: str
    path: str

    def need(self, kind: Literal["pdf", "json"] = "pdf", **changes: Any) -> FileNeed:  # noqa: ANN401 - members of FileNeed
        given = {"pades": "if_present", "body": BODY, "sha256": self.sha256, **changes}
        return FileNeed(kind=kind, key=self.key, version_token=self.version_token, **given)

    def attachment(self, media_type: str = "application/pdf") -> dict[str, Any]:
        """Return it as JSON of a request."""
        return {
            "digests": {"sha256": self.sha256},
            "contentType": media_type,
            "ref": {"key": self.key, "versionToken": self.version_token},
        }


@dataclass(slots=True)
class Store:
    """A directory with uploads, and the key that seals them."""

    directory: Path
    ring: KeyRing = field(default_factory=lambda: KeyRing((Key("slots", SECRET),)))
    objects: ObjectStore = field(init=False)

    def __post_init__(self) -> None:
        self.objects = ObjectStore(StoreSettings(url=self.directory.as_uri()))

    async def upload(
        self,
        content: bytes,
        *,
        kind: Literal["pdf", "json"] = "pdf",
        body: str = BODY,
        at: datetime | None = None,
    ) -> Upload:
        """Store a file whose upload ended at `at`, or just now."""
        at = at or datetime.now(UTC)
        digest = sha256(content).digest()
        unique = secrets.token_bytes(16)
        slot = Slot(ENDPOINT, body, kind, unique, digest, at - timedelta(minutes=1), 60)
        token = seal_version(slot, self.ring, bytes_total=len(content), uploaded_at=at)
        async with self.objects.staged(slot.path) as staged:
            for begin in range(0, len(content), _BLOCK_BYTES):
                await staged.write(content[begin : begin + _BLOCK_BYTES])
            await staged.publish()
        return Upload(slot.key, token, b64encode(digest).decode(), slot.path)


@dataclass(slots=True)
class Files:
    """Files of one endpoint with their judge, ready to be looked for."""

    store: Store
    judge: FileJudge
    files: StoredFiles
    ended: list[str]

    async def find(
        self, need: FileNeed, *, at: datetime | None = None, key: Hashable = 0
    ) -> FileFacts:
        return await self.files.find(need, instant(at or datetime.now(UTC)), key)


def files(store: Store, **pdf: Any) -> Files:  # noqa: ANN401 - members of the section
    """Return the files of an endpoint with this section `pdf`."""
    section = notifications(pdf=pdf)
    ended: list[str] = []
    judge = FileJudge(section.pdf, [pdf_root().der], ended.append)
    found = StoredFiles(
        ENDPOINT, section, store=store.objects, slot_keys=lambda: store.ring, judge=judge
    )
    return Files(store, judge, found, ended)


def notifications(**changes: Any) -> Notifications:  # noqa: ANN401 - members of the section
    """Return a section `notifications` with one public body."""
    given = {
        "bodies": [
            {"id": BODY, "tax_id": "77777777777", "keys": [{"id": "2026", "file": "body.key"}]}
        ],
        "attachments": {"slot_keys": [{"id": "slots", "file": "slots.key"}]},
        "iun_keys": {"keys": [{"id": "iun", "file": "iun.key"}]},
        **changes,
    }
    return Notifications.model_validate(given)
