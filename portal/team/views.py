"""The page behind the link of an invitation."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from payouts.exchange import chosen
from payouts.exchange.port import ExchangeUnavailable
from payouts.refusal import Refusal
from portal.team import colleagues, first_owner, guards, links, queries
from portal.team.forms import AcceptForm

#: In the program's own words, which are English.
FORMULA = "Payout = API Volume × Fee Rate % × min {Broker Rebate %, max{0, 50% - Affiliate Rebate %}}"


@never_cache
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Shows what the link opens; a POST of the login that it is meant for accepts it."""
    now = timezone.now()
    try:
        if not request.user.is_authenticated:
            return _for_a_visitor(request, queries.address_asked(token, now=now))
        found = queries.invited(token, login=request.user, now=now)
        guards.must_not_be_staff(request.user)
    except links.BrokenLink as refusal:
        return _told(request, refusal, status=404)
    except queries.AnotherAddress as refusal:
        return _told(request, refusal, status=403, other_login=True)
    except guards.ExchangeStaff as refusal:
        return _told(request, refusal, status=403, is_staff=True)
    except queries.UsedAlready as refusal:
        return _told(request, refusal, status=410, joined=_joined(request, token))
    except queries.NoLongerOpen as refusal:
        return _told(request, refusal, status=410)
    if not found.is_first_owner:
        return _for_a_colleague(request, token, found)
    form = AcceptForm(request.POST or None, initial={"terms_version": found.terms.name})
    if request.method == "POST" and form.is_valid():
        return _accepted(request, token, found, form)
    return _page(request, found, form, status=200 if request.method != "POST" else 422)


def _for_a_colleague(request: HttpRequest, token: str, found: queries.Invited) -> HttpResponse:
    """Nothing is declared and nobody is asked: a colleague only says yes."""
    context: dict[str, object] = {"invited": found}
    if request.method != "POST":
        return render(request, "team/colleague.html", context)
    try:
        membership = colleagues.accept(token=token, login=request.user, now=timezone.now())
    except queries.UsedAlready as refusal:
        return _told(request, refusal, status=410, joined=_joined(request, token))
    except queries.NoLongerOpen as refusal:
        return _told(request, refusal, status=410)
    except Refusal as refusal:
        return render(request, "team/colleague.html", context | {"refusal": refusal}, status=409)
    return redirect("dashboard", code=membership.broker_id)


def _accepted(request: HttpRequest, token: str, found: queries.Invited, form: AcceptForm) -> HttpResponse:
    """Asks the exchange, which takes its time, and only then begins to change anything."""
    try:
        membership = first_owner.accept(
            token=token,
            login=request.user,
            account=chosen.exchange(clock=timezone.now).account(found.account_id),
            terms_version=form.cleaned_data["terms_version"],
            is_no_affiliate=form.cleaned_data["is_no_affiliate"],
            address=request.META.get("REMOTE_ADDR", ""),
            now=timezone.now(),
        )
    except ExchangeUnavailable as refusal:
        return _page(request, found, form, refusal=refusal, status=503)
    except first_owner.TermsChanged as refusal:
        again = AcceptForm(initial={"terms_version": queries.terms_in_force(timezone.now()).name})
        return _page(request, found, again, refusal=refusal, status=409)
    except queries.UsedAlready as refusal:
        return _told(request, refusal, status=410, joined=_joined(request, token))
    except Refusal as refusal:
        return _page(request, found, form, refusal=refusal, status=409)
    return redirect("dashboard", code=membership.broker_id)


def _joined(request: HttpRequest, token: str) -> int | None:
    return queries.joined_by(token, login=request.user) if request.user.is_authenticated else None


def _for_a_visitor(request: HttpRequest, address: str) -> HttpResponse:
    return render(request, "team/visitor.html", {"address": address})


def _told(
    request: HttpRequest,
    refusal: Refusal,
    *,
    status: int,
    other_login: bool = False,
    is_staff: bool = False,
    joined: int | None = None,
) -> HttpResponse:
    context = {"refusal": refusal, "other_login": other_login, "is_staff": is_staff, "joined": joined}
    return render(request, "team/refused.html", context, status=status)


def _page(
    request: HttpRequest,
    found: queries.Invited,
    form: AcceptForm,
    *,
    status: int,
    refusal: Refusal | None = None,
) -> HttpResponse:
    outage = isinstance(refusal, ExchangeUnavailable)
    context = {"invited": found, "form": form, "refusal": refusal, "outage": outage, "formula": FORMULA}
    return render(request, "team/invitation.html", context, status=status)
