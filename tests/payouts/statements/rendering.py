"""Run as a process of its own: makes CSV and PDF of a statement, writes them to stdout and keeps nothing."""

import sys

import django

django.setup()

from django.conf import settings  # noqa: E402 - the settings come first
from django.db import transaction  # noqa: E402
from django.utils import timezone, translation  # noqa: E402

from payouts.statements import faces  # noqa: E402


def main(statement_id: str, language: str) -> None:
    with translation.override(language), timezone.override(settings.TIME_ZONE), transaction.atomic():
        for kind in ("csv", "pdf"):
            made = faces.ensure(statement_id=int(statement_id), kind=kind, now=timezone.now())
            sys.stdout.buffer.write(b"".join(faces.stream(made.id)))
        transaction.set_rollback(True)


if __name__ == "__main__":
    main(*sys.argv[1:])
