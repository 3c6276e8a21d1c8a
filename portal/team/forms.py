"""What a first owner declares and accepts; whom staff or owners invite; the role of a member."""

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.team.models import Role

_WHAT_ROLES_MAY = _("The page of the team says what each role may see and do.")


class AcceptForm(forms.Form):
    is_no_affiliate = forms.BooleanField(
        label=_(
            "Our business is not enrolled in the Backpack Affiliate Program, and will not enrol while it is"
            " an API broker."
        ),
        error_messages={"required": _("Tick this to declare it; an affiliate cannot join.")},
    )
    accepts_terms = forms.BooleanField(
        label=_("We accept the terms of the API Broker Program as shown here."),
        error_messages={"required": _("Tick this to accept the terms; without them nobody can join.")},
    )
    #: The terms that were on the page when it was shown.
    terms_version = forms.CharField(max_length=20, widget=forms.HiddenInput)


class InviteForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        help_text=_("The person who will own the broker's team. The letter goes there, and nowhere else."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


class InviteColleague(forms.Form):
    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        help_text=_("The letter goes there, and only a login with this address can accept."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(
        label=_("Role"), choices=Role.choices, initial=Role.VIEWER, help_text=_WHAT_ROLES_MAY
    )


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, help_text=_WHAT_ROLES_MAY)


class Nothing(forms.Form):
    """An act that asks for nothing but the button."""
