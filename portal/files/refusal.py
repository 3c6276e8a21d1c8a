"""Why a file is not taken."""

from django.utils.translation import gettext as _

from payouts.refusal import Refusal


class FileRefused(Refusal):
    """The content is not a document that we take; the sentence stands beside the field."""


def too_complicated() -> FileRefused:
    """For what would take more time or memory than a document is worth; no usual program makes such files."""
    return FileRefused(
        _("The file is too complicated to check: save it again as a plain PDF or as a picture.")
    )
