"""The forms of changes of standing, and what of their consequences must still be true when they are done."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.desk.consequences import Consequences
from payouts.money import plain
from payouts.program.models import Reason
from portal.application.typed import Text
from portal.staff.evidence import Files
from portal.staff.standing_words import GAP

_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_FORMATS = [
    f"{day}{between}{time}"
    for day in ("%Y-%m-%d",)
    for between in ("T", " ")
    for time in ("%H:%M:%S.%f", "%H:%M:%S", "%H:%M")
]


def note_field() -> Text:
    return Text(
        label=gettext_lazy("Internal note"),
        help_text=gettext_lazy("For staff only; the broker never sees it."),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def message_field() -> Text:
    return Text(
        label=gettext_lazy("What the broker is told"),
        help_text=gettext_lazy("It stands on the broker's pages and in a letter to its members."),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 6}),
    )


class Change(forms.Form):
    """What is asked of a suspension or a termination before its consequences are shown."""

    use_required_attribute = False
    reason = forms.ChoiceField(choices=Reason, widget=forms.HiddenInput)
    at = forms.DateTimeField(
        required=False,
        input_formats=_FORMATS,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"),
    )
    message = message_field()
    note = note_field()
    case = forms.TypedChoiceField(
        label=gettext_lazy("Case"),
        coerce=int,
        empty_value=None,
        required=False,
        help_text=gettext_lazy("Where it belongs, with its evidence and its appeal."),
    )

    def __init__(self, *args: Any, cases: list[tuple[Any, Any]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["case"].choices = [("", _("Open a new case")), *cases]  # type: ignore[attr-defined]
        self.fields["at"].label, self.fields["at"].help_text = self.at_words()

    @staticmethod
    def at_words() -> tuple[str, str]:
        raise NotImplementedError

    def clean_at(self) -> datetime | None:
        at: datetime | None = self.cleaned_data["at"]
        if at is not None and not _EARLIEST <= at < _LATEST:
            raise ValidationError(_("Write a day between the years 2000 and 2099."))
        return at

    def clean_message(self) -> str:
        message: str = self.cleaned_data["message"]
        if GAP in message:
            raise ValidationError(_("Say what exactly where the proposal has “…”."))
        return message


class Suspension(Change):
    @staticmethod
    def at_words() -> tuple[str, str]:
        return _("Starts at, UTC"), _(
            "Leave it empty to start now. May lie in the future, or in the past as far back as the end of the"
            " last month whose payout is approved."
        )


class Ending(Change):
    @staticmethod
    def at_words() -> tuple[str, str]:
        return _("Takes effect at, UTC"), _(
            "Leave it empty for the moment in which another person confirms it. Never in the past."
        )


class Done(forms.Form):
    """The button under the consequences: what was shown, and the evidence."""

    use_required_attribute = False
    shown = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    attachments = Files(label=gettext_lazy("Evidence, if there is any"), required=False)


class Lifting(forms.Form):
    use_required_attribute = False
    #: Whether the page said that the suspension has not begun.
    is_planned = forms.BooleanField(required=False, widget=forms.HiddenInput)
    message = message_field()
    note = note_field()


class Withdrawal(forms.Form):
    use_required_attribute = False
    note = note_field()


class Confirmation(forms.Form):
    """The second person's button, and the digest of what was shown to them."""

    shown = forms.CharField(max_length=200, widget=forms.HiddenInput)


def digest(consequences: Consequences) -> str:
    """What must not have changed between the page and the act: the code's states, and the payouts held.

    Fills come in every second while a broker trades, so their number and volume may.
    """
    facts = [
        [[each.state, str(each.since)] for each in (consequences.code_before, consequences.code_after)],
        [str(each) for each in consequences.cancels],
        [[str(each.month), plain(each.amount), each.account_id] for each in consequences.payouts],
    ]
    return sha256(json.dumps(facts).encode()).hexdigest()
