"""What the exports have to give: every row of a data type with its day, as a JSON object."""

from typing import Any

from connector.errors import ConfigError
from connector.sandbox.shortkit.asks import read_day
from connector.sandbox.shortkit.playback_truth import count_ads, count_playback
from connector.sandbox.shortkit.rows import DATA_TYPES, VideoRow, write_day
from connector.sandbox.shortkit.service import ShortKitService


def list_video_truth(
    service: ShortKitService, data_type: str, since: str | None, until: str | None, *, kept: bool
) -> dict[str, Any]:
    """`{data_type, rows, unread}` as of the present moment, days `since` to `until` (inclusive).

    A row is `{day, received_at, user, values}`: the UTC day of its timestamp (None where a made-up
    row has none that can be read), unix seconds of its receipt (None for a made-up row), the user
    and the row as it is sent. Rows past the retention are left out if `kept`; rows of erased
    persons always. What faults do to rows (late ones, clocks) is in it, what they do to files is
    not. `unread` counts made-up bodies, whose rows only their author knows.
    """
    if data_type not in DATA_TYPES:
        raise ConfigError(f"data type {data_type!r} is none of {', '.join(DATA_TYPES)}")
    now = service.advance()
    rows = rows_known(service, (data_type,), since, until, kept=kept)
    unread = [e for e in service.maker.made if e.data_type == data_type and e.rows is None]
    return {
        "data_type": data_type,
        "at": now,
        "rows": [
            {
                "day": None if row.day is None else write_day(row.day),
                "received_at": None if row.is_made else row.received_at,
                "user": row.user_id,
                "values": row.values,
            }
            for row in rows
        ],
        "unread": len(unread),
    }


def count_video_truth(
    service: ShortKitService, since: str | None, until: str | None
) -> dict[str, Any]:
    """`{playback, ads}` of the rows there are by now; forms in `playback_truth`.

    Views belong to the UTC day they begin; days are inclusive, made-up rows left out.
    """
    first, last = _bounds(service, since, until)
    edges = write_day(first - 1), write_day(last + 1)
    rows = rows_known(service, ("events", "quality"), *edges, kept=True)
    ads = rows_known(service, ("ads",), since, until, kept=True)
    return {"playback": count_playback(rows, first, last), "ads": count_ads(ads, first, last)}


def rows_known(
    service: ShortKitService,
    data_types: tuple[str, ...],
    since: str | None,
    until: str | None,
    *,
    kept: bool,
) -> list[VideoRow]:
    """The rows that an export made now could hold, by time."""
    maker, now = service.maker, service.advance()
    facts = service.facts(now)
    first, last = _bounds(service, since, until)
    if kept:
        first = max(first, maker.oldest_day(now))
    rows = [
        row
        for row in maker.within(first, last, data_types, facts)
        if (row.is_made or row.received_at <= now) and not maker.is_erased(row, now)
    ]
    return sorted(rows, key=lambda row: (row.stamp or 0, row.rank))


def _bounds(service: ShortKitService, since: str | None, until: str | None) -> tuple[int, int]:
    """The days asked for, as far as there are any rows."""
    service.maker.viewings.take()
    days = service.maker.viewings.days()
    made = [row.day for e in service.maker.made for row in e.rows or () if row.day is not None]
    known = [*days[:1], *days[-1:], *made]
    first, last = (min(known), max(known)) if known else (0, 0)
    try:
        low = read_day(since) if since else first
        high = read_day(until) if until else last
    except ValueError as error:
        raise ConfigError(f"truth: {error}") from None
    return max(low, first), min(high, last)
