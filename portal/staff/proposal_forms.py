"""The forms of acts about money: what the first of the two says, with which documents."""

import re
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.desk.adjust import LONGEST_LINE
from payouts.desk.void import Selection
from payouts.month import read_instant
from portal.application.typed import Text
from portal.staff.evidence import Files

#: The largest number of a fill, trader or trade.
_LARGEST = 2**63 - 1


class Preparing(forms.Form):
    """Every act says why, for staff, and may have documents."""

    use_required_attribute = False
    note = Text(
        label=gettext_lazy("Why, for staff"),
        help_text=gettext_lazy("The second person decides by it. Kept for ever; the broker never sees it."),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    attachments = Files(label=gettext_lazy("Documents, if there are any"), required=False)


class Release(Preparing):
    mode = forms.ChoiceField(
        label=gettext_lazy("How"),
        choices=[
            ("", gettext_lazy("Choose")),
            ("in full", gettext_lazy("in full")),
            ("without suspended days", gettext_lazy("without the suspended days")),
        ],
    )
    field_order = ("mode", "note", "attachments")


class Forfeit(Preparing):
    text = Text(
        label=gettext_lazy("What the broker reads, if anything"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    field_order = ("text", "note", "attachments")


class Adjustment(Preparing):
    amount = forms.DecimalField(
        label=gettext_lazy("Dollars"),
        help_text=gettext_lazy("Above zero the broker is given it, below zero it is taken: −12.50."),
        max_digits=20,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    text = Text(
        label=gettext_lazy("Line on the next statement"),
        help_text=gettext_lazy("The broker reads it."),
        max_length=LONGEST_LINE,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    attachments = Files(label=gettext_lazy("The document that says why"))
    field_order = ("amount", "text", "note", "attachments")

    def __init__(self, data: Any = None, *args: Any, **options: Any) -> None:
        """People copy a minus from a page, and thousands with commas."""
        if data is not None and "amount" in data:
            data = data.copy()
            data["amount"] = data["amount"].replace("−", "-").replace(",", "").replace("$", "").strip()
        super().__init__(data, *args, **options)


class Resolution(Preparing):
    mode = forms.ChoiceField(
        label=gettext_lazy("What became of it"),
        choices=[
            ("", gettext_lazy("Choose")),
            ("credited", gettext_lazy("the exchange credited it")),
            ("rejected", gettext_lazy("no money moved")),
        ],
    )
    credit_id = forms.CharField(
        label=gettext_lazy("The exchange's number of the credit"),
        help_text=gettext_lazy("Only if it was credited, as the exchange's list shows it."),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    field_order = ("mode", "credit_id", "note", "attachments")


class Fills(forms.Form):
    """What is known of the fills; all that is given is true of each."""

    use_required_attribute = False
    ids = forms.CharField(
        label=gettext_lazy("Numbers of fills"),
        help_text=gettext_lazy("With spaces or commas between them; at most 10,000."),
        required=False,
        max_length=250_000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    trader = forms.IntegerField(label=gettext_lazy("Trader"), required=False, min_value=0, max_value=_LARGEST)
    order_id = Text(label=gettext_lazy("Order"), required=False, max_length=200)
    symbol = Text(label=gettext_lazy("Symbol"), required=False, max_length=100)
    starts_at = forms.CharField(
        label=gettext_lazy("From, UTC"),
        help_text=gettext_lazy("Like 2026-10-15T12:00:00"),
        required=False,
        max_length=40,
    )
    ends_at = forms.CharField(
        label=gettext_lazy("Until, UTC"),
        help_text=gettext_lazy("Not included."),
        required=False,
        max_length=40,
    )

    def clean_ids(self) -> tuple[int, ...]:
        named = [each for each in re.split(r"[\s,;]+", self.cleaned_data["ids"]) if each]
        if any(not (each.isascii() and each.isdigit()) or int(each[:20]) > _LARGEST for each in named):
            raise ValidationError(_("Write numbers of fills only, with spaces or commas between them."))
        return tuple(sorted({int(each) for each in named}))

    def clean_starts_at(self) -> datetime | None:
        return _instant(self.cleaned_data["starts_at"])

    def clean_ends_at(self) -> datetime | None:
        return _instant(self.cleaned_data["ends_at"])

    def selection(self) -> Selection:
        return Selection(**self.cleaned_data)


class Voiding(Preparing):
    """The button under what would be voided."""

    shown = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)


class Confirmation(forms.Form):
    shown = forms.CharField(max_length=64, widget=forms.HiddenInput)


class Withdrawal(forms.Form):
    use_required_attribute = False
    note = Text(
        label=gettext_lazy("Why it is withdrawn"),
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


def _instant(text: str) -> datetime | None:
    text = text.strip().replace(" ", "T")
    if not text:
        return None
    if len(text) == len("2026-10-15T12:00"):
        text += ":00"
    if len(text) == len("2026-10-15"):
        text += "T00:00:00"
    try:
        return read_instant(text)
    except ValueError:
        raise ValidationError(_("Write a time like 2026-10-15T12:00:00.")) from None
