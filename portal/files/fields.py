"""The field of a form that takes several files at once."""

from typing import Any

from django import forms


class SeveralFiles(forms.FileInput):
    """Its value is the list of what was chosen; empty if nothing was."""

    allow_multiple_selected = True

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"accept": ".pdf,.png,.jpg,.jpeg"} | (attrs or {}))

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return files.getlist(name) if hasattr(files, "getlist") else files.get(name, [])
