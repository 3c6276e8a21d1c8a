"""Health and books on the staff site: what is wrong stands on the first page, all of it on its own page."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from payouts.feed import partitions
from payouts.ledger.models import BooksCheck
from portal.health import actions
from portal.schedule import TIMETABLE
from tests import make
from tests.portal.page_text import text_of
from tests.portal.staff.browsing import at

pytestmark = pytest.mark.django_db
PAGE = "/staff/health/"


def staff(role: str, name: str = "rita") -> Any:
    login = make.login(email=f"{name}@exchange.example", is_staff=True)
    login.groups.add(Group.objects.get(name=role))
    return login


def check(**changes: Any) -> BooksCheck:
    whole = {"checked_at": timezone.now(), "occasion": "nightly", "breaches": [], "took_ms": 1234}
    return BooksCheck.objects.create(**(whole | changes))


BREACH = {
    "invariant": "codes are unique",
    "rows": 12,
    "examples": [{"code": "2300", "brokers": "2"}, {"code": "2400", "brokers": "<b>3</b>"}],
    "helps": "Open the brokers: Staff › Brokers.",
}


def all_is_well() -> None:
    now = timezone.now()
    actions.beat(now=now)
    partitions.make_ahead(now=now)
    check()


def test_the_first_page_is_silent_while_all_is_well() -> None:
    all_is_well()

    page = text_of(at(staff("reviewer")).get("/staff/"))

    assert "Not as it should be" not in page
    assert "Health and books" in page  # the way there stands among the rooms


def test_the_first_page_says_what_is_late_or_broken() -> None:
    page = text_of(at(staff("reviewer")).get("/staff/"))

    assert "Not as it should be" in page
    assert "Beat and workers no beat yet" in page
    assert "Books not checked yet" in page
    assert "Letters to send" not in page


def test_the_page_shows_every_sign_and_what_helps_only_where_it_is_needed() -> None:
    all_is_well()
    actions.beat(now=timezone.now() - timedelta(minutes=10))

    page = text_of(at(staff("reviewer")).get(PAGE))

    assert "something is broken" in page
    assert "Beat and workers broken last beat 10 min ago Start `celery -A portal.celery beat`" in page
    assert "Database ok answers –" in page
    assert "Letters to send ok none –" in page


def test_the_last_check_is_shown_with_its_rows_and_what_helps() -> None:
    all_is_well()
    check(breaches=[BREACH])

    answer = at(staff("operations")).get(PAGE)
    page = text_of(answer)

    assert "1 invariant did not hold" in page
    assert "codes are unique Not so for 12 rows. Open the brokers: Staff › Brokers." in page
    assert "code brokers 2300 2 2400 <b>3</b>" in page
    assert b"<b>3</b>" not in answer.content


def test_rows_of_breaches_are_shown_only_to_whom_money_is_shown() -> None:
    check(breaches=[BREACH])

    page = text_of(at(staff("reviewer")).get(PAGE))

    assert "codes are unique Not so for 12 rows." in page
    assert "2400" not in page
    assert "The rows are shown to roles that see payouts." in page


def test_ten_checks_are_listed_the_latest_first() -> None:
    now = timezone.now()
    for hours in range(12):
        check(checked_at=now - timedelta(hours=hours), occasion=f"check {hours}")

    page = text_of(at(staff("auditor")).get(PAGE))

    listed = [f"check {hours}" for hours in range(12) if f"UTC check {hours} 0" in page]
    assert listed == [f"check {hours}" for hours in range(10)]
    assert "1,234" in page


def test_the_timetable_says_what_each_entry_does() -> None:
    page = text_of(at(staff("reviewer")).get(PAGE))

    assert [each.name for each in TIMETABLE if f"{each.name} " not in page] == []
    assert "beat the canary 30 s Proves that beat wakes workers" in page
    assert "make partitions ahead 1 h Makes the tables" in page


def test_nothing_can_be_sent_there() -> None:
    answer = at(staff("operations")).post(PAGE)

    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


def test_staff_without_a_role_do_not_see_it() -> None:
    login = make.login(email="plain@exchange.example", is_staff=True)

    assert at(login).get(PAGE).status_code == 403
