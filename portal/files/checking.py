"""Whether a file is what it may be: a PDF, PNG or JPEG by its content, whole, and nothing else. Bytes in."""

import re
from dataclasses import dataclass
from unicodedata import category, normalize

from django.utils.translation import gettext as _

from portal.files import pdf_content, picture_content
from portal.files.refusal import FileRefused

LARGEST = 10 * 1024 * 1024
LONGEST_NAME = 120
_NAME_WITHIN = 1_000

_PDF, _PNG, _JPEG = "application/pdf", "image/png", "image/jpeg"
_ENDINGS = {_PDF: ("pdf",), _PNG: ("png",), _JPEG: ("jpg", "jpeg")}
_BEGINNINGS = ((b"%PDF-", _PDF), (b"\x89PNG\r\n\x1a\n", _PNG), (b"\xff\xd8\xff", _JPEG))
#: A page of the web inside the file; long enough that compressed data does not hold it by chance.
_MARKUP = re.compile(rb"<(?=[!hsif])(!doctype|html|script|iframe|foreignobject)[\s>/]", re.IGNORECASE)
#: How a ZIP of one part ends; unpackers look for it from the end, whatever stands around it.
_ZIP_END = b"PK\x05\x06" + bytes(4)
_WRONG_IN_NAMES = re.compile(r'[<>:"|?*\\/]+')

__all__ = ["LARGEST", "LONGEST_NAME", "Checked", "FileRefused", "check"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file is by its content, and the name that it may keep."""

    media_type: str
    name: str


def check(content: bytes, *, name: str) -> Checked:
    """The verdict on a file. Refuses `FileRefused`, whose sentence says what is wrong and what to do."""
    if not content:
        raise FileRefused(_("The file is empty: choose another one."))
    if len(content) > LARGEST:
        raise FileRefused(_("The file is larger than 10 MB: make it smaller or split it."))
    media_type = next((kind for start, kind in _BEGINNINGS if content.startswith(start)), None)
    if media_type is None:
        raise FileRefused(_("This is neither a PDF nor a PNG or JPEG picture: save it as one of these."))
    kept = _name(name, media_type)
    if _MARKUP.search(content) or _ZIP_END in content:
        raise FileRefused(_("The file holds something else beside the document: print it to a new PDF."))
    if media_type == _PDF:
        pdf_content.check(content)
    else:
        picture_content.check(content, media_type)
    return Checked(media_type, kept)


def _name(name: str, media_type: str) -> str:
    """The last part of a name without anything that misleads; its ending must say what the file is."""
    # Putting marks in order takes the square of their number: only so many are looked at.
    base = normalize("NFC", name[-_NAME_WITHIN:]).replace("\\", "/").rpartition("/")[2]
    base = "".join(" " if letter.isspace() else letter for letter in base)
    base = "".join(letter for letter in base if category(letter)[0] != "C")
    base = " ".join(_WRONG_IN_NAMES.sub("_", base).split())
    stem, _dot, ending = base.rpartition(".")
    ending = ending.lower()
    if ending not in _ENDINGS[media_type]:
        raise FileRefused(
            _("The content of this file is %(kind)s, but its name does not end in .%(ending)s: rename it.")
            % {"kind": _ENDINGS[media_type][-1].upper(), "ending": _ENDINGS[media_type][0]}
        )
    stem = stem.strip(". ")[: LONGEST_NAME - len(ending) - 1].rstrip(". ")
    return f"{stem or 'document'}.{ending}"
