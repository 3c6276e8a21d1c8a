"""The Celery application. Messages only wake workers; the work itself waits as rows."""

import logging
import os
import time
from typing import Any

import pghistory
from celery import Celery, Task
from celery.signals import celeryd_init
from structlog.contextvars import bound_contextvars

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

from portal import frame

frame.start_servers()


log = logging.getLogger("portal.sweeps")


class Recorded(Task):  # type: ignore[type-arg]  # generic in its types only
    """What a task changes is recorded in the histories as the task's, and what it did is counted and told."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        from portal.metrics import measures, sharing  # noqa: PLC0415 - needs the registry of apps

        sharing.start()
        began = time.perf_counter()
        # One task that calls another goes on under the number of the message that woke it.
        number = {} if self.request.id is None else {"task_id": self.request.id}
        with (
            bound_contextvars(task=self.name, **number),
            pghistory.context(task=self.name),
        ):
            try:
                found = super().__call__(*args, **options)
            except Exception:
                seconds = time.perf_counter() - began
                measures.failed(self.name, seconds=seconds)
                log.error("a sweep failed", extra={"milliseconds": int(seconds * 1000)})
                raise
            seconds = time.perf_counter() - began
            measures.swept(self.name, seconds=seconds, found=found or 0, at=time.time())
            if found:
                log.info("a sweep", extra={"found": found, "milliseconds": int(seconds * 1000)})
            return found


application = Celery("portal", task_cls=Recorded)
application.config_from_object("django.conf:settings", namespace="CELERY")
application.autodiscover_tasks(["payouts", "portal"])


@celeryd_init.connect
def refuse_what_must_not_start(**_: object) -> None:
    """Celery reads settings lazily and only logs what they raise; a worker must not come up so."""
    frame.read_settings()
