"""Run as a process of its own: one sweep that makes the files of statements."""

import django

django.setup()

from django.utils import timezone  # noqa: E402 - the settings come first

from payouts.statements import faces  # noqa: E402

if __name__ == "__main__":
    faces.make_due(clock=timezone.now)
