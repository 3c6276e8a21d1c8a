"""Whether bytes are one whole picture, PNG or JPEG, with nothing after it. Bytes in."""

import struct

from django.utils.translation import gettext as _

from portal.files import jpeg_content, png_content
from portal.files.picture_parts import Broken, Picture, Unreadable
from portal.files.refusal import FileRefused

#: Width times height; a page scanned at 600 dots an inch has 35 million.
MOST_PIXELS = 50_000_000


def check(content: bytes, media_type: str) -> None:
    """Refuse (`FileRefused`) a picture that is cut off, broken, too large, or followed by something."""
    kind = png_content if media_type == "image/png" else jpeg_content
    try:
        picture: Picture = kind.measured(content)
    except (Broken, struct.error, IndexError):
        raise FileRefused(_("The picture is cut off or damaged: save it anew and choose it again.")) from None
    if content[picture.end :].strip(b"\0" if media_type == "image/jpeg" else b""):
        raise FileRefused(
            _("There is something after the end of the picture: save it anew, or print it to a PDF.")
        )
    if not 0 < picture.width * picture.height <= MOST_PIXELS:
        raise FileRefused(_("The picture has more than 50 million pixels: make it smaller."))
    try:
        picture.must_be_whole()
    except Unreadable:
        raise FileRefused(_("The picture cannot be read: save it anew and choose it again.")) from None
