"""Print what was rendered at the end of a run."""

from collections import Counter

import pytest

from tests.deploy.rendering import OVERLAYS, rendered


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("rendered")
    for overlay in OVERLAYS:
        kinds = Counter(one["kind"] for one in rendered(overlay).objects)
        said = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        terminalreporter.write_line(f"{overlay}: {kinds.total()} objects: {said}")
