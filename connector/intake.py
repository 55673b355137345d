"""One package in the making: verified files are decoded, checked, and gathered into tables."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import dlt
import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.configuration.container import Container
from dlt.common.storages.load_package import LoadPackageStateInjectableContext

from connector.decode import (
    NOBODY,
    QUARANTINE_SCHEMA,
    Decoded,
    Erased,
    Options,
    Package,
    Tally,
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

    def hold(self, unit: Unit, reason: str) -> None:
        """The unit came and is not to be loaded: what is there of it is better."""
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
    nothing needs replacing; `loaded`: the units it holds, by id; `erased`: people whose rows are left
    out; `takes_less`: somebody asked for these units once more, so that fewer rows are no reason to
    hold one. `on_close` is called once, when the package is complete or given up.
    """

    feed: Feed
    options: Options
    spill_folder: Path
    now: Callable[[], datetime]
    can_delete: bool = True
    takes_files: bool = True
    append_tables: frozenset[str] = frozenset()
    loaded: Mapping[str, LoadedUnit] = field(default_factory=dict)
    erased: Erased = NOBODY
    takes_less: bool = False
    moves_cursor: bool = True
    on_close: Callable[[], None] = lambda: None
    is_closed: bool = False
    accepted: list[Accepted] = field(default_factory=list)
    replaced: dict[str, Unit] = field(
        default_factory=dict
    )  # the unit that has their rows now, by id
    decoded: list[Decoded] = field(default_factory=list)
    files: list[SpooledFile] = field(default_factory=list)
    _waiting: dict[str, list[Decoded]] = field(default_factory=dict)  # by table whose turn comes
    _held: set[str] = field(default_factory=set)  # ids of units that are not to be loaded

    def parts(self, table: Table) -> Iterator[Any]:
        """Typed rows of every acceptable unit of `table`, as dlt takes them: tables, and files
        that are loaded as they are.
        """
        gatherer = Gatherer()
        for file in self.feed.files(table.name):
            if decoded := self._open(file, table):
                yield from self._emit(decoded, table, gatherer)
        for decoded in self._waiting.pop(table.name, ()):
            yield from self._emit(decoded, table, gatherer)
        yield from gatherer.flush()

    def _emit(self, decoded: Decoded, table: Table, gatherer: Gatherer) -> Iterator[Any]:
        """The rows of one file that are of `table`, and what takes older rows away."""
        data = decoded.rows_of(table.name)
        tallies = [tally for tally in decoded.tallies if tally.unit.table == table.name]
        is_whole = self._held.isdisjoint(tally.unit.id for tally in tallies)
        as_files = self.takes_files and is_whole
        if as_files:
            yield from map(_import_file, data.files)
        for batch in data.held if as_files else data.batches():
            yield from gatherer.add(batch if is_whole else self._leave_out_held(batch))
        gone = self._take_over(decoded.unit)
        if table.name not in self.append_tables:
            gone += [
                tally.unit.id
                for tally in tallies
                if not tally.rows and tally.unit.id not in self._held
            ]
        for unit_id in gone if self.can_delete else ():
            yield from gatherer.add(_tombstone(table, unit_id))
        data.close()

    def _leave_out_held(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        is_held = pc.is_in(batch.column("_unit"), value_set=pa.array(sorted(self._held)))
        return batch.filter(pc.invert(is_held))

    def _take_over(self, unit: Unit) -> list[str]:
        """The loaded units whose rows the unit brings again."""
        others = [old for old in unit.replaces if old != unit.id]
        gone = [old for old in others if old in self.loaded and old not in self.replaced]
        self.replaced |= dict.fromkeys(gone, unit)
        return gone

    def _open(self, file: SpooledFile, table: Table) -> Decoded | None:
        """The decoded file, or None when its content is not to be loaded; the feed knows why. Rows of
        other tables wait for their turn.
        """
        try:
            unit = self.feed.identify(file, read_names(file.path))
            if unit is None:
                return None
            package = Package(current_load_id(), self.spill_folder, self.now(), self.erased)
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
        self._accept(replace(decoded, unit=checked), file)
        return decoded

    def _accept(self, decoded: Decoded, file: SpooledFile) -> None:
        """Note the units of a file whose content is right."""
        self.decoded.append(decoded)
        self.files.append(file)
        self._hold_short(decoded.tallies)
        for tally in decoded.tallies:
            if tally.unit.id not in self._held:
                unit = self._to_ledger_unit(tally, decoded.unit)
                self.accepted.append(Accepted(unit, tally, file))
        for name in decoded.others:
            self._waiting.setdefault(name, []).append(decoded)

    def _to_ledger_unit(self, tally: Tally, unit: Unit) -> Unit:
        """The unit as the ledger has it: what the vendor said of the whole file is not said of a
        part.
        """
        return replace(tally.unit, remote_id=unit.remote_id) if unit.feeds else unit

    def _hold_short(self, tallies: Sequence[Tally]) -> None:
        """Hold the days that come with far fewer rows than are there of them: the vendor may have
        given a part, or have begun to delete them. The tables of a day stand and fall together.
        """
        rule = self.options.day_rows
        if rule is None or self.takes_less:
            return
        by_day: dict[datetime, list[Tally]] = defaultdict(list)
        for tally in tallies:
            by_day[tally.unit.lower_at].append(tally)
        for units in by_day.values():
            known = [self.loaded.get(tally.unit.id) for tally in units]
            before = sum(unit.loaded_rows or 0 for unit in known if unit and not unit.is_to_reload)
            now = sum(tally.rows + tally.erased_rows for tally in units)
            if now < rule.least_share * before:
                for tally in units:
                    self._held.add(tally.unit.id)
                self.feed.hold(units[0].unit, _say_short(units[0].unit, before, now))

    def quarantine(self) -> Iterator[pa.Table]:
        """Rejects of the accepted units; a unit without any is named so that old ones go."""
        gatherer = Gatherer()
        for decoded in self.decoded:
            named: set[str] = set()
            for batch in decoded.quarantine.batches():
                named |= set(pc.unique(batch.column("unit")).to_pylist())
                if self._held:
                    is_held = pc.is_in(batch.column("unit"), value_set=pa.array(sorted(self._held)))
                    batch = batch.filter(pc.invert(is_held))  # noqa: PLW2901 - the same, cut
                yield from gatherer.add(batch)
            decoded.quarantine.close()
            for tally in decoded.tallies:
                unit = tally.unit
                is_replacing = self.can_delete and unit.table not in self.append_tables
                if is_replacing and unit.id not in named | self._held:
                    yield from gatherer.add(_name_in_quarantine(unit.id))
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
            item.tally.max_event_at
            for item in self.accepted
            if item.unit.table == table and item.tally.max_event_at
        ]
        return max(times, default=None)

    def close(self) -> None:
        """The package is complete or given up."""
        if not self.is_closed:
            self.is_closed = True
            self.on_close()


def _say_short(unit: Unit, before: int, now: int) -> str:
    day = unit.id.partition("/")[2]
    return (
        f"{day} is held: {now} rows came where {before} are loaded, so those stay. If fewer are right,"
        f" load it with `connector backfill {unit.source} --since {unit.lower_at:%Y-%m-%dT%H:%M:%SZ}"
        f" --until {unit.upper_at:%Y-%m-%dT%H:%M:%SZ}`"
    )


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
