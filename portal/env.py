"""Typed readers of the environment that refuse nonsense with one sentence."""

import os
import secrets
from pathlib import Path
from typing import Any, NoReturn

import dj_database_url
from django.core.exceptions import ImproperlyConfigured


def refuse(sentence: str) -> NoReturn:
    """Stop the start-up. System checks do not run under ASGI, so settings themselves must raise."""
    raise ImproperlyConfigured(sentence)


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def flag(name: str, *, default: bool) -> bool:
    """`True` or `False`, written so; anything else is a mistake that must not pass as False."""
    value = os.environ.get(name, "")
    if value == "":
        return default
    if value not in ("True", "False"):
        refuse(f"{name} must be True or False, not '{value}'")
    return value == "True"


def one_of(name: str, choices: tuple[str, ...], *, default: str) -> str:
    value = os.environ.get(name, "") or default
    if value not in choices:
        refuse(f"{name} must be one of {', '.join(choices)}, not '{value}'")
    return value


def words(name: str, default: str = "") -> list[str]:
    """A list written with commas."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def database(name: str, address: str) -> dict[str, Any]:
    """The parts of a PostgreSQL address, as Django wants them."""
    try:
        found: dict[str, Any] = dict(dj_database_url.parse(address))
    except (ValueError, dj_database_url.ParseError, dj_database_url.UnknownSchemeError):
        found = {}
    if "postgresql" not in found.get("ENGINE", ""):
        refuse(f"{name} is not an address like postgres://name:password@host:5432/portal")
    return found


def kept_secret(file: Path) -> str:
    """A secret for development, made once and kept beside the embedded servers' data."""
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process was a moment earlier
        return file.read_text(encoding="ascii").strip() or kept_secret(file)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(secrets.token_urlsafe(50))
    return file.read_text(encoding="ascii").strip()
