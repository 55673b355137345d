"""Log lines: structlog, one plain line each, on standard error, without secrets."""

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

from connector.cli.redaction import hide_secrets


class _CurrentStderr:
    """Standard error as it is at the moment of writing: a progress bar puts itself before it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


class _Forward(logging.Handler):
    """Hands records of the standard logging module to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(record.levelno, record.getMessage())


@contextmanager
def logging_to_stderr(*, is_quiet: bool) -> Iterator[None]:
    """Log lines of the connector, and warnings of the libraries, go to standard error."""
    level = logging.WARNING if is_quiet else logging.INFO
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%SZ", utc=True),
            _hide,
            structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, pad_level=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=_CurrentStderr()),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
    forward, root = _Forward(logging.WARNING), logging.getLogger()
    root.addHandler(forward)
    try:
        yield
    finally:
        root.removeHandler(forward)


def _hide(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {
        key: hide_secrets(value) if isinstance(value, str) else value
        for key, value in event.items()
    }
