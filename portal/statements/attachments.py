"""The PDF of a statement as it goes with a letter: the stored one, made now if it is not there yet."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from payouts.month import Month
from payouts.statements import faces
from payouts.statements.models import Statement
from portal.letters.making import MOST_BYTES
from portal.letters.rendering import Attached


def statement(attachment: Mapping[str, Any], *, now: datetime) -> Attached | None:
    """For `settings.LETTER_ATTACHMENTS`; None where the PDF is too large for a letter.

    Raises whatever keeps the PDF from being made.
    """
    of = Statement.objects.get(pk=attachment["statement"])
    face = faces.ensure(statement_id=of.pk, kind="pdf", now=now)
    if face.size > MOST_BYTES:
        return None
    name = f"backpack-broker-{of.broker_id}-{Month.of_date(of.month)}-statement-{of.number}.pdf"
    return Attached(name, "application/pdf", b"".join(faces.stream(face.id)))
