"""Rows of the seconds next to a unit's bounds, left to the units beside it.

Where nobody knows whether a vendor's bounds include their own second, a second more is asked for on
either side, and the rows are cut to the unit here, by the time the unit names.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from connector.decode.cast import cast_column
from connector.decode.records import Records
from connector.errors import DownloadError
from connector.fields import Table, arrow_type
from connector.units import Unit

_BORDER = timedelta(seconds=1)


@dataclass(slots=True)
class Cut:
    """Cuts the rows of one unit; `rows` were left out so far."""

    unit: Unit
    table: Table
    rows: int = 0
    _seen: int = 0
    _outside: int = 0
    _unreadable: int = 0

    def keep(self, records: Records) -> Records:
        """The records of the unit's own interval; all of them where nothing is to be cut."""
        if not self.unit.cut_by or not len(records.rows):
            return records
        times = self._read_times(records)
        lower_at, upper_at = self.unit.lower_at, self.unit.upper_at
        is_near = _lies_in(times, lower_at - _BORDER, upper_at + _BORDER)
        is_own = _lies_in(times, lower_at, upper_at)
        self._seen += len(times)
        self._unreadable += times.null_count
        self._outside += len(times) - times.null_count - _count(is_near)
        self.rows += _count(is_near) - _count(is_own)
        if _count(is_own) == len(times):
            return records
        return replace(
            records,
            columns=tuple(column.filter(is_own) for column in records.columns),
            rows=records.rows.filter(is_own),
        )

    def _read_times(self, records: Records) -> pa.Array:
        """The times to cut by; NULL where there is none."""
        known = self.table.by_name.get(self.unit.cut_by)
        if known is None or known.type != "timestamp" or known.name not in records.names:
            return pa.nulls(len(records.rows), arrow_type("timestamp"))
        column = records.columns[records.names.index(known.name)]
        return cast_column(column, known, records.rows)[0]

    def check(self) -> None:
        """Raise DownloadError when some row could not be told to be of the unit or beside it."""
        name, seen, found = self.unit.cut_by, self._seen, []
        if self._outside:
            found.append(
                f"{name} of {self._outside} of {seen} rows lies outside the interval asked for by"
                " more than a second"
            )
        if self._unreadable:
            found.append(f"{name} of {self._unreadable} of {seen} rows cannot be read")
        if found:
            raise DownloadError(
                f"unit {self.unit.id}: {' and '.join(found)}, so its rows cannot be cut by it"
            )


def _lies_in(times: pa.Array, lower_at: object, upper_at: object) -> pa.Array:
    """Which times lie in the half-open interval; False for NULL."""
    kind = arrow_type("timestamp")
    from_at, until_at = pa.scalar(lower_at, kind), pa.scalar(upper_at, kind)
    inside = pc.and_(pc.greater_equal(times, from_at), pc.less(times, until_at))
    return pc.fill_null(inside, fill_value=False)


def _count(mask: pa.Array) -> int:
    return int(pc.sum(mask, min_count=0).as_py())
