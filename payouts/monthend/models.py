"""One run per month, one payout per broker and run, and the lines that a payout is the sum of."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from payouts.feed.models import Digits, Market, Product
from payouts.program.models import Broker


class Run(models.Model):
    """The calculation of one finished month."""

    month = models.DateField(unique=True)
    calculated_at = models.DateTimeField()
    terms = models.CharField(max_length=50)

    class Meta:
        db_table = "month_run"
        verbose_name = _("month")
        verbose_name_plural = _("months")
        constraints = [models.CheckConstraint(condition=Q(month__day=1), name="run_month_is_a_first_day")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class Payout(models.Model):
    """What a broker is owed for a month, with everything that decided it."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="payouts")
    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="payouts")
    account_id = models.CharField(max_length=200)
    tier = models.CharField(max_length=20)
    rebate = Digits()
    spot_volume = Product()
    futures_volume = Product()
    volume = Product()
    fills = models.BigIntegerField()
    fees = Product()
    amount = Product()
    payout = models.DecimalField(max_digits=62, decimal_places=2)
    #: When it was approved: no suspension may begin before the end of its month from then on.
    approved_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "payout"
        verbose_name = _("payout")
        verbose_name_plural = _("payouts")
        constraints = [
            models.UniqueConstraint(fields=["run", "broker"], name="one_payout_per_broker_and_run"),
            models.CheckConstraint(
                condition=Q(volume=F("spot_volume") + F("futures_volume")),
                name="payout_volume_is_spot_and_futures",
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0)
                & Q(amount__lte=F("fees") * F("rebate"))
                & Q(rebate__gte=0, rebate__lte=Decimal("0.5")),
                name="payout_is_within_tier_and_half_the_fees",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.broker_id} {self.run}"


class Line(models.Model):
    """One line of a payout: a trader's fills in one market at one fee rate and one affiliate rate."""

    class BoundBy(models.TextChoices):
        TIER = "tier", _("tier")
        AFFILIATE_CAP = "affiliate cap", _("affiliate cap")
        CAP_EXHAUSTED = "cap exhausted", _("cap exhausted")

    pk = models.CompositePrimaryKey("payout_id", "trader", "market", "fee_rate", "affiliate_rate")
    # The database checks it for all rows of a statement at once: row by row, half a million lines took
    # as long again as writing them.
    payout = models.ForeignKey(
        Payout, on_delete=models.PROTECT, related_name="lines", db_constraint=False, db_index=False
    )
    trader = models.BigIntegerField()
    market = models.TextField(choices=Market)
    fee_rate = Digits()
    affiliate_rate = Digits()
    fills = models.BigIntegerField()
    volume = Product()
    fees = Product()
    applied_rate = Digits()
    bound_by = models.TextField(choices=BoundBy)
    amount = Product()

    class Meta:
        db_table = "payout_line"
        verbose_name = _("line")
        verbose_name_plural = _("lines")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount=F("fees") * F("applied_rate")),
                name="line_amount_is_fees_times_applied_rate",
            ),
            models.CheckConstraint(
                condition=Q(applied_rate__gte=0, applied_rate__lte=Decimal("0.5")),
                name="line_applied_rate_is_at_most_half",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.payout_id} {self.trader} {self.market} {self.fee_rate}"
