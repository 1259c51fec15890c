"""Keep what was found: the input as a file, the traceback and how to see it again beside it."""

from hashlib import sha256
from pathlib import Path

from tests.fuzz.target import Finding


def save(directory: Path, target: str, data: bytes, finding: Finding) -> Path:
    """Write the input and its text; return the file of the input."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{target}-{sha256(data).hexdigest()[:12]}.input"
    file.write_bytes(data)
    again = f"python -m tests.fuzz {target} --input {file}"
    said = f"{target}: {finding.kind} at {finding.where}"
    file.with_suffix(".txt").write_text(f"{said}\n  again: {again}\n\n{finding.text}\n")
    return file


def told(directory: Path, target: str) -> list[str]:
    """Return the first two lines of each finding of `target`: what it is, and how to see it."""
    return [
        "\n".join(file.read_text().splitlines()[:2])
        for file in sorted(directory.glob(f"{target}-????????????.txt"))
    ]
