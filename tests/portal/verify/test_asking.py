"""Whatever is sent to /verify is answered: too large, empty, both, nothing, hostile, or too often."""

import json
from hashlib import sha256
from http.cookies import SimpleCookie
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from payouts.models import Statement
from payouts.statements import verify_statement
from portal.verify import arriving, limits
from tests import make
from tests.payouts.statements import issuing
from tests.portal.page_text import links_of, text_of
from tests.portal.verify.asked import PATH, UNKNOWN, VALID, about_digest, about_file, outcome

pytestmark = pytest.mark.django_db
CHOOSE = "Choose a file, or paste a digest."
NO_DIGEST = "A digest has 64 characters, each one of 0 to 9 or a to f: paste one."


@pytest.fixture(autouse=True)
def _no_old_rate_limits(db: None) -> None:
    cache.clear()


@pytest.fixture
def statement() -> Statement:
    return issuing.october(make.broker(code=1400))


def refusal(response: Any) -> str:
    """What is wrong, as the page says it once it has said that nothing was verified."""
    assert response.status_code == 422
    said = text_of(response)
    assert "Nothing was verified: see what is wrong below." in said
    assert 'data-answer=""' in response.content.decode()
    return said


def multipart(*parts: tuple[str, bytes], client: Client | None = None, **more: Any) -> Any:
    """A body by hand: each part is what follows `Content-Disposition: form-data; `, and its content."""
    body = b"".join(
        b"--x\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + content + b"\r\n"
        for head, content in parts
    )
    return (client or Client()).generic(
        "POST", PATH, body + b"--x--\r\n", content_type="multipart/form-data; boundary=x", **more
    )


class TestTheForm:
    def test_the_page_is_there_for_everybody_and_linked_from_the_first_page(self) -> None:
        page = Client().get(PATH)

        assert page.status_code == 200
        assert "Is this statement genuine?" in text_of(page)
        assert PATH in links_of(Client().get("/"))
        assert PATH in links_of(Client().get("/program/"))
        assert "no-store" in page.headers["Cache-Control"]

    def test_nothing_is_asked_for(self) -> None:
        assert CHOOSE in refusal(about_digest(""))
        assert CHOOSE in refusal(about_digest("  \t "))
        assert CHOOSE in refusal(Client().post(PATH, {}))

    def test_both_are_refused(self, statement: Statement) -> None:
        both = {"file": SimpleUploadedFile("a.json", b"{}"), "digest": statement.digest}

        assert "Give a file or a digest, not both." in refusal(Client().post(PATH, both))

    def test_an_empty_file_is_no_file(self) -> None:
        assert "This file is empty: choose the file as it was downloaded." in refusal(about_file(b""))

    @pytest.mark.parametrize(
        "digest", ["0" * 63, "0" * 65, "g" * 64, "０" * 64, "0" * 5_000, "0" * 63 + "\0"]
    )
    def test_what_is_no_digest(self, digest: str) -> None:
        said = refusal(about_digest(digest))

        assert NO_DIGEST in said or "Null characters are not allowed." in said
        assert "Unknown" not in said

    def test_an_address_never_holds_a_digest(self, statement: Statement) -> None:
        asked = Client().get(PATH, {"digest": statement.digest})
        head = Client().head(PATH)

        assert 'data-answer="valid"' not in asked.content.decode()
        assert statement.digest not in asked.content.decode()
        assert head.status_code == 200
        assert Client().put(PATH).status_code == 405

    def test_a_script_gets_the_answer_alone(self, statement: Statement) -> None:
        for digest, words in ((statement.digest, "Valid We issued this statement"), ("x", NO_DIGEST)):
            part = Client().post(f"{PATH}?part=answer", {"digest": digest})

            assert text_of(part).startswith(words)
            assert "<html" not in part.content.decode()

    def test_another_site_cannot_ask(self, statement: Statement) -> None:
        strict = Client(enforce_csrf_checks=True)

        assert about_digest(statement.digest, client=strict).status_code == 403
        assert about_file(b"{}", client=strict).status_code == 403

        strict.get(PATH)
        assert isinstance(strict.cookies, SimpleCookie)
        token = strict.cookies["csrftoken"].value
        with_token = {"csrfmiddlewaretoken": token, "file": SimpleUploadedFile("a", b"x")}
        assert outcome(strict.post(PATH, with_token)) == UNKNOWN


class TestFiles:
    def test_the_largest_one_is_hashed_and_not_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(arriving, "READ_UP_TO", 100)
        monkeypatch.setattr(arriving, "LARGEST", 200_000)
        hashing = arriving.Hashing()
        hashing.new_file("file", "a.pdf", "application/pdf", None)

        sizes = []
        for start in range(0, 200_000, 50):
            hashing.receive_data_chunk(b"x" * 50, start)
            sizes.append(len(hashing._start))
        arrived = hashing.file_complete(200_000)

        assert max(sizes) == 100
        assert arrived is not None
        assert (arrived.size, arrived.content) == (200_000, b"")
        assert arrived.digest == sha256(b"x" * 200_000).hexdigest()

    def test_25_mb_are_taken_and_one_byte_more_is_not(self) -> None:
        assert arriving.LARGEST == 25_000_000
        assert outcome(about_file(bytes(arriving.LARGEST))) == UNKNOWN
        assert "This file is larger than 25 MB" in refusal(about_file(bytes(arriving.LARGEST + 1)))

    def test_a_json_file_beyond_5_mb_is_not_read(
        self, statement: Statement, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        document = json.loads(issuing.bytes_of(statement, "json"))
        anew = json.dumps(document, indent=3).encode()
        assert outcome(about_file(anew)) == VALID

        monkeypatch.setattr(arriving, "READ_UP_TO", len(anew) - 1)

        assert outcome(about_file(anew)) == UNKNOWN
        assert outcome(about_file(issuing.bytes_of(statement, "json"))) == VALID

    def test_a_files_name_is_never_looked_at(self, statement: Statement) -> None:
        content = issuing.bytes_of(statement, "json")
        for name in (
            "../../etc/passwd",
            "..\\..\\boot.ini",
            "a" * 900,
            "<script>alert(1)</script>.json",
            '=HYPERLINK(\\"http://evil.example\\")',
            "a\u202egnp.json",
            "C:\\CON",
        ):
            answer = multipart((f'name="file"; filename="{name}"', content))

            assert outcome(answer) == VALID, name
            assert {each for each in ("evil", "alert", "passwd") if each in answer.content.decode()} == set()

    def test_what_a_browser_sends_for_no_file_is_no_file(self) -> None:
        for name in ("", ".", "..", "/", "\\", "\x01", "\u00a0"):
            assert CHOOSE in refusal(multipart((f'name="file"; filename="{name}"', b"{}"))), name

    def test_a_file_in_another_field_is_dropped(self, statement: Statement) -> None:
        content = issuing.bytes_of(statement, "json")

        assert CHOOSE in refusal(multipart(('name="digest"; filename="a.json"', content)))
        assert CHOOSE in refusal(multipart(('name="other"; filename="a.json"', content)))

    def test_of_two_files_the_last_is_the_one(self, statement: Statement) -> None:
        ours = ('name="file"; filename="a.json"', issuing.bytes_of(statement, "json"))
        other = ('name="file"; filename="b.json"', b"{}")

        assert outcome(multipart(other, ours)) == VALID
        assert outcome(multipart(ours, other)) == UNKNOWN

    def test_half_a_file_is_no_file_and_half_a_request_is_refused(self) -> None:
        whole = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.json"\r\n\r\n{}'
        kind = "multipart/form-data; boundary=x"
        cut = Client().generic("POST", PATH, whole, content_type=kind)
        without = Client().generic("POST", PATH, whole, content_type="multipart/form-data")

        long = multipart((f'name="file"; filename="{"a" * 5_000}"', b"{}"))

        assert CHOOSE in refusal(cut)
        assert long.status_code == 400
        assert without.status_code == 400

    def test_what_is_no_json_of_ours_is_unknown(self) -> None:
        for content in (b"null", b"[]", b"{", b"\xff\xfe\x00", b"[" * 200_000, b"\0" * 1_000, b'{"a":1e999}'):
            assert outcome(about_file(content)) == UNKNOWN, content[:20]

    def test_hostile_json_that_says_a_digest_of_ours_is_unknown(self, statement: Statement) -> None:
        for value in (
            b"1",
            b"null",
            b'1,"a":2',
            b"1e999",
            b"NaN",
            b"9" * 4_000,
            b'"\\ud800"',
            b'"\xff"',
            b'"\0"',
            b"[" * 200_000,
            b"[" * 990 + b"]" * 990,
            b'{"a":' * 960 + b"1" + b"}" * 960,
            b'{"__proto__":{"x":"y"},"key_id":"\'; DROP TABLE statement; --"}',
        ):
            content = b'{"digest": "%b","schema":"backpack-broker-statement/1","signature":%b}'
            hostile = content % (statement.digest.encode(), value)
            assert outcome(about_file(hostile)) == UNKNOWN, value[:20]

    def test_only_what_says_a_digest_of_ours_is_read_at_all(
        self, statement: Statement, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        document = json.loads(issuing.bytes_of(statement, "json"))
        asked = []
        real = verify_statement.read
        monkeypatch.setattr(verify_statement, "read", lambda content: asked.append(1) or real(content))

        document["signature"]["digest"] = "0" * 64
        assert outcome(about_file(json.dumps(document).encode())) == UNKNOWN
        assert outcome(about_file(b'{"digest":"' + b"0" * 64 + b'"}' + b" " * 100_000)) == UNKNOWN
        assert asked == []

        document["signature"]["digest"] = statement.digest
        assert outcome(about_file(json.dumps(document).encode())) == VALID
        assert asked == [1]

    def test_the_figures_of_what_is_not_ours_are_never_worked_out(
        self, statement: Statement, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        document = json.loads(issuing.bytes_of(statement, "json"))
        asked = []
        monkeypatch.setattr(verify_statement, "check", lambda *_of: asked.append(1) or [])

        about_file(json.dumps(document | {"broker_name": "x"}).encode())
        assert asked == []

        about_file(json.dumps(document).encode())
        assert asked == [1]


class TestTooOften:
    def test_an_address_may_ask_sixty_times_a_minute(self) -> None:
        assert limits.RATES == {"verify": "60/m/ip,600/h/ip"}

    def test_who_asks_too_often_is_told_to_wait_and_nobody_else(
        self, statement: Statement, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "RATES", {"verify": "2/m/ip"})
        with time_machine.travel(make.NOW, tick=False) as clock:
            answers = [about_digest(statement.digest) for _ in range(3)]
            part = Client().post(f"{PATH}?part=answer", {"digest": statement.digest})
            other = Client().post(PATH, {"digest": statement.digest}, REMOTE_ADDR="203.0.113.9")
            page = Client().get(PATH)
            clock.shift(61)
            later = about_digest(statement.digest)

        assert [each.status_code for each in answers] == [200, 200, 429]
        assert "Too many tries in a short time" in text_of(answers[2])
        assert part.status_code == 429
        assert text_of(part) == "That was too often in a short time: wait five minutes, then ask again."
        assert (outcome(other), page.status_code, outcome(later)) == (VALID, 200, VALID)

    def test_a_refused_file_is_not_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "RATES", {"verify": "1/m/ip"})
        taken = []
        monkeypatch.setattr(arriving.Hashing, "new_file", lambda *_of, **_more: taken.append(1))
        about_digest("0" * 64)

        assert about_file(b"{}").status_code == 429
        assert taken == []
