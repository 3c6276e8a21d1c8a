"""Files that are asked for are made in the background: whole, once, and as they would be at once."""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
import time_machine

from payouts.statements import queries as engine
from portal.models import Export, ExportPart
from portal.statements import asking, claims, making
from tests import make
from tests.payouts.statements import issuing
from tests.portal.page_text import text_of
from tests.portal.statements.asking_for import (
    NOVEMBER_CSV,
    PREPARE,
    YEAR,
    asked,
    broker,
    made_all,
    november,
    page_of,
    taken,
    whole_draft,
)
from tests.portal.statements.looking import member

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(db: None) -> Iterator[Any]:
    with time_machine.travel(make.NOW, tick=False) as traveller:
        make.broker(code=1400, name="Meridian")
        yield traveller


class TestMaking:
    @pytest.mark.parametrize("kind", ["csv", "json"])
    @pytest.mark.parametrize("traders", [0, 1, 3])
    def test_a_draft_has_the_same_bytes_as_if_it_were_made_at_once(self, kind: str, traders: int) -> None:
        client, _ = member()
        november(traders)
        export = asked(client, **{**NOVEMBER_CSV, "file_format": kind})

        assert made_all() == 1

        content = taken(client, export)
        export.refresh_from_db()
        assert content == whole_draft(kind)
        assert (export.state, export.done, export.total, export.file_name) == (
            "ready",
            traders,
            traders,
            f"backpack-broker-1400-2026-11-draft.{kind}",
        )
        assert (export.sha256, export.size) == (sha256(content).hexdigest(), len(content))
        assert export.expires_at == export.ready_at + timedelta(days=7)

    def test_a_pdf_of_a_draft(self) -> None:
        client, _ = member()
        november()
        export = asked(client, **{**NOVEMBER_CSV, "file_format": "pdf"})
        made_all()

        assert taken(client, export).startswith(b"%PDF-1.")

    def test_a_long_file_is_many_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        client, _ = member()
        november(9)
        monkeypatch.setattr(making, "STRETCH", 400)
        export = asked(client)
        made_all()

        assert taken(client, export) == whole_draft("csv")
        assert ExportPart.objects.filter(export=export).count() == 4

    def test_a_month_that_is_issued_meanwhile_gives_the_statement_as_it_is_kept(self) -> None:
        client, _ = member()
        export = asked(client, kind="draft", of="2026-10", file_format="csv")
        statement = issuing.october(broker())
        made_all()

        export.refresh_from_db()
        assert export.file_name == "backpack-broker-1400-2026-10-statement-1.csv"
        assert taken(client, export) == issuing.bytes_of(statement, "csv")

    def test_a_year_is_the_zip_that_is_packed_at_once_where_it_is_short(self) -> None:
        client, _ = member()
        issuing.corrected(broker())
        at_once = b"".join(client.get("/brokers/1400/statements/2026.zip").streaming_content)
        export = asked(client, **YEAR)
        made_all()

        export.refresh_from_db()
        assert taken(client, export) == at_once
        assert (export.done, export.total, export.file_name, export.media_type) == (
            6,
            6,
            "backpack-broker-1400-2026-statements.zip",
            "application/zip",
        )

    def test_one_that_cannot_be_made_stops_no_other_and_is_given_up_at_last(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        client, _ = member()
        november()
        bad = asked(client, **{**NOVEMBER_CSV, "file_format": "pdf"})
        good = asked(client)
        monkeypatch.setattr(engine.Draft, "as_pdf", lambda _draft: 1 / 0)

        assert made_all() == 1

        bad.refresh_from_db()
        good.refresh_from_db()
        assert (bad.state, good.state) == ("due", "ready")
        for _ in range(5):
            Export.objects.filter(pk=bad.pk).update(lease_until=make.NOW)
            made_all()
        bad.refresh_from_db()
        assert (bad.state, bad.fence, ExportPart.objects.filter(export=bad).count()) == ("failed", 5, 0)
        assert "cannot be made: ZeroDivisionError: division by zero" in caplog.text
        assert "It could not be made" in text_of(client.get(page_of(bad)))

    def test_a_claim_that_was_lost_writes_nothing_any_more(self) -> None:
        client, _ = member()
        november()
        export = asked(client)
        first = claims.claim(now=make.NOW)
        later = make.NOW + claims.LEASE
        second = claims.claim(now=later)
        assert first is not None
        assert second is not None
        assert (first.fence, second.fence) == (1, 2)
        slow = claims.Writing(first, lambda: later)

        for write in (
            lambda: slow.keep(b"old"),
            lambda: slow.went_on(1),
            lambda: slow.is_over(name="x", media_type="y"),
        ):
            with pytest.raises(claims.ClaimLost):
                write()

        assert not ExportPart.objects.filter(export=export).exists()

    def test_what_a_worker_that_ended_left_behind_is_no_part_of_the_file(self) -> None:
        client, _ = member()
        november()
        export = asked(client)
        broken_off = claims.claim(now=make.NOW)
        assert broken_off is not None
        claims.Writing(broken_off, lambda: make.NOW).keep(b"half of it")
        assert claims.claim(now=make.NOW) is None  # nobody takes it while the lease lasts

        ticks = iter(range(1_000))
        making.make_due(clock=lambda: make.NOW + claims.LEASE + timedelta(milliseconds=next(ticks)))

        assert taken(client, export) == whole_draft("csv")

    def test_one_that_kills_its_worker_each_time_is_given_up(self, caplog: pytest.LogCaptureFixture) -> None:
        client, _ = member()
        export = asked(client)
        for attempt in range(6):
            claims.claim(now=make.NOW + attempt * claims.LEASE)

        export.refresh_from_db()
        assert (export.state, export.fence) == ("failed", 5)
        assert "it is given up" in caplog.text


class TestAsking:
    def test_what_is_asked_for_twice_is_made_once(self) -> None:
        client, _ = member()
        assert asked(client).pk == asked(client).pk

    def test_once_it_is_ready_it_is_asked_for_anew(self) -> None:
        client, _ = member()
        first = asked(client)
        made_all()
        assert asked(client).pk != first.pk

    def test_each_member_asks_alone(self) -> None:
        (mia, _), (noa, _) = member(), member(name="noa")
        assert asked(mia).pk != asked(noa).pk

    def test_a_year_without_statements_is_told(self) -> None:
        client, _ = member()
        answer = client.post(PREPARE, YEAR)
        assert answer.status_code == 409
        assert "No statement is issued yet for that time: the first comes when" in text_of(answer)
        assert client.get("/brokers/1400/statements/2026.zip").status_code == 404
        assert client.get("/brokers/1400/statements/all.zip").status_code == 404

    def test_a_month_that_has_not_begun_is_told(self) -> None:
        client, _ = member()
        answer = client.post(PREPARE, NOVEMBER_CSV | {"of": "2026-12"})
        assert answer.status_code == 409
        assert "This month has not begun" in text_of(answer)

    @pytest.mark.parametrize(
        "wrong",
        [
            {},
            {"kind": "everything"},
            {"kind": "year", "of": ""},
            {"kind": "year", "of": "0000"},
            {"kind": "year", "of": "2026", "file_format": "csv"},
            {"kind": "all", "of": "2026"},
            {"kind": "draft", "of": "2026-13", "file_format": "csv"},
            {"kind": "draft", "of": "0000-01", "file_format": "csv"},
            {"kind": "draft", "of": "2026-10", "file_format": ""},
            {"kind": "draft", "of": "2026-10", "file_format": "exe"},
            {"kind": "draft", "of": "٢٠٢٦-10", "file_format": "csv"},
        ],
    )
    def test_what_no_page_offers_is_not_asked_for(self, wrong: dict[str, str]) -> None:
        client, _ = member()
        answer = client.post(PREPARE, wrong)
        assert answer.status_code == 422
        assert "Choose a file from the page of statements." in text_of(answer)
        assert not Export.objects.exists()

    def test_twenty_files_a_day_are_enough(self, clock: Any) -> None:
        client, _ = member()
        for number in range(20):
            asked(client, **NOVEMBER_CSV | {"of": f"20{number + 5:02d}-01"})

        answer = client.post(PREPARE, NOVEMBER_CSV)
        assert answer.status_code == 429
        assert "You have asked for 20 files within a day" in text_of(answer)
        clock.shift(timedelta(hours=24))
        assert client.post(PREPARE, NOVEMBER_CSV).status_code == 302

    def test_the_database_decides_of_two_in_one_moment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Both looked before either had asked."""
        client, login = member()
        first = asked(client)
        looked = iter([None])
        monkeypatch.setattr(asking, "_waiting", lambda _wanted: next(looked))

        second = asking.ask(broker_code=1400, by=login, now=make.NOW, **NOVEMBER_CSV)

        assert second.pk == first.pk
