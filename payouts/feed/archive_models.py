"""Months whose fills lie in a file: which file, what was in it, and the sums that the books go on with."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from payouts.feed.models import Market, Product, Totals


class FillArchive(models.Model):
    """One file of archived fills. Written by the database alone, as it drops or takes back the partition."""

    class State(models.TextChoices):
        DROPPED = "dropped", _("in the file alone")
        RESTORED = "restored", _("in the table again")

    month = models.DateField()
    #: Fills that come late for a month that was archived make a further part of it.
    part = models.PositiveSmallIntegerField()
    file = models.CharField(max_length=200, unique=True)
    state = models.CharField(max_length=10, choices=State)
    fills = models.BigIntegerField()
    volume = Product()
    fees = Product()
    size = models.BigIntegerField()
    sha256 = models.BinaryField()
    archived_at = models.DateTimeField()
    restored_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "fill_archive"
        verbose_name = _("archived month")
        verbose_name_plural = _("archived months")
        constraints = [
            models.UniqueConstraint(fields=["month", "part"], name="a_part_of_a_month_is_archived_once"),
            models.CheckConstraint(
                condition=Q(state="dropped", restored_at=None)
                | Q(state="restored", restored_at__isnull=False),
                name="a_restored_month_says_when",
            ),
        ]

    def __str__(self) -> str:
        return self.file


class FillArchiveTotal(Totals):
    """What a file holds of a broker and a market, as the database counted it while dropping the partition."""

    pk = models.CompositePrimaryKey("archive_id", "broker_code", "market")
    archive = models.ForeignKey(FillArchive, on_delete=models.PROTECT, related_name="totals")
    broker_code = models.PositiveIntegerField()
    market = models.TextField(choices=Market)

    class Meta:
        db_table = "fill_archive_total"

    def __str__(self) -> str:
        return f"{self.archive_id}: broker {self.broker_code}, {self.market}"
