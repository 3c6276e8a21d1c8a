"""A statement as PDF: A4, for every reader (PDF/UA-1) and for keeping (PDF/A-2a), always the same bytes."""

import json
from collections.abc import Iterable
from pathlib import Path

import typst

from payouts.statements import fonts
from payouts.statements.document import Document
from payouts.statements.printed import contents
from payouts.statements.printed_text import instant

#: All that the typesetter may read: our templates and the fonts.
_ROOT = Path(__file__).parent / "paper"
_MANY_ROWS = 100
_REMEMBERED_RUNS = 10


def pdf(document: Document, lines: Iterable[Document]) -> bytes:
    """The pages of a statement or a draft. `document` is without its lines; `lines` are read once.

    A statement of more than `printed_tables.MOST_LINES` lines shows their subtotals instead. What people
    wrote reaches the typesetter as values, never as markup; it dates the file by the document, reads no
    clock, no installed font and no network.
    """
    at = document.get("approved_at") or document["calculated_at"]
    says = contents(document, lines) | {"dated": None if at is None else list(instant(at).timetuple()[:6])}
    made = typst.compile(
        _ROOT / "statement.typ",
        root=_ROOT,
        font_paths=fonts.loaded(),
        ignore_system_fonts=True,
        sys_inputs={"says": json.dumps(says)},
        pdf_standards=["a-2a", "ua-1"] if document["status"] == "approved" else ["ua-1"],
        timestamp=0,
        format="pdf",
    )
    if len(says["lines"]) > _MANY_ROWS:
        _forget()
    return made


def _forget() -> None:
    """Free what the typesetter remembers of a long document (some 50 MB): it keeps its last ten runs."""
    for _ in range(_REMEMBERED_RUNS):
        typst.compile(b"", font_paths=fonts.loaded(), ignore_system_fonts=True)
