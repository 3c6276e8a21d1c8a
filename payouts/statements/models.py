"""Statements as they were issued: numbers without gaps, signed digests, faces as bytes that never change."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from payouts.monthend.models import Payout
from payouts.program.models import Broker


class SigningKey(models.Model):
    """The public half of a key that statements are signed with; published for ever."""

    #: The first 16 hexadecimal digits of the SHA-256 of the public key.
    key_id = models.CharField(max_length=16, primary_key=True)
    #: Its 32 bytes in base64.
    public_key = models.CharField(max_length=44, unique=True)
    first_used_at = models.DateTimeField()

    class Meta:
        db_table = "signing_key"
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        constraints = [
            models.CheckConstraint(condition=Q(key_id__regex="^[0-9a-f]{16}$"), name="key_id_is_hexadecimal"),
        ]

    def __str__(self) -> str:
        return self.key_id


class Statement(models.Model):
    """What a broker receives for a month, issued as its payout is approved and never changed."""

    broker = models.ForeignKey(Broker, on_delete=models.PROTECT, related_name="statements", db_index=False)
    #: 1, 2, 3, … of this broker. The one before must exist: a foreign key leaves no gap.
    number = models.PositiveIntegerField()
    previous_number = models.PositiveIntegerField(null=True)
    payout = models.OneToOneField(Payout, on_delete=models.PROTECT, related_name="statement")
    month = models.DateField()
    issued_at = models.DateTimeField()
    #: SHA-256 of the canonical document without its signature.
    digest = models.CharField(max_length=64, unique=True)
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="+", db_index=False)
    #: Ed25519, in base64.
    signature = models.CharField(max_length=88)
    #: Cents: what it makes payable.
    due = models.DecimalField(max_digits=62, decimal_places=2)
    lines = models.PositiveIntegerField()

    class Meta:
        db_table = "statement"
        verbose_name = _("statement")
        verbose_name_plural = _("statements")
        constraints = [
            models.UniqueConstraint(fields=["broker", "number"], name="a_broker_has_a_number_once"),
            models.UniqueConstraint(fields=["broker", "month"], name="a_broker_has_one_statement_a_month"),
            models.CheckConstraint(
                condition=Q(number=1, previous_number__isnull=True)
                | Q(number__gt=1, previous_number=F("number") - 1),
                name="statement_numbers_follow_each_other",
            ),
            models.CheckConstraint(
                condition=Q(digest__regex="^[0-9a-f]{64}$") & ~Q(signature=""),
                name="a_statement_is_signed",
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="statement_month_is_a_first_day"),
        ]

    def __str__(self) -> str:
        return f"{self.broker_id}-{self.number}"


class Face(models.Model):
    """A statement as a file: made once from its document, kept as bytes."""

    class Kind(models.TextChoices):
        JSON = "json", "JSON"
        CSV = "csv", "CSV"
        PDF = "pdf", "PDF"

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="faces", db_index=False)
    kind = models.CharField(max_length=4, choices=Kind)
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.BigIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        db_table = "statement_face"
        verbose_name = _("file of a statement")
        verbose_name_plural = _("files of statements")
        constraints = [
            models.UniqueConstraint(fields=["statement", "kind"], name="a_statement_has_a_face_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["json", "csv", "pdf"], sha256__regex="^[0-9a-f]{64}$", size__gt=0),
                name="a_face_is_known_by_its_bytes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.statement_id}.{self.kind}"


class FacePart(models.Model):
    """A stretch of a face's bytes, so that a long one is read in constant memory."""

    face = models.ForeignKey(Face, on_delete=models.PROTECT, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        db_table = "statement_part"
        verbose_name = _("part of a file of a statement")
        verbose_name_plural = _("parts of files of statements")
        constraints = [
            models.UniqueConstraint(fields=["face", "number"], name="a_face_has_a_part_once"),
        ]

    def __str__(self) -> str:
        return f"{self.face_id} {self.number}"
