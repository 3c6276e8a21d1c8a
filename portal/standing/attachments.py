"""Files that come with a message of an appeal: looked at before any transaction."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from payouts.desk.evidence import NewFile
from portal.files import checking


def checked(files: Iterable[Any]) -> list[NewFile]:
    """The files with the verdict on each, which takes its time. Refuses `FileRefused`, naming the file."""
    return [_checked(file) for file in files]


def _checked(file: Any) -> NewFile:
    # Never more than one byte beyond the limit is read: the rule then says what is wrong.
    content = file.read(checking.LARGEST + 1)
    name = file.name or ""
    try:
        found = checking.check(content, name=name)
    except checking.FileRefused as refusal:
        raise checking.FileRefused(
            _("%(name)s: %(refusal)s") % {"name": name[:120], "refusal": refusal}
        ) from None
    return NewFile(found.name, found.media_type, content)
