"""Run as a process of its own: one sweep that makes the files that members asked for."""

import django

django.setup()

from django.utils import timezone  # noqa: E402 - the settings come first

from portal.statements import making  # noqa: E402

if __name__ == "__main__":
    making.make_due(clock=timezone.now)
