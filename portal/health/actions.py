"""The one thing that health writes: that a worker has just done what beat had woken it for."""

from datetime import datetime

from portal.health.models import Canary

WORKER = "worker"


def beat(*, now: datetime) -> None:
    """A worker is alive, and so is the beat that woke it. One row, written again and again."""
    Canary.objects.bulk_create(
        [Canary(name=WORKER, beat_at=now)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["beat_at"],
    )
