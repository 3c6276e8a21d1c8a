"""Letters: what went out, what waits, what was given up. Never the text of a secret link."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.staff_roles import Act, OwnBroker
from portal.letters import actions
from portal.letters.kinds import KINDS
from portal.letters.models import Letter
from portal.staff.acting import Asked, Nothing, act_page
from portal.staff.letter_titles import title_of
from portal.staff.window import Window, acts, must_be_able
from portal.team import queries
from portal.team.models import Invitation

_AGAIN = (Letter.State.DEAD, Letter.State.FAILED)


class KindFilter(SimpleListFilter):
    title = gettext_lazy("letter")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return sorted(((kind, title_of(kind)) for kind in KINDS), key=lambda each: each[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Letter]) -> QuerySet[Letter]:
        return queryset.filter(kind=self.value()) if self.value() in KINDS else queryset


@admin.register(Letter)
class LetterWindow(Window):
    see = Act.SEE_LETTERS
    list_display = ("title", "to", "how_far", "attempts", "written", "sent")
    list_display_links = ("title",)
    list_filter = ("state", KindFilter)
    search_fields = ("to", "kind")
    search_help_text = gettext_lazy("Address or kind of letter")
    ordering = ("-written_at", "-pk")
    sortable_by = ("title", "to", "attempts", "written", "sent")

    def get_urls(self) -> list[URLPattern]:
        again = self.admin_site.admin_view(self.again)
        return [path("<int:number>/again/", again, name="letter_again"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Letter]:
        return super().get_queryset(request).defer("link")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """How far a letter has come, and the facts of its text."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        letter = self.get_object(request, object_id)
        if letter is None:
            raise Http404(_("There is no such letter."))
        context = self.admin_site.each_context(request) | {
            "title": f"{title_of(letter.kind)} · {letter.to}",
            "opts": self.opts,
            "letter": letter,
            "kind": title_of(letter.kind),
            "facts": sorted((name.replace("_", " "), value) for name, value in letter.facts.items()),
            "can_send_again": Act.RESEND_LETTERS in acts(request) and letter.state in _AGAIN,
        }
        return TemplateResponse(request, "staff/letters/detail.html", context)

    def again(self, request: HttpRequest, number: int) -> HttpResponse:
        must_be_able(request, Act.RESEND_LETTERS)
        letter = Letter.objects.filter(pk=number).first() if number < 2**63 else None
        if letter is None:
            raise Http404(_("There is no such letter."))
        asked = Asked(
            title=_("Send the letter again"),
            will=[
                _("The letter to %(to)s is tried again at once, with its old Message-ID.")
                % {"to": letter.to},
                _("A secret link in it is made anew; if what it opens is over, the letter is not sent."),
            ],
            button=_("Send it again"),
            done=_("The letter is in the queue again."),
            back=reverse("admin:portal_letter_change", args=[letter.pk]),
            of=f"{title_of(letter.kind)} · {letter.to}",
        )

        def send(_data: object) -> None:
            _must_be_free(request, letter)
            actions.send_again(letter_id=number, by=request.user, now=timezone.now())

        return act_page(self, request, asked, Nothing, send)

    @admin.display(description=gettext_lazy("letter"), ordering="kind")
    def title(self, letter: Letter) -> str:
        return title_of(letter.kind)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def how_far(self, letter: Letter) -> str:
        css = {"dead": "badge risk-high", "failed": "badge warn"}.get(letter.state, "badge")
        return format_html('<span class="{}">{}</span>', css, letter.get_state_display())

    @admin.display(description=gettext_lazy("written"), ordering="written_at")
    def written(self, letter: Letter) -> str:
        return f"{letter.written_at:%Y-%m-%d %H:%M:%S} UTC"

    @admin.display(description=gettext_lazy("sent"), ordering="sent_at", empty_value="–")
    def sent(self, letter: Letter) -> str | None:
        return f"{letter.sent_at:%Y-%m-%d %H:%M:%S} UTC" if letter.sent_at else None


def _must_be_free(request: HttpRequest, letter: Letter) -> None:
    """Staff do not act for a broker of their own, by its letters either. Refuses `OwnBroker`."""
    number: Any = (letter.link or {}).get("invitation")
    code = Invitation.objects.filter(pk=number).values_list("broker_id", flat=True).first()
    if code is not None and queries.is_member(request.user, code):
        raise OwnBroker("You are a member of this broker's team: another member of staff has to do this.")
