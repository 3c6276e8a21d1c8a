"""Typed readers of the environment that refuse nonsense with one sentence."""

import base64
import binascii
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

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


def kept_secret(file: Path, make: Callable[[], str] = lambda: secrets.token_urlsafe(50)) -> str:
    """A secret for development, made once and kept beside the embedded servers' data."""
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process was a moment earlier
        return file.read_text(encoding="ascii").strip() or kept_secret(file, make)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(make())
    return file.read_text(encoding="ascii").strip()


_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def web_address(name: str, address: str, *, secure: bool) -> str:
    """An address like https://host or https://host:8443, without a slash at its end.

    `secure` refuses http:// but to this machine, where a proxy may end TLS.
    """
    try:
        parts = urlsplit(address.rstrip("/"))
        is_good = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port)
    except ValueError:
        is_good = False
    if not is_good or address.rstrip("/") != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
        refuse(f"{name} is not an address like https://host.example.com, without a path")
    if secure and parts.scheme != "https" and parts.hostname not in _THIS_MACHINE:
        refuse(f"{name} must begin with https://: what goes there must not be read on the way")
    return address.rstrip("/")


def signing_key(name: str, key: str) -> str:
    """An ED25519 key: its 32 secret bytes in base64."""
    try:
        is_good = len(base64.b64decode(key, validate=True)) == 32
    except (binascii.Error, ValueError):
        is_good = False
    if not is_good:
        refuse(f"{name} is not an ED25519 key: give its 32 secret bytes in base64")
    return key


def new_signing_key() -> str:
    """A fresh ED25519 key, as `signing_key` wants it."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def sender(name: str, text: str) -> str:
    """Whom letters come from: an address, with a name before it or without."""
    mailbox, at, host = parseaddr(text)[1].rpartition("@")
    if not (mailbox and at and host) or not text.isprintable():
        refuse(f"{name} is not a sender like Brokers <brokers@example.com>")
    return text


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters leave. `tls` is "at once" (smtps), "after STARTTLS" (smtp+tls) or "" (smtp)."""

    host: str
    port: int
    user: str
    password: str
    tls: str


_MAIL = {"smtps": ("at once", 465), "smtp+tls": ("after STARTTLS", 587), "smtp": ("", 25)}


def mail_server(name: str, address: str, *, secure: bool) -> MailServer:
    """The parts of a mail server's address.

    `secure` refuses smtp:// but to this machine, where a relay may add TLS: letters hold links and figures.
    """
    try:
        parts = urlsplit(address)
        tls, usual_port = _MAIL[parts.scheme]
        port = parts.port or usual_port
    except (KeyError, ValueError):
        refuse(f"{name} is not an address like smtps://name:password@mail.example.com:465")
    if not parts.hostname:
        refuse(f"{name} is not an address like smtps://name:password@mail.example.com:465")
    if parts.password and not tls and parts.hostname not in _THIS_MACHINE:
        refuse(f"{name} would send its password in the clear: write smtps:// or smtp+tls://")
    if secure and not tls and parts.hostname not in _THIS_MACHINE:
        refuse(f"{name} would send letters in the clear: write smtps:// or smtp+tls://")
    return MailServer(parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""), tls)
