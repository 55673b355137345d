"""What one table of one application asks for: its units, and the request of each."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from connector.errors import ConfigError
from connector.fields import load_tables
from connector.sources.appmetrica_logs.export import SOURCE, Export, name_dates
from connector.sources.appmetrica_logs.logs_settings import OPEN_TABLE, LogsSettings
from connector.sources.appmetrica_logs.slices import (
    DueSlice,
    find_due,
    find_due_snapshot,
    halve,
)
from connector.spans import Span
from connector.units import LoadedUnit, Scope, Unit

SNAPSHOT, RECEIVE, DEVICE = "snapshot", "receive", "device"
HOURS_PER_DAY = 24
FILTERED = "filtered-"  # before the schema id of a unit without all rows; sql/ops looks for it


@dataclass(frozen=True, slots=True)
class Agenda:
    """One table of one application, whose days are those of `zone`."""

    settings: LogsSettings
    application_id: str
    table: str
    zone: ZoneInfo

    @property
    def axis(self) -> str:
        """The time that slices are cut by; `snapshot` where the table comes whole."""
        return axis_of(self.settings, self.table)

    def find_units(
        self, known: Sequence[LoadedUnit], start: datetime, now: datetime, scope: Scope
    ) -> tuple[list[Unit], list[Unit]]:
        """Units that are due since `start`, and units whose slice has ended and not settled.

        Raises ConfigError where the table was loaded by another time.
        """
        rules = self.settings.rules[self.table]
        self._check_axis(known)
        if self.axis == SNAPSHOT:
            last = known[0] if known else None
            due, settling = find_due_snapshot(last, now, self.zone, rules, scope), list[Span]()
        else:
            due, settling = find_due(known, now, self.zone, rules, start=start, scope=scope)
        growing = [DueSlice(span, span.upper_at) for span in settling]
        return [self.to_unit(one) for one in due], [self.to_unit(one) for one in growing]

    def _check_axis(self, known: Iterable[LoadedUnit]) -> None:
        """Units that are cut by another time would hold the same rows once more."""
        if other := next((unit.axis for unit in known if unit.axis != self.axis), ""):
            raise ConfigError(
                f"{SOURCE}.{self.table} was loaded by {other} time and date_dimension now asks for"
                f" {self.axis} time: both would hold the same rows. Set"
                f" sources.{SOURCE}.date_dimension back, or load into another warehouse."
            )

    def to_unit(self, due: DueSlice) -> Unit:
        """The unit of a slice."""
        span, fields = due.span, self.settings.fields[self.table]
        name = f"{self.axis}/{span.lower_at:%Y%m%dT%H%M%SZ}-{span.upper_at:%Y%m%dT%H%M%SZ}"
        name = SNAPSHOT if self.axis == SNAPSHOT else name
        filters = self.settings.filters.get(self.table, ())
        return Unit(
            id=f"{self.table}/{self.application_id}/{name}",
            source=SOURCE,
            table=self.table,
            application_id=self.application_id,
            axis=self.axis,
            lower_at=span.lower_at,
            upper_at=span.upper_at,
            remote_id=name,
            schema_id=(FILTERED if filters else "") + _digest((*fields, *map("=".join, filters))),
            vendor_updated_at=due.as_of,
            field_names=fields,
        )

    def to_export(self, unit: Unit) -> Export:
        """How the unit is asked for."""
        dates, dimension = ("", ""), ""
        if unit.axis != SNAPSHOT or (unit.table == OPEN_TABLE and self.settings.dates_profiles):
            is_inclusive = self.settings.is_end_inclusive
            dates = name_dates(unit.lower_at, unit.upper_at, self.zone, is_inclusive=is_inclusive)
            dimension = self.settings.date_dimension if unit.table != "postbacks" else ""
        return Export(
            resource=load_tables(SOURCE)[unit.table].endpoint,
            format=self.settings.format,
            application_id=unit.application_id,
            dates=dates,
            date_dimension=dimension,
            fields=unit.field_names,
            filters=self.settings.filters.get(unit.table, ()),
        )

    def split(self, unit: Unit, now: datetime) -> list[Unit]:
        """The unit in two, as of now; none of a snapshot, or of an hour."""
        as_of, rules = unit.vendor_updated_at, self.settings.rules[self.table]
        if unit.axis == SNAPSHOT or as_of is None:
            return []
        return [
            self.to_unit(DueSlice(piece, max(as_of, rules.last_look(piece.upper_at, now) or as_of)))
            for piece in halve(Span(unit.lower_at, unit.upper_at), self.zone)
        ]


def axis_of(settings: LogsSettings, table: str) -> str:
    """The table's axis under these settings."""
    axis = load_tables(SOURCE)[table].axis
    return DEVICE if axis == RECEIVE and settings.date_dimension == "default" else axis


def count_daily(settings: LogsSettings) -> float:
    """Exports that a day of live loading asks of one application: every slice, at each look."""
    exports = 0.0
    for table in settings.tables:
        rules = settings.rules[table]
        is_snapshot = axis_of(settings, table) == SNAPSHOT
        looks = 1 if is_snapshot else len(rules.looks(datetime.now(UTC)))
        exports += looks * HOURS_PER_DAY / rules.slice_hours
    return exports


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
