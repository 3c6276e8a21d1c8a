"""The look of every letter: its colours, its type, and how its words are set as plain text.

A mail program may know neither style sheets nor variables, so each colour is written on the element that has
it. The dark ones go into a small style sheet, an enhancement: what strips it shows the light ones.
"""

import textwrap
from collections.abc import Mapping

from django.utils.safestring import SafeString

#: Columns of the text face; an address is never broken, however long it is.
COLUMNS = 72

#: The light and the dark of `static/css/tokens.css`; every pair that meets has a contrast of 4.5 or more.
LIGHT: Mapping[str, str] = {
    "ground": "#f3f5f5",
    "surface": "#ffffff",
    "raised": "#eef1f1",
    "line": "#d3dada",
    "text": "#131c1e",
    "muted": "#526063",
    "accent": "#0a6b5c",
    "on_accent": "#ffffff",
}
DARK: Mapping[str, str] = {
    "ground": "#0b0f11",
    "surface": "#12181b",
    "raised": "#1a2226",
    "line": "#263138",
    "text": "#e3eaec",
    "muted": "#9aaab0",
    "accent": "#4fd1b5",
    "on_accent": "#04211b",
}
#: Single quotes: it stands within an attribute.
FONT = SafeString("-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif")
#: What every template of a letter may name.
STYLE: dict[str, object] = {"light": LIGHT, "dark": DARK, "font": FONT}
_PREVIEW = 110


def wrapped(text: str, *, first: str = "", later: str = "") -> str:
    """A paragraph in columns, its first line and those after it beginning as told."""
    return textwrap.fill(
        text,
        COLUMNS,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def quoted(text: str) -> str:
    """Marked line by line, so that somebody's words cannot pass for the letter's own."""
    return "\n".join(
        wrapped(line, first="> ", later="> ") if line.strip() else ">" for line in text.split("\n")
    )


def preview(text: str) -> str:
    """What a list of letters shows beside the subject: how the text begins, without addresses."""
    beginning = [block for block in text.split("\n\n")[:3] if "://" not in block]
    return textwrap.shorten(" ".join(beginning), _PREVIEW, placeholder=" …")
