"""The forms of a review. Each carries what was on the screen, so that the action can refuse what changed."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.application.models import RejectionReason

_MESSAGE = forms.Textarea(attrs={"rows": 6})


class Held(forms.Form):
    """Take and release: who had the application on the screen; empty for nobody."""

    holder = forms.IntegerField(required=False, widget=forms.HiddenInput)


class Note(forms.Form):
    text = forms.CharField(
        label=_("Private note"),
        help_text=_("For staff only; the applicant never sees it."),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class Seen(forms.Form):
    """The version of the application that was on the screen."""

    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


class Ask(Seen):
    text = forms.CharField(
        label=_("What do you need?"),
        help_text=_("The applicant reads this on the page of the application and in a letter."),
        max_length=4_000,
        widget=_MESSAGE,
    )


class Reject(Seen):
    reason = forms.ChoiceField(choices=RejectionReason, widget=forms.HiddenInput)
    message = forms.CharField(
        label=_("What the applicant is told"),
        help_text=_("It stands on the page of the application and in a letter."),
        max_length=4_000,
        widget=_MESSAGE,
    )
    reapply_from = forms.DateField(
        label=_("May apply again from"),
        help_text=_("Year-month-day, UTC. Today means at once."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )


class Approve(Seen):
    code = forms.IntegerField(widget=forms.HiddenInput)
    was_proposed = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, is_high_risk: bool, **rest: Any) -> None:
        super().__init__(*args, **rest)
        if is_high_risk:
            self.fields["knows_risk"] = forms.BooleanField(label=_("I have looked at each finding above"))
            self.fields["acknowledged"] = forms.CharField(
                label=_("Why is the business let in nevertheless?"),
                help_text=_("Kept with the decision, for staff only."),
                max_length=2_000,
                widget=forms.Textarea(attrs={"rows": 3}),
            )
