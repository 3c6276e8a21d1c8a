"""The portal's Celery by the clock of a test: a file, CLOCK_SHIFT, says by how much it is shifted."""

import os
from datetime import datetime, timedelta
from pathlib import Path

from django.utils import timezone

from portal.celery import application

__all__ = ["application"]

_shift, _now = Path(os.environ["CLOCK_SHIFT"]), timezone.now


def shifted() -> datetime:
    return _now() + timedelta(seconds=float(_shift.read_text()))


timezone.now = shifted
