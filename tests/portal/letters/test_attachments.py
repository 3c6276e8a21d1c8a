"""Files that go with letters: made when the letter is sent, never too large, never in its way."""

import pytest
from django.db import connection

from portal.letters.models import Letter
from portal.letters.rendering import Attached
from tests.portal.letters.conftest import news

STATEMENT = {
    "broker": "Nordlicht", "code": 1400, "month": "2026-10", "number": 7, "due": "12.30", "tier": "BKR 1",
    "volume": "48,200.00", "status": "it is being credited",
}  # fmt: skip
#: What the hook gives, by the number of the statement: bytes, None, or what it raises.
FILES = {}
MADE_IN = []


def make_file(attachment, *, now):
    MADE_IN.append((connection.in_atomic_block, now))
    found = FILES[attachment["statement"]]
    if isinstance(found, Exception):
        raise found
    return None if found is None else Attached("statement.pdf", "application/pdf", found)


@pytest.fixture(autouse=True)
def hook(settings):
    settings.LETTER_ATTACHMENTS = {"statement": "tests.portal.letters.test_attachments.make_file"}
    FILES.clear()
    MADE_IN.clear()


def ready(file):
    FILES[3] = file
    return news(
        kind="statement_ready",
        facts=STATEMENT,
        unsubscribe={"login": 7, "broker": 1400, "topic": "statements"},
        attachment={"kind": "statement", "statement": 3},
    )


def files(letter):
    return [
        (part.get_filename(), part.get_content_type(), part.get_content())
        for part in letter.iter_attachments()
    ]


@pytest.mark.django_db
def test_the_file_goes_with_the_letter_whole_and_its_text_names_it(office, sweep):
    content = b"%PDF-1.7\r\n\x00\xff" * 50_000
    ready(content)

    assert sweep() == 1
    [letter] = office.arrived
    assert files(letter) == [("statement.pdf", "application/pdf", content)]
    assert "as statement.pdf" in " ".join(letter.get_body(("plain",)).get_content().split())


def test_it_is_made_while_no_transaction_holds_the_letter(committed_db, office, sweep, clock):
    ready(b"%PDF")

    assert sweep() == 1
    assert [(False, clock.now)] == MADE_IN


@pytest.mark.django_db
@pytest.mark.parametrize("file", [None, b"x" * 5_000_001], ids=["none", "too large"])
def test_without_it_the_letter_says_where_it_is(office, sweep, file):
    ready(file)

    assert sweep() == 1
    [letter] = office.arrived
    assert files(letter) == []
    text = letter.get_body(("plain",)).get_content()
    assert "http://localhost:8000/brokers/1400/statements/2026-10/" in text
    assert "goes with this letter" not in text


@pytest.mark.django_db
def test_five_megabytes_go(office, sweep):
    ready(b"x" * 5_000_000)

    assert sweep() == 1
    [(_, _, content)] = files(office.arrived[0])
    assert len(content) == 5_000_000


@pytest.mark.django_db
def test_a_file_that_cannot_be_made_holds_its_letter_up_twice_and_then_it_goes_without(
    office, sweep, clock, caplog
):
    letter = ready(RuntimeError("no font"))
    assert sweep() == 0
    letter.refresh_from_db()
    assert (letter.state, letter.last_error) == ("failed", "cannot be made: RuntimeError")
    clock.goes_on(minutes=1)
    assert sweep() == 0
    clock.goes_on(minutes=1)

    assert sweep() == 1
    assert files(office.arrived[0]) == []
    assert "goes without its file" in caplog.text


@pytest.mark.django_db
def test_a_file_that_can_be_made_a_minute_later_goes(office, sweep, clock):
    ready(RuntimeError("no font"))
    sweep()
    FILES[3] = b"%PDF"
    clock.goes_on(minutes=1)

    assert sweep() == 1
    assert len(files(office.arrived[0])) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("answer", ["552 message size exceeds fixed limit", "554 5.3.4 too big for us"])
def test_a_letter_that_is_too_long_for_the_mail_server_goes_without_its_file(office, sweep, clock, answer):
    ready(b"%PDF" * 100_000)
    office.at_the_end = lambda envelope: answer if len(envelope.content) > 100_000 else "250 OK"
    assert sweep() == 0
    assert Letter.objects.get().last_error == answer
    clock.goes_on(minutes=1)

    assert sweep() == 1
    assert files(office.arrived[-1]) == []


@pytest.mark.django_db
def test_a_refusal_of_the_file_never_gives_the_letter_up_however_often_it_failed_before(office, sweep, clock):
    ready(b"%PDF" * 100_000)
    office.at_the_end = lambda _: "451 later"
    for _ in range(4):
        sweep()
        clock.goes_on(days=1)
    office.at_the_end = lambda envelope: "552 too long" if len(envelope.content) > 100_000 else "250 OK"
    assert sweep() == 0
    clock.goes_on(days=1)

    assert sweep() == 1
    assert files(office.arrived[-1]) == []


@pytest.mark.django_db
def test_a_server_that_says_so_before_it_reads_holds_up_no_other_letter(settings, sweep, clock):
    """It names its limit in its greeting (SIZE, RFC 1870), and refuses the longer letter at MAIL FROM."""
    from tests.portal.letters.conftest import through
    from tests.portal.letters.post_office import open_office

    with open_office(data_size_limit=100_000) as office:
        through(settings, office.port)
        ready(b"%PDF" * 100_000)
        news("short")

        assert sweep() == 1
        assert Letter.objects.get(key="news").state == "failed"
        clock.goes_on(minutes=5)
        assert sweep() == 1
    assert set(Letter.objects.values_list("state", flat=True)) == {"sent"}
