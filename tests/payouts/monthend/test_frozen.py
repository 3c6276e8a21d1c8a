"""An approved payout's input is frozen: calculating it again gives the same bytes, whatever came since."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from django.db import connection

from payouts.month import Month
from payouts.monthend import actions, frozen, queries
from payouts.monthend.models import Payout
from payouts.statements import document
from tests import make
from tests.payouts.monthend.approving import approve
from tests.payouts.monthend.voids import void

OCTOBER = Month(2026, 10)
NOW = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)


def as_bytes(payout, lines):
    return document.as_json(
        document.of_payout(broker=1400, payout=payout) | {"lines": document.of_lines(lines)}
    )


def stored():
    [found] = queries.calculated(month=OCTOBER)
    return as_bytes(found.payout, queries.calculated_lines(found))


@pytest.mark.django_db
def test_calculating_the_frozen_input_again_gives_the_same_bytes_and_digest():
    make.broker()
    first, second = make.record(price="3000000"), make.record(price="3000000", userId=8, feeRate="0.00037")
    make.fills(first)
    make.fills(second, make.record(affiliateRate="0.4"), make.record(userId=9, feeRate="-0.0001"))
    voided = make.record(price="77.7")
    make.fills(voided)
    void(voided["tradeId"])
    actions.calculate(month=OCTOBER, now=NOW)
    payout = approve(Payout.objects.get())
    before, digest = stored(), frozen.input_digest(payout.pk)
    assert (as_bytes(*frozen.recalculated(payout.pk)), frozen.input_digest_of_fills(payout.pk)) == (
        before,
        digest,
    )

    make.fills(first, second)  # duplicates
    make.fills(make.record(price="9000000"), make.record(price="1", userId=8, feeRate="0.00037"))
    void(second["tradeId"])
    actions.calculate(month=OCTOBER, now=NOW + timedelta(days=1))

    assert as_bytes(*frozen.recalculated(payout.pk)) == stored() == before
    assert frozen.input_digest(payout.pk) == frozen.input_digest_of_fills(payout.pk) == digest
    assert queries.month_so_far(broker_code=1400, month=OCTOBER).payout.volume > 12_000_000


@pytest.mark.django_db
def test_the_digest_is_of_a_text_that_anybody_can_write():
    make.broker()
    make.fills(make.record(price="1000.50"), make.record(userId=8, affiliateRate="0.10"))
    actions.calculate(month=OCTOBER, now=NOW)
    text = (
        "input 1\n"
        "1400 2026-10 2025-09 settled_month -\n"
        "7 spot 0.001 0 1 1000.5 1.0005\n"
        "8 spot 0.001 0.1 1 100 0.1\n"
    )
    assert frozen.input_digest(Payout.objects.get().pk) == sha256(text.encode()).hexdigest()


@pytest.mark.django_db
def test_a_watermark_names_the_batches_and_voids_that_were_seen():
    make.broker()
    one, two = make.record(), make.record()
    make.fills(one)
    make.fills(two)
    actions.calculate(month=OCTOBER, now=NOW)
    seen = Payout.objects.get()
    assert seen.voids == "{}"
    low, high = (int(each) for each in seen.watermark.strip("{[)}").split(","))
    assert high - low == 2
    make.fills(make.record())
    void(two["tradeId"])
    actions.calculate(month=OCTOBER, now=NOW)
    seen.refresh_from_db()
    assert seen.watermark == f"{{[{low},{high + 1})}}"
    assert seen.voids != "{}"


def test_a_batch_that_was_under_way_is_a_gap_until_it_is_seen(committed_db):
    """Numbers are given before a batch is committed: the later number may be there first."""
    make.broker()
    make.fills(make.record())
    actions.calculate(month=OCTOBER, now=NOW)
    low = int(Payout.objects.get().watermark.strip("{[)}").split(",")[0])
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('feed_batch_id_seq')")
    make.fills(make.record())
    actions.calculate(month=OCTOBER, now=NOW)
    assert Payout.objects.get().watermark == f"{{[{low},{low + 1}),[{low + 2},{low + 3})}}"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO feed_batch (id, source, received_at, received, accepted, duplicate, excluded,"
            " quarantined) VALUES (%s, 'late', now(), 0, 0, 0, 0, 0)",
            [low + 1],
        )
    actions.calculate(month=OCTOBER, now=NOW)
    assert Payout.objects.get().watermark == f"{{[{low},{low + 3})}}"
