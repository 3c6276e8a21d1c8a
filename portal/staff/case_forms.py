"""The forms of cases and appeals."""

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from payouts.desk.models import Case
from portal.application.typed import Line, Text
from portal.staff.evidence import Files


def _text(label: Any, help_text: Any, rows: int = 3) -> Text:
    return Text(
        label=label, help_text=help_text, max_length=4_000, widget=forms.Textarea(attrs={"rows": rows})
    )


class _Form(forms.Form):
    """Several of them stand on one page, so each names its fields for itself."""

    use_required_attribute = False

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("auto_id", f"{type(self).__name__.lower()}_%s")
        super().__init__(*args, **options)


class Opened(_Form):
    kind = forms.ChoiceField(label=_("Kind"), choices=[("", _("Choose…")), *Case.Kind.choices])
    title = Line(label=_("Title"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    text = _text(_("What it is about"), _("For staff only; the broker never sees it."), 5)


class Held(_Form):
    """Who had the case on the screen; empty for nobody."""

    holder = forms.IntegerField(required=False, widget=forms.HiddenInput)


class Note(_Form):
    text = _text(_("Note"), _("For staff only; the broker never sees it."))


class Evidence(_Form):
    attachments = Files()
    text = _text(_("What the files show"), _("For staff only, as the files are."), 2)


class Outcome(_Form):
    outcome = _text(_("Outcome"), _("What was found and decided; for staff only."), 5)


class Reopening(_Form):
    text = _text(_("Why it is opened again"), _("For staff only; the broker never sees it."))


class Answer(_Form):
    """One for each open appeal of a case."""

    def __init__(self, *args: Any, appeal: UUID, **options: Any) -> None:
        super().__init__(*args, auto_id=f"answer-{appeal}_%s", **options)
        self.appeal = appeal

    text = _text(_("Your answer"), _("The broker reads it on its page and is told by letter."), 5)
    attachments = Files(label=_("Files that the broker gets"), required=False)


class Decision(_Form):
    verdict = forms.ChoiceField(
        label=_("Decision"),
        choices=[("", _("Choose…")), ("granted", _("grant it")), ("refused", _("refuse it"))],
    )
    decision = _text(
        _("What the broker is told"), _("It stands in the appeal and in a letter; it cannot be changed."), 6
    )


class Refused(Decision):
    """Of a suspension that has not ended: it is granted by lifting."""

    verdict = forms.ChoiceField(initial="refused", choices=[("refused", "")], widget=forms.HiddenInput)
