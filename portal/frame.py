"""How a process of the portal comes up: settings first, then the servers they ask for, then Django."""

import sys
import time
from collections.abc import Callable, Sequence

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from portal import embedded

#: Commands that work without a database, or that bring it into being themselves.
_NEED_NO_DATABASE = frozenset(
    {
        "",
        "help",
        "version",
        "--help",
        "--version",
        "-h",
        "check",
        "servers",
        "demo",
        "health",
        "collectstatic",
        "makemessages",
        "compilemessages",
        "diffsettings",
        "startapp",
        "test",
    }
)
#: Seconds after which a start of servers is worth a line in a log.
_SOON = 3.0
_MAKE_THE_DATABASE = frozenset({"migrate", "makemigrations", "sqlmigrate", "showmigrations", "flush"})


def read_settings() -> None:
    """Make the settings speak now: they raise for what must not start."""
    settings.DATABASES  # noqa: B018 - reading is the point


def start_servers() -> None:
    """Start or reuse the embedded servers that the settings ask for; none when both addresses are given."""
    read_settings()
    if settings.EMBEDDED_POSTGRES or settings.EMBEDDED_VALKEY:
        embedded.start(
            settings.DATA_DIR,
            postgres=settings.EMBEDDED_POSTGRES,
            valkey=settings.EMBEDDED_VALKEY,
            say=_teller(),
        )


def run_command(argv: Sequence[str]) -> None:
    """What `manage.py` does: servers, migrations where the database is our own, then the command."""
    command = argv[1] if len(argv) > 1 else ""
    wants_help = any(word in ("-h", "--help") for word in argv[2:])
    try:
        if command not in _NEED_NO_DATABASE and not wants_help:
            start_servers()
            if command not in _MAKE_THE_DATABASE and settings.EMBEDDED_POSTGRES:
                bring_up_to_date()
        execute_from_command_line(list(argv))
    except (embedded.EmbeddedError, ImproperlyConfigured) as problem:
        sys.exit(_refused(problem))


def bring_up_to_date() -> None:
    """Migrate our own embedded database when the code is ahead of it. A given database is never touched."""
    import django  # noqa: PLC0415 - only once servers and settings are known to be good
    from django.core.management import call_command  # noqa: PLC0415

    django.setup()
    from portal.migrated import is_up_to_date  # noqa: PLC0415 - needs the app registry

    if not is_up_to_date():
        call_command("migrate", verbosity=0, interactive=False)


def _teller() -> Callable[[str], None]:
    """Says what the servers do to a person, and to a log only if it takes long."""
    began = time.monotonic()

    def tell(sentence: str) -> None:
        if sys.stderr.isatty() or time.monotonic() - began > _SOON:
            sys.stderr.write(sentence + "\n")

    return tell


def _refused(problem: Exception) -> int:
    sys.stderr.write(" ".join(str(problem).split()) + "\n")
    return 2
