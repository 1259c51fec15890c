"""An object store that takes nothing: the sender hears 503, the log holds it once."""

from pathlib import Path

from structlog.testing import capture_logs

from runtime.service_configuration import ObjectStore
from tests.integration.upload_site import code_of, upload_site


async def test_store_that_is_away_is_our_fault_and_tells_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "store"
    with capture_logs() as logs:
        async with upload_site(ObjectStore(url=directory.as_uri())) as site:
            slot = await site.slot(b"%PDF-1.7 a file")
            directory.rmdir()
            directory.write_text("no directory")

            status, headers, text = await site.put(slot)
            again, _, _ = await site.put(slot)

    assert (status, again, code_of(text)) == (503, 503, "ServiceUnavailable")
    assert "Retry-After" in headers
    assert str(directory) not in text
    assert [line["event"] for line in logs] == ["upload.failed"]  # once in ten seconds
