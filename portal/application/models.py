"""An application, its documents and its timeline."""

from uuid import uuid4

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from payouts.models import Broker


class State(models.TextChoices):
    DRAFT = "draft", _("draft")
    SUBMITTED = "submitted", _("submitted")
    IN_REVIEW = "in_review", _("in review")
    INFORMATION_REQUESTED = "information_requested", _("information requested")
    APPROVED = "approved", _("approved")
    REJECTED = "rejected", _("rejected")
    WITHDRAWN = "withdrawn", _("withdrawn")


#: A login has at most one application in these states.
OPEN_STATES = (State.DRAFT, State.SUBMITTED, State.IN_REVIEW, State.INFORMATION_REQUESTED)


class PlatformType(models.TextChoices):
    """ "Qualified trading platforms and order execution service providers including, but not limited to" """

    EXCHANGE_AGGREGATOR = "exchange_aggregator", _("Exchange aggregator")
    TRADING_TERMINAL = "trading_terminal", _("Trading terminal")
    TRADING_BOTS = "trading_bots", _("Trading bots")
    ALGORITHMIC_TRADING_PLATFORM = "algorithmic_trading_platform", _("Algorithmic trading platform")
    SOCIAL_TRADING_PLATFORM = "social_trading_platform", _("Social trading platform")
    ASSET_MANAGER = "asset_manager", _("Asset manager")
    OTHER = "other", _("Other")


class OrderSubmission(models.TextChoices):
    USERS_KEYS = "users_keys", _("With API keys that our users give us")
    USERS_DEVICE = "users_device", _("From our users' own devices, with their own API keys")
    MANAGED_ACCOUNTS = "managed_accounts", _("From accounts that we manage for others")
    OWN_ACCOUNT = "own_account", _("From our own account")
    OTHER = "other", _("In another way")


class ExchangeAnswer(models.TextChoices):
    """What the exchange said about the account. An outage leaves it unanswered, and decides nothing."""

    UNANSWERED = "unanswered", _("not answered yet")
    BUSINESS = "business", _("a business account")
    MISSING = "missing", _("no such account")
    NOT_BUSINESS = "not_business", _("not a business account")
    AFFILIATE = "affiliate", _("enrolled in the Affiliate Program")


class RejectionReason(models.TextChoices):
    AFFILIATE = "affiliate", _("Enrolled in the Affiliate Program")
    NOT_A_PLATFORM = "not_a_platform", _("Not a trading platform or order execution service")
    NO_BUSINESS_ACCOUNT = "no_business_account", _("No business account at Backpack Exchange")
    COUNTRY = "country", _("Country not served")
    UNVERIFIABLE = "unverifiable", _("The business could not be verified")
    DUPLICATE = "duplicate", _("The business is in the program already")
    OTHER = "other", _("Another reason")


@pghistory.track(model_name="ApplicationHistory")
class Application(models.Model):
    """A business that wants to join, from its first draft to the decision."""

    reference = models.UUIDField(_("reference"), default=uuid4, unique=True, editable=False)
    applicant = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="applications"
    )
    state = models.CharField(_("state"), max_length=30, choices=State, default=State.DRAFT)
    #: Rises with every act of a reviewer or the applicant; who acts says which one was on the screen.
    version = models.PositiveIntegerField(default=0)

    legal_name = models.CharField(_("legal name"), max_length=200, blank=True)
    country = models.CharField(_("country of registration"), max_length=2, blank=True)
    registration_number = models.CharField(_("registration number"), max_length=100, blank=True)
    website = models.URLField(_("website"), max_length=300, blank=True)
    platform_type = models.CharField(_("platform type"), max_length=40, choices=PlatformType, blank=True)
    platform_other = models.CharField(_("what it is"), max_length=200, blank=True)

    contact_name = models.CharField(_("name"), max_length=200, blank=True)
    contact_position = models.CharField(_("position"), max_length=200, blank=True)
    contact_email = models.EmailField(_("e-mail address"), max_length=254, blank=True)
    contact_phone = models.CharField(_("telephone"), max_length=40, blank=True)

    account_id = models.CharField(_("business account at Backpack Exchange"), max_length=100, blank=True)
    exchange_answer = models.CharField(
        _("what the exchange says of it"),
        max_length=20,
        choices=ExchangeAnswer,
        default=ExchangeAnswer.UNANSWERED,
    )
    exchange_answered_at = models.DateTimeField(null=True)
    #: When the exchange is to be asked (again); none while nothing is to be asked.
    exchange_due_at = models.DateTimeField(null=True)

    trades_spot = models.BooleanField(_("spot"), default=False)
    trades_futures = models.BooleanField(_("futures"), default=False)
    #: Dollars a month.
    expected_volume = models.DecimalField(
        _("expected volume a month, in dollars"), max_digits=20, decimal_places=2, null=True
    )
    user_base = models.PositiveBigIntegerField(_("users"), null=True)
    order_submission = models.CharField(
        _("how orders are submitted"), max_length=30, choices=OrderSubmission, blank=True
    )
    integration_notes = models.TextField(_("about the integration"), max_length=4_000, blank=True)

    is_no_affiliate = models.BooleanField(_("not an affiliate"), default=False)
    terms_version = models.CharField(_("terms"), max_length=20, blank=True)
    terms_accepted_at = models.DateTimeField(null=True)
    terms_address = models.GenericIPAddressField(null=True)

    started_at = models.DateTimeField(_("started"))
    saved_at = models.DateTimeField(_("last saved"))
    submitted_at = models.DateTimeField(_("submitted"), null=True)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    rejection_reason = models.CharField(max_length=30, choices=RejectionReason, blank=True)
    decision_message = models.TextField(max_length=4_000, blank=True)
    reapply_from = models.DateField(null=True)
    broker = models.OneToOneField(Broker, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "application"
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="application_state_is_known"),
            models.UniqueConstraint(
                fields=["applicant"],
                condition=Q(state__in=OPEN_STATES),
                name="one_open_application_per_login",
            ),
            models.CheckConstraint(
                condition=Q(state="approved", broker__isnull=False, decided_by__isnull=False)
                | (~Q(state="approved") & Q(broker__isnull=True)),
                name="application_approved_has_its_broker",
            ),
            models.CheckConstraint(
                condition=~Q(state="rejected")
                | (Q(reapply_from__isnull=False) & ~Q(rejection_reason="") & ~Q(decision_message="")),
                name="application_rejected_says_why_and_until_when",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["approved", "rejected"], decided_at__isnull=False)
                | (~Q(state__in=["approved", "rejected"]) & Q(decided_at__isnull=True)),
                name="application_decided_has_its_time",
            ),
            # Nobody decides on an application of their own, superusers included.
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("applicant")),
                name="application_not_decided_by_its_applicant",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "withdrawn"])
                | Q(
                    submitted_at__isnull=False,
                    terms_accepted_at__isnull=False,
                    terms_address__isnull=False,
                    is_no_affiliate=True,
                ),
                name="application_submitted_has_accepted_the_terms",
            ),
        ]
        indexes = [
            models.Index(
                fields=["exchange_due_at"],
                name="application_exchange_due",
                condition=Q(exchange_due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.legal_name or self.reference} · {self.get_state_display()}"


class TimelineEntry(models.Model):
    """Something that happened to an application; rows are added, never edited."""

    class Kind(models.TextChoices):
        SUBMITTED = "submitted", _("submitted")
        REVIEW_STARTED = "review_started", _("review started")
        INFORMATION_REQUESTED = "information_requested", _("information requested")
        ANSWERED = "answered", _("answered")
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")
        WITHDRAWN = "withdrawn", _("withdrawn")

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="timeline")
    kind = models.CharField(max_length=30, choices=Kind)
    at = models.DateTimeField()
    #: None when the portal itself did it.
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    #: What the applicant is told or answered.
    text = models.TextField(max_length=4_000, blank=True)

    class Meta:
        db_table = "application_timeline"
        verbose_name = _("entry of the timeline")
        verbose_name_plural = _("entries of the timeline")
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "submitted",
                        "review_started",
                        "information_requested",
                        "answered",
                        "approved",
                        "rejected",
                        "withdrawn",
                    ]
                ),
                name="timeline_kind_is_known",
            ),
            models.UniqueConstraint(
                fields=["application"],
                condition=Q(kind__in=["approved", "rejected", "withdrawn"]),
                name="one_end_per_application",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} {self.kind}"


class ReviewNote(models.Model):
    """What a reviewer noted for other staff; the applicant never sees it. Added, never edited."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="notes")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=4_000)

    class Meta:
        db_table = "application_note"
        verbose_name = _("private note")
        verbose_name_plural = _("private notes")

    def __str__(self) -> str:
        return f"note on {self.application_id}"


@pghistory.track(model_name="DocumentHistory")
class Document(models.Model):
    """A file that belongs to an application: what it is; its bytes lie in a table of their own."""

    class Kind(models.TextChoices):
        REGISTRATION = "registration", _("certificate of registration")
        OWNERSHIP = "ownership", _("owners and directors")
        ADDRESS = "address", _("proof of address")
        OTHER = "other", _("something else")

    reference = models.UUIDField(default=uuid4, unique=True, editable=False)
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(_("what it shows"), max_length=20, choices=Kind)
    name = models.CharField(_("file name"), max_length=120)
    media_type = models.CharField(max_length=30)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    #: The applicant took it back while it could; or its time was up. The fact and the hash remain.
    removed_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "application_document"
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        constraints = [
            models.CheckConstraint(
                condition=Q(media_type__in=["application/pdf", "image/png", "image/jpeg"]),
                name="document_type_is_known",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["registration", "ownership", "address", "other"]),
                name="document_kind_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DocumentContent(models.Model):
    """The bytes of a document, until they are erased. No history keeps them."""

    document = models.OneToOneField(
        Document, primary_key=True, on_delete=models.PROTECT, related_name="content"
    )
    content = models.BinaryField()

    class Meta:
        db_table = "application_document_content"
        verbose_name = _("content of a document")
        verbose_name_plural = _("contents of documents")

    def __str__(self) -> str:
        return f"content of {self.document_id}"
