"""What a member writes in an appeal: a text, and files that go with it."""

from typing import Any
from unicodedata import category, normalize

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.files.fields import SeveralFiles
from portal.files.uploads import MOST_A_REQUEST

#: Files of one message.
MOST = 5
LONGEST = 4_000
#: Signs that turn the direction of text around: what is read is then not what stands there.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_HIDDEN = ("Cc", "Cs", "Co", "Zl", "Zp")


class _Text(forms.CharField):
    """Several lines of text without anything that cannot be seen."""

    widget = forms.Textarea(attrs={"rows": 6})

    def to_python(self, value: Any) -> str:
        # The browser counts a new line as one character, and sends it as two. What is far too long is
        # refused before its marks are put in order, which takes the square of their number.
        text = str(value or "").replace("\r\n", "\n").replace("\r", "\n")
        MaxLengthValidator(LONGEST)(text.strip())
        text = normalize("NFC", super().to_python(text) or "")
        if any(sign in _TURNING or (category(sign) in _HIDDEN and sign not in "\n\t") for sign in text):
            raise ValidationError(
                _("This holds a character that cannot be seen: delete it and type the text anew.")
            )
        return text


class _Files(forms.FileField):
    """A few files, counted and weighed; what is in them is looked at after the form."""

    widget = SeveralFiles()

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = [super(_Files, self).clean(each, initial) for each in data or []]
        if len(files) > MOST:
            raise ValidationError(
                _("At most %(most)d files go with one message: send the rest with another.") % {"most": MOST}
            )
        if sum(file.size or 0 for file in files) > MOST_A_REQUEST:
            raise ValidationError(
                _("The files are larger than 20 MB together: send some of them with another message.")
            )
        return files


class MessageForm(forms.Form):
    """One message of the broker's."""

    use_required_attribute = False
    text = _Text(label=gettext_lazy("Your message"), max_length=LONGEST)
    attachments = _Files(
        label=gettext_lazy("Files (optional)"),
        help_text=gettext_lazy("PDF, PNG or JPEG; at most 5 files of 10 MB each, and 20 MB together."),
        required=False,
        allow_empty_file=True,
    )


class AppealForm(MessageForm):
    """The message that opens an appeal, and against what."""

    change = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**63 - 1)
    field_order = ("text", "attachments", "change")
