"""The Celery application. Messages only wake workers; the work itself waits as rows."""

import os

from celery import Celery
from celery.signals import celeryd_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

from portal import frame

frame.start_servers()

application = Celery("portal")
application.config_from_object("django.conf:settings", namespace="CELERY")
application.autodiscover_tasks(["payouts"])


@celeryd_init.connect
def refuse_what_must_not_start(**_: object) -> None:
    """Celery reads settings lazily and only logs what they raise; a worker must not come up so."""
    frame.read_settings()
