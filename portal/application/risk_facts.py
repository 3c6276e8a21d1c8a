"""Gathers what the risk card rests on: for one application or a page of them, in two queries."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from disposable_email_domains import blocklist

from payouts.program.models import Broker
from portal.application import risk
from portal.application.models import Application, State
from portal.application.risk import Facts, Finding, Match


@dataclass(frozen=True, slots=True)
class RiskCard:
    """The findings about an application and how grave they are together."""

    level: risk.Level
    findings: tuple[Finding, ...]


def card_of(application: Application) -> RiskCard:
    return cards([application])[application.pk]


def cards(applications: Iterable[Application]) -> dict[int, RiskCard]:
    """Risk cards by the application's key. Reads every application ever sent and every broker once."""
    index = _Index()
    made = {}
    for application in applications:
        found = tuple(risk.findings(index.facts(application)))
        made[application.pk] = RiskCard(risk.level_of(found), found)
    return made


@dataclass(frozen=True, slots=True)
class _Other:
    """Another application or a broker, as far as it is compared."""

    match: Match
    application: int | None = None
    applicant: int | None = None
    state: str = ""
    code: int | None = None


class _Index:
    """Who shares a name, a number, an account, a domain or an address, by that."""

    def __init__(self) -> None:
        self._by: defaultdict[tuple[str, str], list[_Other]] = defaultdict(list)
        sent = (
            Application.objects.filter(submitted_at__isnull=False)
            .order_by("pk")
            .values_list(
                "pk", "applicant_id", "state", "broker_id", "legal_name", "country", "registration_number",
                "account_id", "website", "contact_email", "terms_address",
            )
        )  # fmt: skip
        for pk, applicant, state, code, name, country, number, account, website, contact, address in sent:
            match = (
                _broker(name, code)
                if code is not None
                else Match(f"{name}, application, {State(state).label}", application=pk)
            )
            other = _Other(match, pk, applicant, state, code)
            for key in _keys(name, country, number, account, website, contact, address):
                self._by[key].append(other)
            self._by[("applicant", str(applicant))].append(other)
        for code, name, account in Broker.objects.order_by("code").values_list("code", "name", "account_id"):
            for key in _keys(name, "", "", account, "", "", None):
                self._by[key].append(_Other(_broker(name, code), code=code))

    def facts(self, a: Application) -> Facts:
        keys = _keys(
            a.legal_name, a.country, a.registration_number, a.account_id, a.website, a.contact_email,
            a.terms_address,
        )  # fmt: skip
        domains = {risk.domain_of_email(a.contact_email), risk.domain_of_email(a.applicant.email)}
        return Facts(
            country=a.country,
            website=a.website,
            contact_email=a.contact_email,
            applicant_email=a.applicant.email,
            exchange_answer=a.exchange_answer,
            disposable=frozenset(domains & blocklist),
            login_age=a.submitted_at - a.applicant.joined_at if a.submitted_at else None,
            same_company=self._others(a, keys, "name", "number"),
            same_account=self._others(a, keys, "account"),
            same_website=self._others(a, keys, "website"),
            same_contact_domain=self._others(a, keys, "contact"),
            same_address=self._others(a, keys, "address"),
            earlier_rejections=tuple(
                other.match
                for other in self._by.get(("applicant", str(a.applicant_id)), ())
                if other.state == State.REJECTED and other.application != a.pk
            ),
        )

    def _others(self, a: Application, keys: list[tuple[str, str]], *kinds: str) -> tuple[Match, ...]:
        """Matches, each once: not itself, nor its broker, nor what its login sent before in vain."""
        found: dict[Match, None] = {}
        for key in keys:
            for other in self._by.get(key, ()) if key[0] in kinds else ():
                itself = other.application == a.pk or (other.code is not None and other.code == a.broker_id)
                in_vain = other.applicant == a.applicant_id and other.state in _IN_VAIN
                if not itself and not in_vain:
                    found[other.match] = None
        return tuple(found)


_IN_VAIN = (State.REJECTED, State.WITHDRAWN)


def _broker(name: str, code: int) -> Match:
    return Match(f"{name} ({code}), broker", code=code)


def _keys(
    name: str, country: str, number: str, account: str, website: str, contact: str, address: str | None
) -> list[tuple[str, str]]:
    plain_number = risk.same_number(number)
    contact_domain = risk.domain_of_email(contact)
    pairs = [
        ("name", risk.same_name(name)),
        ("number", f"{country}:{plain_number}" if plain_number and country else ""),
        ("account", account.strip().casefold()),
        ("website", risk.registrable(risk.domain_of_website(website))),
        ("contact", "" if contact_domain in risk.FREE_MAIL else risk.registrable(contact_domain)),
        ("address", address or ""),
    ]
    return [(kind, value) for kind, value in pairs if value]
