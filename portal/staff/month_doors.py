"""The doors of a month: prepare and approve many payouts in one act, calculate again, compare, look on."""

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from payouts.desk import approve as desk_approve
from payouts.desk.payout_facts import facts_of
from payouts.month import Month
from payouts.monthend.models import Payout, Run
from payouts.refusal import Refusal
from portal.accounts.staff_roles import Act
from portal.staff import month_dry_run, month_pack, month_page, month_rows, payout_actions
from portal.staff.acting import Asked, Nothing, act_page
from portal.staff.money_doors import (
    PAGE,
    READ,
    attempted,
    door,
    must_not_be_ones_own,
    page_of_payout,
    page_of_run,
    run_of,
)
from portal.staff.month_rows import Row

_State = Payout.State
#: Payouts of one act.
_MOST = 1_000


class Chosen(forms.Form):
    """Many payouts in one field, so that any number of them comes through."""

    payouts = forms.CharField(required=False, widget=forms.HiddenInput)
    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("For whoever approves, if there is something to say."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    shown = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)


def urls(window: Any) -> list[URLPattern]:
    return [
        door(window, "<int:number>/prepare/", prepare, "payouts_prepare", Act.PREPARE_PAYOUTS),
        door(
            window,
            "<int:number>/take-back/",
            take_back,
            "payouts_take_back",
            Act.PREPARE_PAYOUTS,
            is_proven=False,
        ),
        door(window, "<int:number>/approve/", approve, "payouts_approve", Act.APPROVE_PAYOUTS),
        door(
            window,
            "<int:number>/recalculate/",
            recalculate,
            "run_recalculate",
            Act.RECALCULATE,
            methods=PAGE,
            is_proven=False,
        ),
        door(
            window,
            "<int:number>/dry-run/",
            dry_run,
            "run_dry_run",
            Act.RECALCULATE,
            methods=READ,
            is_proven=False,
        ),
        door(
            window,
            "<int:number>/progress/",
            progress,
            "run_progress",
            Act.SEE_PAYOUTS,
            methods=READ,
            is_proven=False,
        ),
        door(window, "<int:number>/pack/", pack, "run_pack", Act.TAKE_PACK, methods=READ, is_proven=False),
        door(
            window,
            "<int:number>/pack.csv",
            pack_csv,
            "run_pack_csv",
            Act.TAKE_PACK,
            methods=READ,
            is_proven=False,
        ),
    ]


def prepare(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    """All that were chosen, with their total; then they are prepared."""
    run = run_of(number)
    chosen = _chosen(request, run, _State.CALCULATED)
    form = Chosen(request.POST if request.method == "POST" else None, initial=_initial(chosen))
    said, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            said = attempted(
                lambda: payout_actions.prepare(
                    payout_ids=chosen, note=form.cleaned_data["note"], by=request.user, now=timezone.now()
                )
            )
            if not said:
                return _done(
                    request,
                    run,
                    chosen,
                    ngettext(
                        "%(number)s payout is prepared: another person approves it.",
                        "%(number)s payouts are prepared: another person approves them.",
                        len(chosen),
                    ),
                )
            status = 409
    return _page(
        window,
        request,
        run,
        chosen,
        template="prepare",
        title=_("Prepare payouts"),
        fits=_State.CALCULATED,
        form=form,
        said=said,
        status=status,
    )


def take_back(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    run = run_of(number)
    chosen = _chosen(request, run, _State.PREPARED)
    form = Chosen(request.POST if request.method == "POST" else None, initial=_initial(chosen))
    said, status = "", 200
    if request.method == "POST":
        said = attempted(
            lambda: payout_actions.take_back(payout_ids=chosen, by=request.user, now=timezone.now())
        )
        if not said:
            return _done(
                request,
                run,
                chosen,
                ngettext(
                    "%(number)s preparation is taken back.",
                    "%(number)s preparations are taken back.",
                    len(chosen),
                ),
            )
        status = 409
    return _page(
        window,
        request,
        run,
        chosen,
        template="take_back",
        title=_("Take preparations back"),
        fits=_State.PREPARED,
        form=form,
        said=said,
        status=status,
    )


def approve(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    """All that were chosen, with their total and the digest of what is shown; then they are approved."""
    run = run_of(number)
    chosen = _chosen(request, run, _State.PREPARED)
    # Before anything is read to be shown: what changes while the page is made differs from it.
    digest = _shown(chosen)
    said, status = "", 200
    if request.method == "POST":
        said = attempted(
            lambda: payout_actions.approve(
                payout_ids=chosen,
                shown=request.POST.get("shown", ""),
                by=request.user,
                now=timezone.now(),
            )
        )
        if not said:
            return _done(
                request,
                run,
                chosen,
                ngettext(
                    "%(number)s payout is approved and booked.",
                    "%(number)s payouts are approved and booked.",
                    len(chosen),
                ),
            )
        status, digest = 409, _shown(chosen)
    return _page(
        window,
        request,
        run,
        chosen,
        template="approve",
        title=_("Approve payouts"),
        fits=_State.PREPARED,
        form=Chosen(initial=_initial(chosen) | {"shown": digest}),
        said=said,
        status=status,
    )


def recalculate(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    run = run_of(number)
    asked = Asked(
        title=_("Calculate the month again"),
        will=[
            _("Every payout of %(month)s that is not approved is calculated from the fills as they stand.")
            % {"month": run},
            _("Preparations of what changes are taken back; bounds are looked at anew."),
            _("Approved payouts stay as they are: what came late is corrected with the next month."),
        ],
        button=_("Calculate again"),
        done=_("The month is calculated."),
        back=page_of_run(run.pk),
        of=str(run),
    )
    return act_page(
        window,
        request,
        asked,
        Nothing,
        lambda _data: payout_actions.recalculate(
            month=Month.of_date(run.month), by=request.user, now=timezone.now()
        ),
    )


def dry_run(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    """What calculating again would change; nothing is written."""
    run = run_of(number)
    return TemplateResponse(
        request,
        "staff/months/dry_run.html",
        window.admin_site.each_context(request)
        | {
            "title": _("%(month)s, if it were calculated now") % {"month": run},
            "opts": window.opts,
            "run": run,
            "back": page_of_run(run.pk),
            "now": timezone.now(),
        }
        | {"found": month_dry_run.found(run)},
    )


def progress(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    """How far the calculation is, for the script of the month's page."""
    found = month_page.progress_of(run_of(number))
    return JsonResponse({"done": found.counted, "all": found.all, "works": found.is_working})


def pack(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    run = run_of(number)
    found = month_pack.pack_of(run)
    return TemplateResponse(
        request,
        "staff/months/pack.html",
        window.admin_site.each_context(request)
        | {
            "title": _("Payouts of %(month)s") % {"month": run},
            "opts": window.opts,
            "run": run,
            "back": page_of_run(run.pk),
            "pack": found,
            "now": timezone.now(),
        },
    )


def pack_csv(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    run = run_of(number)
    return HttpResponse(
        month_pack.as_csv(month_pack.pack_of(run)),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="payouts-{run}.csv"',
            "Cache-Control": "no-store, private",
        },
    )


def _chosen(request: HttpRequest, run: Run, fits: str) -> list[int]:
    """The payouts of the run that an address or a form names; `all` means those that can be acted upon."""
    if request.method != "POST" and request.GET.get("payouts") == "all":
        return _all(request, run, fits)
    if request.method == "POST":
        named = re.findall(r"[0-9]{1,18}", request.POST.get("payouts", ""))
    else:
        named = [each for each in request.GET.getlist("payout") if re.fullmatch(r"[0-9]{1,18}", each)]
    numbers = [int(each) for each in named][:_MOST]
    return sorted(Payout.objects.filter(run=run, pk__in=numbers).values_list("pk", flat=True))


def _all(request: HttpRequest, run: Run, fits: str) -> list[int]:
    rows = month_rows.rows_of(month_rows.payouts_of(run).filter(state=fits), login=request.user)
    rows = [row for row in rows if row.can_be_chosen]
    if fits == _State.PREPARED:
        rows = [row for row in rows if not row.open_bounds and row.payout.prepared_by_id != request.user.pk]
    return sorted(row.payout.pk for row in rows)


def _initial(chosen: list[int]) -> dict[str, str]:
    return {"payouts": ",".join(map(str, chosen))}


def _shown(chosen: list[int]) -> str:
    """The digest of what is shown of them; empty where there is nothing to approve."""
    if not chosen:
        return ""
    try:
        return desk_approve.shown(chosen)
    except Refusal:
        return ""


def _done(request: HttpRequest, run: Run, chosen: list[int], said: str) -> HttpResponse:
    messages.success(request, said % {"number": len(chosen)})
    return HttpResponseRedirect(page_of_payout(chosen[0]) if len(chosen) == 1 else page_of_run(run.pk))


def _page(
    window: Any,
    request: HttpRequest,
    run: Run,
    chosen: list[int],
    *,
    template: str,
    title: str,
    fits: str,
    said: str,
    status: int,
    form: Chosen,
) -> HttpResponse:
    rows: list[Row] = []
    if chosen:
        rows = month_rows.rows_of(month_rows.payouts_of(run).filter(pk__in=chosen), login=request.user)
        for row in rows:
            if row.is_own:
                must_not_be_ones_own(request, row.payout.broker_id)
    fitting = [row for row in rows if row.payout.state == fits]
    back = page_of_payout(chosen[0]) if len(chosen) == 1 else page_of_run(run.pk)
    return TemplateResponse(
        request,
        f"staff/months/{template}.html",
        window.admin_site.each_context(request)
        | {
            "title": title,
            "opts": window.opts,
            "run": run,
            "rows": rows,
            "others": len(rows) - len(fitting),
            "totals": month_page.totals_of(run, rows),
            "form": form,
            "said": said,
            "back": back,
            "due_now": _due_now(fitting) if fits == _State.CALCULATED else {},
            "is_own_preparation": any(row.payout.prepared_by_id == request.user.pk for row in rows),
        },
        status=status,
    )


def _due_now(rows: list[Row]) -> dict[str, Any]:
    """What would be due of each payout if it were prepared now, and of all of them together."""
    facts = facts_of([row.payout for row in rows])
    return {
        "of": facts,
        "total": month_page.added(each.due for each in facts.values()),
    }
