"""Files that staff add to a case: looked at before anything is done with them, sent back only to be saved."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.desk.evidence import NewFile
from portal.files.checking import FileRefused, check
from portal.files.fields import SeveralFiles
from portal.files.uploads import MOST_A_REQUEST

MOST = 10


class Files(forms.FileField):
    """Up to ten files, each a PDF, PNG or JPEG by its content; cleaned to a list of `NewFile`."""

    widget = SeveralFiles()

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", gettext_lazy("Files"))
        options.setdefault(
            "help_text",
            gettext_lazy("PDF, PNG or JPEG; up to 10 files of at most 10 MB each, and 20 MB together."),
        )
        super().__init__(allow_empty_file=True, **options)

    def clean(self, data: Any, initial: Any = None) -> list[NewFile]:
        several = [super(Files, self).clean(each, initial) for each in data or []]
        if not several and self.required:
            raise ValidationError(self.error_messages["required"], code="required")
        if len(several) > MOST:
            raise ValidationError(_("Choose at most 10 files at once; add the rest afterwards."))
        if sum(each.size or 0 for each in several) > MOST_A_REQUEST:
            raise ValidationError(
                _("The files are larger than 20 MB together: choose fewer, and add the rest afterwards.")
            )
        return [_checked(each) for each in several]


def _checked(file: Any) -> NewFile:
    content = file.read()
    try:
        found = check(content, name=file.name or "")
    except FileRefused as refusal:
        raise ValidationError(f"{file.name}: {refusal}", code="file") from None
    return NewFile(found.name, found.media_type, content)
