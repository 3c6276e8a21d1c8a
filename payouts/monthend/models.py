"""One run per month, one payout per broker and run, and the lines that a payout is the sum of."""

from decimal import Decimal

import pghistory
from django.conf import settings
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


class WorkItem(models.Model):
    """One broker's part of a run: claimed, done, or parked with the reason while the others go on."""

    class State(models.TextChoices):
        DUE = "due", _("due")
        WORKING = "working", _("working")
        DONE = "done", _("done")
        PARKED = "parked", _("parked")

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="items", db_index=False)
    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DUE)
    #: Goes up with every claim: who has an older one may write nothing any more.
    fence = models.BigIntegerField(default=0)
    #: Until when whoever claimed it may be at work; then anybody may claim it.
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    #: Why it is parked, in plain words, and what to do.
    reason = models.TextField(blank=True)
    next_step = models.TextField(blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "run_item"
        verbose_name = _("broker of a run")
        verbose_name_plural = _("brokers of runs")
        constraints = [
            models.UniqueConstraint(fields=["run", "broker"], name="one_item_per_broker_and_run"),
            models.CheckConstraint(
                condition=Q(state__in=["due", "done"], lease_until__isnull=True, reason="", next_step="")
                | Q(state="working", lease_until__isnull=False)
                | (Q(state="parked", lease_until__isnull=True) & ~Q(reason="") & ~Q(next_step="")),
                name="a_parked_item_says_why",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lease_until"], condition=Q(state__in=["due", "working"]), name="items_to_do"
            )
        ]

    def __str__(self) -> str:
        return f"{self.broker_id} {self.run}: {self.state}"


def _login(**options: object) -> models.ForeignKey:  # type: ignore[type-arg]  # a field of whatever model
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        **options,  # type: ignore[arg-type]
    )


def _cents(**options: object) -> models.DecimalField:  # type: ignore[type-arg]
    return models.DecimalField(max_digits=62, decimal_places=2, **options)  # type: ignore[arg-type]


@pghistory.track(model_name="PayoutHistory")
class Payout(models.Model):
    """What a broker is owed for a month, with everything that decided it."""

    class State(models.TextChoices):
        CALCULATED = "calculated", _("calculated")
        PARKED = "parked", _("parked")
        PREPARED = "prepared", _("prepared")
        APPROVED = "approved", _("approved")
        SENDING = "sending", _("sending")
        CREDITED = "credited", _("credited")
        FORFEITED = "forfeited", _("forfeited")
        NIL = "nil", _("nothing to pay")
        CARRIED = "carried", _("carried")

    #: States from which nothing of it changes any more but the way of the money.
    APPROVED_STATES = ("approved", "sending", "credited", "forfeited", "nil", "carried")

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
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.CALCULATED)
    #: The entry of the terms that it was calculated with.
    terms = models.CharField(max_length=50)
    #: The volume of the month before, where the terms let that decide the tier.
    preceding_volume = Product(null=True)
    #: The batches and voids that it was calculated from, as text of `int8multirange`s.
    watermark = models.TextField(default="{}")
    voids = models.TextField(default="{}")
    #: Cents: Σ of the corrections of earlier months that it carries.
    corrections = _cents(default=0)
    #: Cents, set when it is prepared: adjustments since the last statement, and what was carried until then.
    adjustments = _cents(null=True)
    carried = _cents(null=True)
    #: What approving it makes payable: carried + adjustments + payout + corrections.
    due = _cents(null=True)
    #: Cents of `due` that were forfeited when a hold was released without the suspended days.
    withheld = _cents(default=0)
    #: SHA-256 of the frozen input, and of everything that who approves it is shown.
    input_digest = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    prepared_by = _login(null=True)
    prepared_at = models.DateTimeField(null=True)
    approved_by = _login(null=True)
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
            models.CheckConstraint(
                condition=Q(
                    state__in=["calculated", "parked"],
                    prepared_by__isnull=True,
                    prepared_at__isnull=True,
                    approved_by__isnull=True,
                    approved_at__isnull=True,
                    due__isnull=True,
                    digest="",
                )
                | (
                    Q(
                        state="prepared",
                        prepared_by__isnull=False,
                        prepared_at__isnull=False,
                        approved_by__isnull=True,
                        approved_at__isnull=True,
                        due__isnull=False,
                    )
                    & ~Q(digest="")
                )
                | (
                    Q(
                        state__in=["approved", "sending", "credited", "forfeited", "nil", "carried"],
                        prepared_by__isnull=False,
                        prepared_at__isnull=False,
                        approved_by__isnull=False,
                        approved_at__isnull=False,
                        due__isnull=False,
                    )
                    & ~Q(digest="")
                ),
                name="payout_state_has_its_people",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("prepared_by")),
                name="another_person_approves_a_payout",
            ),
            models.CheckConstraint(
                condition=Q(due__isnull=True)
                | Q(due=F("carried") + F("adjustments") + F("payout") + F("corrections")),
                name="due_is_the_sum_of_its_parts",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["calculated", "parked", "prepared", "forfeited"])
                | Q(state="nil", due=0, withheld=0)
                | Q(state="carried", due__lte=F("withheld"))
                | Q(state__in=["approved", "sending", "credited"], due__gt=F("withheld")),
                name="only_what_is_more_than_nothing_is_sent",
            ),
            models.CheckConstraint(condition=Q(withheld__gte=0), name="withheld_is_not_negative"),
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


class Correction(models.Model):
    """What a payout carries for an earlier month whose truth has changed since it was approved.

    Booked so that Σ booked for a month = round(its truth), always.
    """

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="corrected")
    #: The corrected month.
    month = models.DateField()
    tier_before = models.CharField(max_length=20)
    tier_after = models.CharField(max_length=20)
    #: Exact dollars: the sum of its lines but the rounding.
    amount = Product()
    cents = _cents()
    #: Exact dollars of the month's suspended days that stay unpaid, after this correction.
    suspended = Product(default=0)

    class Meta:
        db_table = "payout_correction"
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        constraints = [
            models.UniqueConstraint(fields=["payout", "month"], name="a_payout_corrects_a_month_once"),
            models.CheckConstraint(condition=Q(month__day=1), name="corrected_month_is_a_first_day"),
        ]

    def __str__(self) -> str:
        return f"{self.payout_id} corrects {self.month:%Y-%m}"


class CorrectionLine(models.Model):
    """One exact line of a correction. The lines of a correction sum to its cents."""

    class Kind(models.TextChoices):
        LATE = "late volume", _("late volume")
        VOIDED = "voided fills", _("voided fills")
        REPRICING = "tier repricing", _("tier repricing")
        SUSPENDED = "suspended days", _("suspended days")
        ROUNDING = "rounding", _("rounding")

    correction = models.ForeignKey(Correction, on_delete=models.PROTECT, related_name="lines")
    kind = models.CharField(max_length=20, choices=Kind)
    trader = models.BigIntegerField(null=True)
    market = models.TextField(choices=Market, blank=True)
    fee_rate = Digits(null=True)
    affiliate_rate = Digits(null=True)
    fills = models.BigIntegerField(default=0)
    volume = Product(default=0)
    fees = Product(default=0)
    #: The applied rate, or by how much it changed.
    rate = Digits(null=True)
    amount = Product()

    class Meta:
        db_table = "correction_line"
        verbose_name = _("line of a correction")
        verbose_name_plural = _("lines of corrections")
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["rounding", "suspended days"])
                | Q(
                    kind__in=["late volume", "voided fills", "tier repricing"],
                    amount=F("fees") * F("rate"),
                ),
                name="correction_line_is_fees_times_rate",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.correction_id} {self.kind} {self.amount}"


class PayoutBound(models.Model):
    """Something unusual about a payout, which somebody has to look at before it is approved."""

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="bounds")
    name = models.CharField(max_length=50)
    #: What was found and what is usual, as people read it.
    value = models.CharField(max_length=200)
    limit = models.CharField(max_length=200)
    #: What to open: traders, trades, hours.
    detail = models.JSONField(default=dict)

    class Meta:
        db_table = "payout_bound"
        verbose_name = _("bound")
        verbose_name_plural = _("bounds")
        constraints = [
            models.UniqueConstraint(fields=["payout", "name"], name="a_payout_breaks_a_bound_once"),
        ]

    def __str__(self) -> str:
        return f"{self.payout_id}: {self.name} {self.value}"


class BoundAcknowledgement(models.Model):
    """Somebody has looked at a bound and says why it is in order. Of another value it says nothing."""

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="acknowledgements")
    name = models.CharField(max_length=50)
    value = models.CharField(max_length=200)
    note = models.TextField()
    by = _login()
    at = models.DateTimeField()

    class Meta:
        db_table = "bound_acknowledgement"
        verbose_name = _("acknowledged bound")
        verbose_name_plural = _("acknowledged bounds")
        constraints = [
            models.UniqueConstraint(fields=["payout", "name", "value"], name="a_bound_is_acknowledged_once"),
            models.CheckConstraint(condition=~Q(note=""), name="an_acknowledgement_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.payout_id}: {self.name}"
