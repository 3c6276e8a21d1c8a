"""What letters say: every kind in full, whatever names and texts people gave."""

import re
from html.parser import HTMLParser

import pytest
from django.core.mail import EmailMultiAlternatives

from portal.letters import rendering
from portal.letters.kinds import KINDS, Fact
from tests import make
from tests.portal.letters.conftest import WHERE

REFERENCE = "0b0d6f6e-3c36-4a5e-9a0e-6d3f5a1c2b3d"
LINK = "http://localhost:8000/accounts/confirm-email/MTI:1vM:t0ken/"
USUAL = {
    Fact.LINE: "Nordlicht Trading ApS",
    Fact.LINES: "Which exchanges\ndo you aggregate?",
    Fact.INSTANT: "2026-11-22T19:05:33+01:00",
    Fact.DATE: "2027-02-20",
    Fact.REFERENCE: REFERENCE,
    Fact.NUMBER: 2300,
}
#: Line ends of every sort, a header, tags, an attribute's end, a change of direction, a template.
HOSTILE = (
    "Evil\r\nBcc: victim@example.com\n\nX\u2028Y\x0b\x00<script>alert(1)</script>\"' onload=x {{ link }}"
    " {% include 'letters/base.txt' %} \u202egpj.exe & Söhne %s %(at)s"
)


def facts_of(kind, **changes):
    wanted = KINDS[kind].facts | KINDS[kind].also
    return {name: changes.get(name, USUAL[fact]) for name, fact in wanted.items()}


def rendered(kind, **changes):
    return rendering.render(
        kind=kind, facts=facts_of(kind, **changes), link=LINK if KINDS[kind].link else None
    )


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.addresses, self.names = [], [], set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}
        self.addresses += [value for name, value in attrs if name in ("href", "src", "background")]


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_says_all_its_facts_in_text_and_html(self, kind):
        made = rendered(kind)
        said = {
            Fact.LINE: "Nordlicht Trading ApS",
            Fact.LINES: "do you aggregate?",
            Fact.INSTANT: "2026-11-22 18:05 UTC",
            Fact.DATE: "2027-02-20",
            Fact.REFERENCE: REFERENCE,
            Fact.NUMBER: "2300",
        }
        for name, fact in facts_of_kind(kind):
            if name in ("legal_name", "reference") and kind == "application_approved":
                continue  # it names the broker instead
            assert said[fact] in made.text, name
            assert said[fact] in made.html, name

    def test_ends_with_who_to_write_to(self, kind):
        made = rendered(kind)

        assert made.text.endswith(
            "\n-- \nBackpack broker portal\nhttp://localhost:8000\n"
            "Questions, day or night: vip@backpack.exchange\n"
        )
        assert 'href="mailto:vip@backpack.exchange"' in made.html

    def test_has_its_secret_link_in_text_and_html(self, kind):
        if KINDS[kind].link:
            assert f"\n{LINK}\n" in rendered(kind).text
            assert LINK in Tags(rendered(kind).html).addresses

    def test_loads_nothing_and_counts_no_reader(self, kind):
        html = rendered(kind).html

        assert not {"img", "script", "link", "iframe", "video", "form"} & set(Tags(html).tags)
        assert "url(" not in html
        assert all(
            address.startswith(("http://localhost:8000", "mailto:vip@")) for address in Tags(html).addresses
        )

    def test_links_begin_with_the_portals_own_address(self, kind, settings):
        settings.PORTAL_URL = "https://brokers.example.com"
        own = rendered(kind).text.replace(LINK, "").replace("https://docs.backpack.exchange ", "")

        assert set(re.findall(r"https?://[^/\s]+", own)) == {"https://brokers.example.com"}

    def test_has_nothing_left_to_fill_in(self, kind):
        made = rendered(kind)

        assert not re.search(r"{{|{%|None|%\(", made.subject + made.text + made.html)
        assert "\n\n\n" not in made.text

    def test_takes_hostile_facts_without_harm(self, kind):
        hostile = {name: HOSTILE for name, fact in facts_of_kind(kind) if fact in (Fact.LINE, Fact.LINES)}
        made = rendered(kind, **hostile)

        assert made.subject.isprintable()
        assert len(made.subject) <= 150
        assert sorted(Tags(made.html).tags) == sorted(
            Tags(rendered(kind).html).tags + ["br"] * extra_lines(kind)
        )
        assert Tags(made.html).names == Tags(rendered(kind).html).names
        assert "\u202e" not in made.text + made.html
        assert not [line for line in made.text.splitlines() if line.startswith("Bcc:")]


def facts_of_kind(kind):
    return (KINDS[kind].facts | KINDS[kind].also).items()


def extra_lines(kind):
    """Texts of several lines keep their line ends; the hostile one has two more than the usual."""
    return 2 * sum(fact is Fact.LINES for _, fact in facts_of_kind(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_no_fact_ever_becomes_a_header(kind):
    hostile = {name: HOSTILE for name, fact in facts_of_kind(kind) if fact in (Fact.LINE, Fact.LINES)}
    message = rendering.message(
        kind=kind,
        facts=facts_of(kind, **hostile),
        link=LINK if KINDS[kind].link else None,
        to="olga@example.com",
        message_id="<1@localhost>",
        now=make.NOW,
    )
    assert isinstance(message, EmailMultiAlternatives)
    made = message.message()

    assert sorted(made.keys()) == [
        "Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To",
    ]  # fmt: skip
    assert message.recipients() == ["olga@example.com"]


def test_the_words_of_a_person_are_marked_line_by_line():
    made = rendered("information_requested", text="Who owns it?\n\nWrite to: evil@example.com")

    assert "\n> Who owns it?\n>\n> Write to: evil@example.com\n" in made.text
    assert "<blockquote>Who owns it?<br><br>Write to: evil@example.com</blockquote>" in made.html


def test_an_approval_in_full():
    made = rendered("application_approved", broker="Nordlicht", legal_name="Nordlicht ApS")

    assert made.subject == "Approved: your broker code is 2300"
    assert made.text.partition("\n-- \n")[0] == (
        "Nordlicht is in the API Broker Program now. This is your broker code:\n"
        "\n"
        "    2300\n"
        "\n"
        "What to do next:\n"
        "\n"
        "1. You have the business account at Backpack Exchange already: payouts are credited to the one you"
        " applied with.\n"
        "2. Check the API Docs at https://docs.backpack.exchange and set up connections to the endpoints"
        " relevant to your service.\n"
        "3. Send your broker code as the header of every API request that makes an order:"
        " X-BROKER-ID: 2300\n"
        "\n"
        "The first order that arrives with your code shows on your dashboard within seconds. The code says"
        " who you are and is no secret; orders sent without it do not count.\n"
        "\n"
        "Your dashboard:\n"
        "http://localhost:8000/brokers/2300/\n"
        "\n"
        "To see it you log in with a second factor, an authenticator app or a passkey; the portal shows how"
        " to set one up.\n"
    )


def test_a_security_letter_says_when_from_where_in_which_browser_and_what_to_do():
    made = rendering.render(kind="mfa_removed", facts=WHERE | {"what": "authenticator app"})

    assert made.subject == "A second factor was removed: authenticator app"
    assert (
        "When: 2026-11-22 12:00 UTC\nFrom the address: 203.0.113.7\nBrowser: Firefox on Linux\n" in made.text
    )
    assert "http://localhost:8000/accounts/password/reset/" in made.text
    assert "http://localhost:8000/accounts/sessions/" in made.text


def test_what_is_not_known_is_said_to_be_not_known():
    made = rendering.render(kind="new_device", facts={"at": WHERE["at"], "address": None, "browser": ""})

    assert "From the address: not known\nBrowser: not known\n" in made.text
