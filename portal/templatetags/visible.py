"""Texts from outside in templates: what would hide is shown as an escape, and marked as one."""

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.staff import visible as bytes_of
from portal.staff.visible import Piece

register = template.Library()


@register.filter
def visible(text: Any) -> SafeString:
    """A text, or the pieces that it was taken apart into, escaped for the page."""
    pieces: Iterable[Piece] = bytes_of.visible(text) if isinstance(text, str) else text
    return format_html_join("", "{}", ((_marked(each),) for each in pieces))


def _marked(piece: Piece) -> str:
    return format_html('<span class="escape">{}</span>', piece.text) if piece.is_escape else piece.text
