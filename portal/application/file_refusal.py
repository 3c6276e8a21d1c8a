"""Why a file is not taken."""

from payouts.refusal import Refusal


class FileRefused(Refusal):
    """The content is not a document that we take; the sentence stands beside the field."""
