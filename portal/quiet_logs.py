"""The log: lines for machines or for people, without secrets, that say what belongs together."""

import json
import logging
import re
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from portal import env
from portal.api.token_form import ANYWHERE

#: What a line may bear beside its sentence; what libraries add (requests, arguments) stays out.
FIELDS = (
    "request_id", "method", "view", "status", "milliseconds", "login",
    "task", "task_id", "found",
    "batch", "sender", "received", "accepted", "duplicate", "excluded", "quarantined",
)  # fmt: skip
#: The parts of an address behind which the key of a secret link follows.
_LINK = re.compile(
    r"(/(?:invitations|letters|accounts/confirm-email|accounts/password/reset/key)/)[^\s/\"'<>?]+"
)
_E_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}")


class RouteOnly(logging.Filter):
    """Django logs the address of each request that it refuses; some addresses are a key to something."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        match = getattr(request, "resolver_match", None)
        if request is not None and match is not None and match.kwargs and isinstance(record.args, tuple):
            route = f"/{match.route}"
            record.args = tuple(route if value == request.path else value for value in record.args)
        return True


def without_secrets(text: str) -> str:
    """A line, tracebacks included: tokens by their prefix, links without their key, no e-mail address."""
    text = ANYWHERE.sub(r"\1_…", text)
    if "@" in text:
        text = _E_MAIL.sub("…@…", text)
    return _LINK.sub(r"\1…", text)


class Line(structlog.stdlib.ProcessorFormatter):
    """A line of the log: JSON where machines read it, else words."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _as_json if as_json else _as_words,
            ],
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(allow=FIELDS),
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
                structlog.processors.format_exc_info,
            ],
        )

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


def _as_json(_logger: WrappedLogger, _method: str, found: EventDict) -> str:
    """One object a line; what is not known is left out."""
    first = {"at": found.pop("at"), "level": found.pop("level"), "logger": found.pop("logger")}
    rest = {name: value for name, value in found.items() if value is not None}
    return json.dumps(first | {"event": rest.pop("event")} | rest, default=str, ensure_ascii=False)


def _as_words(_logger: WrappedLogger, _method: str, found: EventDict) -> str:
    line = f"{found.pop('at')} {str(found.pop('level')).upper()} {found.pop('logger')} {found.pop('event')}"
    traceback = found.pop("exception", "")
    facts = "".join(f" {name}={value}" for name, value in found.items() if value is not None)
    return f"{line}{facts}\n{traceback}" if traceback else line + facts


def from_environment(*, in_production: bool) -> dict[str, Any]:
    """LOG_FORMAT says json or text; where it is silent, production writes for machines."""
    usual = "json" if in_production else "text"
    return logging_of(as_json=env.one_of("LOG_FORMAT", ("json", "text"), default=usual) == "json")


def logging_of(*, as_json: bool) -> dict[str, Any]:
    """As Django wants it: one line a message on stderr, of the libraries only what is wrong."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "portal.quiet_logs.Line", "as_json": as_json}},
        "filters": {"route only": {"()": "portal.quiet_logs.RouteOnly"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "portal": {"level": "INFO"},
            "payouts": {"level": "INFO"},
            # A line a request, or a push, is for machines that keep it; a developer sees those that failed.
            "portal.requests": {"level": "INFO" if as_json else "WARNING"},
            "portal.api.push_log": {"level": "INFO" if as_json else "WARNING"},
            "django.request": {"filters": ["route only"]},
            "django.security.csrf": {"filters": ["route only"]},
            # The server's own lines come as ours do; its log of addresses, some of them secret, not at all.
            "uvicorn": {"handlers": [], "propagate": True, "level": "INFO"},
            "uvicorn.error": {"handlers": [], "propagate": True, "level": "INFO"},
            "uvicorn.access": {"handlers": [], "propagate": False, "level": "CRITICAL"},
        },
    }
