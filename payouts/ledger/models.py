"""The journal: transactions of entries that sum to zero. Rows are added, never edited."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from payouts.program.models import Broker


class Transaction(models.Model):
    """One movement of what a broker is owed."""

    class Kind(models.TextChoices):
        ACCRUAL = "accrual", _("accrual")
        CORRECTION = "correction", _("correction")
        ADJUSTMENT = "adjustment", _("adjustment")
        HOLD = "hold", _("hold")
        RELEASE = "release", _("release")
        FORFEIT = "forfeit", _("forfeit")
        CREDIT = "credit", _("credit")
        REVERSAL = "reversal", _("reversal")

    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="transactions")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    #: The month that was earned or corrected; None where no month is meant.
    month = models.DateField(_("month"), null=True)
    #: What it books, like `payout:12`: the same thing is booked once.
    reference = models.CharField(_("reference"), max_length=100)
    at = models.DateTimeField(_("at"))
    #: None: the portal itself.
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    note = models.TextField(_("note"), blank=True)
    #: The transaction that a reversal mirrors; each is reversed at most once.
    reverses = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="reversed_by")

    class Meta:
        db_table = "ledger_transaction"
        verbose_name = _("ledger transaction")
        verbose_name_plural = _("ledger transactions")
        constraints = [
            models.UniqueConstraint(fields=["kind", "reference"], name="nothing_is_booked_twice"),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "accrual",
                        "correction",
                        "adjustment",
                        "hold",
                        "release",
                        "forfeit",
                        "credit",
                        "reversal",
                    ]
                )
                & ~Q(reference=""),
                name="ledger_kind_is_known",
            ),
            models.CheckConstraint(
                condition=Q(kind="reversal", reverses__isnull=False)
                | (~Q(kind="reversal") & Q(reverses__isnull=True)),
                name="a_reversal_mirrors_a_transaction",
            ),
            models.CheckConstraint(
                condition=Q(month__isnull=True) | Q(month__day=1), name="ledger_month_is_a_first_day"
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["accrual", "correction"]) | Q(month__isnull=False),
                name="what_is_earned_names_its_month",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.broker_id} {self.kind} {self.reference}"


class Entry(models.Model):
    """One side of a transaction: dollars in whole cents, signed."""

    class Account(models.TextChoices):
        #: What the broker is owed and may be credited.
        OWED = "owed", _("owed to the broker")
        #: What the broker is owed and cases hold back.
        HELD = "held", _("held by cases")
        #: What the program has cost, with the sign turned.
        REBATES = "rebates", _("rebates")
        #: What has been sent.
        CREDITED = "credited", _("credited")

    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="entries")
    # Beside that of its transaction, so that a balance is one step down an index; a trigger keeps them equal.
    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="entries", db_index=False)
    account = models.CharField(_("account"), max_length=10, choices=Account)
    amount = models.DecimalField(_("amount"), max_digits=62, decimal_places=2)

    class Meta:
        db_table = "ledger_entry"
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        constraints = [
            models.UniqueConstraint(fields=["transaction", "account"], name="one_entry_per_account"),
            models.CheckConstraint(
                condition=Q(account__in=["owed", "held", "rebates", "credited"]) & ~Q(amount=0),
                name="ledger_entry_moves_something",
            ),
        ]
        indexes = [models.Index(fields=["broker", "account"], include=["amount"], name="ledger_balances")]

    def __str__(self) -> str:
        return f"{self.account} {self.amount}"


class BooksCheck(models.Model):
    """What a check of the books found: every invariant that did not hold, with rows and help."""

    checked_at = models.DateTimeField(_("checked"))
    #: Like "nightly" or "before the run of 2026-10".
    occasion = models.CharField(_("occasion"), max_length=100)
    breaches = models.JSONField(_("breaches"))
    took_ms = models.PositiveIntegerField()

    class Meta:
        db_table = "books_check"
        verbose_name = _("check of the books")
        verbose_name_plural = _("checks of the books")
        indexes = [models.Index(fields=["-checked_at"], name="latest_books_check")]

    def __str__(self) -> str:
        return f"{self.occasion} at {self.checked_at:%Y-%m-%d %H:%M:%S} UTC"
