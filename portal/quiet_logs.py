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
_E_MAIL = re.compile(r"[\w.%+-]{1,64}@(?:[\w-]{1,63}\.)*[\w-]{1,63}")
#: Name and password in the address of a server.
_CREDENTIALS = re.compile(r"(://)[^\s/@]{0,200}:[^\s/]{0,200}@")
#: What follows the name of a secret: in a header, a form, an address, or a dict that was printed.
_NAMED = re.compile(
    r"((?:password|passwd|secret|sessionid|csrftoken|csrfmiddlewaretoken|authorization|cookie)\w{0,20}"
    r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?)(?!bearer\s)[^\s\"'&;,]+(?: [^\"'&;,=:\n]+(?=[\"']))?",
    re.IGNORECASE,
)
#: All signs that end a line for whoever reads it, and those that move the cursor of a terminal.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


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
    """A text, tracebacks included: tokens by their prefix, links without their key, no e-mail address,
    nothing that is named as a secret."""
    text = ANYWHERE.sub(r"\1_…", text)
    text = _NAMED.sub(r"\1…", text)
    if "@" in text:
        text = _CREDENTIALS.sub(r"\1…@", text)
        text = _E_MAIL.sub("…@…", text)
    return _LINK.sub(r"\1…", text)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {_cleaned(name): _cleaned(each) for name, each in value.items()}
    return value if isinstance(value, int | float) else without_secrets(str(value))


def _clean(_logger: WrappedLogger, _method: str, found: EventDict) -> EventDict:
    """Before anything is quoted: in quoted text an address may seem to begin with half of an escape."""
    return {name: _cleaned(value) for name, value in found.items() if value is not None}


class Line(structlog.stdlib.ProcessorFormatter):
    """A line of the log: JSON where machines read it, else words."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _clean,
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


def _as_json(_logger: WrappedLogger, _method: str, found: EventDict) -> str:
    """One object a line, in ASCII: no sign in it ends the line for anybody."""
    first = {name: found.pop(name) for name in ("at", "level", "logger", "event")}
    return json.dumps({**first, **found})


def _as_words(_logger: WrappedLogger, _method: str, found: EventDict) -> str:
    """A line for people; what a stranger sent begins no line of its own, and a traceback is indented."""
    traceback = str(found.pop("exception", ""))
    at, level, logger, event = (str(found.pop(name)) for name in ("at", "level", "logger", "event"))
    facts = "".join(f" {name}={value}" for name, value in found.items())
    line = _escaped(f"{at} {level.upper()} {logger} {event}{facts}")
    return "\n    ".join([line, *map(_escaped, traceback.split("\n"))]) if traceback else line


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


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
