"""What is asked when a file is prepared in the background."""

import re
from typing import Any

from django import forms

_OF = {"year": re.compile("[0-9]{4}"), "all": re.compile(""), "draft": re.compile("[0-9]{4}-(0[1-9]|1[0-2])")}


class Asked(forms.Form):
    """Hidden values of a button: of nobody's making but the page's."""

    kind = forms.ChoiceField(choices=[(each, each) for each in _OF])
    of = forms.CharField(max_length=7, required=False)
    file_format = forms.ChoiceField(
        choices=[(each, each) for each in ("", "pdf", "csv", "json")], required=False
    )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        kind, of = said.get("kind", ""), said.get("of", "")
        is_whole = (
            kind in _OF
            and _OF[kind].fullmatch(of) is not None
            and not of.startswith("0000")
            and (kind == "draft") == bool(said.get("file_format"))
        )
        if not is_whole:
            raise forms.ValidationError("not from the page")
        return said
