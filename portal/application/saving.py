"""Takes a step's form in: asks the exchange where it must be asked, outside any transaction, then saves."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from payouts.exchange.chosen import exchange
from portal.application import account_answer, actions, queries
from portal.application.forms import FORMS, StepForm
from portal.application.limits import must_not_be_too_often

#: An account that the exchange confirmed so recently is not asked about again.
_FRESH = timedelta(hours=1)


def step_form(request: HttpRequest, application: Any, slug: str, *, now: datetime) -> StepForm:
    """The form of a step: as it was sent, or as it is saved."""
    initial = queries.initial(application, slug, now=now)
    more = {"terms_in_force": initial["terms"]} if slug == "declarations" else {}
    if request.method == "POST":
        return FORMS[slug](request.POST, initial=initial, **more)
    return FORMS[slug](initial=initial, **more)


def save(request: HttpRequest, application: Any, form: StepForm, *, now: datetime) -> Any:
    """Save what is right of a form; the application as it is then. Refuses as the actions, and `TooOften`."""
    form.is_valid()
    shown = request.POST.get("shown", "")
    if form.slug == "declarations":
        return actions.save_declarations(
            reference=application.reference,
            is_no_affiliate=form.kept["is_no_affiliate"],
            accepts_terms=form.kept["accepts_terms"],
            address=request.META.get("REMOTE_ADDR", ""),
            shown=shown,
            now=now,
        )
    answer = None
    account_id = form.kept.get("account_id", "")
    if form.slug == "account" and _must_ask(application, account_id, now):
        must_not_be_too_often(request, "ask")
        answer = account_answer.ask(exchange(clock=timezone.now), account_id)
    return actions.save_step(
        reference=application.reference,
        slug=form.slug,
        values=form.kept,
        shown=shown,
        now=now,
        answer=answer,
    )


def ask_if_due(application: Any, *, now: datetime) -> actions.Asked | None:
    """The exchange's answer about the account before it is submitted, unless it confirmed it just now."""
    if not _must_ask(application, application.account_id, now):
        return None
    answer = account_answer.ask(exchange(clock=timezone.now), application.account_id)
    return actions.Asked(application.account_id, answer)


def _must_ask(application: Any, account_id: str, now: datetime) -> bool:
    return account_answer.is_to_be_asked(application, account_id, fresh_since=now - _FRESH)
