"""What the tool only warns of is an error here."""

from pathlib import Path

import pytest

from tests.deploy.rendering import CLUSTERS, FOLDER, OVERLAYS, rendered, rendered_text


@pytest.mark.parametrize("directory", [*OVERLAYS, *CLUSTERS])
def test_directory_renders_without_a_warning(directory: str) -> None:
    assert rendered(directory).objects


def test_every_overlay_is_judged() -> None:
    """A new overlay must not be forgotten here."""
    assert {f"overlays/{one.name}" for one in (FOLDER / "overlays").iterdir()} == set(OVERLAYS)


def test_warning_of_the_tool_is_an_error(tmp_path: Path) -> None:
    text = "commonLabels: {a: b}\nconfigMapGenerator: [{name: a, literals: [b=c]}]\n"
    (tmp_path / "kustomization.yaml").write_text(text)

    with pytest.raises(RuntimeError, match="deprecated"):
        rendered_text(str(tmp_path))
