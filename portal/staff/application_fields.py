"""What an application says, in groups as its applicant filled them in."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.application import countries
from portal.application.models import Application

_GROUPS = (
    (
        _("Business"),
        ("legal_name", "country", "registration_number", "website", "platform_type", "platform_other"),
    ),
    (_("Contact"), ("contact_name", "contact_position", "contact_email", "contact_phone")),
    (
        _("Integration"),
        ("account_id", "products", "expected_volume", "user_base", "order_submission", "integration_notes"),
    ),
    (_("Declarations"), ("is_no_affiliate", "terms_version", "terms_accepted_at", "terms_address")),
    (_("Login"), ("applicant", "joined_at", "started_at", "submitted_at", "reference")),
)
_LABELS = {
    "products": _("products"),
    "applicant": _("login"),
    "joined_at": _("login made"),
    "terms_accepted_at": _("accepted"),
    "terms_address": _("accepted from"),
}


def country_name(code: str) -> str:
    return f"{countries.name_of(code)} ({code})" if code else ""


def groups(application: Application) -> list[tuple[str, list[tuple[str, str]]]]:
    """Headings with labels and values; a value that was not given is empty."""
    return [
        (str(heading), [(_label(name), _value(application, name)) for name in names])
        for heading, names in _GROUPS
    ]


def _label(name: str) -> str:
    if name in _LABELS:
        return str(_LABELS[name])
    return str(Application._meta.get_field(name).verbose_name)  # type: ignore[union-attr]


def _value(a: Application, name: str) -> str:
    if name == "country":
        return country_name(a.country)
    if name == "products":
        return ", ".join([str(_("spot"))] * a.trades_spot + [str(_("futures"))] * a.trades_futures)
    if name == "expected_volume":
        return f"${a.expected_volume:,.2f}" if a.expected_volume is not None else ""
    if name == "user_base":
        return f"{a.user_base:,}" if a.user_base is not None else ""
    if name in ("platform_type", "order_submission"):
        return str(getattr(a, f"get_{name}_display")())
    value: Any = a.applicant.joined_at if name == "joined_at" else getattr(a, name)
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if name.endswith("_at") and value is not None:
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return "" if value is None else str(value)
