"""Keeps secrets out of the log: a line names the route of a request, not its address, and never a token."""

import logging
from typing import Any

from portal.api.token_form import ANYWHERE


class RouteOnly(logging.Filter):
    """Django logs the address of each request that it refuses; some addresses are a key to something."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        match = getattr(request, "resolver_match", None)
        if request is not None and match is not None and match.kwargs and isinstance(record.args, tuple):
            route = f"/{match.route}"
            record.args = tuple(route if value == request.path else value for value in record.args)
        return True


class Line(logging.Formatter):
    """A line of the log, tracebacks included, in which a service token is shown by its prefix alone."""

    def format(self, record: logging.LogRecord) -> str:
        return ANYWHERE.sub(r"\1_…", super().format(record))


#: As Django wants it: one line a message on stderr, of the libraries only what is wrong.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "portal.quiet_logs.Line",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        }
    },
    "filters": {"route only": {"()": "portal.quiet_logs.RouteOnly"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "portal": {"level": "INFO"},
        "payouts": {"level": "INFO"},
        "django.request": {"filters": ["route only"]},
        "django.security.csrf": {"filters": ["route only"]},
    },
}
