"""Forgets the answers of pushes that nobody sends again any more."""

from datetime import datetime, timedelta

from payouts.feed.models import FeedPush

#: So long the same key and body get the same answer. After that the records are still known, one by one.
KEPT_FOR = timedelta(days=7)
_AT_ONCE = 1_000


def forget_answers(*, now: datetime, at_once: int = _AT_ONCE) -> int:
    """Delete the answers that are older than a week, so many in each transaction; returns how many."""
    old = FeedPush.objects.filter(answered_at__lt=now - KEPT_FOR).order_by("answered_at")
    forgotten = 0
    while numbers := list(old.values_list("pk", flat=True)[:at_once]):
        forgotten += FeedPush.objects.filter(pk__in=numbers).delete()[0]
    return forgotten
