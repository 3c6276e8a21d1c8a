"""One form a step: what is right is kept even when something else is wrong or missing."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.exchange.port import can_be_account_id
from portal.application import countries, steps
from portal.application.models import Document, OrderSubmission, PlatformType
from portal.application.typed import Count, Dollars, Line, Telephone, Text, Website
from portal.files.fields import SeveralFiles

_CHOOSE = ("", gettext_lazy("Choose…"))
MISSING = "missing"


class StepForm(forms.Form):
    """A step of the application. Nothing is required to save it; what is missing is said beside the field."""

    slug = ""
    use_required_attribute = False
    #: Words under a field that is still empty, where the usual ones do not fit.
    missing_words: dict[str, Any] = {}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: What can be saved, whatever else is wrong.
        self.kept: dict[str, Any] = {}
        #: What is missing where no single field stands for it.
        self.missing_together: dict[str, Any] = {}

    def clean(self) -> dict[str, Any]:
        self.kept = dict(self.cleaned_data)
        for name in steps.missing_in(self.slug, self.cleaned_data):
            words = self.missing_words.get(name, _("This is needed before you can submit."))
            if name not in self.fields:
                self.missing_together[name] = words
            elif name not in self.errors:
                self.add_error(name, ValidationError(words, code=MISSING))
        return self.cleaned_data

    @property
    def is_complete(self) -> bool:
        return self.is_valid() and not self.missing_together

    @property
    def is_wrong(self) -> bool:
        """Something that was typed cannot be kept; fields that are only empty do not count."""
        return any(error.code != MISSING for errors in self.errors.as_data().values() for error in errors)


class BusinessForm(StepForm):
    slug = "business"
    legal_name = Line(
        label=gettext_lazy("Legal name"),
        help_text=gettext_lazy("As it stands in the register."),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    country = forms.ChoiceField(
        label=gettext_lazy("Country of registration"),
        required=False,
        choices=lambda: [_CHOOSE, *countries.choices()],
    )
    registration_number = Line(label=gettext_lazy("Registration number"), max_length=100, required=False)
    website = Website(
        label=gettext_lazy("Website"),
        max_length=300,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "url"}),
        help_text=gettext_lazy("Like https://example.com."),
    )
    platform_type = forms.ChoiceField(
        label=gettext_lazy("What your platform is"), required=False, choices=[_CHOOSE, *PlatformType.choices]
    )
    platform_other = Line(
        label=gettext_lazy("If other: what is it?"),
        max_length=200,
        required=False,
    )
    missing_words = {"platform_other": gettext_lazy("Say what it is, because you chose Other.")}


class ContactForm(StepForm):
    slug = "contact"
    contact_name = Line(
        label=gettext_lazy("Name"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    contact_position = Line(
        label=gettext_lazy("Position in the business"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "organization-title"}),
    )
    contact_email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    contact_phone = Telephone(
        label=gettext_lazy("Telephone (optional)"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel"}),
    )


class AccountForm(StepForm):
    slug = "account"
    account_id = Line(
        label=gettext_lazy("Id of your business account"),
        help_text=gettext_lazy("Copy it from the account's page at Backpack Exchange."),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_account_id(self) -> str:
        account_id: str = self.cleaned_data["account_id"]
        if account_id and not can_be_account_id(account_id):
            raise ValidationError(_("This cannot be the id of an account: copy it from the account's page."))
        return account_id


class IntegrationForm(StepForm):
    slug = "integration"
    trades_spot = forms.BooleanField(label=gettext_lazy("Spot"), required=False)
    trades_futures = forms.BooleanField(label=gettext_lazy("Futures"), required=False)
    expected_volume = Dollars(
        label=gettext_lazy("API volume that you expect in a month, in dollars"),
        help_text=gettext_lazy("Spot and futures together, for example 5,000,000."),
        required=False,
    )
    user_base = Count(
        label=gettext_lazy("Users of your platform"),
        help_text=gettext_lazy("All of them, wherever they trade."),
        required=False,
    )
    order_submission = forms.ChoiceField(
        label=gettext_lazy("How orders reach the exchange"),
        required=False,
        choices=[_CHOOSE, *OrderSubmission.choices],
    )
    integration_notes = Text(
        label=gettext_lazy("Anything else about the integration (optional)"),
        max_length=4_000,
        required=False,
    )
    missing_words = {"products": gettext_lazy("Choose spot, futures or both before you submit.")}


class DeclarationsForm(StepForm):
    slug = "declarations"
    is_no_affiliate = forms.BooleanField(
        label=gettext_lazy(
            "Our business is not enrolled in the Backpack Affiliate Program, and will not enrol while it is"
            " an API broker."
        ),
        required=False,
    )
    accepts_terms = forms.BooleanField(
        label=gettext_lazy("We accept the terms of the API Broker Program as shown here."), required=False
    )
    #: Which terms were on the screen.
    terms = forms.CharField(widget=forms.HiddenInput, max_length=20, required=False)
    missing_words = {
        "is_no_affiliate": gettext_lazy("Declare this before you submit."),
        "accepts_terms": gettext_lazy("Accept the terms before you submit."),
    }

    def __init__(self, *args: Any, terms_in_force: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._terms_in_force = terms_in_force

    def clean(self) -> dict[str, Any]:
        super().clean()
        accepted = self.cleaned_data.get("accepts_terms", False)
        if accepted and self.cleaned_data.get("terms") != self._terms_in_force:
            self.kept["accepts_terms"] = False
            self.add_error(
                "accepts_terms", _("The terms have changed: read them below and accept them anew.")
            )
        elif not accepted:
            self.add_error(
                "accepts_terms", ValidationError(self.missing_words["accepts_terms"], code=MISSING)
            )
        return self.cleaned_data


class UploadForm(forms.Form):
    """One document. What the file is, is seen from its content later."""

    use_required_attribute = False
    kind = forms.ChoiceField(label=gettext_lazy("What it shows"), choices=[_CHOOSE, *Document.Kind.choices])
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("PDF, PNG or JPEG, at most 10 MB."),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg"}),
    )


class _Files(forms.FileField):
    """Several files, each as one would be; none is no fault."""

    widget = SeveralFiles()

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        return [super(_Files, self).clean(each, initial) for each in data or []]


class AnswerForm(forms.Form):
    """The answer to a question of ours, with documents if they help."""

    use_required_attribute = False
    seen = forms.IntegerField(widget=forms.HiddenInput)
    text = Text(label=gettext_lazy("Your answer"), max_length=4_000)
    kind = forms.ChoiceField(
        label=gettext_lazy("What the documents show, if you add any"),
        choices=Document.Kind.choices,
        initial=Document.Kind.OTHER,
        required=False,
    )
    attachments = _Files(
        label=gettext_lazy("Documents (optional)"),
        help_text=gettext_lazy("PDF, PNG or JPEG, at most 10 MB each and 20 MB together."),
        required=False,
        allow_empty_file=True,
    )

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or Document.Kind.OTHER


class SeenForm(forms.Form):
    """Which version of the application was on the screen."""

    seen = forms.IntegerField(widget=forms.HiddenInput)


FORMS: dict[str, type[StepForm]] = {
    form.slug: form for form in (BusinessForm, ContactForm, AccountForm, IntegrationForm, DeclarationsForm)
}
