"""Whatever names and texts people give, they stay words: in subject, headers, text and HTML."""

from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.core.mail import EmailMultiAlternatives

from portal.letters import rendering
from portal.letters.kinds import KINDS, Fact, WrongLetter
from portal.letters.rendering import Attached, Item
from tests import make
from tests.portal.letters.pages import Page
from tests.portal.letters.samples import FACTS, LINK, NEWS, STATEMENT, STOP

#: Line ends of every sort, a header, tags, an attribute's end, a change of direction, a template, a formula.
HOSTILE = (
    "Evil\r\nBcc: victim@example.com\n\nX\u2028Y\x0b\x00<script>alert(1)</script>\"' onload=x {{ link }}"
    " {% include 'letters/parts/base.txt' %} \u202egpj.exe & Söhne %s %(at)s <img src=http://evil.example>"
    " =HYPERLINK(0) </td></table>"
)
#: As many lines, and nothing else of it.
HARMLESS = "Fine\r\nfine\n\nfine"
USUAL_HEADERS = [
    "Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To",
]  # fmt: skip
OPTIONAL = [kind for kind, wanted in KINDS.items() if wanted.topic]


def with_texts(kind, text):
    """The facts of a kind, with this for every one that is a text."""
    wanted = KINDS[kind].facts | KINDS[kind].also
    return {
        name: text if wanted[name] in (Fact.LINE, Fact.LINES) else value
        for name, value in FACTS[kind].items()
    }


def rendered(kind, text):
    items = (Item(text, NEWS[0].address),) if kind == "digest" else ()
    link = LINK if KINDS[kind].link else None
    return rendering.render(kind=kind, facts=with_texts(kind, text), link=link, items=items)


def sent(kind, *, facts=None, **more):
    """A letter as it leaves: made into bytes, and read again."""
    message = rendering.message(
        kind=kind,
        facts=FACTS[kind] if facts is None else facts,
        link=LINK if KINDS[kind].link else None,
        to="olga@example.com",
        message_id="<1@localhost>",
        now=make.NOW,
        **more,
    )
    assert isinstance(message, EmailMultiAlternatives)
    assert message.recipients() == ["olga@example.com"]
    return message_from_bytes(message.message().as_bytes(), policy=policy.default)


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_takes_hostile_texts_for_words(self, kind):
        made, harmless = rendered(kind, HOSTILE), rendered(kind, HARMLESS)
        page, usual = Page(made.html), Page(harmless.html)

        assert made.subject.isprintable()
        assert len(made.subject) <= 150
        assert (page.tags, page.attributes, page.addresses) == (usual.tags, usual.attributes, usual.addresses)
        assert not {"\u202e", "\u2028", "\x00", "\x0b", "\r"} & set(made.text + made.html)

    def test_no_text_becomes_a_header(self, kind):
        letter = sent(kind, facts=with_texts(kind, HOSTILE))

        assert sorted(letter.keys()) == USUAL_HEADERS
        assert [part.get_content_type() for part in letter.walk()] == [
            "multipart/alternative", "text/plain", "text/html",
        ]  # fmt: skip

    def test_a_name_of_ten_thousand_letters_leaves_the_rest_to_be_read(self, kind):
        made = rendered(kind, "x" * 10_000)
        texts = [fact for fact in (KINDS[kind].facts | KINDS[kind].also).values() if fact is Fact.LINES]

        assert len(made.subject) <= 150
        # The words of a person stay in full, nobody's name does.
        assert made.text.count("x" * 301) // (10_000 // 301) == len(texts)
        assert made.html.count("x" * 301) // (10_000 // 301) == len(texts)


class TestStoppingInOneClick:
    """RFC 8058."""

    @pytest.mark.parametrize("kind", OPTIONAL)
    def test_a_letter_that_may_be_stopped_bears_both_headers(self, kind):
        letter = sent(kind, unsubscribe=STOP)

        # One that is long stands on a line of its own.
        assert letter["List-Unsubscribe"].strip() == f"<{STOP}>"
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert sorted(letter.keys()) == sorted([*USUAL_HEADERS, "List-Unsubscribe", "List-Unsubscribe-Post"])

    def test_which_letters_may_be_stopped(self):
        assert {kind: KINDS[kind].topic for kind in OPTIONAL} == {
            "member_joined": "team",
            "statement_ready": "statements",
            "credit_sent": "credits",
            "digest": "digest",
            "staff_digest": "staff",
        }

    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in OPTIONAL])
    def test_a_mandatory_letter_bears_none(self, kind):
        assert sorted(sent(kind).keys()) == USUAL_HEADERS
        with pytest.raises(WrongLetter, match=f"letter '{kind}' is mandatory"):
            sent(kind, unsubscribe=STOP)

    @pytest.mark.parametrize(
        "address",
        [
            f"{STOP}\r\nBcc: victim@example.com",
            f"{STOP}\n",
            f"{STOP}>, <mailto:victim@example.com",
            f"{STOP} x",
            f"{STOP}\u202ex",
            f"{STOP}\x00",
            "https://evil.example/letters/x/",
            "http://localhost:8000@evil.example/letters/x/",
            "http://localhost:8000.evil.example/letters/x/",
            "javascript:alert(1)",
            "http://localhost:8000",
            "",
        ],
    )
    def test_an_address_that_is_not_the_portals_own_stops_nothing(self, address):
        with pytest.raises(WrongLetter, match="is not the portal's own"):
            sent("credit_sent", unsubscribe=address)


class TestAFileThatGoesWithIt:
    def test_arrives_as_it_is_and_is_named_in_the_text(self):
        letter = sent("statement_ready", attached=STATEMENT, unsubscribe=STOP)
        (file,) = letter.iter_attachments()

        assert file.get_filename() == "backpack-broker-1400-2026-10-statement-7.pdf"
        assert file.get_content_type() == "application/pdf"
        assert file.get_content() == STATEMENT.content
        for body in ("plain", "html"):
            words = " ".join(letter.get_body((body,)).get_content().split())
            assert "goes with this letter as backpack-broker-1400-2026-10-statement-7.pdf." in words

    @pytest.mark.parametrize(
        ("name", "safe"),
        [
            ('x.pdf"\r\nBcc: victim@example.com', "x.pdf-Bcc-victim-example.com"),
            ("../../etc/passwd", "etc-passwd"),
            ("\u202efdp.exe", "fdp.exe"),
            (".hidden", "hidden"),
            ("x" * 10_000, "x" * 100),
            ("\x00", "file"),
        ],
    )
    def test_its_name_is_a_files_name_and_no_header(self, name, safe):
        letter = sent("statement_ready", attached=Attached(name, "application/pdf", b"%PDF"))
        (file,) = letter.iter_attachments()

        assert file.get_filename() == safe
        assert sorted(file.keys()) == [
            "Content-Disposition",
            "Content-Transfer-Encoding",
            "Content-Type",
            "MIME-Version",
        ]
        assert sorted(letter.keys()) == USUAL_HEADERS

    @pytest.mark.parametrize("media_type", ["text/html\r\nBcc: x", "pdf", "application/pdf; x=y", ""])
    def test_a_media_type_that_is_none_is_bytes(self, media_type):
        letter = sent("statement_ready", attached=Attached("x.pdf", media_type, b"%PDF"))

        assert [file.get_content_type() for file in letter.iter_attachments()] == ["application/octet-stream"]


def test_a_letter_bears_the_time_at_which_it_was_sent():
    assert sent("new_device")["Date"].datetime - make.NOW == timedelta(0)
