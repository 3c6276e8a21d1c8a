"""Fields of forms for what people type: names, dollars, counts, addresses of the web."""

import re
from decimal import Decimal
from typing import Any
from unicodedata import category, normalize
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, URLValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_DOLLARS = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d{1,2})?")
_COUNT = re.compile(r"\d{1,3}(?:,\d{3})+|\d+")
_MOST_DIGITS = 15
_TELEPHONE = re.compile(r"\+?[0-9 ()./-]{5,38}")
#: Signs that turn the direction of text around: what is read is then not what stands there.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_WEBSITE = gettext_lazy("Write the address of your website, like https://example.com.")
_HIDDEN = ("Cc", "Cs", "Co", "Zl", "Zp")


def must_be_readable(text: str, *, lines: bool = False) -> None:
    """Refuse control characters and signs that turn the direction of text; lines are allowed where meant."""
    for letter in text:
        if lines and letter in "\n\t":
            continue
        if letter in _TURNING or category(letter) in _HIDDEN:
            raise ValidationError(
                _("This holds a character that cannot be seen: delete it and type the text anew.")
            )


def must_not_be_longer(value: Any, most: int | None) -> None:
    """Refuse what is far too long before anything is done with it.

    Putting marks in order (NFC, NFKC) takes the square of their number, and everything else takes time too.
    """
    if most is not None and isinstance(value, str):
        MaxLengthValidator(most)(value.strip())


class Line(forms.CharField):
    """One line of text, trimmed, its spaces made single."""

    def to_python(self, value: Any) -> str:
        must_not_be_longer(value, self.max_length)
        text = normalize("NFC", super().to_python(value) or "")
        must_be_readable(text)
        return " ".join(text.split())


class Text(forms.CharField):
    """Several lines of text."""

    widget = forms.Textarea(attrs={"rows": 5})

    def to_python(self, value: Any) -> str:
        # The browser counts a new line as one character, and sends it as two.
        must_not_be_longer(value.replace("\r\n", "\n") if isinstance(value, str) else value, self.max_length)
        text = normalize("NFC", super().to_python(value) or "")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        must_be_readable(text, lines=True)
        return text


class Dollars(forms.CharField):
    """Dollars as people write them, `$5,000,000`; exact, never a float."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "maxlength": 40})

    def to_python(self, value: Any) -> Any:
        text = (super().to_python(value) or "").replace(" ", "").removeprefix("$")
        if not text:
            return None
        whole = text.partition(".")[0].replace(",", "")
        if not _DOLLARS.fullmatch(text) or not text.isascii() or len(whole) > _MOST_DIGITS:
            raise ValidationError(_("Write dollars in digits, for example 5,000,000."))
        return Decimal(text.replace(",", ""))

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Decimal):
            return f"{value:,}".removesuffix(".00")
        return value


class Count(forms.CharField):
    """A whole number of people as they write it, `12,000`."""

    widget = forms.TextInput(attrs={"inputmode": "numeric", "maxlength": 40})

    def to_python(self, value: Any) -> Any:
        text = (super().to_python(value) or "").replace(" ", "")
        if not text:
            return None
        digits = text.replace(",", "")
        if not _COUNT.fullmatch(text) or not text.isascii() or len(digits) > _MOST_DIGITS:
            raise ValidationError(_("Write a whole number in digits, for example 12,000."))
        return int(digits)

    def prepare_value(self, value: Any) -> Any:
        return f"{value:,}" if isinstance(value, int) else value


class Website(forms.URLField):
    """An address of the public web: http or https, a host with a name, no login in it."""

    default_validators = [URLValidator(schemes=["http", "https"])]

    def __init__(self, **options: Any) -> None:
        super().__init__(assume_scheme="https", **options)

    def to_python(self, value: Any) -> Any:
        must_not_be_longer(value, self.max_length)
        try:
            address = super().to_python(value)
            parts = urlsplit(address or "")
            host, has_login = parts.hostname or "", bool(parts.username or parts.password)
        except ValueError:  # brackets that hold no address of a machine
            raise ValidationError(_WEBSITE) from None
        if address:
            must_be_readable(address)
            if "." not in host or has_login:
                raise ValidationError(_WEBSITE)
        return address


class Telephone(Line):
    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text and not _TELEPHONE.fullmatch(text):
            raise ValidationError(_("Write the number with digits, like +41 44 123 45 67."))
        return text
