"""The free plan: app events above the daily limit of the organisation arrive days later."""

from collections import Counter
from dataclasses import replace
from operator import itemgetter

from connector.sandbox.population.records import Record

_DAY_S = 86_400
_LATEST_DAYS = 13


class Surplus:
    """Holds app events back until their day's count is known; the same in any steps of the clock.

    The limit is for all apps together and one day (UTC) by receipt; 1 to 14 days late is what the
    vendor promises (appmetrica.yandex.com/docs, limits of the free plan).
    """

    def __init__(self, daily_limit: int) -> None:
        self._limit = daily_limit
        self._waiting: list[tuple[tuple[int, int, int, int], Record]] = []
        self._counts: Counter[int] = Counter()

    def hold(self, app_id: int, record: Record) -> bool:
        """Take a record to be released later; False where the limit does not count it."""
        if not self._limit or record.kind != "event":
            return False
        key = (record.processed_at, app_id, record.device.index, record.order)
        self._waiting.append((key, record))
        return True

    def release(self, before: int) -> list[tuple[int, Record]]:
        """(app, record) of what was processed before a moment (unix seconds), late ones moved."""
        due = sorted((item for item in self._waiting if item[0][0] < before), key=itemgetter(0))
        self._waiting = [item for item in self._waiting if item[0][0] >= before]
        return [(key[1], self._move(record)) for key, record in due]

    def _move(self, record: Record) -> Record:
        day = record.received_at // _DAY_S
        self._counts[day] += 1
        if self._counts[day] <= self._limit:
            return record
        late_s = (1 + self._counts[day] % _LATEST_DAYS) * _DAY_S
        return replace(
            record,
            received_at=record.received_at + late_s,
            processed_at=record.processed_at + late_s,
        )
