"""A statement from its letter to its proof, and the letters stopped in one click, in a real browser."""

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Request, expect
from pypdf import PdfReader

from payouts.models import Broker, Payout, Statement
from payouts.month import Month
from tests import make
from tests.journeys import people, town
from tests.journeys.axe import serious_violations
from tests.journeys.town import Place
from tests.payouts.desk import money_acts
from tests.payouts.statements import issuing

pytestmark = [pytest.mark.journey, pytest.mark.long, pytest.mark.timeout(300)]

FAY = "fay@meridian.example"
FIGURES = ("payout", "corrections", "adjustments", "carried", "due")
#: How the page calls them; the payout bears its month.
ROWS = {
    "corrections": "Corrections of earlier months",
    "adjustments": "Adjustments",
    "carried": "Opening balance, brought forward",
    "due": "Due",
}
ANSWER = "[data-said] h2"
#: Bytes of a question with a digest; every file here is longer.
SMALL = 600


@dataclass(frozen=True)
class Story:
    place: Place
    month: Month
    #: Of the month's statement: its number, and its figures as the database has them.
    number: int
    figures: dict[str, Decimal]
    #: The digest of the statement before, which this one corrects.
    corrected: str

    @property
    def path(self) -> str:
        return f"/brokers/2300/statements/{self.month}/"

    @property
    def named(self) -> str:
        return f"{self.month.first_date:%B %Y}"


@pytest.fixture
def story(
    committed_db: str, real_passwords: None, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Story]:
    """The last two months: a statement below zero, and one that brings that forward, corrects and adjusts."""
    now = timezone.now()
    # In the first hours of a month too, it was over when all this began.
    month = Month.of(now - timedelta(hours=5)).previous()
    broker = make.broker(code=2300, name="Meridian Terminal", account_id="BP-900023")
    make.membership(make.login(email=FAY, password=people.PASSWORD), broker, role="finance")
    _adjusted("-1000", at=now - timedelta(hours=4))
    before = _issued(broker, month.previous(), at=now - timedelta(hours=3))
    make.fills(_record(month.previous(), price="35000"), now=now - timedelta(hours=2))
    _adjusted("-3.50", at=now - timedelta(hours=2))
    statement = _issued(broker, month, at=now - timedelta(minutes=1))
    payout = Payout.objects.get(statement=statement)
    figures = {name: getattr(payout, name) for name in FIGURES}
    assert statement.due == payout.due
    with town.place(committed_db, tmp_path, request) as place:
        yield Story(place, month, statement.number, figures, before.digest)


def _adjusted(amount: str, *, at: datetime) -> None:
    proposal = money_acts.prepare("adjust", broker_code=2300, amount=Decimal(amount), now=at)
    money_acts.confirm(proposal, now=at + timedelta(minutes=1))


def _record(month: Month, **changes: Any) -> dict[str, Any]:
    return make.record(timestamp=f"{month}-15T12:00:00Z", brokerId=2300, **changes)


def _issued(broker: Broker, month: Month, *, at: datetime) -> Statement:
    make.fills(
        _record(month, price="3500000"),
        _record(month, price="1000000.37", userId=8, affiliateRate="0.25"),
        _record(month, price="499990.0003", marketType="PERP", feeRate="0.00026"),
        now=at,
    )
    return issuing.issued(money_acts.calculated(broker, month, now=at), at=at)


def written(amount: Decimal) -> str:
    """As letters and the PDF say it."""
    return f"{amount:,.2f}"


def on_screen(page: Page, story: Story) -> dict[str, Decimal]:
    """The figures as the page says them."""
    found = {}
    for name, words in ({"payout": f"Payout of {story.named}"} | ROWS).items():
        header = page.get_by_role("rowheader", name=words, exact=True)
        said = page.get_by_role("row").filter(has=header).get_by_role("cell").inner_text()
        found[name] = Decimal(re.sub("[$,+]", "", said).replace("−", "-"))
    return found


def takes(page: Page, story: Story, kind: str) -> bytes:
    """A file as a person downloads it."""
    with page.expect_download() as waiting:
        page.get_by_role("link", name=f"{story.named} as {kind}").click()
    name = waiting.value.suggested_filename
    assert name == f"backpack-broker-2300-{story.month}-statement-{story.number}.{kind.lower()}"
    return waiting.value.path().read_bytes()


def looked_at(page: Page, name: str, folder: Path) -> None:
    """The page that is open, wide and on a telephone, dark and light: nothing that axe calls serious."""
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            assert serious_violations(page) == []
            assert page.locator("h1").count() == 1
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.screenshot(path=folder / f"{name}_{scheme}_{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_statement_from_its_letter_to_its_proof(story: Story, tmp_path: Path) -> None:
    letter = the_letter(story)
    shots = tmp_path / "shots"
    page = story.place.reader.open(email=FAY)
    page.goto(f"{story.place.town.address}/brokers/2300/statements/")
    page.locator(f"main a[href='{story.path}']").first.click()
    people.until(page, "credited")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{story.named}, statement No. 2")

    pdf, table, document = (takes(page, story, kind) for kind in ("PDF", "CSV", "JSON"))

    the_figures_are_the_same_everywhere(page, story, pdf=pdf, table=table, document=json.loads(document))
    assert attached(letter) == pdf
    it_proves_itself(page, document, tmp_path / "folder")
    looked_at(page, "statement", shots)
    the_files_are_verified_and_stay_here(
        page, story, {"a.pdf": pdf, "a.csv": table, "a.json": document}, shots
    )
    the_letters_are_stopped_in_one_click(story, letter)
    the_preferences_say_so(page, story, shots)


def the_letter(story: Story) -> EmailMessage:
    """What says that the statement is ready, and the way to its page."""
    box = story.place.town.mailbox
    said = box.letter(FAY, f"the statement of {story.named} is ready")
    assert story.path in said
    assert f"{written(story.figures['due'])} USD" in said
    return next(each for each in box.letters if f"statement of {story.named} is ready" in each["Subject"])


def attached(letter: EmailMessage) -> bytes:
    [file] = letter.iter_attachments()
    content = file.get_content()
    assert isinstance(content, bytes)
    return content


def the_figures_are_the_same_everywhere(
    page: Page, story: Story, *, pdf: bytes, table: bytes, document: dict[str, Any]
) -> None:
    screen = on_screen(page, story)
    assert screen == {name: Decimal(document[name]) for name in FIGURES}
    assert screen == story.figures
    [total] = [row for row in csv.DictReader(io.StringIO(table.decode())) if row["row"] == "total"]
    assert {name: Decimal(total[name]) for name in FIGURES} == screen
    lines = page.get_by_role("region", name="Lines", exact=True).locator("tbody tr")
    assert lines.count() == len(document["lines"]) == 3
    assert sum(Decimal(line["amount"]) for line in document["lines"]) == Decimal(document["amount"])
    assert screen["due"] == sum(amount for name, amount in screen.items() if name != "due")
    assert {name: amount.compare(0) for name, amount in screen.items()} == {
        "payout": 1,
        "corrections": 1,
        "adjustments": -1,
        "carried": -1,
        "due": 1,
    }
    printed = " ".join(each.extract_text() for each in PdfReader(io.BytesIO(pdf)).pages).replace("\u200b", "")
    assert [name for name in FIGURES if written(screen[name]) not in printed] == []
    assert document["signature"]["digest"] in re.sub(r"\s", "", printed)
    assert page.get_by_text(document["signature"]["digest"]).count() == 1


def it_proves_itself(page: Page, document: bytes, folder: Path) -> None:
    """With the program and the keys that its page links to, in a folder with nothing else."""
    folder.mkdir()
    for name, link in (
        ("verify_statement.py", re.compile("verify_statement.py")),
        ("keys.json", "Public keys"),
    ):
        with page.expect_download() as waiting:
            page.get_by_role("link", name=link).click()
        assert waiting.value.suggested_filename == name
        waiting.value.save_as(folder / name)
    due = json.loads(document)["due"].encode()
    other = document.replace(b'"due":"%b"' % due, b'"due":"9%b"' % due[1:])
    assert len(other) == len(document)
    for content, status, last in ((document, 0, "valid"), (other, 1, "not valid: ")):
        (folder / "statement.json").write_bytes(content)
        done = subprocess.run(
            [sys.executable, "-I", "verify_statement.py", "statement.json", "keys.json"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (status, "")
        assert done.stdout.splitlines()[-1].startswith(last)


def the_files_are_verified_and_stay_here(
    page: Page, story: Story, files: dict[str, bytes], shots: Path
) -> None:
    """Their digests are sent, and nothing as long as a file; a changed copy is unknown."""
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method != "GET" else None)
    page.get_by_role("contentinfo").get_by_role("link", name="Verify a statement").click()
    looked_at(page, "verify_empty", shots)
    changed = files["a.pdf"][:-1] + bytes([files["a.pdf"][-1] ^ 1])
    asked = [(name, content, "Valid") for name, content in files.items()]
    for name, content, answer in [*asked, ("changed.pdf", changed, "Unknown")]:
        file = shots / name
        file.write_bytes(content)
        page.get_by_label("A statement's file: PDF, CSV or JSON").set_input_files(file)
        expect(page.locator(ANSWER)).to_have_text(answer)
        body = (sent[-1].post_data_buffer or b"").decode()
        assert sha256(content).hexdigest() in body
        assert "filename" not in body
        assert int(sent[-1].all_headers()["content-length"]) < SMALL < len(content)
        if name.endswith("pdf"):
            looked_at(page, f"verify_{answer.lower()}", shots)
    assert len(sent) == 4
    page.get_by_label("Or a digest: its 64 characters").fill(story.corrected)
    page.keyboard.press("Enter")
    expect(page.locator(ANSWER)).to_have_text("Valid, and corrected by statement 2")
    looked_at(page, "verify_corrected", shots)


def the_letters_are_stopped_in_one_click(story: Story, letter: EmailMessage) -> None:
    """By the address in the letter's head, in a browser that has no login; reading it stops nothing."""
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = str(letter["List-Unsubscribe"]).strip(" <>")
    assert address.startswith(f"{story.place.town.address}/letters/")
    body = letter.get_body(("plain",))
    assert body is not None
    assert address in body.get_content()

    page = story.place.reader.open()
    for _ in range(2):
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "Stop letters about statements of broker 2300?"
        )
    assert serious_violations(page) == []
    people.press(page, "Stop")
    expect(page.get_by_role("heading", level=1)).to_have_text("Stopped")
    expect(page.get_by_text("No letter about statements of broker 2300 comes any more.")).to_be_visible()
    assert page.context.cookies() == []
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Stopped")
    page.context.close()


def the_preferences_say_so(page: Page, story: Story, shots: Path) -> None:
    story.place.goes(page, "/accounts/letters/")
    expect(page.get_by_label("Statements, Meridian Terminal")).to_have_value("never")
    expect(page.get_by_label("Credits, Meridian Terminal")).to_have_value("at once")
    looked_at(page, "preferences", shots)
