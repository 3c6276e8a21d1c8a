"""The steps of an application: what each asks, what it needs, and what is still missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from payouts.month import Month
from payouts.program.terms import Terms, terms_for


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the application; its fields are columns, and no other step writes them."""

    slug: str
    title: str | Promise
    fields: tuple[str, ...]
    #: What cannot be left empty when the application is submitted.
    needed: tuple[str, ...]


STEPS: tuple[Step, ...] = (
    Step(
        "business",
        _("The business"),
        (
            "legal_name",
            "country",
            "registration_number",
            "website",
            "platform_type",
            "platform_other",
        ),
        ("legal_name", "country", "registration_number", "website", "platform_type"),
    ),
    Step(
        "contact",
        _("Contact"),
        ("contact_name", "contact_position", "contact_email", "contact_phone"),
        ("contact_name", "contact_position", "contact_email"),
    ),
    Step("account", _("Exchange account"), ("account_id",), ("account_id",)),
    Step(
        "integration",
        _("Integration"),
        (
            "trades_spot",
            "trades_futures",
            "expected_volume",
            "user_base",
            "order_submission",
            "integration_notes",
        ),
        ("expected_volume", "user_base", "order_submission"),
    ),
    Step("documents", _("Documents"), (), ()),
    Step(
        "declarations",
        _("Declarations"),
        ("is_no_affiliate", "terms_version", "terms_accepted_at", "terms_address"),
        ("is_no_affiliate",),
    ),
)
SLUGS = tuple(step.slug for step in STEPS)
_BY_SLUG = {step.slug: step for step in STEPS}
#: In the program's own words.
FORMULA = "Payout = API Volume × Fee Rate % × min {Broker Rebate %, max{0, 50% - Affiliate Rebate %}}"
#: Steps whose fields may be corrected when we asked for information.
CORRECTABLE = ("business", "contact", "account", "integration")


def step_named(slug: str) -> Step:
    """The step of a slug; `KeyError` when there is none."""
    return _BY_SLUG[slug]


def after(slug: str) -> str | None:
    """The slug of the step that follows, or None after the last."""
    place = SLUGS.index(slug) + 1
    return SLUGS[place] if place < len(SLUGS) else None


def before(slug: str) -> str | None:
    place = SLUGS.index(slug)
    return SLUGS[place - 1] if place else None


def missing_in(slug: str, values: Mapping[str, Any]) -> list[str]:
    """The fields of a step that are still needed; `products` stands for spot and futures together."""
    found = [name for name in _BY_SLUG[slug].needed if values.get(name) in (None, "", False)]
    if slug == "business" and values.get("platform_type") == "other" and not values.get("platform_other"):
        found.append("platform_other")
    if slug == "integration" and not (values.get("trades_spot") or values.get("trades_futures")):
        found.insert(0, "products")
    return found


def missing(values: Mapping[str, Any], *, document_kinds: set[str], terms: str) -> dict[str, list[str]]:
    """What each step still lacks, by its slug; a step that is done has an empty list.

    `document_kinds` are the kinds of the documents that are there; `terms` is the name of the entry in force.
    """
    found = {step.slug: missing_in(step.slug, values) for step in STEPS}
    if "registration" not in document_kinds:
        found["documents"].append("registration")
    if values.get("terms_version") != terms:
        found["declarations"].append("accepts_terms")
    return found


def digest(slug: str, values: Mapping[str, Any]) -> str:
    """A short mark of what a step holds, to see whether another tab has changed it meanwhile."""
    text = repr([str(values.get(name)) for name in _BY_SLUG[slug].fields])
    return sha256(text.encode()).hexdigest()[:16]


def terms_in_force(month: Month) -> Terms:
    """The program's terms that a business accepts in a month."""
    return terms_for(month)
