"""What letters say: every kind in full, in text and HTML made of one template."""

import re

import pytest

from portal.letters import rendering
from portal.letters.kinds import KINDS, Fact
from portal.letters.rendering import Item
from tests.portal.letters.conftest import WHERE
from tests.portal.letters.pages import Page
from tests.portal.letters.samples import FACTS, LINK, NEWS, REFERENCE, STATEMENT, STOP

#: Facts that no face says: an approval names the broker instead; a former owner gets other words.
UNSAID = {
    ("application_approved", "legal_name"),
    ("application_approved", "reference"),
    ("account_change_asked", "was_owner"),
    ("account_change_confirmed", "was_owner"),
    ("account_change_applied", "was_owner"),
    ("account_change_cancelled", "was_owner"),
    ("account_change_refused", "was_owner"),
}


def rendered(kind, **changes):
    """The sample of a kind as it is sent, some of its facts changed."""
    return rendering.render(
        kind=kind,
        facts=FACTS[kind] | changes,
        link=LINK if KINDS[kind].link else None,
        attached=STATEMENT.name if kind == "statement_ready" else None,
        unsubscribe=STOP if KINDS[kind].topic else None,
        items=NEWS if kind == "digest" else (),
    )


def one(text):
    return " ".join(text.split())


def bare(text):
    """Letters and figures alone: marks of lists, quotes and line ends are the face's own."""
    return re.sub(r"[\W_]+", "", text)


def test_there_is_a_sample_of_every_kind_with_all_that_it_may_say():
    assert {kind: sorted(facts) for kind, facts in FACTS.items()} == {
        kind: sorted(wanted.facts | wanted.also) for kind, wanted in KINDS.items()
    }


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_says_the_same_facts_in_text_and_html(self, kind):
        made = rendered(kind)
        text, page = one(made.subject + " " + made.text.replace("\n> ", "\n")), Page(made.html)
        facts = KINDS[kind].facts | KINDS[kind].also

        for name, value in FACTS[kind].items():
            if (kind, name) in UNSAID:
                continue
            for said in as_said(facts[name], value):
                assert said in text, name
                assert said in page.text or any(said in address for address in page.addresses), name

    def test_says_the_same_words_in_text_and_html(self, kind):
        made = rendered(kind)
        page = Page(made.html)
        body = made.text.partition("\n-- \n")[0]

        for block in body.split("\n\n"):
            if "://" not in block:
                assert bare(block) in bare(page.text)

    def test_leads_to_the_same_pages_in_text_and_html(self, kind):
        made = rendered(kind)
        spelled_out = set(re.findall(r"(?m)^ *(http://\S+)$", made.text))

        assert spelled_out == {
            address for address in Page(made.html).addresses if not address.startswith("mailto:")
        }

    def test_ends_with_the_portals_address_who_to_write_to_and_why_it_came(self, kind):
        made = rendered(kind)
        ending = made.text.partition("\n-- \n")[2]

        assert ending.startswith(
            "Backpack broker portal\nhttp://localhost:8000\n"
            "Questions, day or night: vip@backpack.exchange\n\nYou get this letter because "
        )
        assert "You get this letter because " in made.html
        assert 'href="mailto:vip@backpack.exchange"' in made.html

    def test_says_whether_it_can_be_stopped_and_how(self, kind):
        made = rendered(kind)
        offers = [
            re.search(rf"\nStop letters (on this topic|like this):\n{STOP}\n", made.text) is not None,
            "Choose which letters you get:\nhttp://localhost:8000/accounts/letters/\n" in made.text,
            STOP in Page(made.html).addresses,
            "http://localhost:8000/accounts/letters/" in Page(made.html).addresses,
        ]

        assert offers == [KINDS[kind].topic is not None] * 4

    def test_has_its_secret_link_in_text_and_html(self, kind):
        if KINDS[kind].link:
            assert f"\n{LINK}\n" in rendered(kind).text
            assert Page(rendered(kind).html).addresses.count(LINK) == 2

    def test_links_begin_with_the_portals_own_address(self, kind, settings):
        settings.PORTAL_URL = "https://brokers.example.com"
        made = rendering.render(
            kind=kind, facts=FACTS[kind], link="https://brokers.example.com/x/" if KINDS[kind].link else None
        )
        own = made.text.replace("https://docs.backpack.exchange ", "")

        assert set(re.findall(r"https?://[^/\s]+", own)) == {"https://brokers.example.com"}
        assert all(
            address.startswith(("https://brokers.example.com", "mailto:vip@"))
            for address in Page(made.html).addresses
        )

    def test_has_nothing_left_to_fill_in(self, kind):
        made = rendered(kind)

        assert not re.search(r"{{|{%|None|%\(", made.subject + made.text + made.html)
        assert "\n\n\n" not in made.text

    def test_its_text_is_72_columns_wide_but_for_addresses(self, kind):
        assert [
            line for line in rendered(kind).text.splitlines() if len(line) > 72 and "://" not in line
        ] == []

    def test_says_little_when_it_knows_little(self, kind):
        """Without the facts that a letter need not have, and with nothing known of the rest."""
        few = {
            name: None if fact is Fact.LINE else FACTS[kind][name] for name, fact in KINDS[kind].facts.items()
        }
        made = rendering.render(kind=kind, facts=few, link=LINK if KINDS[kind].link else None)

        assert not re.search(r"{{|{%|None|%\(", made.subject + made.text + made.html)
        assert "\n\n\n" not in made.text


def as_said(fact, value):
    match fact:
        case Fact.INSTANT:
            return [f"{value[:10]} {value[11:16]} UTC"]
        case Fact.MONTH:
            return [{"2026-10": "October 2026"}[value]]
        case Fact.LINES:
            return [line for line in value.splitlines() if line]
        case _:
            return [str(value)]


def test_the_words_of_a_person_are_marked_line_by_line():
    made = rendered("information_requested", text="Who owns it?\n\nWrite to: evil@example.com")

    assert "\n> Who owns it?\n>\n> Write to: evil@example.com\n" in made.text
    assert ">Who owns it?<br><br>Write to: evil@example.com</td></tr>\n</table></blockquote>" in made.html


def test_a_long_line_of_a_person_is_marked_wherever_it_is_broken():
    made = rendered("information_requested", text="word " * 40)
    quote = [line for line in made.text.splitlines() if line.startswith(">")]

    assert [len(line) for line in quote] == [71, 71, 61]
    assert one(" ".join(line.removeprefix("> ") for line in quote)) == one("word " * 40)


def test_an_approval_in_full():
    made = rendered("application_approved", broker="Nordlicht", code=2300)

    assert made.subject == "Approved: your broker code is 2300"
    assert made.text == (
        "Nordlicht is in the API Broker Program now. This is your broker code:\n"
        "\n"
        "    2300\n"
        "\n"
        "What to do next:\n"
        "\n"
        "1. You have the business account at Backpack Exchange already: payouts\n"
        "   are credited to the one you applied with.\n"
        "2. Check the API Docs at https://docs.backpack.exchange and set up\n"
        "   connections to the endpoints relevant to your service.\n"
        "3. Send your broker code as the header of every API request that makes\n"
        "   an order: X-BROKER-ID: 2300\n"
        "\n"
        "The first order that arrives with your code shows on your dashboard\n"
        "within seconds. The code says who you are and is no secret; orders sent\n"
        "without it do not count.\n"
        "\n"
        "Your dashboard:\n"
        "http://localhost:8000/brokers/2300/\n"
        "\n"
        "To see it you log in with a second factor, an authenticator app or a\n"
        "passkey; the portal shows how to set one up.\n"
        "\n"
        "-- \n"
        "Backpack broker portal\n"
        "http://localhost:8000\n"
        "Questions, day or night: vip@backpack.exchange\n"
        "\n"
        "You get this letter because you applied to the API Broker Program.\n"
        "Letters about an application cannot be turned off.\n"
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


class TestStatementReady:
    def test_in_full(self):
        made = rendered("statement_ready")

        assert made.subject == "Nordlicht Trading ApS: the statement of October 2026 is ready"
        assert made.text.partition("\n-- \n")[0] == (
            "The statement of Nordlicht Trading ApS, code 1400, for October 2026 is\n"
            "approved. What is due:\n"
            "\n"
            "    12,345.67 USD\n"
            "\n"
            "Statement number: 7\n"
            "Tier: Tier 3\n"
            "Volume: 48,200,000.00 USD\n"
            "What happens next: Credited to •••1400 within a day\n"
            "Corrects: August 2026\n"
            "\n"
            "The statement goes with this letter as\n"
            "backpack-broker-1400-2026-10-statement-7.pdf. Its page has it as PDF,\n"
            "CSV and JSON, with every line behind the amount.\n"
            "\n"
            "Open the statement:\n"
            "http://localhost:8000/brokers/1400/statements/2026-10/\n"
            "\n"
            "Every statement is signed: anybody to whom you pass it on can check it\n"
            "on the portal. If a figure looks wrong to you, write to\n"
            "vip@backpack.exchange and name the number.\n"
        )

    def test_says_no_file_that_does_not_go_with_it(self):
        made = rendering.render(kind="statement_ready", facts=FACTS["statement_ready"])

        assert "goes with this letter" not in one(made.text) + made.html
        assert "Its page has it as PDF, CSV and JSON, with every line behind the amount." in one(made.text)


class TestStaffDigest:
    def test_what_is_zero_or_not_given_is_left_out(self):
        made = rendering.render(
            kind="staff_digest",
            facts={"day": "2026-11-22", "applications": 2, "months": 0, "quarantine": 0, "books": 0},
        )

        assert made.text.partition("\n-- \n")[0] == (
            "This is what waited for staff in the morning of 2026-11-22.\n"
            "\n"
            "Applications\n"
            "------------\n"
            "\n"
            "Waiting for us: 2\n"
            "\n"
            "Open the applications:\n"
            "http://localhost:8000/staff/portal/application/\n"
            "\n"
            "Open the staff site:\n"
            "http://localhost:8000/staff/\n"
        )
        assert re.findall(r"<h2[^>]*>([^<]*)</h2>", made.html) == ["Applications"]

    def test_lists_what_waits_line_by_line(self):
        text = rendered("staff_digest").text

        assert "\n- September 2026: 1\n- October 2026: 411\n" in text
        assert "\n- malformed: 2\n- unknown_broker: 12\n" in text


class TestLetterOfTheDay:
    def test_tells_of_every_letter_gathered_and_where_it_leads(self):
        made = rendered("digest")

        assert made.subject == "Your day on the broker portal: 2 news"
        assert made.text.partition("\n-- \n")[0] == (
            "This is what we had to tell you until 2026-11-22, in one letter instead\n"
            "of many.\n"
            "\n"
            "- Nordlicht Trading ApS: the statement of October 2026 is ready\n"
            "  http://localhost:8000/brokers/1400/statements/2026-10/\n"
            "- mia@nordlicht.example joined the team of Nordlicht\n"
            "  http://localhost:8000/brokers/1400/team/\n"
            "\n"
            "Open the portal:\n"
            "http://localhost:8000\n"
        )

    @pytest.mark.parametrize(
        ("kind", "item"),
        [
            (
                "statement_ready",
                Item(
                    "Nordlicht Trading ApS: the statement of October 2026 is ready",
                    "http://localhost:8000/brokers/1400/statements/2026-10/",
                ),
            ),
            (
                "credit_sent",
                Item(
                    "Nordlicht Trading ApS: 12,345.67 USD credited for October 2026",
                    "http://localhost:8000/brokers/1400/statements/2026-10/",
                ),
            ),
            (
                "member_joined",
                Item(
                    "mia@nordlicht.example joined the team of Nordlicht Trading ApS",
                    "http://localhost:8000/brokers/1400/team/",
                ),
            ),
        ],
    )
    def test_a_letter_gathered_is_told_by_its_subject_and_its_page(self, kind, item):
        assert rendering.item(kind=kind, facts=FACTS[kind]) == item


def test_a_letter_leads_to_a_file_and_to_an_application_by_their_references():
    assert (
        "http://localhost:8000/brokers/1400/statements/files/7c1e9a52-6b3f-4f0e-8f0a-2b9d5e1c4a77/\n"
        in rendered("file_ready").text
    )
    assert f"http://localhost:8000/applications/{REFERENCE}/\n" in rendered("application_submitted").text


def test_a_list_of_letters_shows_how_the_text_begins():
    assert (
        '">The statement of Nordlicht Trading ApS, code 1400, for October 2026 is approved.'
        " What is due: 12,345.67 USD …&#8203;" in rendered("statement_ready").html
    )
    assert "://" not in Page(rendered("reset_password").html).preview
