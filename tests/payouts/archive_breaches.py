"""How the invariants of archived months are broken: by the owner's hand, with every trigger off."""

#: An archived month in which nothing happened.
_ARCHIVED = (
    "INSERT INTO fill_archive (month, part, file, state, fills, volume, fees, size, sha256, archived_at)"
    " VALUES ('2020-01-01', 1, 'fills-2020-01-1.parquet', 'dropped', 0, {volume}, 0, 1, 'x', now())"
)

BREACHES: dict[str, tuple[str, list[str]]] = {
    "archived fills and those that came since = totals of their month": (
        _ARCHIVED.format(volume=1)
        + "; INSERT INTO fill_archive_total (archive_id, broker_code, market, fills, volume, fees)"
        " SELECT id, 1400, 'spot', 0, 1, 0 FROM fill_archive",
        [],
    ),
    "the totals of an archived month agree": (
        _ARCHIVED.format(volume=0)
        + "; INSERT INTO fill_archive_total (archive_id, broker_code, market, fills, volume, fees)"
        " SELECT id, 1400, 'spot', 0, 0, 0 FROM fill_archive;"
        " INSERT INTO total_by_day (broker_code, day, trader, fills, volume, fees)"
        " VALUES (1400, '2020-01-02', 7, 0, 1, 0)",
        [],
    ),
    "an archive is the sum of its brokers": (_ARCHIVED.format(volume=1), []),
}
