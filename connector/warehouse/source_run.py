"""One source's part of a run: plan, hand to the fetcher, load sweeps, settle the accounts."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import timedelta
from typing import Literal

from connector.api import ApiContext
from connector.day_units import is_file_loaded, is_loaded, list_day_units
from connector.decode import Decoded
from connector.errors import ConnectorError, LossError
from connector.feed import SweepFeed
from connector.fields import Table
from connector.intake import Intake
from connector.journal import SpooledFile
from connector.resource import build_source
from connector.units import Failure, LoadedUnit, Plan, Unit, changed_units
from connector.warehouse.ledger import describe_difference
from connector.warehouse.planning import find_gone, quota_counter
from connector.warehouse.recovery import recover
from connector.warehouse.request import RunContext
from connector.warehouse.run_report import ProgressEvent, SourceReport
from connector.warehouse.settings import open_api
from connector.warehouse.store import (
    can_delete,
    create_missing_tables,
    explain_load_errors,
    load_package,
    open_pipeline,
    read_cursors,
    read_erased,
    read_ledger,
    restore_state,
    takes_files,
)

EXPIRY_ALARM = timedelta(days=1)


class SourceRun:
    """The state of one source during one run; `start` first, `finish` last."""

    def __init__(self, name: str, context: RunContext) -> None:
        self.name = name
        self.report = SourceReport()
        self.is_alive = True
        self._context = context
        self._loaded: dict[str, LoadedUnit] = {}
        self._fetched: dict[str, Unit] = {}  # what this run loaded, as it was loaded
        self._missing: dict[str, set[str]] = {}  # columns that did not come, by table
        self._started = time.monotonic()
        self._api, self._options = open_api(name, self._describe_run())
        self._feed = SweepFeed(self._api, context.fetcher, context.journal, context.clock)
        self._left_out = 0
        self._ended_by: ConnectorError | None = None

    def _describe_run(self) -> ApiContext:
        """The run as the vendor's API may use it."""
        context = self._context
        return ApiContext(
            journal=context.journal,
            clock=context.clock,
            count=quota_counter(context.journal, self.name, context.clock),
            wait_until=context.clock.now() + timedelta(seconds=context.request.max_wait_s),
            stop=context.fetcher.closing,
            report=lambda unit, text: self._tell("waiting", f"{unit} {text}".strip()),
            warn=lambda text: self._tell("note", text),
            inbox=context.inbox,
        )

    def _tell(self, kind: Literal["waiting", "note"], text: str) -> None:
        self._context.progress(ProgressEvent(kind, self.name, text=text))

    def close(self) -> None:
        """Close the connections to the vendor."""
        self._api.close()

    def attempt(self, step: Callable[[], None]) -> None:
        """Run one step; an error ends this source's part of the run and is reported."""
        if not self.is_alive:
            return
        try:
            step()
        except ConnectorError as error:
            self.is_alive = False
            self._ended_by = error
            self._context.fetcher.stop(self.name, error)
            self._report_error(str(error), error.exit_code)

    def _report_error(self, text: str, exit_code: int) -> None:
        self.report.fail(text, exit_code)
        self._tell("note", text)

    def start(self) -> None:
        """Undo what a killed run left, read the ledger, ask the vendor, and queue what is due."""
        context = self._context
        with explain_load_errors(context.settings):
            self._pipeline, undone = recover(open_pipeline(context.settings, self.name))
            restore_state(self._pipeline)
            self._loaded = read_ledger(self._pipeline)
            self._erased = read_erased(self._pipeline)
        expected = [unit.to_expected(self.name) for unit in undone]
        context.journal.note_seen(self.name, expected, context.clock.now())
        self._can_delete = can_delete(self._pipeline)
        self._is_first_load = not self._loaded
        files = context.journal.files(self.name)
        self._release(file for file in files if is_file_loaded(file.unit, self._loaded))
        plan = self._api.plan(self._loaded, context.clock.now(), context.request.scope)
        self._release_unplanned({unit.id for unit in plan.due})
        for error in plan.refusals.values():
            self._report_error(str(error), error.exit_code)
        self._note_losses(plan)
        self._cancel_orphans(plan)
        if plan.listed is not None:
            context.journal.note_seen(self.name, self._not_loaded(plan), context.clock.now())
        due = self._choose(plan)
        self._feed.expect(due)
        self._warn_of_expiry(due)
        context.progress(
            ProgressEvent(
                "planned",
                self.name,
                units=len(due),
                rows=sum(unit.declared_rows or 0 for unit in due),
                bytes=sum(unit.declared_bytes or 0 for unit in due),
            )
        )

    def _cancel_orphans(self, plan: Plan) -> None:
        """Take back jobs of a former run whose table or application is loaded no more: they hold up
        the vendor's queue.
        """
        asked = self._context.journal.jobs(self.name).keys()
        is_known = asked <= {unit.id for unit in plan.due}
        for job in () if is_known else self._api.list_jobs():
            is_wanted = job.table in self._api.tables
            if job.unit and not (is_wanted and job.application_id in self._api.application_ids):
                self._api.cancel_job(job)
                self._tell("note", f"job of {job.unit} taken back: the unit is not wanted any more")

    def _release_unplanned(self, planned: Collection[str]) -> None:
        """Delete the files that nobody wants: what they hold is loaded, from another one."""
        files = self._context.journal.files(self.name)
        is_old = (file for file in files if is_loaded(file.unit, self._loaded))
        self._release(file for file in is_old if file.unit.id not in planned)

    def _release(self, files: Iterable[SpooledFile]) -> None:
        self._context.fetcher.release([*files], keep=self._context.settings.keep_files)

    def _not_loaded(self, plan: Plan) -> list[Unit]:
        """What the vendor lists and the warehouse has not: expected until it is loaded."""
        listed = (one for unit in (*plan.due, *plan.growing) for one in list_day_units(unit))
        return changed_units(listed, self._loaded)

    def _note_losses(self, plan: Plan) -> None:
        """Report units that vanished before they were loaded: once, by name."""
        gone = find_gone(self._context.journal, self._api, plan)
        for unit in gone:
            rows = "an unknown number of" if unit.declared_rows is None else unit.declared_rows
            what = "its last change was" if unit.id in self._loaded else "was"
            text = f"unit {unit.id} is gone from the vendor and {what} never loaded: {rows} rows"
            self._feed.fail(Failure(unit, text, LossError.exit_code))

    def _choose(self, plan: Plan) -> list[Unit]:
        """The due units that this run is to load."""
        request = self._context.request
        wanted = [unit for unit in plan.due if request.covers(unit)]
        chosen: list[Unit] = []
        size = 0
        for unit in wanted[: request.max_units]:
            size += unit.declared_bytes or 0
            if request.max_bytes is not None and chosen and size > request.max_bytes:
                break
            chosen.append(unit)
        growing = [unit for unit in plan.growing if request.covers(unit)]
        self._left_out = len(wanted) - len(chosen) + len(growing)
        return chosen

    def _warn_of_expiry(self, due: Sequence[Unit]) -> None:
        now = self._context.clock.now()
        dying = [unit for unit in due if unit.expires_at and unit.expires_at < now + EXPIRY_ALARM]
        if dying:
            text = f"{len(dying)} units expire within a day, {dying[0].id} first: they go first"
            self._context.progress(ProgressEvent("note", self.name, text=text))

    def accept(self, outcomes: Sequence[SpooledFile | Failure]) -> None:
        """Take what the fetcher hands out: load the files, record the failures."""
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                self._feed.fail(outcome)
        files = [outcome for outcome in outcomes if isinstance(outcome, SpooledFile)]
        if files:
            self.attempt(lambda: self._load(files))

    def _load(self, files: Sequence[SpooledFile]) -> None:
        """One sweep: decode, check and load these files in one package, then let them go."""
        self._feed.put(files)
        tables = self._tables(files)
        fresh = self._fresh_tables(tables, files)
        intake = Intake(
            feed=self._feed,
            options=self._options,
            spill_folder=self._context.spool.folder,
            now=self._context.clock.now,
            can_delete=self._can_delete,
            loaded=self._loaded,
            takes_files=takes_files(self._pipeline),
            append_tables=fresh,
            erased=self._erased,
            takes_less=self._context.request.is_backfill,
            moves_cursor=not self._context.request.is_backfill,
        )
        source = build_source(
            self.name,
            tables,
            lambda: intake,
            append=fresh,
            append_quarantine=len(fresh) == len(tables),
        )
        with explain_load_errors(self._context.settings):
            load_package(self._pipeline, source)
        self._settle(intake)

    def _fresh_tables(
        self, tables: Sequence[Table], files: Sequence[SpooledFile]
    ) -> frozenset[str]:
        """Tables of which no unit at hand was ever loaded: nothing to replace, so rows are only
        added, which costs half. `recover` has made sure that no killed load left rows of them.
        """
        known = {
            one.table
            for file in files
            for unit in self._feed.candidates(file)
            for one in list_day_units(unit)
            if not self._loaded.keys().isdisjoint((one.id, *one.replaces))
        }
        fresh = frozenset(table.name for table in tables) - known
        return fresh if self._can_delete else frozenset()

    def _tables(self, files: Sequence[SpooledFile]) -> list[Table]:
        """The tables with files."""
        names = {one.table for file in files for one in list_day_units(file.unit)}
        return [table for table in self._api.schemas.values() if table.name in names]

    def _settle(self, intake: Intake) -> None:
        """The package is loaded: count it, delete its files, forget what was held against it."""
        journal, files = self._context.journal, intake.files
        ids = [item.unit.id for item in intake.accepted]
        journal.forget_seen(ids)
        journal.forget_failures([*ids, *(file.unit.id for file in files)])
        self._release(files)
        for item in intake.accepted:
            if text := describe_difference(item.unit, item.tally.rows, self._loaded):
                self._tell("note", text)
            self._fetched[item.unit.id] = item.unit
            self._loaded[item.unit.id] = LoadedUnit.of(item.unit, item.tally.rows)
            self.report.count_unit(item.tally)
        for decoded, file in zip(intake.decoded, files, strict=True):
            self.report.count_file(decoded, file.bytes)
            self._note_missing(decoded)
        for unit_id in intake.replaced:
            del self._loaded[unit_id]
        rows = sum(item.tally.rows for item in intake.accepted)
        self._context.progress(ProgressEvent("loaded", self.name, units=len(files), rows=rows))

    def _note_missing(self, decoded: Decoded) -> None:
        """Tell once which columns did not come."""
        table = decoded.unit.table
        if missing := decoded.missing - self._missing.setdefault(table, set()):
            self._missing[table] |= missing
            names = ", ".join(sorted(missing))
            self._tell("note", f"{table}: the vendor's file lacks {names}: NULL")

    def look_again(self) -> None:
        """Queue what the vendor changed while it was being loaded."""
        if self._fetched:
            moved = self._api.find_moved(list(self._fetched.values()))
            self._feed.expect(moved)

    def finish(self) -> None:
        """Complete the report."""
        report, fetcher = self.report, self._context.fetcher
        not_started = len(fetcher.not_started(self.name))
        stops = [error for error in fetcher.stops(self.name) if error is not self._ended_by]
        for error in stops:
            text = f"downloads stopped, {not_started} units are left to the next run: {error}"
            self._report_error(text, error.exit_code)
        for failure in self._feed.failures:
            if failure.reason not in map(str, stops):
                report.fail(f"{failure.unit.id}: {failure.reason}", failure.exit_code)
        report.units_failed = len({failure.unit.id for failure in self._feed.failures})
        report.units_pending = self._left_out + not_started
        if self.is_alive:
            report.cursors = read_cursors(self._pipeline, self.name)
        if self.is_alive and self._is_first_load and self._fetched:
            tables = [self._api.schemas[table] for table in self._api.tables]
            with explain_load_errors(self._context.settings):
                create_missing_tables(self._pipeline, tables)
        report.seconds = time.monotonic() - self._started
