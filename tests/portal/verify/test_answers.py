"""What anybody is told of a statement's files and digests: valid, valid and corrected, or unknown."""

import json
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from payouts.models import Statement
from payouts.month import Month
from payouts.statements import queries, signature, verify_statement
from tests import make
from tests.payouts.statements import issuing
from tests.portal.page_text import text_of
from tests.portal.verify.asked import UNKNOWN, VALID, about_digest, about_file, outcome

pytestmark = pytest.mark.django_db
KINDS = ("json", "csv", "pdf")
ALL_VALID = dict.fromkeys(KINDS, VALID)
OTHER_KEY = b64encode(bytes(range(1, 33))).decode()


@pytest.fixture(autouse=True)
def _no_old_rate_limits(db: None) -> None:
    cache.clear()


@pytest.fixture
def statement() -> Statement:
    return issuing.october(make.broker(code=1400, name="Meridian, Möbius & Co"))


def changed(content: bytes, **members: Any) -> bytes:
    return json.dumps(json.loads(content) | members).encode()


class TestValid:
    def test_each_file_by_its_bytes_and_by_the_digest_of_its_bytes(self, statement: Statement) -> None:
        files = issuing.all_bytes_of(statement)

        assert {
            kind: outcome(about_file(each, name=f"a.{kind}")) for kind, each in files.items()
        } == ALL_VALID
        assert {
            kind: outcome(about_digest(sha256(each).hexdigest())) for kind, each in files.items()
        } == ALL_VALID
        assert outcome(about_file(files["pdf"], name="holiday.jpeg")) == VALID

    def test_the_digest_that_the_statement_prints_however_it_is_pasted(self, statement: Statement) -> None:
        digest = statement.digest

        for pasted in (digest, f"  {digest}\n", f"{digest[:32]}\n {digest[32:]}", digest.upper()):
            assert outcome(about_digest(pasted)) == VALID, pasted

    def test_a_json_file_that_was_written_anew(self, statement: Statement) -> None:
        document = json.loads(issuing.bytes_of(statement, "json"))
        written: list[dict[str, Any]] = [
            {"indent": 4},
            {"ensure_ascii": False, "separators": (" , ", " : ")},
            {"sort_keys": True, "indent": "\t"},
        ]
        for how in written:
            content = json.dumps(dict(reversed(document.items())), **how).encode()

            assert outcome(about_file(content)) == VALID
            assert outcome(about_file(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))) == VALID
            assert outcome(about_digest(sha256(content).hexdigest())) == UNKNOWN

    def test_the_very_bytes_that_were_digested(self, statement: Statement) -> None:
        document = json.loads(issuing.bytes_of(statement, "json"))

        assert outcome(about_file(verify_statement.canonical(document))) == VALID


class TestCorrected:
    def test_the_later_number_is_told_of_every_face(self) -> None:
        first, second = issuing.corrected(make.broker(code=1400))
        said = ("corrected", "Valid, and corrected by statement 2")

        assert [outcome(about_file(issuing.bytes_of(first, kind))) for kind in KINDS] == [said] * 3
        assert outcome(about_digest(first.digest)) == said
        document = json.loads(issuing.bytes_of(first, "json"))
        assert outcome(about_file(json.dumps(document, indent=2).encode())) == said
        assert outcome(about_digest(second.digest)) == VALID

    def test_every_later_number_is_told_in_order(self) -> None:
        broker = make.broker(code=1400)
        first = issuing.october(broker, month=Month(2026, 8))
        for day, month in ((20, issuing.SEPTEMBER), (21, issuing.OCTOBER)):
            make.fills(make.record(price="50", timestamp=f"2026-08-{day}T12:00:00Z"))
            issuing.october(broker, month=month)

        said = ("corrected", "Valid, and corrected by statements 2, 3")
        assert outcome(about_digest(first.digest)) == said


class TestUnknown:
    def test_one_changed_bit_anywhere_is_enough(self, statement: Statement) -> None:
        for kind, content in issuing.all_bytes_of(statement).items():
            for place in (0, len(content) // 2, len(content) - 1):
                other = bytearray(content)
                other[place] ^= 1
                assert outcome(about_file(bytes(other), name=f"a.{kind}")) == UNKNOWN, (kind, place)

    def test_one_changed_digit_of_a_json_file(self, statement: Statement) -> None:
        content = issuing.bytes_of(statement, "json")
        due = json.loads(content)["due"]
        other = f"{due[:-1]}{(int(due[-1]) + 1) % 10}"

        assert outcome(about_file(content.replace(due.encode(), other.encode()))) == UNKNOWN
        assert outcome(about_file(changed(content, due=other))) == UNKNOWN

    def test_our_content_under_another_signature(self, statement: Statement) -> None:
        content = issuing.bytes_of(statement, "json")
        true = json.loads(content)["signature"]
        for member in (
            {"value": b64encode(bytes(64)).decode()},
            {"key_id": "0" * 16},
            {"digest": "0" * 64},
            {"algorithm": "none"},
            {"more": "1"},
            {"value": None},
        ):
            assert outcome(about_file(changed(content, signature=true | member))) == UNKNOWN, member
        assert outcome(about_file(changed(content, signature=true))) == VALID

    def test_our_content_under_no_signature(self, statement: Statement) -> None:
        document = json.loads(issuing.bytes_of(statement, "json"))
        del document["signature"]

        assert outcome(about_file(json.dumps(document).encode())) == UNKNOWN

    def test_a_statement_that_a_stranger_signed(self, statement: Statement) -> None:
        document = json.loads(issuing.bytes_of(statement, "json"))
        key = signature.key_of(OTHER_KEY)
        document["broker_name"] = "Stranger"
        digest = verify_statement.digest(document)
        document["signature"] = signature.member(
            digest=digest, key_id=key.key_id, signature=signature.sign(digest, OTHER_KEY)
        )

        assert verify_statement.check(document, {key.key_id: key.public_key}) == []
        assert outcome(about_file(json.dumps(document).encode())) == UNKNOWN
        assert outcome(about_digest(digest)) == UNKNOWN

    def test_a_good_signature_of_ours_on_what_we_did_not_issue(
        self, statement: Statement, settings: Any
    ) -> None:
        """As if our own rows were lost: what we do not know is unknown."""
        document = json.loads(issuing.bytes_of(statement, "json"))
        document["broker_name"] = "Not issued"
        digest = verify_statement.digest(document)
        signed = signature.sign(digest, settings.STATEMENT_KEY)
        key = signature.key_of(settings.STATEMENT_KEY)
        document["signature"] = signature.member(digest=digest, key_id=key.key_id, signature=signed)

        assert verify_statement.check(document, {key.key_id: key.public_key}) == []
        assert outcome(about_file(json.dumps(document).encode())) == UNKNOWN

    def test_a_draft(self) -> None:
        make.broker(code=1400)
        make.fills(make.record())
        draft = queries.draft(broker_code=1400, month=issuing.OCTOBER, with_pseudonyms=True)

        assert outcome(about_file(draft.as_json())) == UNKNOWN
        assert outcome(about_file(draft.as_csv(), name="draft.csv")) == UNKNOWN

    def test_a_digest_of_nothing_of_ours(self, statement: Statement) -> None:
        for digest in (statement.payout.digest, statement.payout.input_digest, "0" * 64, "f" * 64):
            assert outcome(about_digest(digest)) == UNKNOWN


class TestNothingElse:
    def test_no_word_of_the_statement_is_told(self, statement: Statement) -> None:
        content = issuing.bytes_of(statement, "json")
        document = json.loads(content)
        secrets = {
            "1400",
            "Meridian",
            "2026-10",
            "October",
            "my-own-file-name",
            document["due"],
            document["amount"],
            document["account"],
            statement.digest,
            sha256(content).hexdigest(),
        }

        pages = [
            about_file(content, name="my-own-file-name.json"),
            about_digest(statement.digest),
            about_file(content + b" ", name="my-own-file-name.json"),
        ]

        for page in pages:
            said = page.content.decode()
            assert {each for each in secrets if each in said} == set()

    def test_pages_of_an_answer_differ_by_nothing_but_the_answer(self, statement: Statement) -> None:
        other = issuing.october(make.broker(code=1500))
        client = Client()

        pages = [
            [text_of(ask) for ask in (about_digest(each, client=client), about_digest(each, client=client))]
            for each in (statement.digest, other.digest)
        ]

        assert pages[0] == pages[1]

    def test_a_login_is_told_the_same_whosever_statement_it_is(self, statement: Statement) -> None:
        login = make.login()
        make.membership(login, make.broker(code=1500), role="finance")
        client = Client()
        client.force_login(login)

        assert outcome(about_digest(statement.digest, client=client)) == VALID
        assert outcome(about_file(b"{}", client=client)) == UNKNOWN

    def test_a_login_without_its_second_factor_may_ask_too(self, statement: Statement) -> None:
        login = make.login()
        make.membership(login, make.broker(code=1500), mfa=False)
        client = Client()
        client.force_login(login)

        assert outcome(about_digest(statement.digest, client=client)) == VALID
        assert client.get("/verify/keys.json").status_code == 200

    def test_nothing_is_logged(self, statement: Statement, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(0)

        about_file(b"not ours", name="my-own-file-name.json")
        about_digest(statement.digest)
        about_digest("not a digest")

        assert "my-own-file-name" not in caplog.text
        assert "not a digest" not in caplog.text
        assert [line for line in caplog.text.splitlines() if statement.digest in line] == []
