"""What `make demo` runs, where it answers, and what it says when it does."""

import base64
import fcntl
import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from payouts.refusal import Refusal
from portal import embedded, embedded_process, env
from portal.simulator.accounts import EXAMPLES
from portal.simulator.applicants import APPLICANTS
from portal.simulator.people import PASSWORD, PEOPLE

USUAL_PORT = 8_000
_PORTS_TRIED = 100
#: The front door: it needs the database, the templates and the static files, so its answer proves them.
FRONT_DOOR = "/accounts/login/"
#: What a developer may have set for other ends: the demo brings its own, and sends no letter anywhere.
_OF_OTHERS = frozenset(
    {
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "DEBUG",
        "DEFAULT_FROM_EMAIL",
        "EMAIL_URL",
        "EXCHANGE_PRIVATE_KEY",
        "EXCHANGE_URL",
        "FEED_TOKEN",
        "PORTAL_URL",
        "SECURE_SSL_REDIRECT",
    }
)


class PortTaken(Refusal):
    """The port that was asked for belongs to another program."""


class AlreadyRunning(Refusal):
    """A demo runs from this folder."""


def choose_port() -> tuple[int, bool]:
    """The port of PORT, or the first free one from 8000 up; and whether it is another than the usual."""
    try:
        wanted = embedded_process.fixed_port("PORT")
    except embedded.EmbeddedError as problem:
        raise PortTaken(str(problem)) from None
    if wanted is not None:
        if not embedded_process.is_free(wanted):
            raise PortTaken(
                f"Port {wanted} is taken by another program: end that, or set PORT to another one."
            )
        return wanted, False
    for port in range(USUAL_PORT, USUAL_PORT + _PORTS_TRIED):
        if embedded_process.is_free(port):
            return port, port != USUAL_PORT
    raise PortTaken(f"No free port from {USUAL_PORT} up: set PORT to a free one.")


@contextmanager
def only_one(folder: Path) -> Iterator[Path]:
    """Hold the folder for one demo; yields the file in which it may say where it answers."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "demo.lock"
    with file.open("a+", encoding="utf-8") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = file.read_text(encoding="utf-8").strip() or "it is still starting"
            raise AlreadyRunning(f"A demo runs from {folder} already: {where}.") from None
        file.write_text("", encoding="utf-8")
        yield file


def commands(port: int, exchange_port: int) -> dict[str, list[str]]:
    """The processes of the demo by name, in the order of starting."""
    python = sys.executable
    celery = [python, "-m", "celery", "--quiet", "--app", "portal.celery"]
    manage = str(Path(__file__).resolve().parents[2] / "manage.py")
    web = ["portal.asgi:application", "--host", "127.0.0.1", "--port", str(port)]
    web += ["--log-level", "warning", "--lifespan", "off", "--timeout-graceful-shutdown", "3"]
    return {
        "web": [python, "-m", "uvicorn", *web],
        "worker": [*celery, "worker", "--loglevel", "WARNING", "--concurrency", "2", "--without-mingle"],
        "beat": [*celery, "beat", "--loglevel", "WARNING"],
        "simulator": [
            *(python, manage, "simulate_exchange", "--port", str(exchange_port)),
            *("--push-to", f"http://127.0.0.1:{port}"),
        ],
    }


def environment(folder: Path, port: int, exchange_port: int) -> dict[str, str]:
    """What the processes get: ours, and quiet about what does not matter on a developer's machine."""
    kept = {name: value for name, value in os.environ.items() if name not in _OF_OTHERS}
    return kept | {
        "DATA_DIR": str(folder),
        "EXCHANGE_PRIVATE_KEY": env.kept_secret(folder / "exchange_key", _new_key),
        "EXCHANGE_URL": f"http://127.0.0.1:{exchange_port}",
        "PORTAL_DEMO": "True",
        "PORTAL_URL": f"http://localhost:{port}",
        "PYTHONUNBUFFERED": "1",
        # Celery advises against root; nothing here unpickles, and containers often have no one else.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def answers(port: int) -> str:
    """Why the front door does not open; nothing when it does."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", FRONT_DOOR)
        status = connection.getresponse().status
    except (OSError, HTTPException) as problem:
        return str(problem) or type(problem).__name__
    finally:
        connection.close()
    return "" if status == 200 else f"{FRONT_DOOR} answers with status {status}"


def greeting(port: int) -> str:
    here = f"http://localhost:{port}"
    return (
        "\n  The broker portal is ready:\n\n"
        f"      {here}\n\n"
        f"  Demo logins, all with the password {PASSWORD}\n\n"
        f"{_columns((person.email, person.about) for person in PEOPLE)}\n\n"
        "  Applicants, with the same password and no code\n\n"
        f"{_columns((each.email, f'{each.company}: {each.course}') for each in APPLICANTS)}\n\n"
        "  All others need a code after the password. The running ones, and every letter sent:\n\n"
        f"      {here}/demo/codes/\n"
        f"      {here}/demo/mailbox/\n\n"
        "  Accounts at the exchange, to apply with\n\n"
        f"{_columns(EXAMPLES)}\n\n"
        "  The simulated exchange pushes its fills through the API, a few each second:\n\n"
        f"      {here}/feed/v1/openapi.json\n\n"
        "  Ctrl-C stops it.\n"
    )


def _columns(rows: Iterable[tuple[str, str]]) -> str:
    known = list(rows)
    width = max(len(name) for name, _ in known)
    return "\n".join(f"      {name:<{width}}   {about}" for name, about in known)
