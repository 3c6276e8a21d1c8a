"""The doors of money: who may come in, proved anew where money moves, and never to one's own broker."""

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from payouts.monthend.models import Payout, Run
from payouts.refusal import Refusal
from portal.accounts.staff_roles import Act, NotYourRole, OwnBroker
from portal.staff.own import must_not_be_own
from portal.staff.window import must_be_able

View = Callable[..., HttpResponseBase]
PAGE, BUTTON, READ = ("GET", "HEAD", "POST"), ("POST",), ("GET", "HEAD")
#: What a key of a row can be at most; beyond it PostgreSQL itself would raise.
_LARGEST = 2**63 - 1


def door(
    window: Any,
    address: str,
    view: View,
    name: str,
    act: Act,
    *,
    methods: tuple[str, ...] = PAGE,
    is_proven: bool = True,
) -> URLPattern:
    """A page or button under a window's address: the role's act or 403, then the login proved anew."""

    def enter(request: HttpRequest, **rest: Any) -> HttpResponseBase:
        try:
            return view(window, request, **rest)
        except (NotYourRole, OwnBroker) as refusal:
            raise PermissionDenied(str(refusal)) from None

    proved = reauthentication_required(enter) if is_proven else enter

    def knock(request: HttpRequest, **rest: Any) -> HttpResponseBase:
        if request.method not in methods:
            return HttpResponseNotAllowed(methods)
        must_be_able(request, act)  # before the login is asked to prove itself in vain
        found: HttpResponseBase = proved(request, **rest)
        return found

    found: URLPattern = path(address, window.admin_site.admin_view(knock), name=name)
    return found


def number_of(text: object) -> int:
    """The key of a row as it stands in an address; 0, which no row has, for what can be none."""
    written = str(text)
    if not (written.isascii() and written.isdigit() and len(written) < 20):
        return 0
    number = int(written)
    return number if number <= _LARGEST else 0


def run_of(number: object) -> Run:
    found = Run.objects.filter(pk=number_of(number)).first()
    if found is None:
        raise Http404(_("There is no such month."))
    return found


def payout_of(request: HttpRequest, number: object) -> Payout:
    """The payout or a 404; a 403 when it is of a broker whose team the login belongs to."""
    found = (
        Payout.objects.filter(pk=number_of(number))
        .select_related("run", "broker", "prepared_by", "approved_by")
        .first()
    )
    if found is None:
        raise Http404(_("There is no such payout."))
    must_not_be_ones_own(request, found.broker_id)
    return found


def must_not_be_ones_own(request: HttpRequest, broker_code: int | None) -> None:
    """A 403 with the reason."""
    if broker_code is None:
        return
    try:
        must_not_be_own(request.user, broker_code)
    except OwnBroker as refusal:
        raise PermissionDenied(str(refusal)) from None


def came_through_the_password(request: HttpRequest) -> bool:
    """Whether the login had to prove itself between the button and here: then its files were left behind."""
    match = request.resolver_match  # of the page that the browser really asked for
    return match is None or match.namespace != "admin"


def attempted(do: Callable[[], object]) -> str:
    """Does it; empty, or the sentence of whatever refused it. A role that does not include it is a 403."""
    try:
        do()
    except (NotYourRole, OwnBroker):
        raise
    except Refusal as refusal:
        return str(refusal)
    return ""


def page_of_run(run_id: int) -> str:
    return reverse("admin:payouts_run_change", args=[run_id])


def page_of_payout(payout_id: int) -> str:
    return reverse("admin:payouts_payout_change", args=[payout_id])
