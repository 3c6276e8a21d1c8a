"""Attempts to credit a payout, and what the exchange itself says it has credited."""

import uuid

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from payouts.monthend.models import Payout
from payouts.program.models import Broker


@pghistory.track(model_name="AttemptHistory")
class Attempt(models.Model):
    """One try to credit a payout. Its key is stored before the first byte is sent, and never replaced.

    "Rebates will be settled in USD and credited to the broker's Backpack account every month."
    """

    class State(models.TextChoices):
        #: Made, not sent yet.
        PENDING = "pending", _("pending")
        SENDING = "sending", _("sending")
        CONFIRMED = "confirmed", _("confirmed")
        #: Proved by the exchange's own record, or by two people.
        REJECTED = "rejected", _("rejected")
        #: Sent, and nobody knows what became of it until the exchange is asked by its key.
        UNKNOWN = "unknown", _("unknown")

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveIntegerField()
    key = models.UUIDField(default=uuid.uuid4, unique=True)
    account_id = models.CharField(max_length=200)
    amount = models.DecimalField(max_digits=62, decimal_places=2)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PENDING)
    created_at = models.DateTimeField(_("made"))
    #: When it was first sent: the exchange forgets its key 24 hours later.
    sent_at = models.DateTimeField(_("sent"), null=True)
    #: Goes up with every claim: who has an older one may write nothing any more.
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    #: When the exchange is asked next; None: a person has to decide, or all is decided.
    next_ask_at = models.DateTimeField(null=True)
    asks = models.PositiveIntegerField(default=0)
    #: The exchange's own number of the credit.
    credit_id = models.CharField(max_length=200, blank=True)
    #: What the exchange said last, in words for staff.
    detail = models.TextField(blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True)
    #: The act of two people that decided it; None: the exchange's answer did.
    decided_by = models.ForeignKey(
        "payouts.Proposal", null=True, on_delete=models.PROTECT, related_name="decided_attempts"
    )

    class Meta:
        db_table = "credit_attempt"
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = [
            models.UniqueConstraint(fields=["payout", "number"], name="attempts_of_a_payout_are_numbered"),
            models.UniqueConstraint(
                fields=["payout"],
                condition=~Q(state="rejected"),
                name="one_attempt_that_is_not_rejected",
            ),
            models.UniqueConstraint(
                fields=["credit_id"], condition=~Q(credit_id=""), name="a_credit_belongs_to_one_attempt"
            ),
            models.CheckConstraint(
                condition=Q(state="pending", sent_at__isnull=True, decided_at__isnull=True)
                | Q(state__in=["sending", "unknown"], sent_at__isnull=False, decided_at__isnull=True)
                | (Q(state="confirmed", sent_at__isnull=False, decided_at__isnull=False) & ~Q(credit_id=""))
                | Q(state="rejected", decided_at__isnull=False, credit_id=""),
                name="an_attempt_says_how_it_ended",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="a_credit_is_more_than_nothing"),
        ]
        indexes = [
            models.Index(
                fields=["next_ask_at"],
                condition=Q(state__in=["pending", "sending", "unknown"]),
                name="attempts_to_ask_about",
            )
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of payout {self.payout_id}, {self.state}"


class ExchangeCredit(models.Model):
    """One row of the exchange's own list of credits, as first seen."""

    credit_id = models.CharField(max_length=200)
    key = models.CharField(max_length=100)
    account_id = models.CharField(max_length=200)
    amount = models.DecimalField(max_digits=62, decimal_places=2)
    credited_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "exchange_credit"
        verbose_name = _("credit at the exchange")
        verbose_name_plural = _("credits at the exchange")
        constraints = [
            models.UniqueConstraint(
                fields=["credit_id", "key", "account_id", "amount"], name="a_listed_credit_is_kept_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.credit_id}: {self.amount}"


class Reconciliation(models.Model):
    """One UTC day of the exchange's list compared with ours."""

    day = models.DateField(unique=True)
    #: None while it has not succeeded; then asked again at `due_at`.
    done_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    listed = models.PositiveIntegerField(default=0)
    listed_total = models.DecimalField(max_digits=62, decimal_places=2, default=0)
    confirmed = models.PositiveIntegerField(default=0)
    confirmed_total = models.DecimalField(max_digits=62, decimal_places=2, default=0)

    class Meta:
        db_table = "reconciliation"
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")

    def __str__(self) -> str:
        return f"{self.day}"


class Difference(models.Model):
    """Where the exchange's list and ours do not agree. Freezes what it touches until two people decide."""

    class Kind(models.TextChoices):
        MISSING = "missing", _("we have it as credited, the exchange does not list it")
        UNKNOWN = "unknown", _("the exchange lists a credit that we never sent")
        AMOUNT = "amount", _("another amount")
        ACCOUNT = "account", _("another account")
        TWICE = "twice", _("one key was credited twice")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        RESOLVED = "resolved", _("resolved")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    #: The broker whose sending it freezes; None: nobody's that we know, so everybody's.
    broker = models.ForeignKey(Broker, null=True, on_delete=models.PROTECT, related_name="differences")
    attempt = models.ForeignKey(Attempt, null=True, on_delete=models.PROTECT, related_name="differences")
    credit = models.ForeignKey(
        ExchangeCredit, null=True, on_delete=models.PROTECT, related_name="differences"
    )
    #: What differs, in words for staff.
    detail = models.TextField()
    found_at = models.DateTimeField(_("found"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    resolved_at = models.DateTimeField(_("resolved"), null=True)
    resolved_by = models.ForeignKey(
        "payouts.Proposal", null=True, on_delete=models.PROTECT, related_name="resolved_differences"
    )

    class Meta:
        db_table = "credit_difference"
        verbose_name = _("difference")
        verbose_name_plural = _("differences")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", resolved_at__isnull=True, resolved_by__isnull=True)
                | Q(state="resolved", resolved_at__isnull=False, resolved_by__isnull=False),
                name="two_people_resolve_a_difference",
            ),
            models.UniqueConstraint(
                fields=["kind", "attempt", "credit"], name="a_difference_is_found_once", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail[:80]}"
