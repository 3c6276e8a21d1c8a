"""The Celery application. Messages only wake workers; the work itself waits as rows."""

import os
from typing import Any

import pghistory
from celery import Celery, Task
from celery.signals import celeryd_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

from portal import frame

frame.start_servers()


class Recorded(Task):  # type: ignore[type-arg]  # generic in its types only
    """What a task changes is recorded in the histories as the task's."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        with pghistory.context(task=self.name):
            return super().__call__(*args, **options)


application = Celery("portal", task_cls=Recorded)
application.config_from_object("django.conf:settings", namespace="CELERY")
application.autodiscover_tasks(["payouts", "portal"])


@celeryd_init.connect
def refuse_what_must_not_start(**_: object) -> None:
    """Celery reads settings lazily and only logs what they raise; a worker must not come up so."""
    frame.read_settings()
