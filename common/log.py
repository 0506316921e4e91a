"""structlog set-up: coloured lines on a terminal, JSON lines otherwise. Names come from `core/events.py`.

info = normal, warning = healing itself, error = a person must act. Never personal data, payloads or keys.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from common.core.text import one_line, sound

LONGEST = 1_000
"""Characters of one value in a log line."""


def configure(*, level: str = "info", stream: TextIO | None = None, **bound: str) -> None:
    """Set up logging for the process and bind `bound` (role, site) once."""
    out = stream or sys.stderr
    renderer: structlog.typing.Processor
    if out.isatty():
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    else:
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S.%f%z", utc=False),
            structlog.processors.format_exc_info,
            _printable,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(**bound)
    logging.getLogger("aiohttp.server").addFilter(is_ours)


def is_ours(record: logging.LogRecord) -> bool:
    """Of what a web server notes by itself, the faults that are its own. What somebody sends that is no HTTP, or too long, gets
    its answer: noted, whoever likes could fill the log with it, and what stands in such an address would be read there.
    """
    error = record.exc_info[1] if record.exc_info else None
    status = getattr(error, "code", None)
    return not (isinstance(status, int) and status < 500)


def _printable(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A line may quote what another machine or a database said: no escape codes on a terminal, no lines without end."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = sound(value) if name == "exception" else one_line(value, LONGEST)
    return event
