"""No label of a scraped pod hides one of the metrics' own: Prometheus would rename the latter."""

import re

from runtime.metrics import CATALOGUE
from tests.deploy.rendering import rendered

# What Prometheus and the Prometheus operator give each target of a PodMonitor.
GIVEN = {"instance", "namespace", "pod", "container", "job", "endpoint"}
# A worker's provider is that of each of its metrics, so either says the same.
SAME = {"provider"}


def test_no_label_of_a_target_is_a_label_of_a_metric() -> None:
    (monitor,) = rendered("overlays/production").of("PodMonitor")
    (end,) = monitor["spec"]["podMetricsEndpoints"]
    steps = end["relabelings"]
    dropped = [one["regex"] for one in steps if one.get("action") == "labeldrop"]
    own = {label for metric in CATALOGUE for label in metric.labels}

    labels = GIVEN | {one["targetLabel"] for one in steps if "targetLabel" in one}
    left = {one for one in labels if not any(re.fullmatch(each, one) for each in dropped)}

    assert left & own == SAME
    assert {"job", "process", "provider", "instance"} <= left
