"""Acts about money that one person prepares and another confirms, and what they leave behind."""

import uuid

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from payouts.feed.models import Product
from payouts.monthend.models import Payout
from payouts.program.models import Broker


def _login(**options: object) -> models.ForeignKey:  # type: ignore[type-arg]  # a field of whatever model
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        **options,  # type: ignore[arg-type]
    )


@pghistory.track(model_name="ProposalHistory")
class Proposal(models.Model):
    """An act about money as one person has prepared it; another confirms what was shown, or nobody does."""

    class Kind(models.TextChoices):
        RELEASE = "release", _("release a held payout")
        FORFEIT = "forfeit", _("forfeit a payout")
        VOID = "void", _("void fills")
        ADJUST = "adjust", _("adjust what a broker is owed")
        RESOLVE = "resolve", _("resolve an unknown credit")
        DIFFERENCE = "difference", _("resolve a difference")

    class State(models.TextChoices):
        PREPARED = "prepared", _("prepared")
        CONFIRMED = "confirmed", _("confirmed")
        WITHDRAWN = "withdrawn", _("withdrawn")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    #: None only for a difference that touches nobody we know.
    broker = models.ForeignKey(Broker, null=True, on_delete=models.PROTECT, related_name="proposals")
    payout = models.ForeignKey(Payout, null=True, on_delete=models.PROTECT, related_name="proposals")
    hold = models.ForeignKey(
        "payouts.PayoutHold", null=True, on_delete=models.PROTECT, related_name="proposals"
    )
    attempt = models.ForeignKey(
        "payouts.Attempt", null=True, on_delete=models.PROTECT, related_name="proposals"
    )
    difference = models.ForeignKey(
        "payouts.Difference", null=True, on_delete=models.PROTECT, related_name="proposals"
    )
    #: Release: "in full" or "without suspended days"; resolve: "credited" or "rejected".
    mode = models.CharField(max_length=30, blank=True)
    #: Adjust: signed dollars in whole cents.
    amount = models.DecimalField(max_digits=62, decimal_places=2, null=True)
    #: Resolve as credited: the exchange's own number of the credit.
    credit_id = models.CharField(max_length=200, blank=True)
    #: What the broker reads on its statement.
    text = models.CharField(max_length=300, blank=True)
    #: Why, for staff.
    note = models.TextField()
    #: SHA-256 of what is shown to who confirms; refused if anything of it has changed.
    digest = models.CharField(max_length=64)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PREPARED)
    prepared_by = _login()
    prepared_at = models.DateTimeField(_("prepared"))
    #: Who confirmed or withdrew it.
    decided_by = _login(null=True)
    decided_at = models.DateTimeField(_("decided"), null=True)

    class Meta:
        db_table = "money_proposal"
        verbose_name = _("prepared act")
        verbose_name_plural = _("prepared acts")
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(kind__in=["release"], payout__isnull=False, hold__isnull=False, broker__isnull=False)
                    & Q(mode__in=["in full", "without suspended days"])
                )
                | Q(kind="forfeit", payout__isnull=False, broker__isnull=False)
                | Q(kind="void", broker__isnull=False)
                | (Q(kind="adjust", broker__isnull=False, amount__isnull=False) & ~Q(amount=0) & ~Q(text=""))
                | Q(
                    kind="resolve",
                    attempt__isnull=False,
                    broker__isnull=False,
                    mode__in=["credited", "rejected"],
                )
                | Q(kind="difference", difference__isnull=False),
                name="a_proposal_says_what_it_is_about",
            ),
            models.CheckConstraint(
                condition=Q(state="prepared", decided_by__isnull=True, decided_at__isnull=True)
                | Q(state="withdrawn", decided_by__isnull=False, decided_at__isnull=False)
                | (
                    Q(state="confirmed", decided_by__isnull=False, decided_at__isnull=False)
                    & ~Q(decided_by=F("prepared_by"))
                ),
                name="another_person_confirms_a_proposal",
            ),
            models.CheckConstraint(condition=~Q(note="") & ~Q(digest=""), name="a_proposal_says_why"),
            models.UniqueConstraint(
                fields=["hold"], condition=Q(state="prepared", kind="release"), name="one_release_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["payout"], condition=Q(state="prepared", kind="forfeit"), name="one_forfeit_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["attempt"], condition=Q(state="prepared"), name="one_resolution_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["difference"],
                condition=Q(state="prepared"),
                name="one_resolution_of_a_difference_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.get_kind_display()}"


class ProposalFile(models.Model):
    """A document that goes with a prepared act."""

    reference = models.UUIDField(default=uuid.uuid4, unique=True)
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=50)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    uploaded_by = _login()
    uploaded_at = models.DateTimeField()

    class Meta:
        db_table = "money_proposal_file"
        verbose_name = _("document of a prepared act")
        verbose_name_plural = _("documents of prepared acts")
        constraints = [
            models.CheckConstraint(
                condition=Q(media_type__in=["application/pdf", "image/png", "image/jpeg"], size__gt=0),
                name="proposal_file_is_a_document_or_picture",
            )
        ]

    def __str__(self) -> str:
        return self.name


class ProposedVoid(models.Model):
    """One fill that a prepared act would void."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="proposed_voids")
    fill_id = models.BigIntegerField()
    executed_at = models.DateTimeField()

    class Meta:
        db_table = "proposed_void"
        constraints = [
            models.UniqueConstraint(fields=["proposal", "fill_id"], name="a_fill_is_proposed_once")
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id}: fill {self.fill_id}"


class PayoutRelease(models.Model):
    """The end of a hold: a case that holds a payout no longer."""

    class Mode(models.TextChoices):
        IN_FULL = "in full", _("in full")
        WITHOUT = "without suspended days", _("without the suspended days")
        FORFEITED = "forfeited", _("forfeited")

    hold = models.OneToOneField("payouts.PayoutHold", on_delete=models.PROTECT, related_name="release")
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="releases")
    mode = models.CharField(max_length=30, choices=Mode)
    #: Cents that were forfeited with it: what the suspended days had earned.
    withheld = models.DecimalField(max_digits=62, decimal_places=2, default=0)
    #: The same exact: the payout's amount of the suspended days of every case released without them.
    suspended = Product(default=0)
    released_at = models.DateTimeField()

    class Meta:
        db_table = "payout_release"
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        constraints = [
            models.CheckConstraint(
                condition=Q(mode="without suspended days", withheld__gte=0)
                | Q(mode__in=["in full", "forfeited"], withheld=0),
                name="a_release_withholds_only_suspended_days",
            )
        ]

    def __str__(self) -> str:
        return f"{self.hold_id} released {self.mode}"


class Adjustment(models.Model):
    """A signed amount on a broker's ledger that no fill explains, with its document."""

    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, related_name="adjustment")
    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="adjustments")
    amount = models.DecimalField(max_digits=62, decimal_places=2)
    text = models.CharField(max_length=300)
    at = models.DateTimeField()

    class Meta:
        db_table = "adjustment"
        verbose_name = _("adjustment")
        verbose_name_plural = _("adjustments")
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0) & ~Q(text=""), name="an_adjustment_says_why")
        ]

    def __str__(self) -> str:
        return f"{self.broker_id} {self.amount}"


class PayoutAdjustment(models.Model):
    """On which payout's statement an adjustment is shown: the first that was approved after it."""

    adjustment = models.OneToOneField(Adjustment, on_delete=models.PROTECT, related_name="shown_on")
    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="shown_adjustments")

    class Meta:
        db_table = "payout_adjustment"

    def __str__(self) -> str:
        return f"{self.adjustment_id} on payout {self.payout_id}"
