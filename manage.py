#!/usr/bin/env python
"""The one entry for commands: starts the embedded servers where none are configured, then asks Django."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def use_the_projects_environment() -> None:
    """Run under `.venv` when this Python has no Django, so that `python manage.py …` works as written."""
    interpreter = ROOT / ".venv" / "bin" / "python"
    try:
        import django  # noqa: F401, PLC0415 - the question is whether it is there
    except ImportError:
        if interpreter.exists() and Path(sys.prefix) != ROOT / ".venv":
            os.execv(interpreter, [str(interpreter), *sys.argv])  # noqa: S606 - our own interpreter
        sys.exit("Django is not installed here. Run `make install` first.")


def main() -> None:
    use_the_projects_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from portal import frame  # noqa: PLC0415 - only after the environment is known to be there

    frame.run_command(sys.argv)


if __name__ == "__main__":
    main()
