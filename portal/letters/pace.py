"""How long a letter waits for its next attempt, and when it is given up. Pure."""

from datetime import timedelta

#: After a failure that may pass: 15 seconds at first, in all about three days.
WAITS = tuple(
    timedelta(seconds=seconds)
    for seconds in (15, 60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400, 86_400)
)
#: After a refusal for good: a mistake at the other end may be put right within the hour.
WAITS_AFTER_REFUSAL = (timedelta(minutes=5), timedelta(hours=1))
MOST_ATTEMPTS = len(WAITS) + 1


def wait(*, attempts: int, is_refused: bool) -> timedelta | None:
    """How long until the next attempt, after `attempts` of them; None when the letter is given up."""
    waits = WAITS_AFTER_REFUSAL if is_refused else WAITS
    return waits[attempts - 1] if attempts <= len(waits) else None
