"""Changes which letters a login wants. The newest word counts; nothing but letters depends on it."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from payouts.refusal import Refusal
from portal.preferences import queries
from portal.preferences.models import LetterPreference
from portal.preferences.queries import Place
from portal.preferences.topics import GATHERING, NEVER, topic


class NoSuchTopic(Refusal):
    """No letter is on this topic, or everybody gets it."""


class NoSuchDelivery(Refusal):
    """Letters on this topic cannot come so."""


def wish(*, login: int, broker: int | None, topic: str, delivery: str, now: datetime) -> None:
    """Say how a login wants letters on a topic, of a broker or, without one, of staff.

    It need not get any at this moment: who stops letters and leaves the team stopped them. Said twice at
    once, one of the two counts. Refuses `NoSuchTopic`, `NoSuchDelivery`.
    """
    _check(broker, topic, delivery)
    LetterPreference.objects.bulk_create(
        [LetterPreference(login_id=login, broker_id=broker, topic=topic, delivery=delivery, changed_at=now)],
        update_conflicts=True,
        unique_fields=["login", "broker", "topic"],
        update_fields=["delivery", "changed_at"],
    )


@transaction.atomic
def wish_all(*, login: int, wishes: Iterable[tuple[Place, str]], now: datetime) -> int:
    """Say several at once; how many were new. Refuses `NoSuchTopic`, `NoSuchDelivery`, and changes none."""
    changed = 0
    for (broker, name), delivery in wishes:
        if queries.delivery(login=login, broker=broker, topic=name) != delivery:
            wish(login=login, broker=broker, topic=name, delivery=delivery, now=now)
            changed += 1
    return changed


@transaction.atomic
def stop(*, login: int, broker: int | None, topic: str, now: datetime) -> list[tuple[Place, str]]:
    """Stop letters on a topic, or all that come in a letter of the day; what was wanted before, of each.

    Done again, it changes nothing and returns nothing. Refuses `NoSuchTopic`.
    """
    places: list[Place] = (
        queries.gathered_in(login=login, topic=topic) if topic in GATHERING else [(broker, topic)]
    )
    before = []
    for code, name in places:
        _check(code, name, NEVER)
        delivery = queries.delivery(login=login, broker=code, topic=name)
        if delivery != NEVER:
            wish(login=login, broker=code, topic=name, delivery=NEVER, now=now)
            before.append(((code, name), delivery))
    return before


def _check(broker: int | None, name: str, delivery: str) -> None:
    found = topic(broker=broker, name=name)
    if found is None:
        raise NoSuchTopic("There is no such topic of letters: open the page again.")
    if delivery not in found.deliveries:
        raise NoSuchDelivery(f"Letters about {found.about} come {' or '.join(found.deliveries)}: choose one.")
