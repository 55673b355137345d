"""One package in the making: verified files are decoded, checked, and gathered into tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import dlt
import pyarrow as pa
from dlt.common.configuration.container import Container
from dlt.common.storages.load_package import LoadPackageStateInjectableContext

from connector.decode import (
    QUARANTINE_SCHEMA,
    Decoded,
    Options,
    Package,
    decode_file,
    read_names,
    stamped_schema,
)
from connector.decode.spill import Gatherer, SpilledFile
from connector.errors import DownloadError
from connector.fields import Table
from connector.journal import SpooledFile
from connector.units import LoadedUnit, Unit
from connector.warehouse.ledger import Accepted, to_ledger

CHANGE_CURSORS = ("update_timestamp", "taken_at")  # follow what the vendor changed, not a column


class Feed(Protocol):
    """Where verified files come from, and where the verdict on their content goes."""

    def files(self, table: str) -> Iterator[SpooledFile]:
        """The files of one table, most urgent first."""
        ...

    def identify(self, file: SpooledFile, names: Sequence[str]) -> Unit | None:
        """The unit a file with these column names holds, or None when it is not to be loaded."""
        ...

    def check(self, file: SpooledFile, unit: Unit, decoded: Decoded) -> Unit | None:
        """The unit as it may be loaded, or None when its control total is wrong."""
        ...

    def let_go(self, unit: Unit) -> None:
        """The unit was identified and its file could not be read."""
        ...

    def refuse(self, file: SpooledFile, reason: str) -> None:
        """The file's content cannot be loaded."""
        ...


@dataclass(slots=True)
class Intake:
    """One package in the making: files are decoded, checked and gathered into tables.

    `can_delete`: the destination replaces rows; `takes_files`: it loads Parquet files;
    `append_tables`: tables of which the destination holds no row of any unit in the feed, so that
    nothing needs replacing; `loaded`: the units it holds, by id. `on_close` is called once, when the package is complete or given up.
    """

    feed: Feed
    options: Options
    spill_folder: Path
    now: Callable[[], datetime]
    can_delete: bool = True
    takes_files: bool = True
    append_tables: frozenset[str] = frozenset()
    loaded: Mapping[str, LoadedUnit] = field(default_factory=dict)
    moves_cursor: bool = True
    on_close: Callable[[], None] = lambda: None
    is_closed: bool = False
    accepted: list[Accepted] = field(default_factory=list)
    replaced: dict[str, Unit] = field(
        default_factory=dict
    )  # the unit that has their rows now, by id

    def parts(self, table: Table) -> Iterator[Any]:
        """Typed rows of every acceptable unit of `table`, as dlt takes them: tables, and files
        that are loaded as they are.
        """
        gatherer = Gatherer()
        for file in self.feed.files(table.name):
            if (item := self._open(file, table)) is None:
                continue
            self.accepted.append(item)
            gone = self._take_over(item.unit)
            data = item.decoded.data
            if self.takes_files:
                yield from map(_import_file, data.files)
            for batch in data.held if self.takes_files else data.batches():
                yield from gatherer.add(batch)
            if self.can_delete and not item.decoded.rows and table.name not in self.append_tables:
                gone.append(item.unit.id)
            for unit_id in gone if self.can_delete else ():
                yield from gatherer.add(_tombstone(table, unit_id))
            data.close()
        yield from gatherer.flush()

    def _take_over(self, unit: Unit) -> list[str]:
        """The loaded units whose rows the unit brings again."""
        others = [old for old in unit.replaces if old != unit.id]
        gone = [old for old in others if old in self.loaded and old not in self.replaced]
        self.replaced |= dict.fromkeys(gone, unit)
        return gone

    def _open(self, file: SpooledFile, table: Table) -> Accepted | None:
        """The decoded file, or None when its content is not to be loaded; the feed knows why."""
        try:
            unit = self.feed.identify(file, read_names(file.path))
            if unit is None:
                return None
            package = Package(current_load_id(), self.spill_folder, self.now())
            try:
                decoded = decode_file(file.path, unit, table, self.options, package)
            except DownloadError:
                self.feed.let_go(unit)
                raise
        except DownloadError as error:
            self.feed.refuse(file, str(error))
            return None
        checked = self.feed.check(file, unit, decoded)
        if checked is None:
            decoded.close()
            return None
        return Accepted(checked, decoded, file)

    def quarantine(self) -> Iterator[pa.Table]:
        """Rejects of the accepted units; a unit without any is named so that old ones go."""
        gatherer = Gatherer()
        for item in self.accepted:
            for batch in item.decoded.quarantine.batches():
                yield from gatherer.add(batch)
            is_replacing = self.can_delete and item.unit.table not in self.append_tables
            if is_replacing and not item.decoded.quarantine.rows:
                yield from gatherer.add(_name_in_quarantine(item.unit.id))
            item.decoded.quarantine.close()
        for unit_id in self.replaced if self.can_delete else ():
            yield from gatherer.add(_name_in_quarantine(unit_id))
        yield from gatherer.flush()

    def ledger(self) -> pa.Table:
        """Rows of the `units` table: the accepted units, and those whose rows they took over."""
        merged = [(self.loaded[old], unit) for old, unit in self.replaced.items()]
        return to_ledger(self.accepted, merged, current_load_id())

    def cursor_of(self, table: Table) -> datetime | None:
        """How far the accepted units of `table` reach: their end, or where the cursor follows the
        vendor's changes their newest one.
        """
        units = [item.unit for item in self.accepted if item.unit.table == table.name]
        is_change = table.cursor in CHANGE_CURSORS
        ends = [(unit.vendor_updated_at if is_change else None) or unit.upper_at for unit in units]
        return max(ends, default=None)

    def last_event_of(self, table: str) -> datetime | None:
        """The newest event time among the accepted units of `table`, wrong clocks included."""
        times = [
            item.decoded.max_event_at
            for item in self.accepted
            if item.unit.table == table and item.decoded.max_event_at
        ]
        return max(times, default=None)

    def close(self) -> None:
        """The package is complete or given up."""
        if not self.is_closed:
            self.is_closed = True
            self.on_close()


def current_load_id() -> str:
    """The id of the package dlt is extracting into."""
    return str(Container()[LoadPackageStateInjectableContext].load_id)


def _import_file(file: SpilledFile) -> Any:
    """A Parquet file that dlt puts into the package as it is."""
    return dlt.mark.with_file_import(
        str(file.path), "parquet", file.rows, hints=file.schema.empty_table()
    )


def _name_in_quarantine(unit_id: str) -> pa.RecordBatch:
    """A row that only says: what was in quarantine of this unit goes."""
    row = {"unit": unit_id, "kind": "none"}
    return pa.RecordBatch.from_pylist([row], schema=QUARANTINE_SCHEMA)


def _tombstone(table: Table, unit_id: str) -> pa.RecordBatch:
    """A row that only says: this unit has no rows now."""
    row = {"_unit": unit_id, "_row": -1}
    return pa.RecordBatch.from_pylist([row], schema=stamped_schema(table))
