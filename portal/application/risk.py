"""What a reviewer should know before deciding: facts in, findings out. Pure; it never decides."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from unicodedata import combining, normalize
from urllib.parse import urlsplit

from portal.application.country_rules import Advice, CountryRule, rule_for


class Level(IntEnum):
    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Match:
    """Another application or a broker that shares something with this application."""

    #: What people see: "Delta Terminal Ltd (1400), broker" or "Delta Terminal Ltd, application, rejected".
    name: str
    #: The application's key, or None for a broker.
    application: int | None = None
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the findings rest on, gathered by `risk_facts`."""

    country: str = ""
    website: str = ""
    contact_email: str = ""
    applicant_email: str = ""
    #: What the exchange answered about the account: a value of `ExchangeAnswer`.
    exchange_answer: str = "business"
    #: Domains of this application's e-mail addresses that are known as disposable.
    disposable: frozenset[str] = frozenset()
    #: From the login's making to the sending of the application.
    login_age: timedelta | None = None
    same_company: tuple[Match, ...] = ()
    same_account: tuple[Match, ...] = ()
    same_website: tuple[Match, ...] = ()
    same_contact_domain: tuple[Match, ...] = ()
    same_address: tuple[Match, ...] = ()
    earlier_rejections: tuple[Match, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at: how grave it is, what it is, and what it rests on."""

    level: Level
    text: str
    rests_on: str
    matches: tuple[Match, ...] = field(default=())


#: Providers where anybody has an address, so that sharing the domain says nothing.
# fmt: off
FREE_MAIL = frozenset(
    {
        "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com",
        "yahoo.com", "ymail.com", "icloud.com", "me.com", "mac.com", "aol.com", "proton.me",
        "protonmail.com", "pm.me", "gmx.com", "gmx.de", "gmx.net", "web.de", "mail.com", "mail.ru",
        "bk.ru", "yandex.ru", "yandex.com", "zoho.com", "tutanota.com", "tuta.com", "fastmail.com",
        "qq.com", "163.com", "126.com", "naver.com", "daum.net", "hey.com",
    }
)
# fmt: on
#: Under these a country's businesses register one level deeper: example.co.uk, example.com.sg.
# fmt: off
_SECOND_LEVELS = frozenset(
    {
        "ac", "co", "com", "edu", "gov", "go", "ne", "net", "or", "org",
    }
)
# fmt: on
# fmt: off
_LEGAL_FORMS = frozenset(
    {
        "ab", "ag", "as", "bv", "co", "company", "corp", "corporation", "gmbh", "inc",
        "incorporated", "kft", "kg", "limited", "llc", "llp", "lp", "ltd", "nv", "oy", "oyj", "plc",
        "pte", "pty", "sa", "sarl", "sas", "se", "sl", "spa", "spzoo", "srl", "sro",
    }
)
# fmt: on
_NEW_LOGIN = timedelta(minutes=10)


def domain_of_email(email: str) -> str:
    return email.rpartition("@")[2].strip().rstrip(".").lower()


def domain_of_website(website: str) -> str:
    """The host of a website without `www.`; empty when there is none."""
    try:
        host = urlsplit(website if "//" in website else f"//{website}").hostname or ""
    except ValueError:  # an address that no browser would open either
        return ""
    return host.rstrip(".").removeprefix("www.")


def registrable(domain: str) -> str:
    """The part of a domain that somebody registered: `app.example.co.uk` belongs to `example.co.uk`.

    Two labels, or three below a country's `co`, `com`, `net` and the like. Close enough to warn by.
    """
    labels = domain.split(".")
    deep = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS
    return ".".join(labels[-3:] if deep else labels[-2:])


def same_name(name: str) -> str:
    """A company's name as it is compared: no accents, case, signs or legal form ("Ltd.", "GmbH")."""
    plain = "".join(c for c in normalize("NFKD", name) if not combining(c))
    words = re.findall(r"\w+", plain.casefold().replace(".", "").replace("'", ""))
    while len(words) > 1 and words[-1] in _LEGAL_FORMS:
        words.pop()
    return " ".join(words)


def same_number(number: str) -> str:
    """A registration number as it is compared: letters and digits only, no leading zeros."""
    return re.sub(r"[\W_]+", "", number).casefold().lstrip("0")


def level_of(findings: Iterable[Finding]) -> Level:
    """The gravest finding's level; low when there is none."""
    return max((each.level for each in findings), default=Level.LOW)


def findings(facts: Facts) -> list[Finding]:
    """Everything to look at, the gravest first."""
    found = [*_exchange(facts), *_country(facts), *_others(facts), *_mail(facts), *_login(facts)]
    return sorted(found, key=lambda each: -each.level)


def _exchange(facts: Facts) -> Iterable[Finding]:
    said = {
        "affiliate": (
            Level.HIGH,
            "The account is enrolled in the Affiliate Program, which excludes this one.",
        ),
        "missing": (Level.HIGH, "The exchange knows no such account."),
        "not_business": (Level.HIGH, "The account is personal, not a business account."),
        "unanswered": (Level.LOW, "The exchange has not answered yet about the account."),
    }
    if facts.exchange_answer in said:
        level, text = said[facts.exchange_answer]
        yield Finding(level, text, "the exchange's answer")


def _country(facts: Facts) -> Iterable[Finding]:
    rule = rule_for(facts.country)
    if rule is not None:
        level = Level.HIGH if rule.advice is Advice.REFUSE else Level.MEDIUM
        yield Finding(level, f"{facts.country}: {rule.advice}, {rule.why}.", _source_of(rule))


def _source_of(rule: CountryRule) -> str:
    if rule.confirmed_on is None:
        return f"{rule.source}; not yet confirmed by compliance"
    return f"{rule.source}, confirmed {rule.confirmed_on}"


def _others(facts: Facts) -> Iterable[Finding]:
    for level, text, rests_on, matches in (
        (Level.HIGH, "The same company is here already.", "name, or registration number and country",
         facts.same_company),
        (Level.HIGH, "The same exchange account is here already.", "account id", facts.same_account),
        (Level.MEDIUM, "The same website is here already.", "domain of the website", facts.same_website),
        (Level.MEDIUM, "Others use the same e-mail domain.", "domain of the contact's e-mail address",
         facts.same_contact_domain),
        (Level.LOW, "Others accepted the terms from the same internet address.", "address of the acceptance",
         facts.same_address),
        (Level.MEDIUM, "This login was rejected before.", "earlier applications", facts.earlier_rejections),
    ):  # fmt: skip
        if matches:
            yield Finding(level, text, rests_on, matches)


def _mail(facts: Facts) -> Iterable[Finding]:
    contact, applicant = domain_of_email(facts.contact_email), domain_of_email(facts.applicant_email)
    website = domain_of_website(facts.website)
    for domain in sorted(facts.disposable):
        yield Finding(Level.HIGH, f"{domain} gives out disposable e-mail addresses.", "list of such domains")
    if contact in FREE_MAIL:
        yield Finding(
            Level.LOW, f"The contact's address is at {contact}, where anybody has one.", "contact's address"
        )
    elif contact and website and registrable(contact) != registrable(website):
        yield Finding(
            Level.MEDIUM,
            f"The contact's e-mail is at {contact}, the website at {website}.",
            "contact's address and website",
        )
    if contact and applicant and registrable(contact) != registrable(applicant):
        yield Finding(
            Level.LOW,
            f"The login's e-mail is at {applicant}, the contact's at {contact}.",
            "login and contact's address",
        )


def _login(facts: Facts) -> Iterable[Finding]:
    if facts.login_age is not None and facts.login_age < _NEW_LOGIN:
        minutes = max(0, int(facts.login_age.total_seconds() // 60))
        yield Finding(
            Level.LOW, f"Sent {minutes} minutes after the login was made.", "times of login and application"
        )
