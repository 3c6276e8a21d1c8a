"""What is asked about: a file or a digest."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.verify import arriving

_DIGEST = re.compile("[0-9a-f]{64}")


class Question(forms.Form):
    """Either of the two, never both."""

    file = forms.FileField(
        label=gettext_lazy("A statement's file: PDF, CSV or JSON"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".pdf,.csv,.json"}),
        error_messages={"empty": gettext_lazy("This file is empty: choose the file as it was downloaded.")},
    )
    digest = forms.CharField(
        label=gettext_lazy("Or a digest: its 64 characters"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}),
        error_messages={
            "max_length": gettext_lazy("A digest has 64 characters, each one of 0 to 9 or a to f: paste one.")
        },
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file is not None and file.size > arriving.LARGEST:
            raise forms.ValidationError(
                _("This file is larger than 25 MB: compute its SHA-256 yourself and paste that.")
            )
        return file

    def clean_digest(self) -> str:
        digest = "".join(self.cleaned_data["digest"].split()).lower()
        if digest and not _DIGEST.fullmatch(digest):
            raise forms.ValidationError(
                _("A digest has 64 characters, each one of 0 to 9 or a to f: paste one.")
            )
        return digest

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if self.errors:
            return said
        if said["file"] and said["digest"]:
            raise forms.ValidationError(_("Give a file or a digest, not both."))
        if not said["file"] and not said["digest"]:
            raise forms.ValidationError(_("Choose a file, or paste a digest."))
        return said
