"""A statement's files in a real browser: downloaded, dropped on /verify, and never sent anywhere."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests import make
from tests.journeys.axe import serious_violations
from tests.journeys.conftest import Reader
from tests.payouts.statements import issuing

pytestmark = [pytest.mark.journey, pytest.mark.long]

FAY = "fay@example.com"
ANSWER = "[data-said] h2"
OFFER = "Send the file to be read"
#: Bytes of a question with a digest, its token and what stands around them; every file here is longer.
SMALL = 600


@dataclass
class Wire:
    """What a page sends: the requests with a body, in order."""

    asked: list[Request] = field(default_factory=list)

    def heard(self, request: Request) -> None:
        if request.method != "GET":
            self.asked.append(request)

    def texts(self) -> list[str]:
        """The bodies; the browser leaves files out of them here, so that sizes are asked too."""
        return [(each.post_data_buffer or b"").decode() for each in self.asked]

    def sizes(self) -> list[int]:
        """How many bytes each body had on the wire, as its own header says."""
        return [int(each.all_headers()["content-length"]) for each in self.asked]


@dataclass(frozen=True)
class Desk:
    reader: Reader
    #: The files of October's statement, by kind, and the digest of September's, which October corrects.
    files: dict[str, bytes]
    corrected: str
    folder: Path

    def path(self, name: str, content: bytes) -> Path:
        found = self.folder / name
        found.write_bytes(content)
        return found

    def page(self, *, width: int = 1280, scheme: str = "dark", scripts: bool = True) -> tuple[Page, Wire]:
        page, wire = self.reader.open(width=width, scheme=scheme, scripts=scripts), Wire()
        page.on("request", wire.heard)
        page.goto(f"{self.reader.address}/verify")
        return page, wire


@pytest.fixture
def issued(web: Callable[[], str]) -> tuple[str, dict[str, bytes], str]:
    """Made before the browser starts: playwright's loop forbids the database from then on."""
    broker = make.broker(code=2300, name="Meridian Terminal")
    make.membership(make.login(email=FAY), broker, role="finance")
    september, october = issuing.corrected(broker)
    return web(), issuing.all_bytes_of(october), september.digest


@pytest.fixture
def desk(issued: tuple[str, dict[str, bytes], str], browser: Browser, tmp_path: Path) -> Iterator[Desk]:
    address, files, corrected = issued
    reader = Reader(browser, address)
    yield Desk(reader, files, corrected, tmp_path)
    assert reader.complaints == []


def hexdigest(content: bytes) -> str:
    return sha256(content).hexdigest()


def choose(page: Page, path: Path) -> None:
    page.get_by_label("A statement's file: PDF, CSV or JSON").set_input_files(path)


def dropped(page: Page, name: str, content: bytes) -> None:
    """Let go of a file over the page's field, as a hand with a mouse does."""
    files = page.evaluate_handle(
        """([name, content]) => {
            const files = new DataTransfer();
            files.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
            return files;
        }""",
        [name, b64encode(content).decode()],
    )
    page.locator("[data-drop]").dispatch_event("dragover", {"dataTransfer": files})
    page.locator("[data-drop]").dispatch_event("drop", {"dataTransfer": files})


def test_a_finance_member_downloads_the_files_and_verifies_them(desk: Desk) -> None:
    page = desk.reader.open(email=FAY)
    page.goto(f"{desk.reader.address}/brokers/2300/statements/")
    taken = {}
    for kind in ("PDF", "CSV"):
        with page.expect_download() as waiting:
            page.get_by_role("link", name=f"October 2026 as {kind}").first.click()
        taken[kind] = desk.folder / waiting.value.suggested_filename
        waiting.value.save_as(taken[kind])
    assert [path.name for path in taken.values()] == [
        "backpack-broker-2300-2026-10-statement-2.pdf",
        "backpack-broker-2300-2026-10-statement-2.csv",
    ]
    wire = Wire()
    page.on("request", wire.heard)

    page.get_by_role("contentinfo").get_by_role("link", name="Verify a statement").click()
    choose(page, taken["PDF"])
    expect(page.locator(ANSWER)).to_have_text("Valid")
    dropped(page, taken["CSV"].name, taken["CSV"].read_bytes())
    expect(page.locator(ANSWER)).to_have_text("Valid")
    content = bytearray(taken["PDF"].read_bytes())
    content[len(content) // 2] ^= 1
    choose(page, desk.path("changed.pdf", bytes(content)))
    expect(page.locator(ANSWER)).to_have_text("Unknown")

    asked = (taken["PDF"].read_bytes(), taken["CSV"].read_bytes(), bytes(content))
    assert [each in text for each, text in zip(map(hexdigest, asked), wire.texts(), strict=True)] == [
        True
    ] * 3
    assert max(wire.sizes()) < SMALL < min(map(len, asked))
    assert "filename" not in "".join(wire.texts())
    assert page.url.endswith("/verify")


def test_a_json_file_that_was_written_anew_is_only_sent_when_one_says_so(desk: Desk) -> None:
    page, wire = desk.page()
    anew = json.dumps(json.loads(desk.files["json"]), indent=2).encode()

    choose(page, desk.path("anew.json", anew))
    expect(page.locator(ANSWER)).to_have_text("Unknown")
    offer = page.get_by_role("button", name=OFFER)
    expect(offer).to_be_visible()
    assert max(wire.sizes()) < SMALL

    offer.click()
    expect(page.locator(ANSWER)).to_have_text("Valid")
    expect(offer).to_be_hidden()
    before, after = wire.sizes()
    assert before < SMALL < len(anew) < after

    choose(page, desk.path("changed.csv", desk.files["csv"] + b" "))
    expect(page.locator(ANSWER)).to_have_text("Unknown")
    expect(offer).to_be_hidden()


def test_a_digest_is_pasted_and_takes_the_place_of_the_file(desk: Desk) -> None:
    page, wire = desk.page()
    pasted = page.get_by_label("Or a digest: its 64 characters")

    choose(page, desk.path("a.pdf", b"%PDF-1.7 not ours"))
    expect(page.locator(ANSWER)).to_have_text("Unknown")
    pasted.fill(desk.corrected.upper())
    pasted.press("Enter")
    expect(page.locator(ANSWER)).to_have_text("Valid, and corrected by statement 2")
    assert [text.count("filename") for text in wire.texts()] == [0, 0]

    with desk.reader.refused(422):
        pasted.fill("123")
        page.get_by_role("button", name="Verify", exact=True).click()
        expect(page.get_by_role("status")).to_have_text(
            "A digest has 64 characters, each one of 0 to 9 or a to f: paste one."
        )
        pasted.fill("")
        page.get_by_role("button", name="Verify", exact=True).click()
        expect(page.get_by_role("status")).to_have_text("Choose a file, or paste a digest.")


def test_what_cannot_be_answered_is_said_and_nothing_is_sent_instead(desk: Desk) -> None:
    page, wire = desk.page()
    status = page.get_by_role("status")

    with desk.path("large.pdf", b"").open("wb") as large:
        large.truncate(200_000_001)
    choose(page, desk.folder / "large.pdf")
    expect(status).to_contain_text("This file is too large for your browser")
    assert wire.asked == []

    page.route("**/verify?part=answer", lambda route: route.abort())
    choose(page, desk.path("a.json", b"{}"))
    expect(status).to_contain_text("No answer came, and nothing is known of the file")
    assert [text.count("filename") for text in wire.texts()] == [0]
    assert desk.reader.complaints == ["Failed to load resource: net::ERR_FAILED"]
    desk.reader.complaints.clear()


def test_without_scripts_the_form_sends_the_file(desk: Desk) -> None:
    page, _wire = desk.page(scripts=False, width=360)
    expect(page.get_by_text("It is sent here, up to 25 MB.")).to_be_visible()
    expect(page.get_by_text("the file does not leave your computer")).to_be_hidden()

    choose(page, desk.path("a.csv", desk.files["csv"]))
    page.get_by_role("button", name="Verify", exact=True).click()

    expect(page.locator(ANSWER)).to_have_text("Valid")
    expect(page).to_have_title("Valid · Verify a statement · Broker portal")

    with desk.path("largest.pdf", b"").open("wb") as largest:
        largest.truncate(25_000_000)
    choose(page, desk.folder / "largest.pdf")
    page.get_by_role("button", name="Verify", exact=True).click()
    expect(page.locator(ANSWER)).to_have_text("Unknown")


def test_it_looks_right_and_reads_right_everywhere(desk: Desk) -> None:
    for scheme, width in (("dark", 1280), ("light", 1280), ("light", 360), ("dark", 360)):
        page, _wire = desk.page(scheme=scheme, width=width)
        looked_at(page, desk.folder / f"empty_{scheme}_{width}.png", width)
        for name, content, said in (
            ("valid.pdf", desk.files["pdf"], "Valid"),
            ("unknown.json", desk.files["json"] + b"\n\n", "Unknown"),
        ):
            choose(page, desk.path(name, content))
            expect(page.locator(ANSWER)).to_have_text(said)
            looked_at(page, desk.folder / f"{said.lower()}_{scheme}_{width}.png", width)
        page.get_by_label("Or a digest: its 64 characters").fill(desk.corrected)
        page.keyboard.press("Enter")
        expect(page.locator(ANSWER)).to_have_text("Valid, and corrected by statement 2")
        looked_at(page, desk.folder / f"corrected_{scheme}_{width}.png", width)
        page.context.close()


def looked_at(page: Page, picture: Path, width: int) -> None:
    assert serious_violations(page) == []
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=picture, full_page=True)
