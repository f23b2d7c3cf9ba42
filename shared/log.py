"""Logs: one line an event, to stdout and to a rotated file; JSON or readable; secrets never."""

import logging
import logging.handlers
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

SECRET_WORDS = ("password", "secret", "token", "api_key", "authorization", "dsn")
KEEP_FILES, FILE_BYTES = 5, 10_000_000


def hide_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A value whose name sounds secret is never written."""
    for key in event:
        if any(word in key.lower() for word in SECRET_WORDS):
            event[key] = "***"
    return event


def set_up(service: str, level: str, form: str, folder: Path) -> None:
    """Send structlog and the libraries' own logs the same way. A folder that cannot be written is said and skipped."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            renderer,
        ],
    )
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    trouble = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handlers.append(
            logging.handlers.RotatingFileHandler(
                folder / f"{service}.log", maxBytes=FILE_BYTES, backupCount=KEEP_FILES, delay=False
            )
        )
    except OSError as error:
        trouble = f"{folder}: {error.strerror}"
    root = logging.getLogger()
    root.handlers = handlers
    root.setLevel(level)
    for handler in handlers:
        handler.setFormatter(formatter)
    for noisy in ("httpx", "httpcore", "uvicorn.access", "websockets", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    if trouble:
        structlog.get_logger().warning("no_log_file", reason=trouble)
