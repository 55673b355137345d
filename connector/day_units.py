"""A file of several days and tables, loaded as one unit for each table and day.

What is asked for in one piece is replaced by the day, so that days of two files that overlap are
neither lost nor doubled.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from connector.units import LoadedUnit, Unit, is_same_content


@cache
def list_day_units(unit: Unit) -> tuple[Unit, ...]:
    """The units that `unit` is loaded as: one a table and day, by table and in the days' order; the
    unit itself where it is not loaded by days.
    """
    if not unit.feeds:
        return (unit,)
    days = list_days(unit)
    return tuple(_to_day_unit(unit, table, day) for table in unit.feeds for day in days)


def is_loaded(unit: Unit, loaded: Mapping[str, LoadedUnit]) -> bool:
    """True where all that the unit is loaded as is in the ledger, as the vendor has it. Days may be
    there from another file: nothing tells, so that such a unit is done with once nobody plans it.
    """
    ones = list_day_units(unit)
    return all(one.id in loaded and is_same_content(one, loaded[one.id]) for one in ones)


def is_file_loaded(unit: Unit, loaded: Mapping[str, LoadedUnit]) -> bool:
    """True where the unit's very file was loaded: some day in the ledger came in it, and files are
    loaded whole.
    """
    if not unit.feeds:
        return is_loaded(unit, loaded)
    rows = [loaded[one.id] for one in list_day_units(unit) if one.id in loaded]
    return bool(unit.remote_id) and any(row.remote_id == unit.remote_id for row in rows)


def list_days(unit: Unit) -> tuple[date, ...]:
    """The days the unit is of, in its zone."""
    zone = ZoneInfo(unit.zone)
    first = unit.lower_at.astimezone(zone).date()
    last = (unit.upper_at - timedelta(microseconds=1)).astimezone(zone).date()
    return tuple(first + timedelta(days=number) for number in range((last - first).days + 1))


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When the day begins in `zone`, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _to_day_unit(unit: Unit, table: str, day: date) -> Unit:
    zone = ZoneInfo(unit.zone)
    return replace(
        unit,
        id=f"{table}/{day.isoformat()}",
        table=table,
        lower_at=midnight(day, zone),
        upper_at=midnight(day + timedelta(days=1), zone),
        declared_rows=None,
        declared_bytes=None,
        feeds=(),
    )
