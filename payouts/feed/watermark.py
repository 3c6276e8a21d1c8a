"""How far the feed has come: so that the exchange can check itself, and pages can say as of when."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from payouts.feed import tally
from payouts.feed.models import Batch
from payouts.feed.tally import Counted


@dataclass(frozen=True, slots=True)
class Watermark:
    """What is stored, durably, at the moment of asking."""

    #: When the latest accepted fill was executed; None before the first.
    latest_executed_at: datetime | None
    #: When the last batch came.
    last_received_at: datetime | None
    counted: Counted


def watermark() -> Watermark:
    """Three queries, each of them short however much is stored."""
    latest = Batch.objects.aggregate(latest=Max("latest_executed_at"))["latest"]
    last = Batch.objects.order_by("-pk").values_list("received_at", flat=True).first()
    return Watermark(latest, last, tally.read())
