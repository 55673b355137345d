"""Whether slices, as the vendor reads them, hold each second of a range exactly once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from connector.sources.appmetrica_logs.export import name_dates
from connector.spans import Span

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
DISTANCES = (*(step * HOUR / 2 for step in range(-4, 5)), -SECOND, SECOND)
ZONES = (
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "America/Havana",
    "Atlantic/Azores",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Pacific/Apia",
)
CHANGES = {
    "Europe/Berlin": [(2026, 3, 29), (2026, 10, 25)],
    "America/Sao_Paulo": [(2018, 2, 18), (2018, 11, 4)],
    "Australia/Lord_Howe": [(2026, 4, 5), (2026, 10, 4)],
    "America/Havana": [(2026, 3, 8), (2026, 11, 1)],
    "Atlantic/Azores": [(2025, 3, 30), (2025, 10, 26)],
    "America/Santiago": [(2026, 4, 5), (2026, 9, 6)],
    "Africa/Cairo": [(2026, 4, 24), (2026, 10, 30)],
    "Asia/Kolkata": [(2026, 3, 10)],
}
"""Days around which the clocks of a zone change; one of a zone whose clocks never do."""


def text_of(moment: datetime, zone: ZoneInfo) -> str:
    """What a row of this moment bears, to the second."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def assert_each_second_once(spans: Sequence[Span], zone: ZoneInfo) -> None:
    """The slices follow each other, and every moment of their union is asked for exactly once.

    Moments around each bound are tried, against the slices near it.
    """
    asked = [name_dates(s.lower_at, s.upper_at, zone, is_inclusive=True) for s in spans]
    bounds = [spans[0].lower_at, *(span.upper_at for span in spans)]
    for place, bound in enumerate(bounds):
        if 0 < place < len(spans):
            assert spans[place].lower_at == bound
        near = asked[max(0, place - 5) : place + 5]
        for distance in DISTANCES:
            if bounds[0] <= (moment := bound + distance) < bounds[-1]:
                text = text_of(moment, zone)
                assert sum(since <= text <= until for since, until in near) == 1, (moment, text)


def at(*parts: int) -> datetime:
    """A moment, aware UTC."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]
