"""Brokers and what happened to their standing."""

import pghistory
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from payouts.program import broker_code


@pghistory.track(model_name="BrokerHistory")
class Broker(models.Model):
    """A business in the program, known by its code for ever."""

    code = models.PositiveIntegerField(_("code"), primary_key=True)
    name = models.CharField(_("name"), max_length=200)
    account_id = models.CharField(_("exchange account"), max_length=200)
    enrolled_at = models.DateTimeField(_("enrolled"))

    class Meta:
        db_table = "broker"
        verbose_name = _("broker")
        verbose_name_plural = _("brokers")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(code__gte=broker_code.LOWEST, code__lte=broker_code.HIGHEST),
                name="broker_code_is_uint16",
            ),
            models.CheckConstraint(
                condition=~models.Q(name="") & ~models.Q(account_id=""),
                name="broker_has_name_and_account",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class Reason(models.TextChoices):
    """Why the exchange says stop: what the program's text names, and what it leaves open.

    "… including but not limited to cases involving fraudulent activity, violations of the User Agreement,
    non-compliance with applicable laws or regulations, or any conduct deemed harmful to the platform or its
    users."
    """

    FRAUD = "fraud", _("fraudulent activity")
    AGREEMENT = "agreement", _("violation of the User Agreement")
    LAW = "law", _("non-compliance with applicable laws or regulations")
    CONDUCT = "conduct", _("conduct deemed harmful to the platform or its users")
    AFFILIATE = "affiliate", _("enrolment in the Affiliate Program")
    OTHER = "other", _("other reason")


class StandingChange(models.Model):
    """One change of a broker's standing; rows are added, never edited.

    The database keeps the ranges that follow from them in `standing_range`, and refuses a change that
    contradicts those before it. A termination has two people: who prepared it and who recorded it.
    """

    class Kind(models.TextChoices):
        ENROLLED = "enrolled", _("enrolled")
        SUSPENDED = "suspended", _("suspended")
        LIFTED = "lifted", _("lifted")
        TERMINATED = "terminated", _("terminated")

    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="standing_changes")
    kind = models.CharField(max_length=20, choices=Kind)
    effective_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    #: For staff only.
    note = models.TextField(blank=True)
    reason = models.CharField(max_length=20, choices=Reason, blank=True)
    #: What the broker is told.
    message = models.TextField(blank=True)
    #: Every suspension, lifting and termination belongs to a case.
    case = models.ForeignKey("payouts.Case", null=True, on_delete=models.PROTECT, related_name="changes")
    #: The suspension that a lifting ends; each is lifted at most once.
    ends = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="ended_by")
    #: The first of the two who terminate.
    prepared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        db_table = "standing_change"
        verbose_name = _("change of standing")
        verbose_name_plural = _("changes of standing")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["enrolled", "suspended", "lifted", "terminated"]),
                name="standing_change_kind_is_known",
            ),
            models.UniqueConstraint(
                fields=["broker"],
                condition=models.Q(kind="enrolled"),
                name="one_enrolment_per_broker",
            ),
            models.UniqueConstraint(
                fields=["broker"],
                condition=models.Q(kind="terminated"),
                name="one_termination_per_broker",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="enrolled", case__isnull=True, reason="", message="")
                | models.Q(kind="lifted", case__isnull=False)
                | (
                    models.Q(
                        kind__in=["suspended", "terminated"], case__isnull=False, reason__in=Reason.values
                    )
                    & ~models.Q(message="")
                ),
                name="standing_change_has_case_reason_and_message",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="lifted", ends__isnull=False)
                | (~models.Q(kind="lifted") & models.Q(ends__isnull=True)),
                name="a_lifting_ends_a_suspension",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="terminated")
                | (
                    models.Q(prepared_by__isnull=False, recorded_by__isnull=False)
                    & ~models.Q(prepared_by=models.F("recorded_by"))
                ),
                name="two_people_terminate",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="terminated") | models.Q(effective_at__gte=models.F("recorded_at")),
                name="termination_is_never_back_dated",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.broker_id} {self.kind} from {self.effective_at:%Y-%m-%d %H:%M:%S} UTC"


class StandingRange(models.Model):
    """From when until when a broker is suspended, and from when it is terminated: what fills are joined with.

    Written by the database alone, from the changes; `standing_ranges_do_not_overlap` says what its name says.
    """

    change = models.OneToOneField(
        StandingChange, primary_key=True, on_delete=models.PROTECT, related_name="range"
    )
    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="standing_ranges")
    #: "suspended" or "terminated".
    kind = models.CharField(max_length=20, choices=StandingChange.Kind)
    starts_at = models.DateTimeField()
    #: Exclusive; None while there is no end. A suspension that was cancelled ends where it starts.
    ends_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "standing_range"
        verbose_name = _("range of standing")
        verbose_name_plural = _("ranges of standing")

    def __str__(self) -> str:
        return f"{self.broker_id} {self.kind} from {self.starts_at:%Y-%m-%d %H:%M:%S} UTC"
