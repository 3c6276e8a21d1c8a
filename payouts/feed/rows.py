"""A record as a row of PostgreSQL's COPY text. Pure."""

from payouts.feed.record import Record

#: What COPY's text format would take for its own signs.
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def text(record: Record) -> str:
    """The record's columns in the order of the table of claimed records, without the line end."""
    return (
        f"{record.executed_at.isoformat()}Z\t{record.broker}\t{record.trader}\t{_cell(record.symbol)}"
        f"\t{_cell(record.market_type)}\t{record.trade_id}\t{_cell(record.order_id)}"
        f"\t{_cell(record.client_id)}\t{record.side}\t{record.is_maker}\t{record.price}"
        f"\t{record.quantity}\t{record.fee}\t{_cell(record.fee_symbol)}\t{record.fee_rate}"
        f"\t{record.affiliate_rate}\t\\\\x{record.content.hex()}\t{_cell(record.system_order_type)}"
    )


def _cell(value: str | None) -> str:
    if value is None:
        return "\\N"
    return value if value.isalnum() else value.translate(_ESCAPES)
