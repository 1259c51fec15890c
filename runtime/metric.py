"""Say what a metric is: its name, its kind, its meaning, its labels."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The three kinds of metric we use."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its full name, kind, meaning and labels."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
