"""Name every place that a run leaves behind, and say which of them hold bodies by design."""

from collections.abc import Iterable

from contracts.topics import Role
from tests.e2e.performance import Performance
from tests.e2e.rows import KEPT_COLUMNS


def places_of(performance: Performance) -> dict[str, bytes]:
    """Return all that anybody may read, by its name; lines that repeat stand there once.

    The values of the raw topic and of the dead letters are not among them: they are the bodies.
    """
    places = {f"log of {name}": log for name, log in performance.logs.items()}
    places |= {f"metrics of {name}": _own(text) for name, text in performance.metrics.items()}
    places["answers to callbacks"] = _once(performance.answers)
    for role in Role:
        records = [record for record in performance.records if record.role is role]
        places[f"headers, {role}"] = _once(record.headers for record in records)
        places[f"keys, {role}"] = _once(record.key for record in records)
        if role not in {Role.RAW, Role.REJECTED}:
            places[f"values, {role}"] = _once(record.value for record in records)
    return places | _places_of_send(performance)


def kept_bodies(performance: Performance) -> dict[str, bytes]:
    """Return what is kept by design: the bodies, as they came, each once."""
    kept = {
        record.value for record in performance.records if record.role in {Role.RAW, Role.REJECTED}
    }
    rows = performance.kept.rows
    return {
        "values, raw and rejected": b"\n".join(sorted(kept)),
        **{f"rows, {name}": rows[name] for name in KEPT_COLUMNS},
    }


def _places_of_send(performance: Performance) -> dict[str, bytes]:
    """Return what intake, streams, poller, janitor and their stores leave, by its name."""
    elsewhere, kept = performance.elsewhere, performance.kept
    rows = {name: rows for name, rows in kept.rows.items() if name not in KEPT_COLUMNS}
    return {
        **dict(performance.hearing.places()),
        **{f"log of {name}, elsewhere": log for name, log in elsewhere.logs.items()},
        **{f"metrics of {name}, elsewhere": _own(text) for name, text in elsewhere.metrics.items()},
        "records, elsewhere": elsewhere.records,
        **{f"rows, {name}": values for name, values in rows.items()},
        "statistics of PostgreSQL": kept.statistics,
        "log of PostgreSQL": kept.log,
        "names in the object store": kept.object_names,
        "output of esito attachments prune": kept.pruned,
    }


def _own(exposition: bytes) -> bytes:
    """Leave out what the operating system says: its numbers are as long as amounts and ids."""
    return b"\n".join(line for line in exposition.split(b"\n") if not line.startswith(b"process_"))


def _once(texts: Iterable[bytes]) -> bytes:
    return b"\n".join(sorted({line for text in texts for line in text.split(b"\n")}))
