"""Applications: the queue and the page of each one. What staff do with them goes through `review_doors`."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.staff_roles import Act, OwnBroker
from portal.application import review, review_queue
from portal.application.models import Application, State
from portal.application.review_queue import promised, working_days
from portal.application.risk_facts import card_of, cards
from portal.staff import application_fields, review_doors, review_forms
from portal.staff.application_filters import AssigneeFilter, OverdueFilter, RiskFilter, StateFilter
from portal.staff.history import history_of
from portal.staff.window import Window, acts, must_be_able


@admin.register(Application)
class ApplicationWindow(Window):
    see = Act.SEE_APPLICATIONS
    list_display = ("business", "state", "age", "risk", "assigned", "in_country", "platform")
    list_display_links = ("business",)
    list_filter = (StateFilter, AssigneeFilter, RiskFilter, OverdueFilter)
    search_fields = (
        "legal_name", "registration_number", "website", "account_id", "contact_email", "applicant__email",
        "reference",
    )  # fmt: skip
    search_help_text = gettext_lazy("Name, number, website, account, e-mail address or reference")
    ordering = ("submitted_at", "pk")
    sortable_by = ()

    def get_urls(self) -> list[URLPattern]:
        def button(name: str, view: Any, address: str = "") -> URLPattern:
            return path(
                f"<int:number>/{address or name}/",
                self.admin_site.admin_view(lambda request, **rest: view(self, request, **rest)),
                name=f"application_{name}",
            )

        def approve(request: HttpRequest, number: int) -> HttpResponse:
            must_be_able(request, Act.REVIEW)  # before the login is asked to prove itself in vain
            found: HttpResponse = review_doors.approve(request, window=self, number=number)
            return found

        return [
            button("take", review_doors.take),
            button("release", review_doors.release),
            button("note", review_doors.note),
            button("ask_exchange", review_doors.ask_exchange, "ask-exchange"),
            button("ask", review_doors.ask),
            button("reject", review_doors.reject),
            path("<int:number>/approve/", self.admin_site.admin_view(approve), name="application_approve"),
            button("document", review_doors.document, "documents/<uuid:document>"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Application]:
        return review_queue.sent()

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The page of the queue, its ages and risks read at once for all rows."""
        found = super().get_changelist_instance(request)
        rows = list(found.result_list)
        now, risks = timezone.now(), cards(rows)
        for row in rows:
            row.risk_card = risks[row.pk]
            row.days = working_days(row.submitted_at.date(), now.date())
            row.promise = promised(row, now=now)
        found.result_list = rows
        return found

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The whole application on one screen."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        must_be_able(request, self.see)
        application = self.get_object(request, object_id)
        if application is None:
            raise Http404(_("There is no such application."))
        own, now = _own(request, application), timezone.now()
        can_review = Act.REVIEW in acts(request) and not own
        can_see_history = Act.SEE_HISTORY in acts(request)
        context = self.admin_site.each_context(request) | {
            "title": application.legal_name,
            "application": application,
            "opts": self.opts,
            "groups": application_fields.groups(application),
            "documents": review_queue.documents(application),
            "can_see_documents": Act.SEE_DOCUMENTS in acts(request),
            "card": None if own else card_of(application),
            "timeline": application.timeline.select_related("by").order_by("pk"),
            "notes": [] if own else application.notes.select_related("by").order_by("pk"),
            "own": own,
            "can_review": can_review,
            "can_act": can_review and application.state in review.OPEN,
            "can_approve": can_review and application.state in review.COMPLETE,
            "is_open": application.state in review.OPEN,
            "days": working_days(application.submitted_at.date(), now.date()),
            "promise": promised(application, now=now),
            "history": history_of(application) if not own and (can_review or can_see_history) else [],
            "note_form": review_forms.Note(),
            "is_asked_for": application.state == State.INFORMATION_REQUESTED,
        }
        return TemplateResponse(request, "staff/application/detail.html", context)

    @admin.display(description=gettext_lazy("business"))
    def business(self, application: Application) -> str:
        return application.legal_name or str(application.reference)

    @admin.display(description=gettext_lazy("waits"))
    def age(self, application: Any) -> str:
        days = _("%(days)s working days") % {"days": application.days}
        if application.days == 1:
            days = _("1 working day")
        if application.promise.is_overdue:
            return format_html('{} <span class="badge warn">{}</span>', days, _("overdue"))
        return days

    @admin.display(description=gettext_lazy("risk"))
    def risk(self, application: Any) -> str:
        word = application.risk_card.level.word
        return format_html('<span class="badge risk-{}">{}</span>', word, _(word))

    @admin.display(description=gettext_lazy("assigned to"), empty_value="–")
    def assigned(self, application: Application) -> str | None:
        return (application.assignee.name or application.assignee.email) if application.assignee else None

    @admin.display(description=gettext_lazy("country"))
    def in_country(self, application: Application) -> str:
        return application_fields.country_name(application.country)

    @admin.display(description=gettext_lazy("platform"))
    def platform(self, application: Application) -> str:
        return application.platform_other or application.get_platform_type_display()


def _own(request: HttpRequest, application: Application) -> str:
    """Why this login may not act on the application, if it is its own business."""
    try:
        review.must_be_free(request.user, application)
    except OwnBroker as refusal:
        return str(refusal)
    return ""
