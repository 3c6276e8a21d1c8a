"""What an act upon quarantined records is about: one of them, all of a reason, or those that were ticked."""

from dataclasses import dataclass

from django.db.models import Count, Max
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from payouts.feed.quarantine_models import QuarantinePlace
from portal.staff import quarantine_words as words
from portal.staff.money_doors import must_not_be_ones_own

#: Records that are chosen by hand: what one page of the list shows, with room to spare.
MOST_CHOSEN = 200
LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Target:
    """What an act is about: how many records, what they are called, where the way back leads."""

    records: int
    of: str
    back: str
    #: The part of a file's name.
    word: str


def of_one(request: HttpRequest, number: int) -> Target:
    """The record or a 404; a 403 if it names a broker whose team the login belongs to."""
    place = QuarantinePlace.objects.filter(pk=number).first() if number <= LARGEST else None
    if place is None:
        raise Http404(_("There is no such record."))
    must_not_be_ones_own(request, place.broker_code)
    return Target(
        1,
        _("record %(number)s") % {"number": number},
        reverse("admin:payouts_quarantineplace_change", args=[number]),
        f"record-{number}",
    )


def of_reason(reason: str) -> tuple[Target, int]:
    """All that wait with a reason at this moment, and the last of them; a 404 if none does."""
    found = QuarantinePlace.objects.filter(state=QuarantinePlace.State.WAITING, reason=reason).aggregate(
        records=Count("pk"), up_to=Max("pk")
    )
    if not found["records"]:
        raise Http404(_("No record waits for this reason any more."))
    target = Target(
        found["records"],
        _("all of “%(reason)s”") % {"reason": words.title(reason)},
        overview(),
        reason.replace("_", "-"),
    )
    return target, found["up_to"]


def of_chosen(chosen: list[int]) -> Target:
    of = ngettext("%(count)s record", "%(count)s records", len(chosen)) % {"count": len(chosen)}
    return Target(len(chosen), of, reverse("admin:quarantine_records"), "chosen")


def chosen(request: HttpRequest) -> list[int]:
    """The records that were ticked in the list, or that its page of confirmation sends."""
    if request.method == "POST":
        return numbers(request.POST.get("records", ""))
    return numbers(" ".join(request.GET.getlist("record")))


def numbers(written: str) -> list[int]:
    found = {int(each) for each in written.split() if each.isascii() and each.isdigit() and len(each) < 19}
    return sorted(found)[:MOST_CHOSEN]


def overview() -> str:
    return reverse("admin:payouts_quarantineplace_changelist")
