"""The doors of quarantine: replay, discard, reopen, ask the exchange; of one record, of many, of a reason."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.validators import RegexValidator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from payouts.feed import replaying
from payouts.feed.quarantine_models import QuarantinePlace
from payouts.feed.setting_aside import LONGEST_NOTE
from portal.accounts.staff_roles import Act
from portal.staff import quarantine_actions as actions
from portal.staff import quarantine_targets as targets
from portal.staff.acting import Asked, Nothing, act_page
from portal.staff.money_doors import door
from portal.staff.quarantine_targets import LARGEST, MOST_CHOSEN, Target
from portal.statements.handing import File, Streamed


class Note(forms.Form):
    note = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=LONGEST_NOTE,
        help_text=gettext_lazy("Kept with each record, for ever; staff and auditors read it."),
        widget=forms.Textarea,
    )


class UpTo(forms.Form):
    """What the page counted: a record that comes afterwards is not part of it."""

    up_to = forms.IntegerField(min_value=0, max_value=LARGEST, widget=forms.HiddenInput)


class Chosen(forms.Form):
    """Many records in one field, by their numbers."""

    records = forms.CharField(
        max_length=20 * MOST_CHOSEN,
        validators=[RegexValidator(r"\A[0-9]{1,18}( [0-9]{1,18})*\Z")],
        widget=forms.HiddenInput,
    )


class NoteUpTo(Note, UpTo):
    """Why, for all that the page counted."""


class NoteChosen(Note, Chosen):
    """Why, for the records that were chosen."""


def urls(window: Any) -> list[URLPattern]:
    def act(address: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
        return door(window, address, view, name, Act.MIND_QUARANTINE, is_proven=False)

    return [
        act("replay/", replay_all, "quarantine_replay_all"),
        act("replays/<int:number>/stop/", stop_replay, "quarantine_replay_stop"),
        act("reasons/<slug:reason>/replay/", replay_reason, "quarantine_replay_reason"),
        act("reasons/<slug:reason>/discard/", discard_reason, "quarantine_discard_reason"),
        act("reasons/<slug:reason>/ask/", ask_reason, "quarantine_ask_reason"),
        act("chosen/discard/", discard_chosen, "quarantine_discard_chosen"),
        act("chosen/ask/", ask_chosen, "quarantine_ask_chosen"),
        act("<int:number>/replay/", replay_one, "quarantine_replay_one"),
        act("<int:number>/discard/", discard_one, "quarantine_discard_one"),
        act("<int:number>/reopen/", reopen_one, "quarantine_reopen_one"),
        act("<int:number>/ask/", ask_one, "quarantine_ask_one"),
    ]


# -- replay -----------------------------------------------------------------------------------------


def replay_all(window: Any, request: HttpRequest) -> HttpResponse:
    found = QuarantinePlace.objects.filter(state=QuarantinePlace.State.WAITING).exclude(reason="malformed")
    target = Target(found.count(), _("Quarantine"), targets.overview(), "")
    return _replay(window, request, target, reason="", record=None)


def replay_reason(window: Any, request: HttpRequest, reason: str) -> HttpResponse:
    target, _up_to = targets.of_reason(reason)
    return _replay(window, request, target, reason=reason, record=None)


def replay_one(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    return _replay(window, request, targets.of_one(request, number), reason="", record=number)


def _replay(
    window: Any, request: HttpRequest, target: Target, *, reason: str, record: int | None
) -> HttpResponse:
    will = [
        ngettext(
            "%(count)s record is decided again, with today's brokers, terms and clock.",
            "%(count)s records are decided again, the oldest first, with today's brokers, terms and clock.",
            target.records,
        )
        % {"count": f"{target.records:,}"},
        _("What nothing is wrong with any more is accepted: it counts at once, in its month."),
        _("What something is still wrong with goes on waiting, for that reason."),
    ]
    if record is None:
        will.append(_("What cannot be read is left out: the exchange has to send it again."))
    if target.records > actions.AT_ONCE:
        will.append(_("So many are replayed behind the scenes: the next page says how far it is."))
    asked = Asked(
        title=_("Replay: %(what)s") % {"what": target.of} if target.word else _("Replay all that can be"),
        will=will,
        button=_("Replay"),
        done=_("The replay was begun."),
        back=target.back,
        of=target.of,
    )
    return act_page(
        window,
        request,
        asked,
        Nothing,
        lambda _data: actions.replay(reason=reason, record=record, by=request.user, clock=timezone.now),
        answer=lambda number: HttpResponseRedirect(reverse("admin:quarantine_replay", args=[number])),
    )


def stop_replay(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    if number > LARGEST or replaying.progress(number) is None:
        raise Http404(_("There is no such replay."))
    asked = Asked(
        title=_("Stop the replay"),
        will=[
            _("What it has decided stays decided. The other records go on waiting."),
            _("Another replay can be begun at once."),
        ],
        button=_("Stop it"),
        done=_("The replay is stopped."),
        back=reverse("admin:quarantine_replay", args=[number]),
        of=_("replay %(number)s") % {"number": number},
    )
    return act_page(
        window,
        request,
        asked,
        Nothing,
        lambda _data: actions.stop(replay=number, by=request.user, now=timezone.now()),
    )


# -- discard and reopen -----------------------------------------------------------------------------


def discard_one(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    return act_page(
        window,
        request,
        _discarding(targets.of_one(request, number)),
        Note,
        lambda data: actions.discard(
            records=[number], note=data["note"], by=request.user, now=timezone.now()
        ),
    )


def discard_chosen(window: Any, request: HttpRequest) -> HttpResponse:
    chosen = targets.chosen(request)
    if not chosen:
        return _nothing_chosen(request)
    return act_page(
        window,
        request,
        _discarding(targets.of_chosen(chosen)),
        NoteChosen,
        lambda data: actions.discard(
            records=targets.numbers(data["records"]), note=data["note"], by=request.user, now=timezone.now()
        ),
        initial={"records": " ".join(map(str, chosen))},
    )


def discard_reason(window: Any, request: HttpRequest, reason: str) -> HttpResponse:
    target, up_to = targets.of_reason(reason)
    return act_page(
        window,
        request,
        _discarding(target),
        NoteUpTo,
        lambda data: actions.discard_all(
            reason=reason, up_to=data["up_to"], note=data["note"], by=request.user, now=timezone.now()
        ),
        initial={"up_to": up_to},
    )


def _discarding(target: Target) -> Asked:
    return Asked(
        title=_("Discard: %(what)s") % {"what": target.of},
        will=[
            ngettext(
                "%(count)s record is discarded: it counts as excluded, for nobody.",
                "%(count)s records are discarded: they count as excluded, for nobody.",
                target.records,
            )
            % {"count": f"{target.records:,}"},
            _("A later record with the same key is decided as if this had never come."),
            _("The bytes are kept. Whoever finds that it was wrong can reopen it."),
        ],
        button=_("Discard"),
        done=ngettext("%(count)s record is discarded.", "%(count)s records are discarded.", target.records)
        % {"count": f"{target.records:,}"},
        back=target.back,
        of=target.of,
        is_danger=True,
    )


def reopen_one(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    target = targets.of_one(request, number)
    asked = Asked(
        title=_("Reopen: %(what)s") % {"what": target.of},
        will=[
            _("The record waits again, for the reason that it waited for before."),
            _("It no longer counts as excluded. Nothing is booked before it is replayed."),
        ],
        button=_("Reopen"),
        done=_("The record waits again."),
        back=target.back,
        of=target.of,
    )
    return act_page(
        window,
        request,
        asked,
        Note,
        lambda data: actions.reopen(record=number, note=data["note"], by=request.user, now=timezone.now()),
    )


# -- ask the exchange -------------------------------------------------------------------------------


def ask_one(window: Any, request: HttpRequest, number: int) -> HttpResponse:
    return _ask(
        window,
        request,
        targets.of_one(request, number),
        Nothing,
        lambda _data, now: actions.ask_exchange(records=[number], by=request.user, now=now),
    )


def ask_chosen(window: Any, request: HttpRequest) -> HttpResponse:
    chosen = targets.chosen(request)
    if not chosen:
        return _nothing_chosen(request)
    return _ask(
        window,
        request,
        targets.of_chosen(chosen),
        Chosen,
        lambda data, now: actions.ask_exchange(
            records=targets.numbers(data["records"]), by=request.user, now=now
        ),
        initial={"records": " ".join(map(str, chosen))},
    )


def ask_reason(window: Any, request: HttpRequest, reason: str) -> HttpResponse:
    target, up_to = targets.of_reason(reason)
    return _ask(
        window,
        request,
        target,
        UpTo,
        lambda data, now: actions.ask_exchange_about_all(
            reason=reason, up_to=data["up_to"], by=request.user, now=now
        ),
        initial={"up_to": up_to},
    )


def _ask(
    window: Any,
    request: HttpRequest,
    target: Target,
    form_class: type[forms.Form],
    do: Callable[[dict[str, Any], datetime], Iterator[bytes]],
    initial: dict[str, Any] | None = None,
) -> HttpResponse:
    now = timezone.now()
    asked = Asked(
        title=_("Ask the exchange: %(what)s") % {"what": target.of},
        will=[
            ngettext(
                "A file with %(count)s record is downloaded: its bytes as they came, and what is wrong.",
                "A file with %(count)s records is downloaded: their bytes as they came, and what is wrong.",
                target.records,
            )
            % {"count": f"{target.records:,}"},
            _("Send it to your contact at the exchange; nothing is sent from here."),
            _("That the exchange was asked now is noted with each record. They go on waiting."),
        ],
        button=_("Download, and mark as asked"),
        done=_("Marked as asked about: send the file to the exchange."),
        back=target.back,
        of=target.of,
    )
    name = f"quarantine-{target.word}-{now:%Y%m%d-%H%M%S}.csv"
    return act_page(
        window,
        request,
        asked,
        form_class,
        lambda data: do(data, now),
        initial=initial,
        answer=lambda pieces: _file(name, pieces),
    )


def _file(name: str, pieces: Iterator[bytes]) -> Streamed:
    media_type = "text/csv; charset=utf-8"
    made = Streamed(File(name, media_type, 0, "", lambda: pieces))
    made["Content-Type"] = media_type
    made["Content-Disposition"] = f'attachment; filename="{name}"'
    made["Cache-Control"] = "no-store, private"
    return made


def _nothing_chosen(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("Tick the records first."))
    return HttpResponseRedirect(reverse("admin:quarantine_records"))
