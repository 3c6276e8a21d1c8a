"""Files that are made in the background because they are long: asked for, made, offered for a week."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Export(models.Model):
    """A file that a member asked for, and how far it is."""

    class Kind(models.TextChoices):
        YEAR = "year", _("all statements of a year")
        ALL = "all", _("all statements")
        DRAFT = "draft", _("a month as it stands")

    class State(models.TextChoices):
        DUE = "due", _("waits")
        WORKING = "working", _("is being made")
        READY = "ready", _("is ready")
        FAILED = "failed", _("could not be made")
        EXPIRED = "expired", _("has expired")

    reference = models.UUIDField(default=uuid.uuid4, unique=True)
    broker = models.ForeignKey("payouts.Broker", on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=Kind)
    #: "2026" of a year, "2026-10" of a draft, "" of all.
    of = models.CharField(max_length=7, blank=True)
    #: Of a draft: json, csv or pdf.
    file_format = models.CharField(max_length=4, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.DUE)
    #: Lines or files that are done, and that there are.
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    #: Goes up with every claim: who has an older one may write nothing any more.
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    file_name = models.CharField(max_length=200, blank=True)
    media_type = models.CharField(max_length=50, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(default=0)
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "statement_export"
        verbose_name = _("prepared file")
        verbose_name_plural = _("prepared files")
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="year", file_format="", of__regex="^[0-9]{4}$")
                | Q(kind="all", file_format="", of="")
                | Q(kind="draft", file_format__in=["json", "csv", "pdf"], of__regex="^[0-9]{4}-[0-9]{2}$"),
                name="an_export_says_of_what",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["due", "failed"], ready_at__isnull=True)
                | Q(state="working", lease_until__isnull=False, ready_at__isnull=True)
                | Q(state__in=["ready", "expired"], ready_at__isnull=False, expires_at__isnull=False),
                name="an_export_that_is_ready_expires",
            ),
            # Asked for twice while it waits, it is made once.
            models.UniqueConstraint(
                fields=["broker", "asked_by", "kind", "of", "file_format"],
                condition=Q(state__in=["due", "working"]),
                name="one_export_of_a_thing_at_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["asked_at"], condition=Q(state__in=["due", "working"]), name="exports_to_make"
            ),
            models.Index(fields=["expires_at"], condition=Q(state="ready"), name="exports_to_expire"),
        ]

    def __str__(self) -> str:
        return f"{self.broker_id} {self.kind} {self.of}"


class ExportPart(models.Model):
    """A stretch of a prepared file's bytes; removed when the file expires."""

    export = models.ForeignKey(Export, on_delete=models.PROTECT, related_name="parts", db_index=False)
    #: Parts of a claim that was lost are passed over.
    fence = models.PositiveIntegerField()
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        db_table = "statement_export_part"
        verbose_name = _("part of a prepared file")
        verbose_name_plural = _("parts of prepared files")
        constraints = [
            models.UniqueConstraint(fields=["export", "fence", "number"], name="an_export_has_a_part_once"),
        ]

    def __str__(self) -> str:
        return f"{self.export_id} {self.number}"
