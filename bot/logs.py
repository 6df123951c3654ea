"""Logging: one line an event, with ids; never a number, a name or a text."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_NUMBER = re.compile(r"(?<![\w-])\+?\d[\d -]{6,}\d(?![\w-])")
_KEEPS = frozenset({"event", "timestamp", "level", "ref", "logger", "port", "inbound", "sender"})


class Masked(logging.Formatter):
    """What a library logs: its name, and a traceback without what looks like a number.

    Its own text is left out: nobody knows what it quotes.
    """

    def __init__(self) -> None:
        super().__init__("%(name)s %(levelname)s")

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's own name
        """Return the traceback, masked."""
        return _NUMBER.sub("…", super().formatException(ei))


def set_up(level: str) -> None:
    """Send every log line to standard error, redacted, from `level` on."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    libraries = logging.StreamHandler(sys.stderr)
    libraries.setFormatter(Masked())
    logging.basicConfig(level=logging.WARNING, handlers=[libraries])
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            _renderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _renderer() -> Any:
    """Return the writer of lines: for people on a terminal, else plain; a delivery writes one."""
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer()
    order = ["timestamp", "level", "event"]
    return structlog.processors.KeyValueRenderer(
        key_order=order, drop_missing=True, repr_native_str=False
    )


def redact(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask what looks like a phone number, wherever an error's text may have brought it."""
    for name, value in line.items():
        if name not in _KEEPS and isinstance(value, str):
            line[name] = _NUMBER.sub("…", value)
    return line
