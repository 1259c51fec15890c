"""Configure logging: JSON lines for machines, colours in a terminal, redaction for everybody."""

import logging
import sys
import time
import traceback
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final

import structlog

from runtime.configuration import Configuration
from runtime.log_events import FIELDS, LogEvent

Logger = structlog.typing.FilteringBoundLogger
_TEXT_CHARACTERS_MAX: Final = 1_000
_REPEAT_SECONDS: Final = 10.0
_LINES_MAX: Final = 256  # templates, not texts; more are a library that puts data in them
_OWN_PACKAGES: Final = (
    *("contracts", "runtime", "ingress", "intake"),
    *("workers", "streams", "ops", "simulator"),
)


def configure_logging(configuration: Configuration, *, process: str) -> Logger:
    """Return the process's logger; libraries' lines of level WARNING and above go the same way."""
    human = configuration.log_format == "human" or (
        configuration.log_format == "auto" and sys.stdout.isatty()
    )
    logger: Logger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stdout),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            structlog.dev.ConsoleRenderer() if human else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(configuration.log_level),
        cache_logger_on_first_use=True,
    ).bind(process=process)
    # DEBUG of aiokafka would print keys and values.
    logging.basicConfig(handlers=[_ToStructlog(logger)], level=logging.WARNING, force=True)
    return logger


def redact(logger: object, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace every field that is not in the catalogue, and cut every text that is too long."""
    del logger, method
    for name, value in line.items():
        if name not in FIELDS:
            line[name] = "[redacted]"
        elif isinstance(value, str) and len(value) > _TEXT_CHARACTERS_MAX:
            line[name] = value[:_TEXT_CHARACTERS_MAX] + "…"
    return line


def own_stack(error: BaseException) -> str:
    """Return where in our own code `error` passed: `file:line function`, innermost last.

    Neither the exception's text nor a line of source is included: both may quote the data at hand.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        f"{'/'.join(frame.filename.rsplit('/', 3)[1:])}:{frame.lineno} {frame.name}"
        for frame in frames
        if any(f"/{package}/" in frame.filename for package in _OWN_PACKAGES)
        and "site-packages" not in frame.filename
    ]
    return " > ".join(own)


class Repeats:
    """Let a line be written once in ten seconds: nobody may fill our log by repeating a mistake."""

    def __init__(self) -> None:
        """Begin with nothing written."""
        self._written: dict[tuple[str, ...], tuple[float, int]] = {}  # when, how many since

    def count(self, *line: str, at: float) -> int:
        """Return how often `line` came since it was written last; 0: it is not to be written."""
        written, count = self._written.get(line, (float("-inf"), 0))
        if at - written < _REPEAT_SECONDS:
            self._written[line] = written, count + 1
            return 0
        if len(self._written) >= _LINES_MAX:
            self._written.clear()
        self._written[line] = at, 0
        return count + 1


class Failures:
    """Log where our own code failed on a request, never what the error says."""

    def __init__(self, log: Logger, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing written."""
        self._log = log
        self._clock = clock
        self._repeats = Repeats()

    def tell(self, error: Exception, *, reason: str = "") -> None:
        """Log the place, once in ten seconds; `reason` is in our own words."""
        place = type(error).__name__, own_stack(error)
        count = self._repeats.count(*place, at=self._clock())
        if count:
            self._log.error(
                LogEvent.CALLBACK_FAILED,
                exception=place[0],
                stack=place[1],
                reason=reason,
                count=count,
            )


class _ToStructlog(logging.Handler):
    """Pass a library's line on; its exception is reduced to its class.

    A Kafka client without brokers logs a thousand lines a second.
    """

    def __init__(self, logger: Logger) -> None:
        super().__init__()
        self._logger = logger
        self._repeats = Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        count = self._repeats.count(record.name, str(record.msg), at=record.created)
        if not count:
            return
        exception = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        level = "error" if record.levelno >= logging.ERROR else "warning"
        # A terminal or a pipe that has gone must not stop the client that had something to say.
        with suppress(OSError, ValueError):
            getattr(self._logger, level)(
                LogEvent.LIBRARY_SPOKE,
                logger=record.name,
                text=_text_of(record),
                exception=exception,
                count=count,
            )


def _text_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a library's mistake in a log line must not stop our work
        return "[unprintable]"
