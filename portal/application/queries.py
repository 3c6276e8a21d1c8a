"""What an applicant may see: their application, its documents, its course; never who of us, never notes."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _

from payouts.month import Month
from payouts.program.terms import Terms
from portal.application import account_answer, countries, documents, steps
from portal.application.models import (
    OPEN_STATES,
    Application,
    Document,
    DocumentContent,
    State,
    TimelineEntry,
)
from portal.application.promise import Promise, promise


@dataclass(frozen=True, slots=True)
class Door:
    """What `/apply/` offers a login."""

    #: The application that is open, to go on with.
    open_reference: UUID | None = None
    #: A refused business waits until then.
    reapply_from: date | None = None
    #: There was an application before; the new one is filled in from it.
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class StepShown:
    """A step in the list of steps."""

    slug: str
    title: str | LazyText
    missing: int
    is_refused: bool

    @property
    def is_done(self) -> bool:
        return not self.missing and not self.is_refused


@dataclass(frozen=True, slots=True)
class Said:
    """One field of a step, as it is read on a page."""

    label: str
    text: str
    is_needed: bool


@dataclass(frozen=True, slots=True)
class Section:
    """A step with what was said in it."""

    step: StepShown
    lines: list[Said]


@dataclass(frozen=True, slots=True)
class DocumentShown:
    reference: UUID
    name: str
    kind: str
    size: int
    uploaded_at: datetime
    is_removable: bool
    erased_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline."""

    label: str
    at: datetime
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An application on a page of its applicant."""

    application: Any
    steps: list[StepShown]
    documents: list[DocumentShown]
    terms: Terms
    #: Set when the exchange refused the account or did not answer: what to say of it.
    account_sentence: str
    account_is_refused: bool
    account_is_confirmed: bool

    @property
    def is_complete(self) -> bool:
        return all(step.is_done for step in self.steps)

    @property
    def done(self) -> int:
        return sum(step.is_done for step in self.steps)

    @property
    def first_open(self) -> StepShown | None:
        return next((step for step in self.steps if not step.is_done), None)

    @property
    def documents_left(self) -> int:
        return documents.MOST - len(self.documents)


@dataclass(frozen=True, slots=True)
class Status:
    """Where an application stands, and what comes next."""

    shown: Shown
    timeline: list[Entry]
    promise: Promise
    question: str
    may_reapply: bool


@dataclass(frozen=True, slots=True)
class Download:
    name: str
    media_type: str
    content: bytes


def application_of(*, login: Any, reference: UUID) -> Application | None:
    """The login's own application, or None; another login's does not exist for it."""
    return Application.objects.filter(applicant=login, reference=reference).first()


def door(*, login: Any, now: datetime) -> Door:
    """Whether a login goes on with its application, starts one, or waits."""
    rows = list(
        Application.objects.filter(applicant=login).order_by("pk").only("reference", "state", "reapply_from")
    )
    opened = next((row.reference for row in rows if row.state in OPEN_STATES), None)
    waits = [row.reapply_from for row in rows if row.state == State.REJECTED and row.reapply_from]
    until = max((each for each in waits if each > now.date()), default=None)
    again = any(row.state in (State.REJECTED, State.WITHDRAWN) for row in rows)
    return Door(opened, until, again)


def shown(application: Application, *, now: datetime) -> Shown:
    """An application with what is done and what is missing."""
    there = list(application.documents.filter(removed_at__isnull=True).order_by("pk").select_related(None))
    asked_at = documents.asked_at(application) if application.state == State.INFORMATION_REQUESTED else None
    terms = steps.terms_in_force(Month.of(now))
    kinds = {each.kind for each in there if each.erased_at is None}
    lacking = steps.missing(vars(application), document_kinds=kinds, terms=terms.name)
    refused = account_answer.is_refused(application.exchange_answer)
    return Shown(
        application=application,
        steps=[
            StepShown(
                step.slug, step.title, len(lacking[step.slug]), is_refused=step.slug == "account" and refused
            )
            for step in steps.STEPS
        ],
        documents=[_document(each, application, asked_at) for each in there],
        terms=terms,
        account_sentence=account_answer.sentence(
            application.exchange_answer, is_draft=application.state == State.DRAFT
        )
        if application.account_id
        else "",
        account_is_refused=refused,
        account_is_confirmed=application.exchange_answer == "business",
    )


def status(application: Application, *, now: datetime) -> Status:
    """Where an application stands: the timeline, what happens next and by when."""
    rows = list(application.timeline.order_by("pk"))
    last_asked = next((row for row in reversed(rows) if row.kind == "information_requested"), None)
    answered = next((row.at for row in reversed(rows) if row.kind == "answered"), None)
    return Status(
        shown=shown(application, now=now),
        timeline=[_entry(row, application) for row in rows],
        promise=promise(
            state=application.state,
            submitted_at=application.submitted_at,
            answered_at=answered,
            now=now,
        ),
        question=last_asked.text if last_asked else "",
        may_reapply=application.reapply_from is not None and application.reapply_from <= now.date(),
    )


def sections(shown: Shown) -> list[Section]:
    """All that was said, step by step, to be read before it is submitted."""
    application = shown.application
    lacking = steps.missing(vars(application), document_kinds=set(), terms=shown.terms.name)
    return [
        Section(step, list(_lines(application, step.slug, lacking[step.slug], shown))) for step in shown.steps
    ]


def lines_of(shown: Shown, slug: str) -> list[Said]:
    """What is saved of one step."""
    return next(section.lines for section in sections(shown) if section.step.slug == slug)


def initial(application: Application, slug: str, *, now: datetime) -> dict[str, Any]:
    """What a step's form begins with."""
    values = {name: getattr(application, name) for name in steps.step_named(slug).fields}
    terms = steps.terms_in_force(Month.of(now)).name
    return values | {"accepts_terms": application.terms_version == terms, "terms": terms}


def mark(application: Application, slug: str) -> str:
    """What the form carries to see, when it comes back, whether another tab saved the step meanwhile."""
    return steps.digest(slug, vars(application))


def document_bytes(reference: UUID, document: UUID) -> Download | None:
    """A document of an application with its bytes; None when there is none, or it was erased.

    Who may have it is for the door to say.
    """
    found = (
        DocumentContent.objects.filter(
            document__reference=document,
            document__application__reference=reference,
            document__removed_at__isnull=True,
        )
        .select_related("document")
        .first()
    )
    if found is None:
        return None
    return Download(found.document.name, found.document.media_type, bytes(found.content))


def _document(row: Document, application: Application, asked_at: datetime | None) -> DocumentShown:
    return DocumentShown(
        reference=row.reference,
        name=row.name,
        kind=row.get_kind_display(),
        size=row.size,
        uploaded_at=row.uploaded_at,
        is_removable=documents.is_removable(application, row.uploaded_at, asked_at=asked_at),
        erased_at=row.erased_at,
    )


def _entry(row: TimelineEntry, application: Application) -> Entry:
    """Nobody of us is named: the exchange speaks with one voice."""
    if row.by_id is None:
        who = _("Broker portal")
    elif row.by_id == application.applicant_id:
        who = _("You")
    else:
        who = "Backpack"
    return Entry(row.get_kind_display(), row.at, who, row.text)


def _lines(application: Application, slug: str, lacking: list[str], shown: Shown) -> list[Said]:
    if slug == "documents":
        return [Said(each.kind, each.name, is_needed=False) for each in shown.documents]
    if slug == "declarations":
        declared, accepted = _("declared"), _("accepted")
        terms = f"{accepted} ({shown.terms.name})" if "accepts_terms" not in lacking else ""
        return [
            Said(
                _("Not enrolled in the Affiliate Program"),
                declared if application.is_no_affiliate else "",
                "is_no_affiliate" in lacking,
            ),
            Said(_("Terms of the program"), terms, "accepts_terms" in lacking),
        ]
    if slug == "integration":
        return [_products(application, lacking), *_plain(application, slug, lacking)]
    return _plain(application, slug, lacking)


def _products(application: Application, lacking: list[str]) -> Said:
    names = [
        label
        for chosen, label in (
            (application.trades_spot, _("spot")),
            (application.trades_futures, _("futures")),
        )
        if chosen
    ]
    return Said(_("Products"), ", ".join(names), "products" in lacking)


def _plain(application: Application, slug: str, lacking: list[str]) -> list[Said]:
    found = []
    for name in steps.step_named(slug).fields:
        if name in ("trades_spot", "trades_futures") or (
            name == "platform_other" and not application.platform_other and name not in lacking
        ):
            continue
        label = str(Application._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
        found.append(Said(label[:1].upper() + label[1:], _text(application, name), name in lacking))
    return found


def _text(application: Application, name: str) -> str:
    value = getattr(application, name)
    if value in (None, ""):
        return ""
    if name == "country":
        return countries.name_of(value)
    if name == "expected_volume":
        return f"${value:,}".removesuffix(".00")
    if name == "user_base":
        return f"{value:,}"
    display = getattr(application, f"get_{name}_display", None)
    return str(display() if display else value)
