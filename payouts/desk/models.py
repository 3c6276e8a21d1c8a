"""Cases and what hangs on them: evidence, appeals, payouts held; terminations that one person prepared."""

import uuid

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from payouts.desk.account_models import ACCOUNT_WAIT, AccountChange, AccountChangeStep, AffiliateCheck
from payouts.monthend.models import Payout
from payouts.program.models import Broker, Reason, StandingChange

__all__ = [
    "ACCOUNT_WAIT",
    "AccountChange",
    "AccountChangeStep",
    "AffiliateCheck",
    "Appeal",
    "AppealMessage",
    "Case",
    "CaseEntry",
    "CaseFile",
    "CaseFileContent",
    "PayoutHold",
    "Termination",
]


def _login(**options: object) -> models.ForeignKey:  # type: ignore[type-arg]  # a field of whatever model
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        **options,  # type: ignore[arg-type]
    )


@pghistory.track(model_name="CaseHistory")
class Case(models.Model):
    """Something about a broker that staff have to decide, from its opening to its outcome."""

    class Kind(models.TextChoices):
        SUSPENSION = "suspension", _("suspension")
        TERMINATION = "termination", _("termination")
        AFFILIATE = "affiliate", _("affiliate conflict")
        FRAUD = "fraud", _("fraud suspicion")
        OTHER = "other", _("other")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        CLOSED = "closed", _("closed")

    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="cases")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    title = models.CharField(_("title"), max_length=200)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    #: Nobody has looked at it yet: it was opened by itself.
    is_flagged = models.BooleanField(_("flagged"), default=False)
    opened_at = models.DateTimeField(_("opened"))
    #: None: opened by the portal itself.
    opened_by = _login(null=True)
    #: Who looks after it.
    owner = _login(null=True)
    outcome = models.TextField(_("outcome"), blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    closed_by = _login(null=True)

    class Meta:
        db_table = "desk_case"
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["suspension", "termination", "affiliate", "fraud", "other"])
                & ~Q(title=""),
                name="case_kind_is_known",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="closed", closed_at__isnull=False, closed_by__isnull=False) & ~Q(outcome="")
                )
                | Q(state="open", closed_at__isnull=True, closed_by__isnull=True, outcome=""),
                name="a_closed_case_has_an_outcome",
            ),
            models.UniqueConstraint(
                fields=["broker"],
                condition=Q(kind="affiliate", state="open"),
                name="one_open_affiliate_conflict_per_broker",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.title}"


class CaseEntry(models.Model):
    """One entry of a case's timeline; rows are added, never edited."""

    class Kind(models.TextChoices):
        OPENED = "opened", _("opened")
        NOTE = "note", _("note")
        EVIDENCE = "evidence", _("evidence")
        TAKEN = "taken", _("taken over")
        SUSPENDED = "suspended", _("suspended")
        LIFTED = "lifted", _("suspension lifted")
        CANCELLED = "cancelled", _("planned suspension cancelled")
        PREPARED = "prepared", _("termination prepared")
        WITHDRAWN = "withdrawn", _("prepared termination withdrawn")
        TERMINATED = "terminated", _("terminated")
        HELD = "held", _("payouts held")
        RELEASED = "released", _("payout released")
        FORFEITED = "forfeited", _("payout forfeited")
        APPEALED = "appealed", _("appealed")
        APPEAL_MESSAGE = "appeal message", _("message in the appeal")
        APPEAL_DECIDED = "appeal decided", _("appeal decided")
        AFFILIATE = "affiliate", _("the exchange says: an affiliate")
        NO_AFFILIATE = "no affiliate", _("the exchange says: no affiliate any more")
        CLOSED = "closed", _("closed")
        REOPENED = "reopened", _("reopened")

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="timeline")
    kind = models.CharField(max_length=20, choices=Kind)
    at = models.DateTimeField()
    #: None: the portal itself.
    by = _login(null=True)
    text = models.TextField(blank=True)

    class Meta:
        db_table = "desk_case_entry"
        verbose_name = _("entry of a case")
        verbose_name_plural = _("entries of cases")
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "opened", "note", "evidence", "taken", "suspended", "lifted", "cancelled", "prepared",
                        "withdrawn", "terminated", "held", "released", "forfeited", "appealed",
                        "appeal message", "appeal decided", "affiliate", "no affiliate", "closed", "reopened",
                    ]
                ),
                name="case_entry_kind_is_known",
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.case_id}: {self.kind} {self.at:%Y-%m-%d %H:%M:%S} UTC"


class Appeal(models.Model):
    """A broker asks the exchange to think again about one change of its standing."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        GRANTED = "granted", _("granted")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", _("withdrawn")

    reference = models.UUIDField(default=uuid.uuid4, unique=True)
    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="appeals")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="appeals")
    change = models.OneToOneField(StandingChange, on_delete=models.PROTECT, related_name="appeal")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    opened_by = _login()
    opened_at = models.DateTimeField(_("opened"))
    #: What the broker is told of the decision.
    decision = models.TextField(blank=True)
    decided_by = _login(null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "desk_appeal"
        verbose_name = _("appeal")
        verbose_name_plural = _("appeals")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", decided_at__isnull=True, decided_by__isnull=True, decision="")
                | Q(state="withdrawn", decided_at__isnull=False, decided_by__isnull=False)
                | (
                    Q(
                        state__in=["granted", "refused"],
                        decided_at__isnull=False,
                        decided_by__isnull=False,
                    )
                    & ~Q(decision="")
                ),
                name="a_decided_appeal_says_so",
            )
        ]

    def __str__(self) -> str:
        return f"{self.broker_id}: appeal of {self.opened_at:%Y-%m-%d}"


class AppealMessage(models.Model):
    """What one side says to the other in an appeal; rows are added, never edited."""

    appeal = models.ForeignKey(Appeal, on_delete=models.PROTECT, related_name="messages")
    by = _login()
    is_from_exchange = models.BooleanField()
    text = models.TextField()
    at = models.DateTimeField()

    class Meta:
        db_table = "desk_appeal_message"
        verbose_name = _("message of an appeal")
        verbose_name_plural = _("messages of appeals")
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="appeal_message_says_something")]

    def __str__(self) -> str:
        return f"{self.appeal_id} {self.at:%Y-%m-%d %H:%M:%S} UTC"


class CaseFile(models.Model):
    """A file of a case: evidence of staff, or what came with a message of an appeal."""

    reference = models.UUIDField(default=uuid.uuid4, unique=True)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="files")
    #: The message that it came with; None for evidence, which the broker never sees.
    message = models.ForeignKey(AppealMessage, null=True, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=50)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    uploaded_by = _login()
    uploaded_at = models.DateTimeField()

    class Meta:
        db_table = "desk_case_file"
        verbose_name = _("file of a case")
        verbose_name_plural = _("files of cases")
        constraints = [
            models.CheckConstraint(
                condition=Q(media_type__in=["application/pdf", "image/png", "image/jpeg"], size__gt=0),
                name="case_file_is_a_document_or_picture",
            )
        ]

    def __str__(self) -> str:
        return self.name


class CaseFileContent(models.Model):
    """The bytes of a file of a case."""

    file = models.OneToOneField(CaseFile, primary_key=True, on_delete=models.PROTECT, related_name="bytes")
    content = models.BinaryField()

    class Meta:
        db_table = "desk_case_file_content"

    def __str__(self) -> str:
        return f"bytes of {self.file_id}"


class Termination(models.Model):
    """A termination that one person has prepared and another confirms, or not."""

    class State(models.TextChoices):
        PREPARED = "prepared", _("prepared")
        CONFIRMED = "confirmed", _("confirmed")
        WITHDRAWN = "withdrawn", _("withdrawn")

    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="terminations")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="terminations")
    reason = models.CharField(max_length=20, choices=Reason)
    #: For staff only.
    note = models.TextField()
    #: What the broker is told.
    message = models.TextField()
    #: None: at the moment of the confirmation.
    effective_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.PREPARED)
    prepared_by = _login()
    prepared_at = models.DateTimeField()
    #: Who confirmed or withdrew it.
    decided_by = _login(null=True)
    decided_at = models.DateTimeField(null=True)
    change = models.OneToOneField(
        StandingChange, null=True, on_delete=models.PROTECT, related_name="termination"
    )

    class Meta:
        db_table = "desk_termination"
        verbose_name = _("prepared termination")
        verbose_name_plural = _("prepared terminations")
        constraints = [
            models.UniqueConstraint(
                fields=["broker"], condition=Q(state="prepared"), name="one_prepared_termination_per_broker"
            ),
            models.CheckConstraint(
                condition=Q(
                    state="prepared", decided_by__isnull=True, decided_at__isnull=True, change__isnull=True
                )
                | Q(
                    state="withdrawn", decided_by__isnull=False, decided_at__isnull=False, change__isnull=True
                )
                | (
                    Q(
                        state="confirmed",
                        decided_by__isnull=False,
                        decided_at__isnull=False,
                        change__isnull=False,
                    )
                    & ~Q(decided_by=F("prepared_by"))
                ),
                name="another_person_confirms_a_termination",
            ),
            models.CheckConstraint(
                condition=Q(reason__in=Reason.values) & ~Q(note="") & ~Q(message=""),
                name="a_termination_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"termination of {self.broker_id}, {self.state}"


class PayoutHold(models.Model):
    """A payout is not sent while a case holds it. Releasing is a deliberate act of its own."""

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="holds")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="holds")
    held_at = models.DateTimeField()

    class Meta:
        db_table = "payout_hold"
        verbose_name = _("held payout")
        verbose_name_plural = _("held payouts")
        constraints = [models.UniqueConstraint(fields=["payout", "case"], name="a_case_holds_a_payout_once")]

    def __str__(self) -> str:
        return f"{self.payout_id} held by case {self.case_id}"
