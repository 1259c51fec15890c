"""Write a document as YAML that is the same every time."""

import tomllib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

_PROJECT = Path(__file__).resolve().parent.parent.parent / "pyproject.toml"


def yaml_text(document: Any, *, source: PurePosixPath) -> str:  # noqa: ANN401 - YAML holds any value
    """Return `document` with a line that says where it comes from."""
    return yaml_texts([document], source=f"{source}/")


def yaml_texts(documents: Iterable[Any], *, source: str) -> str:
    """Return all `documents` in one text, with a line that says where they come from."""
    texts = (
        yaml.dump(one, Dumper=_Plain, sort_keys=False, width=100, allow_unicode=True)
        for one in documents
    )
    joined = "---\n".join(texts)
    return f"# Written by `make contracts` from {source}; edit there.\n{joined}"


def project_version() -> str:
    """Return the version as the working tree has it, installed or not."""
    with _PROJECT.open("rb") as file:
        version: str = tomllib.load(file)["project"]["version"]
    return version


class _Plain(yaml.SafeDumper):
    """A dumper without anchors: a reader should not have to follow them."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401 - as the library has it
        del data
        return True
