"""What an owner writes: the new account, or why a change is cancelled."""

from django import forms
from django.utils.translation import gettext_lazy as _

from payouts.desk.account_change import LONGEST_WHY


class AskForm(forms.Form):
    account_id = forms.CharField(
        label=_("Id of the new account"),
        max_length=100,
        help_text=_("Copy it from the account's page at Backpack Exchange. A business account of your own."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}),
    )


class CancelForm(forms.Form):
    why = forms.CharField(
        label=_("Why, if you like"),
        max_length=LONGEST_WHY,
        required=False,
        help_text=_("The other owners and Backpack read it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
