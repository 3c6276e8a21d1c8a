"""Whose a quarantined record says it is, and of which month, as far as its bytes can be read. Pure."""

import re

from payouts.feed.csv_rows import cells
from payouts.feed.record import Malformed

# Not read as JSON: what waits here is often broken, and the broker's code may still be legible.
_CODE = re.compile(rb'"brokerId"\s*:\s*"?([0-9]{1,5})(?![0-9.eE])')
_MONTH = re.compile(rb'"timestamp"\s*:\s*"([0-9]{4}-(?:0[1-9]|1[0-2]))-')
_WRITTEN_CODE = re.compile(r"[0-9]{1,5}")
_WRITTEN_MONTH = re.compile(r"([0-9]{4}-(?:0[1-9]|1[0-2]))-.*", re.DOTALL)


def broker_and_month(*, file_format: str, header: bytes, raw: bytes) -> tuple[int | None, str | None]:
    """The broker's code and the month `YYYY-MM` of execution; None for what cannot be read."""
    if file_format == "csv":
        return _of_csv(header, raw)
    code, month = _CODE.search(raw), _MONTH.search(raw)
    return (int(code[1]) if code else None), (month[1].decode() if month else None)


def _of_csv(header: bytes, raw: bytes) -> tuple[int | None, str | None]:
    try:
        row = dict(zip(cells(header), cells(raw), strict=False))
    except Malformed:
        return None, None
    code = row.get("brokerId", "")
    month = _WRITTEN_MONTH.fullmatch(row.get("timestamp", ""))
    return (int(code) if _WRITTEN_CODE.fullmatch(code) else None), (month[1] if month else None)
