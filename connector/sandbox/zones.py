"""Unix seconds -> `yyyy-mm-dd hh:mm:ss` in an app's zone, fast enough for every row."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_HOUR_S = 3600
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ZoneText:
    """Remembers the text of each quarter of an hour: zones shift at no smaller step."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._quarters: dict[int, tuple[str, int]] = {}

    def offset_s(self, timestamp: float) -> int:
        """The zone's distance from UTC at a moment (unix seconds), in seconds."""
        moment = datetime.fromtimestamp(timestamp, self._zone)
        return int((moment.utcoffset() or timedelta()).total_seconds())

    def text(self, timestamp: int) -> str:
        """The local date and time of unix seconds, which may lie anywhere from 1970 to 2099."""
        quarter, rest = divmod(timestamp, 900)
        known = self._quarters.get(quarter)
        if known is None:
            moment = (_EPOCH + timedelta(seconds=quarter * 900)).astimezone(self._zone)
            known = (moment.strftime("%Y-%m-%d %H:"), moment.minute)
            self._quarters[quarter] = known
        minutes, seconds = divmod(rest, 60)
        return f"{known[0]}{known[1] + minutes:02d}:{seconds:02d}"
